"""What the command answers: its exit status, and the message that a stranger needs to go on."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from harness.__main__ import PIPELINES
from harness.help.names import as_said
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows
from tests.shared import REPOSITORY

CHOICES = ("manifest=file", "backend=tones", "normalizer=verbatim", *FEW_RESAMPLES)
TONES = ("benchmark", *CHOICES)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["benchmrk"], "no pipeline 'benchmrk'.*Did you mean 'benchmark'", id="misspelt-pipeline"),
        pytest.param(
            ["xyzzy"], "no pipeline 'xyzzy'; expected one of benchmark, last_mile, rescore", id="unknown-pipeline"
        ),
        pytest.param(["import"], r"no pipeline 'import'.* Did you mean 'import_corpus'\?", id="part-of-a-name"),
        pytest.param(["repeat"], r"no pipeline .repeat.*, forget\. See harness --help", id="near-to-no-pipeline"),
        pytest.param(["bounty", "list"], r"no pipeline 'bounty list'.*, forget\. See", id="near-by-its-family-alone"),
        pytest.param(["bounty", "staus"], r"Did you mean 'bounty status'\?", id="misspelt-in-a-family"),
        pytest.param(["benchmark", "polcy=strict"], "Could not override 'polcy'", id="unknown-option"),
        pytest.param(
            ["benchmark", "policy.margn=1"],
            "Could not override 'policy.margn'.*Key 'margn' not in 'Policy",
            id="unknown-nested-option",
        ),
        pytest.param(["benchmark", "backend=tone"], "Could not find 'backend/tone'.*tones", id="misspelt-choice"),
        pytest.param(["benchmark", "polcy"], "polcy", id="no-override-at-all"),
        pytest.param(["benchmark", "seed=many"], "'many' of type 'str' could not be converted to Integer", id="type"),
        pytest.param(["benchmark", "seed=-1"], "seed=-1; expected a whole number >= 0", id="negative-seed"),
        pytest.param(
            ["benchmark", "manifest=file"], r"manifest\.path is not given.*manifest\.path=my_corpus", id="no-manifest"
        ),
        pytest.param(
            ["benchmark", "manifest=file", "manifest.path=nowhere.csv"],
            r"nowhere\.csv: the manifest cannot be read: No such file.*manifest\.path",
            id="missing-manifest",
        ),
        pytest.param(
            ["benchmark", "manifest=file", "manifest.path=corpus.xml"], "no known manifest format", id="format"
        ),
        pytest.param(["rescore", "manifest.path=x.csv"], "hypotheses is not given.*transcripts", id="no-hypotheses"),
        pytest.param(
            ["rescore", "manifest.path=x.csv", "hypotheses=nowhere.csv"],
            r"hypotheses=nowhere\.csv: no such file",
            id="missing-hypotheses",
        ),
        pytest.param(["rescore", "hypotheses=x.csv"], r"manifest\.path is not given", id="rescore-without-manifest"),
        pytest.param(["benchmark", "policy.margin=-1"], r"policy\.margin=-1\.0; expected", id="margin"),
        pytest.param(["benchmark", "policy.margin=0"], r"policy\.margin=0\.0; expected", id="no-margin"),
        pytest.param(["benchmark", "policy.margin=3"], r"policy\.margin=3\.0; .*3 points are 0\.03", id="points"),
        pytest.param(["benchmark", "policy.margin=nan"], r"policy\.margin=nan; expected", id="margin-nan"),
        pytest.param(
            ["benchmark", "policy.dimensions.accent={comparatr: north}"],
            r"policy\.dimensions\.accent=.*comparatr.*expected a mapping of \['comparator', 'margin'",
            id="unknown-dimension-option",
        ),
        pytest.param(
            ["benchmark", "policy.dimensions.accent.margn=0.1"],
            r"policy\.dimensions\.accent=.*margn.*expected a mapping",
            id="unknown-dotted-dimension-option",
        ),
        pytest.param(["benchmark", "policy.dimensions={accent: 3}"], "expected a mapping of", id="no-mapping"),
        pytest.param(
            ["benchmark", "policy.dimensions.accent.margin=3"], r"accent.*margin=3\.0; expected", id="dimension-margin"
        ),
        pytest.param(
            ["benchmark", "policy.dimensions.accent.margin=many"],
            r"policy\.dimensions\.accent\.margin: Value 'many'",
            id="dimension-margin-type",
        ),
        pytest.param(
            ["benchmark", "policy.dimensions.acent.margin=0.1"],
            r"policy\.dimensions names \['acent'\], which this run does not slice by; it slices by \['accent'",
            id="unknown-dimension",
        ),
        pytest.param(
            ["benchmark", "slices.by=[gender]", "policy.dimensions.accent.margin=0.1"],
            r"policy\.dimensions names \['accent'\].*slices\.by",
            id="dimension-that-is-not-sliced-by",
        ),
        pytest.param(
            ["benchmark", "policy.dimensions.accent={comparator: klingon}"],
            "comparator 'klingon' is no slice of accent; expected rest, best, largest or one of",
            id="comparator",
        ),
        pytest.param(
            ["benchmark", "policy.dimensions.accent.comparator=3"], "comparator '3' is no slice of", id="numeral"
        ),
        pytest.param(
            ["benchmark", "policy.comparator=klingon"], "'klingon' is no slice of accent", id="comparator-all"
        ),
        pytest.param(["benchmark", "slices.by=[a,a & b]"], "needs quotes of its own", id="bare-crossing"),
        pytest.param(["benchmark", "policy.min_speakers=1"], "one speaker is no evidence", id="min-speakers"),
        pytest.param(["benchmark", "policy.fail_on=[gap]"], r"policy\.fail_on.*\['gap'\].*disparity", id="verdict"),
        pytest.param(["benchmark", "policy.correction=bonferoni"], "holm.*fdr_bh.*none", id="correction"),
        pytest.param(["benchmark", "executor.batch_size=0"], r"executor\.batch_size=0; expected 1 or more", id="batch"),
        pytest.param(["benchmark", "slices.intersections=0"], r"slices\.intersections=0; expected 1", id="order"),
        pytest.param(["benchmark", "backend.modell=x"], "modell", id="unknown-backend-option"),
        pytest.param(["benchmark", "+backend.modell=x"], "modell", id="added-backend-option"),
        pytest.param(["benchmark", "backend=whisper", "backend.beam_size=0"], "beam_size=0", id="bad-backend-option"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_expected(tmp_path, arguments, words):
    ended = harness(*arguments, cwd=tmp_path)
    assert ended.exit_status == 2
    assert ended.is_in_words
    assert re.search(words, ended.err.replace("\n", " "))
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


def test_no_argument_at_all_shows_the_help_and_is_wrong_usage(tmp_path):
    ended = harness(cwd=tmp_path)
    assert ended.exit_status == 2
    assert "harness PIPELINE" in ended.out


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_lists_every_pipeline_with_a_line(tmp_path, word):
    ended = harness(word, cwd=tmp_path)
    assert ended.exit_status == 0
    for name, what in PIPELINES.items():
        assert as_said(name) in ended.out
        assert what in ended.out


def test_help_of_a_family_lists_what_it_does(tmp_path):
    ended = harness("bounty", "--help", cwd=tmp_path)
    assert ended.exit_status == 0
    of_bounties = [name for name in PIPELINES if name.startswith("bounty_")]
    assert [line.split("  ")[1] for line in ended.out.splitlines() if line.startswith("  ")] == [
        as_said(name) for name in of_bounties
    ]


def test_a_family_alone_is_wrong_usage(tmp_path):
    ended = harness("bounty", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "expected one of bounty open, " in ended.err


def test_help_loads_nothing_that_takes_a_second(tmp_path):
    program = (
        "import sys\nfrom harness.__main__ import main\nsys.argv = ['harness', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'hydra', 'pandas', 'numpy', 'whisper', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_pipeline_s_own_help_lists_its_choices(tmp_path):
    ended = harness("benchmark", "--help", cwd=tmp_path)
    assert ended.exit_status == 0
    assert ", pocketsphinx, router, tones, transformers, whisper" in " ".join(ended.out.split())


def test_cfg_job_shows_the_run_and_does_nothing(tmp_path):
    ended = harness("benchmark", "policy=strict", "--cfg", "job", cwd=tmp_path)
    assert ended.exit_status == 0
    shown = yaml.safe_load(ended.out)
    assert shown["policy"]["name"] == "strict"
    assert shown["backend"]["_target_"] == "harness.backends.pocketsphinx.PocketSphinx"
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_the_installed_one(tmp_path):
    assert harness("--version", cwd=tmp_path).out.startswith("asr-fairness-harness 0.")


def test_a_variable_of_the_environment_that_is_not_set_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("FSDD_DIR", raising=False)
    ended = harness("benchmark", "manifest=fsdd", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "manifest.audio_root=FSDD_DIR, which is not set: no such folder. Name the folder" in ended.err
    assert ended.is_in_words
    assert list(tmp_path.iterdir()) == []


def test_rescoring_needs_no_recordings_and_no_variable_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("FSDD_DIR", raising=False)
    rows = map(json.loads, (REPOSITORY / "manifests" / "fsdd" / "manifest.jsonl").read_text().splitlines())
    lines = [json.dumps({"utterance_id": row["utterance_id"], "text": row["text"]}) + "\n" for row in rows]
    (tmp_path / "transcripts.jsonl").write_text("".join(lines))
    ended = harness(
        "rescore", "manifest=fsdd", "hypotheses=transcripts.jsonl", *FEW_RESAMPLES, "run_dir=run", cwd=tmp_path
    )
    assert ended.exit_status == 0, ended.err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["wer"], summary["n_utterances"]) == (0.0, 600)


@pytest.mark.parametrize("pipeline", ["audit_invariance", "benchmark", "plan", "rescore"])
def test_a_manifest_s_path_alone_means_that_file_and_nothing_of_the_demo(tmp_path, pipeline):
    ended = harness(pipeline, "manifest.path=my.csv", "--cfg", "job", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    shown = yaml.safe_load(ended.out)["manifest"]
    assert shown["path"] == "my.csv"
    assert {key for key, value in shown.items() if value} == {"path"}


def test_a_named_manifest_keeps_its_grammar_when_its_path_is_changed(tmp_path):
    ended = harness("benchmark", "manifest=demo", "manifest.path=my.csv", "--cfg", "job", cwd=tmp_path)
    shown = yaml.safe_load(ended.out)["manifest"]
    assert (shown["name"], shown["path"]) == ("demo", "my.csv")
    assert shown["grammar"]


@pytest.mark.parametrize("order", [1, -1], ids=["flags-last", "flags-first"])
def test_a_manifest_s_path_may_stand_on_either_side_of_flags(tmp_path, order):
    parts = [["manifest.path=my.csv", "backend=tones"], ["--cfg", "job"]]
    ended = harness("benchmark", *(word for part in parts[::order] for word in part), cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert yaml.safe_load(ended.out)["backend"] == {"_target_": "harness.backends.tones.Tones"}


@pytest.mark.parametrize(("intersections", "status"), [(1, 2), (2, 0)])
def test_a_crossing_in_a_policy_s_file_must_be_sliced_by(tmp_path, intersections, status):
    (tmp_path / "configs" / "policy").mkdir(parents=True)
    policy = {"name": "mine", "fail_on": [], "dimensions": {"accent & gender": {"margin": 0.1}}}
    (tmp_path / "configs" / "policy" / "mine.yaml").write_text(yaml.safe_dump(policy))
    rows = [row | {"gender": "female" if number % 2 else "male"} for number, row in enumerate(tone_rows())]
    attributes = {name: {"kind": "demographic", "provenance": "self_reported"} for name in ("accent", "gender")}
    corpus = tone_corpus(tmp_path / "corpus", rows, attributes=attributes)
    ended = harness(
        "benchmark", "--config-dir", "configs", *CHOICES, f"manifest.path={corpus}", "policy=mine",
        f"slices.intersections={intersections}", "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == status, ended.err
    assert ("names ['accent & gender'], which this run does not slice by" in ended.err) == (status == 2)
    assert (tmp_path / "run").exists() == (status == 0)


def test_a_file_s_run_is_named_after_the_file(tmp_path, corpus):
    arguments = ["benchmark", "backend=tones", "normalizer=verbatim", *FEW_RESAMPLES, f"manifest.path={corpus}"]
    ended = harness(*arguments, cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    (run,) = (tmp_path / "runs" / "benchmark").iterdir()
    assert run.name.endswith("_tones_tones")
    assert json.loads((run / "run.json").read_text())["manifest"]["name"] == "tones"


def test_an_attribute_that_is_not_there_is_refused_before_the_first_clip(tmp_path, corpus):
    ended = harness(*TONES, f"manifest.path={corpus}", "slices.by=[acent]", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "slices.by names ['acent']; the attributes of tones are ['accent'" in ended.err
    assert not (tmp_path / "run").exists()


def test_a_pattern_that_is_none_is_refused_before_the_first_clip(tmp_path, corpus):
    ended = harness(*TONES, f"manifest.path={corpus}", "reference_pattern='<('", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "reference_pattern='<(' is no regular expression" in ended.err
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """Return the folder in which a benchmark has made `run`, and how that ended."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, harness(*TONES, f"manifest.path={corpus}", "run_dir=run", cwd=folder)


def test_a_finished_run_given_again_transcribes_nothing_and_says_the_same(corpus, finished):
    folder, first = finished
    again = harness(*TONES, f"manifest.path={corpus}", "run_dir=run", cwd=folder)
    assert (again.exit_status, again.out) == (first.exit_status, first.out)
    assert "all 40 clips are transcribed" in again.err
    assert len(list((folder / "run" / "hypotheses").iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        pytest.param("policy.margin=0.05", "config.policy.margin: there 0.03, here 0.05", id="policy"),
        pytest.param("normalizer=whisper_basic", "normalizer: there", id="normalizer"),
        pytest.param("seed=1", "config.seed: there 0, here 1", id="seed"),
        pytest.param("backend=pocketsphinx", "backend", id="backend"),
    ],
)
def test_a_run_directory_of_another_configuration_is_refused_with_what_differs(corpus, finished, change, difference):
    folder, _ = finished
    before = (folder / "run" / "run.json").read_bytes()
    ended = harness(*TONES, f"manifest.path={corpus}", change, "run_dir=run", cwd=folder)
    assert ended.exit_status == 2
    assert "run: made by another command; it differs in" in ended.err
    assert difference in ended.err
    assert (folder / "run" / "run.json").read_bytes() == before


def test_a_run_directory_of_another_manifest_is_refused(tmp_path, finished):
    folder, _ = finished
    other = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=6))
    ended = harness(*TONES, f"manifest.path={other}", "run_dir=run", cwd=folder)
    assert ended.exit_status == 2
    assert "manifest_digest: there" in ended.err


def test_how_fast_a_run_was_made_is_no_difference(corpus, finished):
    folder, _ = finished
    arguments = [*TONES, f"manifest.path={corpus}", "executor.batch_size=3", "run_dir=run"]
    assert harness(*arguments, cwd=folder).exit_status == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "cannot make this folder", id="a-file"),
        pytest.param("letter.txt", "it is not a run directory", id="a-folder-of-something-else"),
    ],
)
def test_a_run_directory_that_is_none_is_refused(tmp_path, corpus, content, words):
    if content is None:
        (tmp_path / "run").write_text("a letter")
    else:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / content).write_text("a letter")
    ended = harness(*TONES, f"manifest.path={corpus}", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 2
    assert words in ended.err
    assert ended.is_in_words


def test_without_run_dir_a_run_lies_under_the_pipeline_s_name(tmp_path, corpus):
    ended = harness(*TONES, f"manifest.path={corpus}", cwd=tmp_path)
    (run,) = (tmp_path / "runs" / "benchmark").iterdir()
    assert run.name.endswith("_tones_tones")
    assert f"Run directory: runs/benchmark/{run.name}" in ended.out


def test_a_sweep_runs_every_job_and_ends_with_the_worst_status(tmp_path, corpus):
    ended = harness(
        "benchmark", "-m", *CHOICES, f"manifest.path={corpus}", "normalizer=verbatim,lowercase_no_punctuation",
        "executor.batch_size=16", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    assert ended.out.count("Run directory: ") == 2
    runs = list((tmp_path / "runs" / "benchmark").iterdir())
    normalizers = {json.loads((run / "run.json").read_text())["normalizer"].split("@")[0] for run in runs}
    assert normalizers == {"verbatim", "lowercase_no_punctuation"}


def test_a_job_of_a_sweep_that_fails_does_not_hide_behind_one_that_does_not(tmp_path, corpus):
    ended = harness(
        "benchmark", "-m", *CHOICES, f"manifest.path={corpus},nowhere.csv,{corpus}", "normalizer=verbatim", cwd=tmp_path
    )
    assert ended.exit_status == 2
    assert ended.out.count("Run directory: ") == 2
    assert "nowhere.csv" in ended.err
