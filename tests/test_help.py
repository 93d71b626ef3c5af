"""A pipeline's help says what is declared, and what it names works: every override composes, every command runs."""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from harness.__main__ import OF_A_PATH, PIPELINES
from harness.config import configs_folder, register
from harness.help.declared import declared
from harness.help.guides import GUIDES
from harness.help.page import main_options, page
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows
from tests.shared import REPOSITORY

GIVEN = {
    "format": "nemo",
    "source": "corpus",  # for what has to be given
    "manifest.path": "corpus.csv",
    "hypotheses": "heard.csv",
    "baseline": "runs/before",
    "candidate": "runs/after",
    "run": "runs/before",
    "matrix": "matrix.yaml",
    "out": "measured",
    "bundle": "before.tar",
    "release.method": "laplace",
    "bounty": "bounty",
    "submission": "mine.json",
}
RECOGNISERS = ("pocketsphinx", "whisper")  # take minutes or weights: `make demo` and other tests run them
FASTER = ("audit.workers=[0]", "evidence.sensitivity=false")
DICTS = (
    "columns",
    "dimensions",
    "kinds",
    "provenance",
    "bins",
    "release.slices",
    "release.cells",
    "release.shares",
    "alternatives",
    "backends",
    "systems",
)  # options that hold names of the user's own
EXAMPLES = [(pipeline, example) for pipeline, guide in GUIDES.items() for example in guide.examples]


@pytest.fixture
def composed():
    """Return a composer of configurations, which resolves nothing."""
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        yield lambda pipeline, *overrides: OmegaConf.to_container(compose(pipeline, list(overrides)), enum_to_str=True)
    GlobalHydra.instance().clear()


def values_of(node, prefix=""):
    """Yield every name below a node with its value, and the mappings on the way."""
    for key, value in node.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from values_of(value, f"{prefix}{key}.")


def needed(pipeline):
    return [f"{option.name}={GIVEN[option.name]}" for option in declared(pipeline).options if option.needed]


@pytest.mark.parametrize(
    "words", [[], ["backend=whisper", "policy=strict", "executor=ray"]], ids=["defaults", "chosen"]
)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_what_is_read_from_the_source_is_what_hydra_composes(composed, pipeline, words):
    known = {group.name for group in declared(pipeline).groups}
    chosen = [word for word in words if word.partition("=")[0] in known]
    real = dict(values_of(composed(pipeline, *chosen)))
    told = declared(pipeline, chosen)
    assert {option.name for option in told.options} == {
        name
        for name, value in real.items()
        if "_target_" not in name
        and (not isinstance(value, dict) or name.endswith(DICTS) or (name == "conditions" and not value))
    }
    shown = {option.name: yaml.safe_load(option.default) for option in told.options if option.default is not None}
    assert shown == {name: real[name] for name in shown}
    hidden = [option.name for option in told.options if option.default is None and not option.needed]
    assert all("${" in str(real[name]) or name == "audit.fail_on" for name in hidden)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_override_that_the_help_names_composes_to_what_it_says(composed, pipeline):
    told = declared(pipeline)
    defaults = [f"{option.name}={option.default}" for option in told.options if option.default is not None]
    assert_composed(composed(pipeline, *needed(pipeline), *defaults), defaults)
    lists = [(option.name, option.values) for option in told.options if option.values]
    for turn in range(max((len(values) for _, values in lists), default=0)):
        overrides = [f"{name}={values[turn % len(values)]}" for name, values in lists]
        assert_composed(composed(pipeline, *needed(pipeline), *overrides), overrides)


