"""`harness forget` leaves nothing of a person, says what it cannot change, and leaves everybody else as they were."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.corpus.people import hashed
from harness.results import Run
from harness.results.forgetting.marker import MARKER
from harness.results.ledger import Ledger
from tests.pipelines.forgetting import OTHER, SAID, WHO, Home, corpus, naming, rescore, scores_of, transcripts, tree

SALT = "a salt of many letters"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a corpus with one run of it."""
    home = corpus(tmp_path_factory.mktemp("made") / "home")
    transcripts(home)
    rescore(home, "runs/scored")
    return home


@pytest.fixture
def scored(made, tmp_path):
    """Return a copy of it."""
    shutil.copytree(made.path, tmp_path / "home")
    return Home(tmp_path / "home")


def test_an_id_of_two_corpora_is_two_people_until_somebody_says_so(scored, tmp_path):
    other = corpus(tmp_path / "other")
    manifest = other.path / "corpus/manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    told = [json.dumps(row | {"utterance_id": f"else-{row['utterance_id']}"}) for row in rows]
    manifest.write_text("\n".join(told) + "\n")
    sheet = other.path / "corpus/datasheet.yaml"
    sheet.write_text(sheet.read_text().replace("name: tones", "name: elsewhere"))
    heard = [json.dumps({"utterance_id": f"else-{row['utterance_id']}", "text": row["text"]}) for row in rows]
    (other.path / "heard.jsonl").write_text("\n".join(heard) + "\n")
    rescore(other, scored.path / "runs/elsewhere")
    before = tree(scored.path)
    refused = scored.forget("where=runs", "apply=true")
    assert refused.exit_status == 2
    assert "elsewhere" in refused.err
    assert tree(scored.path) == before
    done = scored.forget("where=runs", "corpus=tones", "apply=true")
    assert done.exit_status == 0, done.err
    assert WHO not in set(scores_of(scored.path / "runs/scored")["speaker_id"])
    assert WHO in set(scores_of(scored.path / "runs/elsewhere")["speaker_id"])
    assert scored.forget("where=runs", "corpus=nowhere").exit_status == 2


def test_a_second_look_still_lists_what_was_left_to_its_owner(scored):
    first = scored.forget("where=runs", "apply=true")
    assert first.exit_status == 0, first.err
    again = scored.forget("where=runs")
    assert "manifest.jsonl" in again.out.replace("\n", "")
    assert "nobody here" not in again.out


def test_where_the_manifest_is_gone_the_scores_are_enough(scored):
    rescore(scored, "runs/more", "evidence.sensitivity=true")
    shutil.rmtree(scored.path / "corpus")
    before = scores_of(scored.path / "runs/more")
    before = before[before["speaker_id"] != WHO].reset_index(drop=True)
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    run = Run.open(scored.path / "runs/more")
    pd.testing.assert_frame_equal(run.scores, before)
    assert not (run.path / "normalizers.csv").exists()
    assert any("normalizers.csv could not be made anew" in note for note in run.summary["notes"])
    assert naming(scored.path / "runs", WHO, *SAID) == []


def test_a_run_that_cannot_be_judged_without_them_keeps_no_number(scored):
    """Their accent was its own comparator."""
    manifest = scored.path / "corpus/manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    told = [json.dumps(row | ({"accent": "west"} if row["speaker_id"] == WHO else {})) for row in rows]
    manifest.write_text("\n".join(told) + "\n")
    rescore(scored, "runs/west", "policy.comparator=west")
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert "could not be made anew and are gone" in ended.out
    run = scored.path / "runs/west"
    assert not (run / "slices.csv").exists()
    assert json.loads((run / "run.json").read_text())["forgotten"]
    assert naming(run, WHO, *SAID) == []


def test_a_run_of_nobody_else_is_gone(tmp_path):
    home = corpus(tmp_path / "home")
    manifest = home.path / "corpus/manifest.jsonl"
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(keepends=True) if WHO in line))
    transcripts(home)
    rescore(home, "runs/alone")
    ended = home.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert not (home.path / "runs/alone").exists()


def test_a_run_that_somebody_works_in_is_left_and_said(scored):
    handle = os.open(scored.path / "runs/scored", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    ended = scored.forget("where=runs", "apply=true")
    os.close(handle)
    assert ended.exit_status == 1
    assert "NOT ALL IS GONE" in ended.out
    assert WHO in set(scores_of(scored.path / "runs/scored")["speaker_id"])
    assert scored.forget("where=runs", "apply=true").exit_status == 0


def test_no_link_is_followed(scored, tmp_path):
    shutil.move(scored.path / "runs/scored", tmp_path / "theirs")
    (scored.path / "runs/scored").symlink_to(tmp_path / "theirs")
    (scored.path / "runs/further").symlink_to(tmp_path)
    before = tree(tmp_path / "theirs")
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0
    assert tree(tmp_path / "theirs") == before


def test_hypotheses_that_lie_elsewhere_are_nobody_s_to_change(scored, tmp_path):
    inside = scored.path / "runs/scored/hypotheses"
    shutil.move(inside, tmp_path / "theirs")
    inside.symlink_to(tmp_path / "theirs")
    before = tree(tmp_path / "theirs")
    scored.forget("where=runs", "apply=true")
    assert tree(tmp_path / "theirs") == before


@pytest.mark.usefixtures("drawn")
def test_a_page_that_was_made_to_be_shown_stays_so(scored):
    rescore(scored, "runs/page", "report.html=true")
    scored.made("report", "run=runs/page", "report.redact=[transcripts,speakers]")
    assert scored.forget("where=runs", "apply=true").exit_status == 0
    page = (scored.path / "runs/page/report.html").read_text()
    assert "Left out of this file: speakers and transcripts" in page
    assert "s01" not in page


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"manifest": {}}, id="no-attributes"),
        pytest.param({"manifest": {"attributes": {"accent": 3}, "name": 1, "digest": []}}, id="other-types"),
        pytest.param({"manifest": {"withdrawn": ["a"]}, "forgotten": [{"at": 7}]}, id="other-counts"),
    ],
)
def test_facts_that_are_damaged_cost_the_numbers_and_keep_nobody(scored, told):
    run = scored.path / "runs/scored"
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | told))
    (scored.path / "corpus/datasheet.yaml").unlink()
    ended = scored.forget("where=runs", "apply=true")
    assert ended.is_in_words
    assert naming(scored.path / "runs", WHO, *SAID) == []


@pytest.mark.parametrize(
    ("who", "said"),
    [
        pytest.param("nobody-at-all", "nobody here", id="unknown"),
        pytest.param(WHO.upper(), "capitals", id="misspelt"),
    ],
)
def test_somebody_who_is_not_there_is_said_to_be_nobody(scored, who, said):
    before = tree(scored.path)
    ended = scored.forget("where=runs", "apply=true", who=who)
    assert ended.exit_status == 0
    assert said in ended.out
    assert tree(scored.path) == before


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["forget"], id="nobody"),
        pytest.param(["forget", f"speaker={WHO}", "where=nowhere"], id="no-folder"),
        pytest.param(["forget", f"speaker={WHO}", "where=runs", "manifests=none.csv"], id="no-manifest"),
        pytest.param(["forget", "speaker={a: b}", "where=runs"], id="no-id"),
        pytest.param(["forget", "withdrawn=none.txt", "where=runs"], id="no-list"),
    ],
)
def test_what_cannot_be_meant_is_refused(scored, words):
    ended = scored.run(*words)
    assert ended.exit_status == 2
    assert ended.is_in_words


def test_people_of_a_list_are_forgotten_by_their_hashes(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SPEAKER_SALT", SALT)
    home = corpus(tmp_path / "home")
    manifest = home.path / "corpus/manifest.jsonl"
    theirs = hashed(WHO, SALT.encode())
    manifest.write_text(manifest.read_text().replace(f'"speaker_id": "{WHO}"', f'"speaker_id": "{theirs}"'))
    transcripts(home)
    rescore(home, "runs/scored")
    (home.path / "list.txt").write_text(f"{WHO}\n{OTHER}\n")
    ended = home.run("forget", "withdrawn=list.txt", "where=runs", "apply=true", "cache.path=none.sqlite")
    assert ended.exit_status == 0, ended.out
    assert not {theirs, OTHER} & set(scores_of(home.path / "runs/scored")["speaker_id"])
    assert (home.path / "corpus/withdrawn.txt").read_text() == "".join(f"{each}\n" for each in sorted([theirs, OTHER]))
    entry = Ledger(home.path / "runs/forgotten.jsonl").entries()[-1]
    assert entry.content["people"] == sorted([theirs, hashed(OTHER, SALT.encode())])


class Killed(BaseException):
    """Ends a command as a kill does, at a place that a test chooses."""


@pytest.mark.parametrize("n", [1, 4, 6, 9, 11])
def test_a_command_that_was_stopped_goes_on(scored, monkeypatch, n):
    """Stopped after the n-th file that is put in its place; what is begun is never taken for done."""
    replaced, real = [], Path.replace

    def replace(path, target):
        if len(replaced) == n:
            raise Killed
        replaced.append(target)
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            scored.forget("where=runs", "apply=true")
    run = scored.path / "runs/scored"
    assert (run / MARKER).exists() or WHO in set(scores_of(run)["speaker_id"])
    assert not (run / MARKER).exists() or not Run(run).finished or n > 9
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert naming(scored.path / "runs", WHO, *SAID) == []
    assert not (run / MARKER).exists()
    (told,) = Run.open(run).facts["forgotten"]
    assert (told["n_speakers"], told["n_utterances"]) == (1, 2)
    pd.testing.assert_frame_equal(scores_of(run), scores_of(run)[lambda rows: rows["speaker_id"] != WHO])


def test_people_who_are_forgotten_after_a_stop_wait_for_those_before(scored, monkeypatch):
    def stopped(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("harness.pipelines.forgetting_runs.remove_rows", stopped)
        with pytest.raises(Killed):
            scored.forget("where=runs", "apply=true")
    other = scored.forget("where=runs", "apply=true", who=OTHER)
    assert other.exit_status == 1
    assert "stopped here" in other.out
    assert scored.forget("where=runs", "apply=true").exit_status == 0
    assert scored.forget("where=runs", "apply=true", who=OTHER).exit_status == 0
    run = Run.open(scored.path / "runs/scored")
    assert [each["n_speakers"] for each in run.facts["forgotten"]] == [1, 1]
    assert not {WHO, OTHER} & set(run.scores["speaker_id"])
