"""Every choice in `configs/` composes with every pipeline, and is data that the harness can build."""

import inspect
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from harness.__main__ import PIPELINES
from harness.config import SCHEMAS, configs_folder, register
from harness.errors import HarnessError
from harness.fairness import Policy, Verdict
from harness.plugins import TARGETS
from harness.transcription import ExecutorOptions
from tests.shared import REPOSITORY

NEEDED = {
    "benchmark": [],
    "last_mile": [],
    "rescore": ["hypotheses=transcripts.csv"],
    "compare": ["baseline=runs/a", "candidate=runs/b"],
    "discover": ["run=runs/a"],
    "plan": [],
    "describe": [],
    "audit_invariance": [],
    "measure": ["out=measured"],
    "import_corpus": ["format=fsdd", "source=fsdd", "out=imported"],
    "export": ["format=nemo", "out=exported"],
    "release": ["run=runs/a", "out=released", "release.method=laplace"],
    "cache": [],
    "forget": ["speaker=s00"],
    "bundle": ["run=runs/a"],
    "reproduce": ["bundle=published.tar"],
    "bounty_open": ["run=runs/a", "out=bounty"],
    "bounty_submit": ["bounty=bounty", "submission=mine.json"],
    "bounty_check": ["bounty=bounty"],
    "bounty_status": ["bounty=bounty"],
    "bounty_close": ["bounty=bounty"],
    "bounty_verify": ["bounty=bounty"],
    "bounty_preview": ["bounty=bounty", "submission=mine.json"],
    "bounty_route": ["bounty=bounty", "out=mine/backend/routed.yaml"],
    "report": ["run=runs/a"],
    "service_card": ["run=runs/a"],
    "history": [],
    "nightly": [],
    "bless": ["run=runs/a"],
}
CHOSEN = {  # the groups that each pipeline chooses from
    "benchmark": {"backend", "condition", "executor", "manifest", "normalizer", "policy", "tracking"},
    "last_mile": {"backend", "condition", "executor", "manifest", "normalizer", "policy", "tracking"},
    "rescore": {"manifest", "normalizer", "policy", "tracking"},
    "compare": {"policy"},
    "discover": {"policy"},
    "plan": {"manifest", "policy"},
    "describe": {"manifest", "policy"},
    "audit_invariance": {"backend", "executor", "manifest", "normalizer", "policy"},
    "measure": {"manifest"},
    "import_corpus": set(),
    "export": {"manifest"},
    "release": set(),
    "cache": set(),
    "forget": set(),
    "bundle": {"manifest"},
    "reproduce": {"manifest"},
    "bounty_open": {"manifest"},
    "bounty_submit": set(),
    "bounty_check": set(),
    "bounty_status": set(),
    "bounty_close": set(),
    "bounty_verify": set(),
    "bounty_preview": set(),
    "bounty_route": set(),
    "report": set(),
    "service_card": set(),
    "history": set(),
    "nightly": set(),
    "bless": set(),
}
GROUPS = {
    group.name: sorted(path.stem for path in group.glob("*.yaml"))
    for group in sorted(configs_folder().iterdir())
    if group.is_dir() and group.name != "hydra"
}
CHOICES = [
    pytest.param(pipeline, group, choice, id=f"{pipeline}-{group}={choice}")
    for pipeline in PIPELINES
    for group, choices in GROUPS.items()
    for choice in choices
    if group in CHOSEN[pipeline] - {"condition"}
]
NO_FILES = {"harness.audio.conditions.Chain", "harness.audio.conditions.Clean"}  # made of others; nothing at all
PLUGINS = [
    pytest.param(path, id=f"{path.parent.name}={path.stem}")
    for group in ("backend", "normalizer")  # conditions: tests/test_config_conditions.py
    for path in sorted((configs_folder() / group).glob("*.yaml"))
]


@pytest.fixture(autouse=True)
def _hydra(monkeypatch):
    monkeypatch.setenv("FSDD_DIR", "/recordings")
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


def composed(pipeline, *overrides):
    config = compose(pipeline, [*NEEDED[pipeline], *overrides])
    return OmegaConf.to_container(config, resolve=True)


def test_every_pipeline_has_a_configuration_of_its_name():
    assert {path.stem for path in configs_folder().glob("*.yaml")} == set(PIPELINES)


def test_the_groups_are_those_of_the_design():
    design = {
        "manifest",
        "backend",
        "normalizer",
        "executor",
        "condition",
        "policy",
        "report",
        "experiment",
        "tracking",
    }
    assert set(GROUPS) <= design
    assert GROUPS["policy"] == ["default", "report_only", "strict"]
    assert GROUPS["manifest"] == ["demo", "file", "fsdd"]


@pytest.mark.parametrize(("pipeline", "group", "choice"), CHOICES)
def test_every_choice_composes(pipeline, group, choice):
    overrides = ["manifest.path=corpus.csv"] if choice == "file" or pipeline == "rescore" else []
    config = composed(pipeline, f"{group}={choice}", *overrides)
    assert config[group]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_configuration_has_exactly_the_options_of_its_schema(pipeline):
    overrides = ["manifest.path=corpus.csv"] if pipeline == "rescore" else []
    assert set(composed(pipeline, *overrides)) == set(inspect.signature(SCHEMAS[pipeline]).parameters)


@pytest.mark.parametrize("path", PLUGINS)
def test_a_plugin_is_a_target_on_the_allow_list_and_arguments_that_its_constructor_takes(path):
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    target = node.pop("_target_")
    assert target in TARGETS
    module, _, name = target.rpartition(".")
    constructor = getattr(import_module(module), name)
    bound = inspect.signature(constructor).bind(**node)
    bound.apply_defaults()
    assert set(node) in (set(), set(bound.arguments)), "a plugin's file shows all of its options or none"


