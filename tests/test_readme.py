"""What README.md tells a stranger to type works: every command, the Python, the backend and the configuration."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from harness.__main__ import PIPELINES
from harness.fairness import Verdict
from harness.help.names import in_one_word
from tests.builders import FEW_RESAMPLES, harness, hypothesis_lines, tone_corpus
from tests.shared import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def shell_lines() -> list[str]:
    """Return the commands of the shell blocks, continued lines joined."""
    return [line.strip() for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def words_of(line: str) -> list[str]:
    """Return the words of a command, its pipeline as one."""
    words = shlex.split(line, comments=True)
    return [*words[:1], *in_one_word(words[1:])]


COMMANDS = [line for line in shell_lines() if line.startswith("harness ")]
INLINE = [
    each
    for each in re.findall(r"`(harness [^`]+)`", README.replace("\n", " "))
    if not {"…", "PIPELINE"} & set(each.split())
]


def placeholders(folder: Path) -> None:
    """Make what the commands of README take for granted: a manifest, a grammar, transcripts, a run, a backend."""
    for name, content in (
        ("my/manifest.csv", "utterance_id,audio_filepath,text\n"),
        ("my/recordings/log.csv", "file,text\n"),
        ("my/ward.wav", ""),
        ("my/withdrawn.txt", ""),
        ("my/transcripts/u1.txt", ""),
        ("runs/welsh/manifest/imported.yaml", "path: my/manifest.csv\n"),
        ("my/medicines.csv", "term\n"),
        ("my/commands.gram", "#JSGF V1.0;\n"),
        ("transcripts.csv", "utterance_id,prediction\n"),
        ("my_configs/backend/mine.yaml", block_with("_target_: my_package", language="yaml")),
        ("my_configs/backend/routed.yaml", block_with("defaults: [router", language="yaml")),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def block_with(words: str, *, language: str) -> str:
    (found,) = [block for block in blocks(language) if words in block]
    return found


def composed(command: str, folder: Path) -> dict[str, object]:
    """Compose a command in a folder with placeholders; return the configuration that would run."""
    placeholders(folder)
    ended = harness(*words_of(command)[1:], "--cfg", "job", cwd=folder)
    assert ended.exit_status == 0, ended.err
    shown = yaml.safe_load(ended.out)
    assert isinstance(shown, dict)
    return shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_a_shell_block_composes_to_what_it_says(tmp_path, command):
    config = composed(command, tmp_path)
    for override in words_of(command)[2:]:
        key, is_option, value = override.partition("=")
        if not is_option or key.startswith("-"):
            continue
        if key == "condition":  # a group of many; each has a part of its own
            assert set(yaml.safe_load(value)) == set(config["conditions"])
            continue
        node: object = config
        for part in key.split("."):
            assert isinstance(node, dict)
            node = node[part]
        if not isinstance(node, dict):  # else a group, whose choice composed
            assert node == yaml.safe_load(value), override


@pytest.mark.parametrize("command", INLINE)
def test_every_command_in_the_text_composes_or_helps(tmp_path, command):
    placeholders(tmp_path)
    words = words_of(command)
    ends_itself = {"--help", "--version"} & set(words)
    ended = harness(*words[1:], *(() if ends_itself else ("--cfg", "job")), cwd=tmp_path)
    assert ended.exit_status == 0, ended.err


def test_the_commands_are_found_at_all():
    assert len(COMMANDS) >= 5
    assert {words_of(command)[1] for command in COMMANDS} == set(PIPELINES)


def test_paths_of_the_commands_are_those_of_the_placeholders(tmp_path):
    """So that a command which reads another file is not composed past it."""
    placeholders(tmp_path)
    paths = {
        value
        for command in COMMANDS
        for key, _, value in (word.partition("=") for word in words_of(command))
        if key in ("manifest.path", "manifest.grammar", "hypotheses", "run", "baseline", "candidate")
    }
    assert {path for path in paths if not (tmp_path / path).exists()} <= {
        path for path in paths if path.startswith("runs/")
    }


def test_the_quick_start_names_make_demo_and_make_test_and_the_makefile_has_them():
    named = {words_of(line)[1] for line in shell_lines() if line.startswith("make ")}
    assert {"demo", "test"} <= named
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))
    assert named | set(re.findall(r"`make (\w+)`", README)) <= targets


OPTIONS = sorted(
    {
        each
        for each in re.findall(r"`([a-z_.]+=[^`]+)`", README)
        if not re.search(r"…|[A-Z]{2,}", each)
        and each.split("=")[0] not in ("stem_ids", "allow_missing", "allow_extra", "hash_speakers")
    }
)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_in_the_text_composes(tmp_path, option):
    composed(f"harness benchmark {option}", tmp_path)


@pytest.mark.parametrize("option", ["stem_ids=true", "allow_missing=true", "allow_extra=true"])
def test_the_options_of_rescore_that_the_text_names_compose(tmp_path, option):
    assert f"`{option}`" in README
    composed(f"harness rescore hypotheses=transcripts.csv manifest.path=my/manifest.csv {option}", tmp_path)


def test_links_inside_the_repository_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (REPOSITORY / link.split("#")[0]).exists()] == []


def test_every_verdict_and_every_policy_is_explained():
    policies = {path.stem for path in (REPOSITORY / "configs" / "policy").glob("*.yaml")}
    assert [name for name in (*(each.value for each in Verdict), *policies) if f"`{name}`" not in README] == []


@pytest.fixture
def small_scores(tmp_path):
    """Write the scores of two accents and genders, ten people each, of whom the south is misheard."""
    rng = np.random.default_rng(5)
    rows = [
        {
            "utterance_id": f"{speaker}-{number}",
            "speaker_id": f"s{speaker}",
            "accent": "south" if speaker % 2 else "north",
            "gender": "female" if speaker < 20 else "male",
            "substitutions": (wrong := int(rng.integers(4, 8) if speaker % 2 else rng.integers(0, 2))),
            "hits": 10 - wrong,
            "deletions": 0,
            "insertions": 0,
        }
        for speaker in range(40)
        for number in range(3)
    ]
    path = tmp_path / "scores.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def test_the_python_of_readme_runs_on_a_small_frame_and_finds_its_gap(small_scores):
    snippet = block_with("disparity_table(", language="python")
    code, n_paths = re.subn(r'"runs/[^"]*scores\.parquet"', repr(str(small_scores)), snippet)
    assert n_paths == 1
    *before, last = code.strip().splitlines()
    namespace: dict[str, object] = {}
    exec("\n".join(before), namespace)
    table = eval(last.split(" = ")[-1], namespace)
    verdicts = table.set_index(["dimension", "slice"])["verdict"]
    assert set(table["dimension"]) == {"accent", "accent & gender"}
    assert verdicts["accent", "south"] == "disparity"
    assert verdicts["accent", "north"] == "advantage"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Write the files of README's backend where it says, with an engine for `my_engine`."""
    source = block_with("class Mine", language="python")
    (place,) = re.findall(r"^# (my_package/\w+\.py)$", source, flags=re.MULTILINE)
    config = block_with("_target_: my_package", language="yaml")
    (choice,) = re.findall(r"^# (my_configs/backend/\w+\.yaml)$", config, flags=re.MULTILINE)
    engine = "\n\ndef my_engine(waveform, model):\n    return f'zero {model}' if waveform.shape[0] else ''\n"
    for name, content in ((place, source + engine), (choice, config)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)  # export PYTHONPATH=.
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "my_package"]:
        del sys.modules[name]


