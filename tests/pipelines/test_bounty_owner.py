"""What a dishonest owner may try: the ledger is written anew, whole and chained, and `verify` names what it hides.

Who keeps no receipt cannot see that a ledger is new; what it says must still be what the files say.
"""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError
from harness.results.bounties.answering import answer_bytes
from harness.results.bounties.folder import BountyFolder, canonical, digest
from harness.results.bounties.sealing import read_errors
from harness.results.bounties.standing import standing_of
from harness.results.ledger import HEAD, Ledger
from tests.pipelines.bounties import answers, claim, command, ended_after, opened, runs, submit

CLAIMS = (('accent == "south"', "other"), ('accent == "north"', "other"), ("snr_db < 0", "robust"))


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Return a folder whose bounty accepted the first of CLAIMS, rejected the others, and is closed."""
    place = runs(tmp_path_factory.mktemp("owner"))
    opened(place)
    ended_after(place, *CLAIMS)
    assert answers(place / "bounty") == ["accepted", "rejected", "rejected"]
    return place


@pytest.fixture
def closed(ended, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(ended, place)
    return place


def written_anew(bounty, change):
    """Write the whole ledger anew with other contents, and the answers that follow from it."""
    path = bounty / "ledger.jsonl"
    entries = Ledger(path).entries()
    path.unlink()
    path.with_name(path.name + HEAD).unlink()
    for entry in entries:
        Ledger(path).append(entry.kind, {**entry.content, **change(entry)})
    folder = BountyFolder(bounty)
    for entry in standing_of(folder.ledger.entries(), "ledger").answered:
        (folder.submission(entry.n) / "answer.json").write_bytes(answer_bytes(entry))


def at_line(n, **content):
    return lambda entry: content if entry.n == n else {}


FORGED = [
    pytest.param(at_line(6, verdict="could_not_be_run"), "ledger.jsonl:6: says that a system on offer", id="not-asked"),
    pytest.param(at_line(2, predicate="true"), "ledger.jsonl:2: tells of submission 1 what", id="another-group"),
    pytest.param(at_line(2, alternative="robust"), "ledger.jsonl:2: tells of submission 1 what", id="another-system"),
    pytest.param(at_line(5, gain=0.04), "ledger.jsonl:5: a gain of 0.04 is none of", id="a-gain-that-is-no-step"),
    pytest.param(
        at_line(6, verdict="accepted", gain=0.002), "list.json: sends other groups", id="accepted-and-not-in-the-list"
    ),
    pytest.param(
        at_line(5, verdict="rejected", gain=None), "list.json: sends other groups", id="in-the-list-and-not-accepted"
    ),
    pytest.param(at_line(1, commitment="0" * 64), "commits to other sealed files", id="another-commitment"),
]


@pytest.mark.parametrize(("change", "said"), FORGED)
def test_a_ledger_that_was_written_anew_is_found_out_without_the_sealed_files(closed, change, said):
    written_anew(closed / "bounty", change)
    shutil.rmtree(closed / "bounty/sealed")
    found = command("verify", closed)
    assert found.exit_status == 3
    assert said in found.out


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("bounty.html", "1 group whom", "9 groups whom", id="the-page"),
        pytest.param("salt", "", "0", id="the-salt"),
    ],
)
def test_what_people_read_at_the_end_is_what_the_ledger_makes(closed, name, old, new):
    path = closed / "bounty/public" / name
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    assert path.read_text() != text
    found = command("verify", closed)
    assert found.exit_status == 3
    assert f"public/{name}: " in found.out


def test_another_seed_than_the_people_were_divided_by_is_found_with_the_sealed_files(closed):
    written_anew(closed / "bounty", at_line(8, seed="12345"))
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "ledger.jsonl:8: another seed" in found.out


def test_transcripts_that_can_be_counted_were_not_unfit_to_be_asked(ended, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(ended, place)
    shutil.rmtree(place / "bounty")
    bounty = opened(place, options={"hypotheses": True})
    told = {"hypotheses": "other.jsonl", "provenance": {"system": "x", "how": "y"}}
    assert submit(place, claim(place, 'accent == "south"', told)).exit_status == 0
    assert command("check", place).exit_status == 0
    kept = bounty / "sealed/judgements/0001.json"
    kept.write_bytes(canonical(json.loads(kept.read_text()) | {"judgement": None, "problem": "no", "errors": None}))
    (bounty / "public/list.json").write_text('{\n  "base": "base",\n  "nodes": []\n}\n')  # as it was opened
    listed = digest((bounty / "public/list.json").read_bytes())
    forged = {"verdict": "could_not_be_run", "gain": None, "judgement": digest(kept.read_bytes()), "list": listed}
    written_anew(bounty, at_line(3, **forged))
    found = command("verify", place)
    assert found.exit_status == 3
    assert "ledger.jsonl:3: the transcripts of submission 1 can be counted" in found.out


def test_nobody_can_guess_a_judgement_of_few_people_by_its_digest(closed):
    entries = [entry for entry in Ledger(closed / "bounty/ledger.jsonl").entries() if entry.kind == "answered"]
    salts = set()
    for entry in entries:
        data = (closed / f"bounty/sealed/judgements/{entry.content['submission']:04d}.json").read_bytes()
        told = json.loads(data)
        assert digest(data) == entry.content["judgement"]
        salts.add(told.pop("salt"))
        assert digest(canonical(told)) != entry.content["judgement"]  # what a hunter could try for every count
    assert len(salts) == len(entries)
    public = [path for path in (closed / "bounty").rglob("*") if path.is_file() and "sealed" not in path.parts]
    assert not [salt for salt in salts for path in public if salt.encode() in path.read_bytes()]


PIPES = [
    "ledger.jsonl",
    "ledger.jsonl.head",
    "public/rules.json",
    "public/list.json",
    "public/development.parquet",
    "submissions/0001/submission.json",
    "submissions/0001/answer.json",
    "sealed/holdout.parquet",
    "sealed/judgements/0001.json",
]


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for(closed, name):
    path = closed / "bounty" / name
    path.unlink()
    os.mkfifo(path)
    found = command("verify", closed)
    assert found.exit_status in (2, 3)
    assert path.name in found.out + found.err


def test_a_gigabyte_in_the_place_of_a_submission_is_not_read(closed):
    path = closed / "bounty/submissions/0001/submission.json"
    with path.open("wb") as file:
        file.truncate(10**9)
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "submission.json: was changed" in found.out


def test_a_sealed_half_without_the_counts_of_a_system_is_said(closed):
    path = closed / "bounty/sealed/holdout.parquet"
    pd.read_parquet(path).drop(columns="errors:other").to_parquet(path, index=False)
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "lacks the columns ['errors:other']" in found.out


def test_a_sealed_half_of_fewer_people_than_the_rules_say_is_said(closed):
    path = closed / "bounty/sealed/holdout.parquet"
    pd.read_parquet(path).iloc[4:].to_parquet(path, index=False)
    found = command("verify", closed)
    assert found.exit_status == 3
    assert "rules.json says Half(" in found.out


def test_a_file_of_counts_that_says_it_is_endless_is_refused(tmp_path):
    path = tmp_path / "0001.npy"
    np.save(path, np.zeros(3, np.int64))
    data = path.read_bytes().replace(b"(3,), ", b"(3000000000000,), ")
    path.write_bytes(data)
    with pytest.raises(DataError, match="no counts of 3 utterances"):
        read_errors(path, digest(data), 3)