@pytest.mark.parametrize("path", PLUGINS)
def test_a_plugin_s_defaults_are_those_of_its_constructor(path):
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    module, _, name = node.pop("_target_").rpartition(".")
    parameters = inspect.signature(getattr(import_module(module), name)).parameters
    interpolated = {key for key, value in node.items() if isinstance(value, str) and value.startswith("${")}
    defaults = {key: parameters[key].default for key in node if key not in interpolated}
    assert {key: node[key] for key in defaults} == {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in defaults.items()  # YAML has no tuples
    }


def test_the_allow_list_has_nothing_that_no_file_names():
    paths = [path for group in ("backend", "condition", "normalizer") for path in (configs_folder() / group).iterdir()]
    named = {yaml.safe_load(path.read_text(encoding="utf-8"))["_target_"] for path in paths}
    assert named | NO_FILES == TARGETS


def built_policy(choice):
    config = compose("benchmark", [f"policy={choice}"])
    return OmegaConf.to_object(config.policy)


@pytest.mark.parametrize("choice", GROUPS["policy"])
def test_every_policy_builds_under_its_own_name(choice):
    policy = built_policy(choice)
    assert isinstance(policy, Policy)
    assert policy.name == choice


def test_the_default_policy_of_the_file_is_that_of_the_code():
    assert asdict(built_policy("default")) == asdict(Policy())


def test_the_strict_policy_asks_for_more_than_the_default_and_report_only_for_nothing():
    default, strict, report_only = map(built_policy, ("default", "strict", "report_only"))
    assert strict.margin <= default.margin
    assert set(strict.fail_on) > set(default.fail_on)
    assert strict.max_failed <= default.max_failed
    assert report_only.fail_on == []
    assert report_only.max_failed == 1.0
    assert {verdict for policy in (default, strict) for verdict in policy.fail_on} <= {each.value for each in Verdict}


def test_the_executor_s_defaults_are_those_of_the_code():
    assert OmegaConf.to_object(compose("benchmark").executor) == ExecutorOptions()


@pytest.mark.parametrize(
    "override",
    [
        "policy.margin=-1",
        "policy.margin=0",
        "policy.margin=1.01",
        "policy.alpha=2",
        "executor.batch_size=0",
        "slices.intersections=0",
        "policy.fail_on=[bad]",
    ],
)
def test_an_option_out_of_range_is_refused_by_the_option_s_own_class(override):
    config = compose("benchmark", [override])
    with pytest.raises(HarnessError, match=override.split("=")[0].replace(".", r"\.")):
        OmegaConf.to_object(config[override.split(".")[0]])


@pytest.mark.parametrize("choice", ["demo", "fsdd"])
def test_a_manifest_of_the_repository_is_named_with_files_that_are_there(choice):
    manifest = composed("benchmark", f"manifest={choice}")["manifest"]
    assert manifest["name"] == choice
    for key in ("path", "grammar"):
        assert Path(manifest[key]).is_relative_to(REPOSITORY / "manifests")
        assert Path(manifest[key]).is_file()


def test_pocketsphinx_hears_with_the_grammar_of_the_manifest_and_without_one_when_it_has_none():
    fsdd = composed("benchmark", "manifest=fsdd")
    assert fsdd["backend"]["grammar"] == fsdd["manifest"]["grammar"]
    assert composed("benchmark", "manifest=file", "manifest.path=x.csv")["backend"]["grammar"] is None


@pytest.mark.parametrize("key", ["manifest.columns.text", "manifest.columns.accent", "columns.text"])
def test_columns_are_mapped_without_a_plus_sign(key):
    config = compose("rescore", [*NEEDED["rescore"], f"{key}=sentence"])
    assert OmegaConf.select(config, key) == "sentence"


@pytest.mark.parametrize(
    "override",
    [
        "policy.dimensions={accent: {margin: 0.1}}",
        "policy.dimensions.accent={margin: 0.1}",
        "policy.dimensions.accent.margin=0.1",
    ],
)
def test_a_dimension_s_own_policy_is_named_without_a_plus_sign(override):
    policy = OmegaConf.to_object(compose("benchmark", [override]).policy)
    assert policy.for_dimension("accent").margin == 0.1
    assert policy.for_dimension("accent").comparator == Policy().comparator
    assert policy.for_dimension("gender").margin == Policy().margin


@pytest.mark.parametrize(("written", "slice_name"), [("north", "north"), ("'20'", "20"), ("20", "20")])
def test_a_comparator_is_a_name_also_where_it_looks_like_a_number(written, slice_name):
    config = compose(
        "benchmark", [f"policy.dimensions.age={{comparator: {written}}}", "policy.dimensions.age.margin=0.1"]
    )
    promise = OmegaConf.to_object(config.policy).for_dimension("age")
    assert (promise.comparator, promise.margin) == (slice_name, 0.1)


def test_no_attributes_are_crossed_unless_asked():
    assert composed("benchmark")["slices"] == {"by": None, "intersections": 1}


def test_strict_fails_on_what_could_not_be_tested_too():
    strict = built_policy("strict")
    assert set(strict.fail_on) == {"disparity", "inconclusive", "insufficient"}
    assert strict.margin_ratio == 1.25


@pytest.mark.parametrize("path", sorted(configs_folder().rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_choice_fits_on_a_card(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 22  # a line an option; services have the most
    assert all(len(line.split("#")[0]) <= 120 for line in lines)