def test_the_backend_of_readme_works_as_it_is_written(recipe):
    assert any(line.startswith("export PYTHONPATH=.") for line in shell_lines())
    (command,) = [line for line in COMMANDS if "backend=mine" in line]
    corpus = tone_corpus(recipe / "corpus")
    more = (f"manifest.path={corpus}", "policy=report_only", *FEW_RESAMPLES, "run_dir=run")
    ended = harness(*words_of(command)[1:], *more, cwd=recipe)
    assert ended.exit_status == 0, ended.err
    facts = json.loads((recipe / "run" / "run.json").read_text())
    assert facts["backend"] == {"name": "mine", "backend": "mine", "model": "small"}
    assert [line["text"] for line in hypothesis_lines(recipe / "run")] == ["zero small"] * 40


def test_a_manifest_by_name_is_a_file_as_readme_says(tmp_path):
    assert "`my_configs/manifest/mine.yaml`" in README
    corpus = tone_corpus(tmp_path / "corpus")
    (tmp_path / "my_configs" / "manifest").mkdir(parents=True)
    (tmp_path / "my_configs" / "manifest" / "mine.yaml").write_text(f"path: {corpus}\n")
    ended = harness(
        "benchmark", "--config-dir", "my_configs", "manifest=mine", "backend=tones", "normalizer=verbatim",
        *FEW_RESAMPLES, cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err


def test_the_manifest_of_readme_can_be_read(tmp_path):
    (table,) = blocks("csv")
    (tmp_path / "manifest.csv").write_text(table, encoding="utf-8")
    rows = pd.read_csv(tmp_path / "manifest.csv", dtype=str, keep_default_na=False)
    (tmp_path / "transcripts.csv").write_text(rows[["utterance_id", "text"]].to_csv(index=False), encoding="utf-8")
    ended = harness(
        "rescore", "hypotheses=transcripts.csv", "manifest.path=manifest.csv", *FEW_RESAMPLES, "run_dir=run",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["wer"] == 0.0
