"""What opens a bounty, who is in it, and what is refused: other utterances, guesses, folders with something in them."""

import json
import shutil

import numpy as np
import pytest

from harness.errors import DataError, HarnessError, UsageError
from harness.pipelines.bounty_open import BountyOpenJob, bounty_open
from harness.results import Run
from tests.pipelines.bounties import SYSTEMS, opened, runs


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("runs"))


def columns(bounty):
    told = json.loads((bounty / "public/rules.json").read_text())["columns"]
    return {each["name"]: (each["kind"], each["values"]) for each in told}


def test_without_its_manifest_bins_stay_texts(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    bounty = opened(place, options={"source": None})
    assert columns(bounty)["snr_db"] == ("text", ["0-10", "10-20", "<0", ">=20", "undeclared"])


def declared(place, attribute, provenance):
    """Say in every run that an attribute is from elsewhere."""
    for name in SYSTEMS:
        facts = place / "runs" / name / "run.json"
        told = json.loads(facts.read_text())
        told["manifest"]["attributes"][attribute]["provenance"] = provenance
        facts.write_text(json.dumps(told))


def test_an_attribute_of_people_that_was_inferred_opens_nothing(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    declared(place, "accent", "inferred")
    with pytest.raises(HarnessError, match="never guessed from a voice"):
        opened(place)


def test_an_attribute_of_recordings_that_was_inferred_is_no_column_and_is_refused_where_it_is_named(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    declared(place, "devices", "inferred")
    with pytest.raises(UsageError, match="whose provenance is inferred"):
        opened(place, options={"columns": ["devices", "snr_db"]})
    assert set(columns(opened(place))) == {"accent", "snr_db"}


def test_runs_of_other_utterances_or_normalisers_are_refused(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    scores = place / "runs/other/scores.parquet"
    frame = Run.open(place / "runs/other").scores
    frame[frame["utterance_id"] != "s000-0"].to_parquet(scores, index=False)
    with pytest.raises(DataError, match=r"base and other: .*\n1 utterance only in the baseline: 's000-0'"):
        opened(place)
    frame.assign(condition=np.where(frame.index < 5, "clean", "noise")).to_parquet(scores, index=False)
    with pytest.raises(DataError, match="other was heard under clean, noise"):
        opened(place)
    frame.to_parquet(scores, index=False)
    facts = place / "runs/other/run.json"
    facts.write_text(facts.read_text().replace('"normalizer": "by_language', '"normalizer": "another', 1))
    with pytest.raises(DataError, match=r"with the normaliser|was scored with"):
        opened(place)


def of_another_corpus(place, name):
    """Make a run one of other utterances and other attributes."""
    run = place / "runs" / name
    told = json.loads((run / "run.json").read_text())
    told["manifest"]["attributes"] = {"dialect": {"kind": "dialect", "provenance": "self_reported"}}
    (run / "run.json").write_text(json.dumps(told))
    frame = Run.open(run).scores.rename(columns={"accent": "dialect"}).drop(columns=["devices", "snr_db"])
    frame.assign(utterance_id="x" + frame["utterance_id"]).to_parquet(run / "scores.parquet", index=False)


@pytest.mark.parametrize("options", [{}, {"source": None}], ids=["with-its-manifest", "without"])
def test_a_system_of_another_corpus_is_told_by_its_utterances_and_not_by_its_attributes(made, tmp_path, options):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    of_another_corpus(place, "other")
    with pytest.raises(DataError, match=r"other .*: 300 of its 300 utterances are not in .*, 'xs000-0' first"):
        opened(place, options=options | {"columns": ["accent"]})


def test_a_base_of_another_corpus_than_its_manifest_is_told_by_its_utterances_and_not_by_its_attributes(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    of_another_corpus(place, "base")
    with pytest.raises(
        DataError, match=r"base .*: 300 of its 300 utterances are not in .*corpus\.jsonl, 'xs000-0' first"
    ):
        opened(place, options={"columns": ["accent"]})


def test_people_without_an_id_are_in_no_half_and_counted(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    for name in SYSTEMS:
        frame = Run.open(place / "runs" / name).scores
        frame["speaker_id"] = frame["speaker_id"].where(frame["speaker_id"] != "s004", None)
        frame.to_parquet(place / "runs" / name / "scores.parquet", index=False)
    told = json.loads((opened(place) / "public/rules.json").read_text())
    assert told["left_out"] == {"n_without_speaker": 2, "n_withdrawn": 0}
    assert told["development"]["n_utterances"] + told["holdout"]["n_utterances"] == 298
    assert told["development"]["n_speakers"] + told["holdout"]["n_speakers"] == 149


def test_people_who_withdrew_since_are_in_no_half_and_counted(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    (place / "withdrawn.txt").write_text("s004\ns005\n")
    told = json.loads((opened(place) / "public/rules.json").read_text())
    assert told["left_out"] == {"n_without_speaker": 0, "n_withdrawn": 4}
    assert told["development"]["n_speakers"] + told["holdout"]["n_speakers"] == 148


def test_a_folder_with_something_in_it_is_left_alone(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    (place / "bounty").mkdir()
    (place / "bounty" / "mine").write_text("kept")
    with pytest.raises(UsageError, match="is there already"):
        opened(place)
    assert [each.name for each in (place / "bounty").iterdir()] == ["mine"]


def test_too_few_people_for_two_halves_are_refused(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    with pytest.raises(DataError, match="make halves of 75 and 75; expected at least 80"):
        opened(place, min_speakers=80)
    assert not (place / "bounty").exists()
    assert [each.name for each in place.iterdir() if "bounty" in each.name] == []


def test_nothing_to_claim_is_refused(made):
    with pytest.raises(UsageError, match="nothing could be claimed"):
        bounty_open(BountyOpenJob(systems={"base": Run.open(made / "runs/base")}, out=made / "none"))
