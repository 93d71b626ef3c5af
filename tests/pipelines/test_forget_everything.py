"""Of a person who is in everything that a harness writes, `harness forget` leaves nothing that it could remove."""

import json
import shutil
import signal
import time

import pandas as pd
import pytest

from harness.pipelines import evaluation
from harness.results import Run
from harness.results.baselines import CellKey, blessed_run
from harness.results.ledger import Ledger
from tests.builders import harness_process
from tests.conftest import DRAW
from tests.pipelines.forgetting import QUICK, SAID, WHO, Home, corpus, everything, naming, rescore, scores_of, tree

WHERE = "where=[runs,baselines]"
KEPT = ("slices.csv", "disparities.csv", "normalizers.csv", "terms.csv", "term_list.csv", "term_values.csv")


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Return a corpus and all that was made of it."""
    home = corpus(tmp_path_factory.mktemp("used") / "home")
    everything(home)
    return home


@pytest.fixture(scope="module")
def forgotten(used, tmp_path_factory):
    """Return the same, and what forgetting somebody in it said."""
    home = Home(tmp_path_factory.mktemp("forgotten") / "home")
    shutil.copytree(used.path, home.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_draw", DRAW)
        return home, home.forget(WHERE, "apply=true")


def without(run):
    scores = scores_of(run)
    return scores[scores["speaker_id"] != WHO].reset_index(drop=True)


def test_what_would_be_done_is_told_and_nothing_is(used):
    before = tree(used.path)
    ended = used.forget(WHERE)
    assert ended.exit_status == 0
    assert {path for path in before if path not in tree(used.path)} == set()
    assert all(digest == before[path] for path, digest in tree(used.path).items() if "cache" not in path.parts)
    for place in ("runs/heard", "runs/mile", "runs/audited", "runs/half", "runs/measured", "runs/claim.tar"):
        assert place in ended.out
    assert "apply=true" in ended.out
    assert WHO not in ended.out + ended.err


def test_the_person_was_everywhere_before(used):
    texts = raw_texts(used)
    found = {name.partition("/")[0] for name in naming(used.path / "runs", WHO, *texts)}
    everywhere = {"heard", "mile", "scored", "people", "compared", "described", "measured", "audited", "exported"}
    assert found >= everywhere | {"for_lhotse", "claim.tar", "cached.jsonl", "half", "night.log"}
    assert naming(used.path / "baselines", WHO)
    assert naming(used.path / "cache", *texts) == ["transcripts.sqlite", "transcripts.sqlite.damaged-1"]


def raw_texts(home):
    """Return what they said and what was heard of them, as written and as normalised."""
    scores = scores_of(home.path / "runs/scored")
    theirs = scores[scores["speaker_id"] == WHO]
    return {*SAID, *theirs["reference"], *theirs["hypothesis"]}


def test_nothing_that_was_searched_has_their_ids_or_words(used, forgotten):
    home, ended = forgotten
    assert ended.exit_status == 0, ended.out
    for folder in ("runs", "baselines", "cache"):
        assert naming(home.path / folder, WHO, *raw_texts(used)) == []
    assert WHO not in ended.out + ended.err


@pytest.mark.parametrize("name", ["heard", "mile", "scored", "people"])
def test_everybody_else_is_as_they_were(used, forgotten, name):
    home, _ = forgotten
    pd.testing.assert_frame_equal(scores_of(home.path / "runs" / name), without(used.path / "runs" / name))


@pytest.mark.parametrize("name", ["heard", "mile", "scored", "people"])
def test_a_run_says_that_its_numbers_changed(forgotten, name):
    run = Run.open(forgotten[0].path / "runs" / name)
    (told,) = run.facts["forgotten"]
    assert (told["n_speakers"], told["n_utterances"]) == (1, 2)
    assert any("1 person was forgotten" in note for note in run.summary["notes"])
    assert run.facts["manifest"]["withdrawn"] == {"n_speakers": 1, "n_utterances": 2}
    assert run.facts["n_rows_in"] == run.scores["utterance_id"].nunique()
    assert "forgotten" in (run.path / "report.md").read_text()


def test_a_run_is_what_scoring_it_without_them_makes(forgotten):
    home, _ = forgotten
    source = ("manifest.path=corpus/manifest.jsonl", "hypotheses=heard.jsonl", "terms=terms.csv")
    options = [option for option in QUICK if option.startswith("policy")]
    quiet = ("evidence.adjusted=false", "evidence.metrics=false", "report.html=false")
    home.made("rescore", *source, *options, *quiet, "run_dir=fresh/scored")
    for name in KEPT:
        made, fresh = (home.path / folder / "scored" / name for folder in ("runs", "fresh"))
        assert made.is_file() == fresh.is_file()
        assert not fresh.is_file() or made.read_bytes() == fresh.read_bytes(), name


def test_the_command_that_made_a_run_goes_on_with_it(forgotten):
    home, _ = forgotten
    before = scores_of(home.path / "runs/people")
    rescore(home, "runs/people", "slices.by=[speaker_id]")
    pd.testing.assert_frame_equal(scores_of(home.path / "runs/people"), before)


def test_a_baseline_is_blessed_as_it_is_now(forgotten):
    home, _ = forgotten
    (blessing,) = (home.path / "baselines").glob("*/*/blessing.json")
    key = json.loads(blessing.read_text())["key"]
    found = blessed_run(CellKey(**key), home.path / "baselines")
    assert found is not None
    assert WHO not in set(found.run.scores["speaker_id"])
    assert {path.name for path in blessing.parent.iterdir()} == {
        *("blessing.json", "config.yaml", "run.json"),
        *("scores.parquet", "slices.csv", "disparities.csv", "summary.json"),
    }


def test_later_runs_leave_them_out(forgotten):
    home, _ = forgotten
    assert (home.path / "corpus/withdrawn.txt").read_text() == f"{WHO}\n"


def test_a_page_is_drawn_anew_where_there_was_one(forgotten):
    home, _ = forgotten
    assert (home.path / "runs/scored/report.html").is_file()
    assert not (home.path / "runs/people/report.html").exists()


def test_what_is_written_down_names_nobody(forgotten):
    home, _ = forgotten
    begun, done = Ledger(home.path / "runs/forgotten.jsonl").entries()
    assert (begun.kind, done.kind) == ("begun", "forgotten")
    assert done.content["n_left"] == 0
    assert "scored" in done.content["places"]
    assert "people" not in done.content
    assert WHO not in done.line + begun.line


def test_what_is_not_the_harness_s_to_change_is_named(forgotten):
    home, ended = forgotten
    for place in ("heard.jsonl", "runs/card/service_card.json", "runs/found", "corpus/manifest.jsonl"):
        assert place in ended.out
    assert WHO in (home.path / "corpus/manifest.jsonl").read_text()


def test_the_same_command_again_changes_nothing(forgotten, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(forgotten[0].path, home.path)
    before = tree(home.path)
    ended = home.forget(WHERE, "apply=true")
    assert ended.exit_status == 0
    after = tree(home.path)
    assert {path for path in after if after[path] != before.get(path) and "cache" not in path.parts} == set()


def test_a_measured_manifest_can_be_measured_on(forgotten):
    home, _ = forgotten
    lines = (home.path / "runs/measured/manifest.jsonl").read_text().splitlines()
    measured = (home.path / "runs/measured/measurements.jsonl").read_text().splitlines()
    assert [json.loads(line)["utterance_id"] for line in lines] == [
        json.loads(line)["utterance_id"] for line in measured
    ]
    assert home.made("measure", "manifest.path=corpus/manifest.jsonl", "out=runs/again").exit_status == 0


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_what_the_same_command_finishes(used, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(used.path, home.path)
    words = ("forget", f"speaker={WHO}", WHERE, "cache.path=cache/transcripts.sqlite", "apply=true")
    for seconds in (4.0, 6.0):
        process = harness_process(*words, cwd=home.path)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    ended = home.run(*words)
    assert ended.exit_status == 0, ended.out
    for folder in ("runs", "baselines", "cache"):
        assert naming(home.path / folder, WHO, *raw_texts(used)) == []
