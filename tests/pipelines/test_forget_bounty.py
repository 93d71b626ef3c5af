"""A bounty outlives nobody's consent: once it is over, the rows of people go, and what it found can be checked yet."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.pipelines import forgetting_bounties
from harness.results.bounties.folder import BountyFolder
from tests.builders import Ended, harness
from tests.pipelines.bounties import claim, command, kinds, opened, runs, submit
from tests.pipelines.forgetting import naming, tree

GROUP = 'accent == "south"'
OF_ONE = 'accent == "north" and snr_db == 27.5 and devices == "phone"'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with runs and a bounty that was asked with a system on offer and with transcripts."""
    place = runs(tmp_path_factory.mktemp("made"))
    opened(place, options={"hypotheses": True})
    told = {"hypotheses": "robust.jsonl", "provenance": {"system": "x", "how": "y"}}
    assert submit(place, claim(place, GROUP)).exit_status == 0
    assert submit(place, claim(place, "snr_db < 0", told)).exit_status == 0
    assert submit(place, claim(place, OF_ONE, why="as s017-0 shows")).exit_status == 0
    assert command("check", place).exit_status == 0
    return place


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    place = tmp_path / "home"
    shutil.copytree(made, place)
    for config in place.glob("runs/*/config.yaml"):
        config.write_text(config.read_text().replace(str(made), str(place)))
    return place


@pytest.fixture
def closed(home: Path) -> Path:
    assert command("close", home).exit_status == 0
    return home


def of_half(home: Path, *, sealed: bool) -> str:
    """Return somebody of a half."""
    holdout = set(pd.read_parquet(home / "bounty/sealed/holdout.parquet")["speaker_id"])
    return next(name for name in (f"s{n:03d}" for n in range(150)) if (name in holdout) == sealed)


def forget(home: Path, who: str, *words: str) -> Ended:
    return harness("forget", f"speaker={who}", "where=[runs,bounty]", *words, cwd=home)


@pytest.mark.parametrize("sealed", [pytest.param(True, id="sealed"), pytest.param(False, id="published-under-a-code")])
def test_every_row_about_a_person_goes_and_what_was_found_can_still_be_checked(closed, sealed):
    who = of_half(closed, sealed=sealed)
    page = (closed / "bounty/public/bounty.html").read_text()
    assert forget(closed, who).exit_status == 0
    assert kinds(closed / "bounty")[-1] == "closed"  # nothing is changed before that is asked for
    ended = forget(closed, who, "apply=true")
    assert ended.exit_status == 0, ended.out
    assert kinds(closed / "bounty")[-1] == "forgot"
    assert naming(closed / "bounty", who, f"{who}-0") == []
    assert BountyFolder(closed / "bounty").of_people == []
    found = command("verify", closed)
    assert found.exit_status == 0, found.out
    assert "no answer can be computed again" in " ".join(found.out.split())
    now = (closed / "bounty/public/bounty.html").read_text()
    assert "removed every row about a person" in now
    assert "removed every row about a person" not in page


def test_one_that_is_open_is_left_with_words_and_forgets_once_it_is_closed(home):
    who = of_half(home, sealed=True)
    ended = forget(home, who, "apply=true")
    assert ended.exit_status == 1
    assert "bounty close" in " ".join(ended.out.split())
    assert naming(home / "bounty", who) != []
    assert command("close", home).exit_status == 0
    assert forget(home, who, "apply=true").exit_status == 0
    assert naming(home / "bounty", who) == []


def test_a_second_person_finds_nothing_left_to_remove(closed):
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    before = kinds(closed / "bounty")
    assert forget(closed, "s149", "apply=true").exit_status == 0
    assert kinds(closed / "bounty") == before


def test_one_that_was_stopped_after_its_line_is_finished_by_the_same_command(closed, monkeypatch):
    who = of_half(closed, sealed=True)

    def stopped(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forgetting_bounties, "_clear", stopped)
        with pytest.raises(KeyboardInterrupt):
            forgetting_bounties.forget_bounty(closed / "bounty")
    shutil.rmtree(closed / "bounty/sealed/judgements")
    (closed / "bounty/sealed/holdout.parquet").unlink()
    (closed / "bounty/sealed/published.jsonl").unlink()  # what told of whom the rest is
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "submissions/0002/hypotheses.jsonl: is there, and line 9" in found.out
    assert forget(closed, who, "apply=true").exit_status == 0
    assert command("verify", closed).exit_status == 0
    assert kinds(closed / "bounty").count("forgot") == 1


def test_an_id_like_theirs_of_other_recordings_costs_no_bounty_its_answers(closed):
    """Two corpora may call two people alike: a bounty is cleared for what they said, not for what they are called."""
    who = of_half(closed, sealed=True)
    for run in (closed / "runs").iterdir():
        shutil.rmtree(run)
    rows = [json.loads(line) for line in (closed / "corpus.jsonl").read_text().splitlines()]
    theirs = [row | {"utterance_id": f"elsewhere-{n}"} for n, row in enumerate(rows) if row["speaker_id"] == who]
    (closed / "corpus.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in theirs))
    ended = forget(closed, who, "manifests=[corpus.jsonl]", "apply=true")
    assert ended.exit_status == 0
    assert kinds(closed / "bounty")[-1] == "closed"
    assert "somebody of that id said other utterances in it" in " ".join(ended.out.split())


def test_an_id_in_bounties_of_two_corpora_is_asked_about_and_costs_one_alone_its_rows(closed):
    who = of_half(closed, sealed=True)
    shutil.copytree(closed / "bounty", closed / "second")
    rules = closed / "second/public/rules.json"
    rules.write_text(rules.read_text().replace('"small"', '"another"'))
    words = ("forget", f"speaker={who}", "where=[bounty,second]", "apply=true")
    refused = harness(*words, cwd=closed)
    assert refused.exit_status == 2
    assert "in 2 corpora: " in refused.err
    assert harness(*words, "corpus=small", cwd=closed).exit_status == 0
    assert [kinds(closed / name)[-1] for name in ("bounty", "second")] == ["forgot", "closed"]


def test_who_comes_after_the_end_is_told_of_the_end_and_of_no_missing_file(closed):
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    path = claim(closed, GROUP, {"hypotheses": "robust.jsonl", "provenance": {"system": "x", "how": "y"}})
    for refused in (command("preview", closed, submission=path), submit(closed, path)):
        assert refused.exit_status == 2
        assert "it was closed on " in refused.err
        assert "its rows of people were removed on " in refused.err


def test_nothing_is_asked_of_one_without_people_and_its_page_can_be_made_anew(closed):
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    refused = command("check", closed)
    assert refused.exit_status == 2
    assert "every row about a person was removed" in refused.err
    assert "rows of people were removed" in " ".join(command("status", closed).out.split())
    (closed / "bounty/public/bounty.html").write_text("changed")
    assert command("verify", closed).exit_status == 3
    assert command("close", closed).exit_status == 0
    assert command("verify", closed).exit_status == 0


def test_a_line_that_forgets_before_the_end_is_no_line_of_a_bounty(home):
    BountyFolder(home / "bounty").ledger.append("forgot", {})
    found = command("verify", home)
    assert found.exit_status == 3
    assert "ledger.jsonl:8: forgets people of a bounty that is not closed" in found.out


def test_damage_of_what_was_published_keeps_nobody_from_being_forgotten(closed):
    who = of_half(closed, sealed=True)
    (closed / "bounty/public/list.json").write_text("{")
    ended = forget(closed, who, "apply=true")
    assert ended.exit_status == 0
    assert "could not be made anew" in " ".join(ended.out.split())
    assert naming(closed / "bounty", who) == []


def test_nobody_is_said_to_have_withdrawn_where_only_the_owner_can_know(closed):
    """An owner could write the line to hide an answer: who verifies is told what rests on the owner's word by now."""
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    for told in (command("verify", closed).out, (closed / "bounty/public/bounty.html").read_text()):
        words = " ".join(told.split())
        assert "Somebody withdrew" not in words
        assert "whether somebody did, nobody else can know" in words
        assert "nobody can see that the sealed half is the one committed to" in words
    assert "files and answers are" not in command("verify", closed).out


def test_what_was_found_of_a_group_of_one_goes_with_the_rows(closed):
    kept = json.loads((closed / "bounty/sealed/judgements/0003.json").read_text())["judgement"]
    assert kept["n_speakers"] == 1
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    assert not (closed / "bounty/sealed/judgements").exists()


def test_a_claim_whose_words_name_somebody_is_listed_when_their_rows_go(closed):
    ended = forget(closed, "s017", "apply=true")
    assert ended.exit_status == 0
    assert naming(closed / "bounty", "s017") == ["submissions/0003/submission.json"]
    assert "submissions/0003/submission.json: names them" in " ".join(ended.out.split())


@pytest.mark.parametrize("name", ["sealed", "submissions/0002", "sealed/holdout.parquet"])
def test_nothing_behind_a_link_is_removed_and_it_is_said_to_be_left(closed, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (closed / "bounty" / name).rename(elsewhere)
    (closed / "bounty" / name).symlink_to(elsewhere)
    before = tree(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()
    ended = forget(closed, of_half(closed, sealed=True), "apply=true")
    assert ended.exit_status == 1
    assert "is a link or behind one" in " ".join(ended.out.split())
    assert (tree(elsewhere) if elsewhere.is_dir() else elsewhere.read_bytes()) == before
    assert not (closed / "bounty/public/development.parquet").exists()  # all else went


def test_a_bounty_that_cannot_be_read_is_not_cleared_of_everybody_on_a_guess(closed):
    (closed / "bounty/sealed/published.jsonl").write_bytes(b"\xff")
    ended = forget(closed, "nobody-of-it", "apply=true")
    assert ended.exit_status == 1
    assert "published.jsonl: cannot be read" in " ".join(ended.out.split())
    assert kinds(closed / "bounty")[-1] == "closed"


def test_what_cannot_be_removed_or_written_keeps_nothing_else(closed, monkeypatch):
    (closed / "bounty/public/bounty.html").unlink()
    (closed / "bounty/public/bounty.html").mkdir()

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(forgetting_bounties.shutil, "rmtree", refused)
        ended = forget(closed, of_half(closed, sealed=True), "apply=true")
    assert ended.exit_status == 1
    left = {path.name for path in BountyFolder(closed / "bounty").of_people}
    assert left == {"judgements", "alternatives"}
    assert "cannot be removed (Permission denied). And 1 more of it." in " ".join(ended.out.split())


def test_a_damaged_ledger_is_left_with_what_to_do(closed):
    ledger = closed / "bounty/ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    ended = forget(closed, of_half(closed, sealed=True), "apply=true")
    assert ended.exit_status == 1
    assert "Put the ledger back as it was, or delete bounty; nothing was removed." in " ".join(ended.out.split())


def test_a_copy_that_has_the_line_is_cleared_without_the_sealed_half(closed, tmp_path):
    who = of_half(closed, sealed=True)
    copy = tmp_path / "hunter/bounty"
    shutil.copytree(closed / "bounty", copy, ignore=shutil.ignore_patterns("sealed"))
    assert forget(closed, who, "apply=true").exit_status == 0
    for name in ("ledger.jsonl", "ledger.jsonl.head"):
        shutil.copy(closed / "bounty" / name, copy / name)
    (copy.parent / "runs").mkdir()
    assert command("verify", copy.parent).exit_status == 3
    assert forget(copy.parent, who, "apply=true").exit_status == 0
    assert command("verify", copy.parent).exit_status == 0


def test_a_table_that_is_gone_makes_no_closed_bounty_an_open_one_and_a_damaged_one_is_an_error(closed):
    who = of_half(closed, sealed=True)
    rounds = closed / "bounty/public/rounds.csv"
    rounds.unlink()
    assert "it is open" not in forget(closed, who).out
    assert forget(closed, who, "apply=true").exit_status == 0
    for text in (
        "group\neverybody\n",
        "round,group,system,share,wer_before,wer_after,repaired\n1,everybody,,x,1,1,0\n",
    ):
        rounds.write_text(text)
        refused = command("close", closed)
        assert refused.exit_status == 1
        assert "is no table of rounds" in refused.err


def test_one_that_never_kept_whose_clips_are_published_says_so(closed):
    who = of_half(closed, sealed=False)
    (closed / "bounty/sealed/published.jsonl").unlink()
    ended = forget(closed, who, "apply=true")
    assert "may have rows of theirs under a code" in " ".join(ended.out.split())
    assert kinds(closed / "bounty")[-1] == "closed"


def test_who_may_not_read_the_sealed_half_verifies_the_rest(closed, monkeypatch):
    """Root may read everything, so that the right is taken away where it is asked for."""
    monkeypatch.setattr(os, "access", lambda path, _: "sealed" not in Path(path).parts)
    found = command("verify", closed)
    assert found.exit_status == 0
    assert "answers were not computed again" in " ".join(found.out.split())
