"""The layers import only leftwards, each foreign package has one door, and nothing heavy is loaded unasked."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.shared import REPOSITORY

PACKAGE = REPOSITORY / "harness"
LAYERS = [  # from left to right; those in one row may not import each other
    {"errors", "provenance"},
    {"predicates"},
    {"corpus", "audio"},
    {"backends"},
    {"transcription"},
    {"scoring"},
    {"fairness"},
    {"results"},
    {"report"},
    {"pipelines"},
    {"plugins"},
    {"plugins"},
    {"config"},
    {"help"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
NEVER = {
    ("backends", "corpus"),
    ("audio", "corpus"),
    ("corpus", "audio"),
    ("scoring", "audio"),
    ("errors", "provenance"),
}
CONFIGURATION = {
    "harness.__main__",
    *(f"harness.config.{name}" for name in ("bundle_jobs", "bundle_schemas", "forget_jobs")),
    *(f"harness.config.{name}" for name in ("composed", "guards", "jobs", "overrides", "parts", "registration")),
    *(
        f"harness.config.{name}"
        for name in ("bounty_schemas", "corpus_schemas", "measuring_schemas", "release_schemas", "schemas")
    ),
}
ENGINE = {f"harness.backends.whisper_engine.{path.stem}" for path in (PACKAGE / "backends/whisper_engine").glob("*.py")}
CHARTS = {
    f"harness.report.charts.{path.stem}".removesuffix(".__init__") for path in (PACKAGE / "report/charts").glob("*.py")
}
DOORS = {
    "jiwer": {"harness.scoring.alignment"},
    "rapidfuzz": {"harness.scoring.alignment"},
    "whisper": {"harness.backends.whisper", *ENGINE, "harness.scoring.normalization"},
    "transformers": {
        "harness.backends.transformers",
        *(f"harness.backends.transformers_{part}" for part in ("checkpoint", "ctc", "whisper")),
    },
    "faster_whisper": {"harness.backends.faster_whisper"},
    "nemo": {"harness.backends.nemo"},
    "openai": {"harness.backends.openai_requests"},
    "boto3": {"harness.backends.aws_jobs"},
    "botocore": {"harness.backends.aws_jobs"},
    "torchaudio": {"harness.audio.torchaudio_door"},
    "pocketsphinx": {"harness.backends.pocketsphinx"},
    "soundfile": {"harness.audio.conditions.codecs", "harness.audio.waveform", "harness.backends.service"},
    "pyroomacoustics": {"harness.audio.conditions.simulation"},
    "gpboost": {"harness.fairness.regression.crossed"},
    "ray": {"harness.transcription.ray_workers"},
    "duckdb": {"harness.results.history"},
    "mlflow": {"harness.results.tracking"},
    "opendp": {"harness.fairness.privacy.mechanisms"},
    "altair": CHARTS,
    "vl_convert": CHARTS,
    "jinja2": {"harness.report.pages"},
    "huggingface_hub": {"harness.backends.weights", "harness.report.cards.model_index"},
    "lhotse": {f"harness.corpus.importers.{path.stem}" for path in (PACKAGE / "corpus/importers").glob("lhotse*.py")},
    "hydra": CONFIGURATION,
    "omegaconf": CONFIGURATION,
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    """Is an import statement, wherever in the module it stands."""

    module: str  # that has it
    imported: str
    level: int  # dots of a relative import
    line: int


def imports() -> Iterator[Import]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (Import(module, alias.name, 0, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (_from(module, node, alias.name) for alias in node.names)


def _from(module: str, node: ast.ImportFrom, name: str) -> Import:
    source = node.module or ""
    return Import(module, f"harness.{name}" if source == "harness" else source, node.level, node.lineno)


IMPORTS = list(imports())


def layer(module: str) -> str | None:
    """Return the layer of a module of the package; None for the package itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "harness" and len(parts) > 1 else None


def test_every_module_of_the_package_is_in_a_layer():
    found = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found - {"__init__"} <= set(RANK)


def test_a_module_imports_only_leftwards():
    wrong = [
        f"{each.module}:{each.line} imports {each.imported}"
        for each in IMPORTS
        if (here := layer(each.module)) and (there := layer(each.imported)) and RANK[there] > RANK[here]
    ]
    assert wrong == []


@pytest.mark.parametrize(("importer", "imported"), sorted(NEVER))
def test_layers_that_must_not_know_each_other_do_not(importer, imported):
    wrong = [each for each in IMPORTS if (layer(each.module), layer(each.imported)) == (importer, imported)]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(DOORS))
def test_a_foreign_package_has_one_door(package):
    users = {each.module for each in IMPORTS if each.imported.split(".")[0] == package}
    assert users <= DOORS[package]


def test_the_doors_that_exist_are_used():
    used = {each.imported.split(".")[0] for each in IMPORTS}
    assert {"jiwer", "whisper", "pocketsphinx", "soundfile", "hydra", "omegaconf"} <= used


def test_imports_are_absolute():
    assert [each for each in IMPORTS if each.level] == []


def test_names_are_not_imported_by_the_handful():
    stars = [
        path
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert stars == []


def test_backends_see_no_module_that_reads_tags():
    """The one that counts: also through others, nothing that a backend loads has read a manifest."""
    backends = sorted({each.module for each in IMPORTS if layer(each.module) == "backends"})
    assert _loaded_by(f"import sys, {', '.join(backends)}\n", "harness.corpus") == []


def test_no_module_loads_what_is_heavy_before_it_is_needed():
    modules = sorted({each.module for each in IMPORTS} - {"harness.__main__"})
    heavy = ("torch", "torchaudio", "whisper", "pocketsphinx", "scipy.stats", "statsmodels", "gpboost", "altair")
    heavy += ("vl_convert", "jinja2", "duckdb", "mlflow", "huggingface_hub")
    assert _loaded_by(f"import sys, {', '.join(modules)}\n", *heavy) == []


def test_the_fairness_layer_works_without_hydra():
    assert _loaded_by("import sys, harness.fairness, harness.scoring, harness.results\n", "hydra", "omegaconf") == []


def _loaded_by(program: str, *names: str) -> list[str]:
    """Return which of the named modules a program has loaded, in a process of its own."""
    program += f"print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    loaded: list[str] = ast.literal_eval(done.stdout)
    return loaded


def test_only_the_command_prints():
    printing = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []
