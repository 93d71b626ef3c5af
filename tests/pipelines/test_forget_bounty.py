"""A bounty outlives nobody's consent: once it is over, the rows of people go, and what it found can be checked yet."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.pipelines import forgetting_bounties
from harness.results.bounties.folder import BountyFolder
from tests.builders import Ended, harness
from tests.pipelines.bounties import claim, command, kinds, opened, runs, submit
from tests.pipelines.forgetting import naming

GROUP = 'accent == "south"'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with runs and a bounty that was asked with a system on offer and with transcripts."""
    place = runs(tmp_path_factory.mktemp("made"))
    opened(place, options={"hypotheses": True})
    told = {"hypotheses": "robust.jsonl", "provenance": {"system": "x", "how": "y"}}
    assert submit(place, claim(place, GROUP)).exit_status == 0
    assert submit(place, claim(place, "snr_db < 0", told)).exit_status == 0
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
    assert "Somebody withdrew consent" in now
    assert "Somebody withdrew consent" not in page


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
        patched.setattr(forgetting_bounties, "_remove", stopped)
        with pytest.raises(KeyboardInterrupt):
            forgetting_bounties.forget_bounty(closed / "bounty")
    (closed / "bounty/sealed/holdout.parquet").unlink()
    (closed / "bounty/sealed/published.jsonl").unlink()  # what told of whom the rest is
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "submissions/0002/hypotheses.jsonl: is there, and line 7" in found.out
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
    assert "it names them" in " ".join(ended.out.split())


def test_nothing_is_asked_of_one_without_people_and_its_page_can_be_made_anew(closed):
    assert forget(closed, of_half(closed, sealed=True), "apply=true").exit_status == 0
    refused = command("check", closed)
    assert refused.exit_status == 2
    assert "somebody withdrew consent" in refused.err
    (closed / "bounty/public/bounty.html").write_text("changed")
    assert command("verify", closed).exit_status == 3
    assert command("close", closed).exit_status == 0
    assert command("verify", closed).exit_status == 0


def test_a_line_that_forgets_before_the_end_is_no_line_of_a_bounty(home):
    BountyFolder(home / "bounty").ledger.append("forgot", {})
    found = command("verify", home)
    assert found.exit_status == 3
    assert "ledger.jsonl:6: forgets people of a bounty that is not closed" in found.out


def test_damage_of_what_was_published_keeps_nobody_from_being_forgotten(closed):
    who = of_half(closed, sealed=True)
    (closed / "bounty/public/list.json").write_text("{")
    ended = forget(closed, who, "apply=true")
    assert ended.exit_status == 0
    assert "could not be made anew" in " ".join(ended.out.split())
    assert naming(closed / "bounty", who) == []