def assert_composed(config, overrides):
    values = dict(values_of(config))
    for override in overrides:
        name, _, value = override.partition("=")
        assert values[name] == yaml.safe_load(value), override


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_choice_that_the_help_names_composes(composed, pipeline):
    groups = declared(pipeline).groups
    for turn in range(max((len(group.choices) for group in groups), default=0)):
        choices = [f"{group.name}={group.choices[turn % len(group.choices)]}" for group in groups]
        assert composed(pipeline, *choices)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_main_options_are_there_and_mean_something(pipeline):
    told = declared(pipeline)
    assert set(GUIDES[pipeline].options) <= {option.name for option in told.options}
    shown = main_options(told, GUIDES[pipeline])
    assert [option.name for option in shown if not option.meaning] == []
    assert {option.name for option in told.options if option.needed} <= {option.name for option in shown}
    text = page(pipeline, PIPELINES[pipeline])
    assert all(f"  {option.name}={option.default or '…'}" in text for option in shown)
    assert all(f"  {group.name}={group.chosen or 'null'}" in text for group in told.groups)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_s_help_fits_a_screen(pipeline, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    lines = page(pipeline, PIPELINES[pipeline]).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 56
    monkeypatch.setenv("COLUMNS", "80")
    narrow = page(pipeline, PIPELINES[pipeline]).splitlines()
    commands = [line for line in narrow if line.startswith("  harness ")]  # to be copied: a terminal breaks them
    assert max(len(line) for line in narrow if line not in commands) <= 80


def test_every_pipeline_has_two_or_three_examples():
    assert {name: len(guide.examples) in (2, 3) for name, guide in GUIDES.items()} == dict.fromkeys(PIPELINES, True)


@pytest.mark.parametrize(("pipeline", "example"), EXAMPLES)
def test_an_example_composes(composed, pipeline, example):
    alone = OF_A_PATH.get(pipeline, "run")
    overrides = [word if "=" in word else f"{alone}={word}" for word in example.split() if word != "-m"]
    assert composed(pipeline, *(word.split(",")[0] if "model=" in word else word for word in overrides))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the files that examples name: a corpus, what was heard of it, and two runs."""
    folder = tmp_path_factory.mktemp("examples")
    rows = [
        row | {"gender": "female" if number % 8 < 4 else "male"}
        for number, row in enumerate(tone_rows(n_speakers=6, n_utterances=4))
    ]
    kind = {"kind": "demographic", "provenance": "self_reported"}
    orders = {"accent": ["north", "south"], "gender": ["female", "male"]}
    tone_corpus(folder, rows, attributes={name: kind | {"order": order} for name, order in orders.items()})
    write_csv(folder / "corpus.csv", rows)
    release(folder / "cv-corpus" / "cy", rows)
    shutil.copy(REPOSITORY / "examples" / "service_card.yaml", folder / "service.yaml")
    cell = ["hypotheses=heard.csv", "manifest.path=corpus.csv", "report.html=false", *FEW_RESAMPLES]
    (folder / "matrix.yaml").write_text(yaml.safe_dump({"transcripts": {"heard": cell}}))
    texts = {str(row["utterance_id"]): row["text"] for row in rows}
    write_csv(
        folder / "heard.csv", [{"utterance_id": name, "text": text, "heard": text} for name, text in texts.items()]
    )
    for run in ("before", "after"):
        source = ("hypotheses=heard.csv", "manifest.path=corpus.csv", f"run_dir=runs/{run}")
        ended = harness("rescore", *source, *FEW_RESAMPLES, cwd=folder)
        assert ended.exit_status == 0, ended.err
    shutil.copytree(folder, folder.parent / "sender")  # whose corpus has exact tables out from then on
    ended = harness("bundle", "runs/before", f"out={folder / 'before.tar'}", cwd=folder.parent / "sender")
    assert ended.exit_status == 0, ended.err
    bounty(folder)
    ended = harness("service_card", "run=runs/before", "out=card", cwd=folder)
    assert ended.exit_status == 0, ended.err
    return folder


def bounty(folder):
    """Open a bounty on the two runs, and write what hunters may hand in: a system on offer, and transcripts."""
    runs = ("run=runs/before", "alternatives.after=runs/after", "hypotheses=true")
    ended = harness("bounty", "open", *runs, "out=bounty", "rules.min_speakers=5", "seed=1", cwd=folder)
    assert ended.exit_status == 0, ended.err
    ids = (folder / "bounty" / "public" / "utterances.txt").read_text().split()
    lines = [json.dumps({"utterance_id": each, "text": "up"}) for each in ids]
    (folder / "transcribed.jsonl").write_text("\n".join([*lines, ""]))
    heard = {"hypotheses": "transcribed.jsonl", "provenance": {"system": "mine", "how": "by ear"}}
    for name, alternative in (("mine", {"system": "after"}), ("transcribed", heard)):
        told = {"predicate": 'accent == "north"', "alternative": alternative, "by": "a hunter"}
        (folder / f"{name}.json").write_text(json.dumps(told))


def receipt(bounty):
    """Return what somebody who handed in would have kept: the digest of the ledger's last line."""
    return json.loads((bounty / "ledger.jsonl").read_text().splitlines()[-1])["digest"]


def release(folder, rows):
    """Lay a list of clips out as Common Voice does, and a NeMo manifest of the same."""
    folder.mkdir(parents=True)
    clips = [f"{row['speaker_id']}\t{row['utterance_id']}.mp3\t{row['text']}\t{row['accent']}" for row in rows]
    (folder / "test.tsv").write_text("\n".join(["client_id\tpath\tsentence\taccents", *clips, ""]))
    lines = [
        json.dumps({"audio_filepath": row["audio_filepath"], "text": row["text"], "duration": 1.0}) for row in rows
    ]
    (folder.parents[1] / "heard.json").write_text("\n".join([*lines, ""]))


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("pipeline", "example"),
    [(name, example) for name, example in EXAMPLES if not any(word in example for word in RECOGNISERS)],
)
def test_an_example_runs(folder, tmp_path, pipeline, example):
    shutil.copytree(folder, tmp_path / "here")
    if pipeline == "release":  # of a corpus that nobody has published yet, as the bounty here has
        for ledger in (tmp_path / "here").glob("releases.jsonl*"):
            ledger.unlink()
    known = {option.name for option in declared(pipeline).options}
    faster = [each for each in (*FEW_RESAMPLES, *FASTER) if each.partition("=")[0] in known]
    words = example.replace("RECEIPT", receipt(tmp_path / "here" / "bounty")).split()
    ended = harness(pipeline, *words, *faster, cwd=tmp_path / "here")
    assert ended.exit_status in (0, 3), ended.err
    assert ended.out


def test_no_example_gives_an_option_nothing():
    assert [example for _, example in EXAMPLES if "=null" in example] == []


def test_help_of_a_part_tells_all_of_its_options(tmp_path):
    ended = harness("benchmark", "--help", "policy", cwd=tmp_path)
    assert ended.exit_status == 0
    assert all(option.name in ended.out for option in declared("benchmark").options if option.node == "policy")
    assert "executor." not in ended.out


def test_help_of_a_choice_tells_what_its_own_options_mean(tmp_path):
    out = harness("benchmark", "--help", "backend=whisper", cwd=tmp_path).out
    assert re.search(r"backend\.beam_size=null +null: greedy", out)
    assert "backend.grammar" not in out


def test_what_stands_before_the_flag_changes_what_is_chosen_and_not_what_is_shown(tmp_path):
    out = harness("benchmark", "backend=whisper", "-h", cwd=tmp_path).out
    assert "Examples:" in out
    assert "backend=whisper" in out


def test_choices_of_a_folder_of_one_s_own_are_named(tmp_path):
    (tmp_path / "mine" / "policy").mkdir(parents=True)
    (tmp_path / "mine" / "policy" / "ours.yaml").write_text("name: ours\nmargin: 0.07 # as agreed\n")
    words = ("--config-dir", str(tmp_path / "mine"), "policy=ours", "--help", "policy")
    out = harness("compare", *words, cwd=tmp_path).out
    assert "policy=ours  default, ours, report_only, strict" in out
    assert "policy.margin=0.07" in out


def test_a_pipeline_without_a_guide_tells_what_is_its_own(monkeypatch):
    monkeypatch.delitem(GUIDES, "compare")
    text = page("compare", PIPELINES["compare"])
    assert "Examples:" not in text
    assert "  baseline=…" in text
    assert "  seed=0" in text


def test_a_pipeline_s_help_loads_nothing_that_takes_a_second(tmp_path):
    program = (
        "import sys\nfrom harness.__main__ import main\nsys.argv = ['harness', 'benchmark', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'hydra', 'omegaconf', 'pandas', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"
