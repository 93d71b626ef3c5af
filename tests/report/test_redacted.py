"""What was to be left out of a report is nowhere in its file: neither transcripts nor names of people."""

import json
import shutil
from unittest import mock

import pytest

from harness.errors import UsageError
from harness.report.html import ReportOptions
from harness.report.html.redacted import RedactedRun
from harness.results import Run
from tests.report.builders import DEAF
from tests.report.html_builders import NAMES, crossed_run, rendered, rewritten, without_scripts


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    with mock.patch("harness.pipelines.evaluation.write_html"):
        return crossed_run(tmp_path_factory.mktemp("crossed"))


@pytest.mark.parametrize(
    ("redact", "gone"),
    [
        pytest.param(["transcripts"], ["abracadabra"], id="transcripts"),
        pytest.param(["speakers"], NAMES, id="speakers"),
        pytest.param(["transcripts", "speakers"], ["abracadabra", *NAMES], id="both"),
    ],
)
def test_what_is_redacted_is_nowhere_in_the_file(tmp_path, crossed, redact, gone):
    page = rendered(crossed)
    run = Run(shutil.copytree(crossed.path, tmp_path / "run"))
    ids = run.scores["speaker_id"] + run.scores["utterance_id"]  # as in many a corpus
    redacted = without_scripts(rendered(rewritten(run, reference="abracadabra", utterance_id=ids), redact=redact))
    assert [word for word in gone if word in redacted] == []
    assert "Left out of this file" in redacted
    assert DEAF in page
    assert DEAF not in redacted  # an error may quote anything
    assert all(name in page for name in NAMES)


def test_a_redacted_run_has_the_same_people_and_none_of_their_names(crossed):
    scores = RedactedRun(crossed.path, frozenset({"speakers"})).scores
    assert scores["speaker_id"].nunique() == crossed.scores["speaker_id"].nunique()
    assert set(scores["speaker_id"]).isdisjoint(crossed.scores["speaker_id"])
    assert {"utterance_id", "reference", "hypothesis"}.isdisjoint(scores.columns)


def test_what_was_found_of_a_speaker_is_not_in_a_redacted_run(tmp_path, crossed):
    run = Run(shutil.copytree(crossed.path, tmp_path / "run"))
    found = {"dimension": "accent & speaker_id", "slice": "north & s00", "verdict": "disparity", "reason": "worse"}
    of_speaker = {"violations": [found], "normaliser_sensitive": [found], "slices_lost": ["speaker_id: s00"]}
    run.write_json("summary.json", run.summary | of_speaker | {"max_gap": found, "worst_slice": found})
    redacted = RedactedRun(run.path, frozenset({"speakers"}))
    told = json.dumps([redacted.summary, redacted.facts["sliced_by"]]) + "".join(
        each.to_csv() for each in (redacted.slices, redacted.disparities, redacted.optional("metrics.csv"))
    )
    assert "speaker_id" in json.dumps(run.summary)
    assert "speaker_id" not in told
    assert [name for name in NAMES if name in told] == []


def test_what_redacts_nothing_is_refused():
    with pytest.raises(UsageError, match=r"names.*transcripts, speakers"):
        ReportOptions(redact=["names"])
