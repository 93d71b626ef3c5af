"""Evidence beside the verdicts is written when wanted, says what depends on the normaliser, and refuses nonsense."""

import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness.adjusted import ADJUSTED_COLUMNS
from harness.fairness.matched import MATCHED_COLUMNS
from harness.fairness.metrics import METRIC_COLUMNS
from harness.fairness.sensitivity import SENSITIVITY_COLUMNS
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import Evaluation, SliceOptions
from harness.report.markdown import render
from harness.report.wording import remarks
from harness.results import open_run_directory
from harness.results.run import ADJUSTED, BALANCE, MATCHED, METRICS, NORMALIZERS
from harness.scoring import LowercaseNoPunctuation, Verbatim
from tests.builders import harness, tone_corpus, tone_rows
from tests.report.builders import promising
from tests.scoring.builders import hypotheses_of

TABLES = {ADJUSTED, BALANCE, MATCHED, METRICS, NORMALIZERS}
LEVELS = {"gender": {"kind": "demographic", "provenance": "self_reported"}}
ACCENT = {"accent": {"kind": "accent", "provenance": "self_reported"}}


def ended(folder, *, normalizer=None, shouting=(), deaf=True, **options):
    """Evaluate two accents and genders; some accents are transcribed in capitals, the south loses a word."""
    rows = [row | {"gender": ["female", "male"][int(str(row["speaker_id"])[-1]) % 2]} for row in tone_rows()]
    manifest = Manifest.load(tone_corpus(folder / "corpus", rows, attributes=ACCENT | LEVELS), name="tones")
    texts = {}
    for row in rows:
        text = row["text"].upper() if row["accent"] in shouting else row["text"]
        lost = deaf and row["accent"] == "south" and str(row["speaker_id"])[-1] != "0"
        texts[row["utterance_id"]] = " ".join(text.split()[1:]) if lost else text
    job = Evaluation(
        manifest=manifest,
        normalizer=normalizer or Verbatim(),
        policy=promising(),
        slices=SliceOptions(),
        seed=0,
        evidence=EvidenceOptions(**options),
    )
    hypotheses = hypotheses_of(texts, error=pd.Series([None] * len(texts), dtype=object))
    with open_run_directory(
        str(folder / "run"), pipeline="rescore", name="tones", config_yaml="{}\n", fingerprint={}
    ) as run:
        return evaluate(run, scored(hypotheses, job), hypotheses, job).run


def written(run):
    return {path.name for path in run.path.iterdir()} & TABLES


def test_by_default_a_run_has_all_evidence_but_what_must_be_asked_for(tmp_path):
    run = ended(tmp_path)
    assert written(run) == TABLES - {MATCHED, BALANCE}
    expected = {ADJUSTED: ADJUSTED_COLUMNS, METRICS: METRIC_COLUMNS, NORMALIZERS: SENSITIVITY_COLUMNS}
    assert {name: tuple(run.optional(name)) for name in expected} == {
        name: tuple(each) for name, each in expected.items()
    }
    assert set(run.optional(ADJUSTED)["covariates"]) >= {"none", "utterance_length", "gender"}


def test_what_is_switched_off_is_not_written(tmp_path):
    run = ended(tmp_path, sensitivity=False, adjusted=False, metrics=False)
    assert written(run) == set()
    assert "normaliser_sensitive" not in run.disparities
    assert run.summary["normaliser_sensitive"] is None
    assert "What explains the gaps" not in render(run)


def test_a_gap_that_is_a_choice_of_the_normaliser_is_marked_counted_and_said(tmp_path):
    run = ended(tmp_path, shouting=["south"], deaf=False)
    marked = run.disparities.set_index("slice")["normaliser_sensitive"]
    assert marked["south"]
    assert {row["slice"] for row in run.summary["normaliser_sensitive"]} >= {"north", "south"}
    assert any("depend on the normaliser" in remark for remark in remarks(run))
    under = run.optional(NORMALIZERS).query("slice == 'south'").set_index("normalizer")
    assert under["gap"].to_dict() == {"verbatim": 1.0, "lowercase_no_punctuation": 0.0}
    assert "## Under other normalisers" in render(run)


def test_a_gap_that_no_normaliser_changes_is_not_marked(tmp_path):
    run = ended(tmp_path)
    assert not run.disparities["normaliser_sensitive"].any()
    assert set(run.optional(NORMALIZERS)["normalizer"]) == {"verbatim", "lowercase_no_punctuation"}


def test_a_verdict_that_only_some_normalisers_leave_words_enough_for_is_marked(tmp_path):
    run = ended(
        tmp_path, normalizer=LowercaseNoPunctuation(), deaf=False
    )  # beside it auto, which writes "one two" as 12
    verdicts = run.optional(NORMALIZERS).query("dimension == 'accent'").groupby("normalizer")["verdict"].unique()
    assert list(verdicts["auto"]) == ["insufficient"]
    assert "insufficient" not in verdicts["lowercase_no_punctuation"]
    assert run.disparities.query("dimension == 'accent'")["normaliser_sensitive"].all()


def test_matched_gaps_are_written_when_asked_for_with_their_balance(tmp_path):
    run = ended(tmp_path, match_on=["gender"])
    assert tuple(run.optional(MATCHED)) == MATCHED_COLUMNS
    assert not run.optional(BALANCE).empty
    assert "between matched people" in render(run)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"normalizers": ["whisper"]}, id="normalizers"),
        pytest.param({"caliper": 0}, id="caliper"),
        pytest.param({"usable_wer": 1.5}, id="usable_wer"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_by_name(options):
    with pytest.raises(UsageError, match=r"caliper|usable_wer|no normaliser 'whisper'"):
        EvidenceOptions(**options)


def test_a_covariate_that_nobody_has_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match="shoe_size"):
        ended(tmp_path, covariates=["shoe_size"])


def test_spellings_are_written_the_standard_way_when_asked_and_the_run_says_so(tmp_path):
    (tmp_path / "m.csv").write_text("utterance_id,text,speaker_id,accent\nu1,she is finna go,s1,a\nu2,go,s2,b\n")
    pd.DataFrame({"utterance_id": ["u1", "u2"], "text": ["she is fixing to go", "go"]}).to_csv(
        tmp_path / "h.csv", index=False
    )
    wers = {}
    for name, extra in (("as_said", ()), ("unified", ("spellings=dialect",))):
        command = harness(
            "rescore",
            "hypotheses=h.csv",
            "manifest.path=m.csv",
            "manifest.language=en",
            f"run_dir={name}",
            *extra,
            cwd=tmp_path,
        )
        assert command.exit_status == 0, command.err
        summary = pd.read_json(tmp_path / name / "summary.json", typ="series")
        wers[name] = summary["wer"]
    assert wers["as_said"] > wers["unified"] == 0
    assert "+spellings@" in (tmp_path / "unified" / "run.json").read_text()
