"""A bounty from its opening to its end: what is published, taken, answered, found again, and what a kill leaves."""

import json
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import StorageError
from harness.fairness.bounty import clipped_errors
from harness.pipelines import bounty_check, bounty_close
from harness.results import Run
from harness.results.bounties import taking
from tests.pipelines.bounties import answers, claim, command, ended_after, kinds, opened, runs, submit

CLAIMS = (  # a predicate, the system, and what becomes of it
    ('accent == "south"', "other", "accepted"),
    ('accent == "north"', "other", "rejected"),
    ("snr_db < 10", "robust", "accepted"),
    ('accent == "east" and devices == "phone"', "other", "rejected"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def folder(made, tmp_path):
    """Return a folder with the runs and a bounty on them."""
    place = tmp_path / "here"
    shutil.copytree(made, place)
    opened(place)
    return place


@pytest.fixture(scope="module")
def ended(made, tmp_path_factory):
    """Return a folder whose bounty has had all CLAIMS answered and is closed."""
    place = tmp_path_factory.mktemp("ended") / "here"
    shutil.copytree(made, place)
    opened(place)
    return ended_after(place, *((predicate, system) for predicate, system, _ in CLAIMS))


@pytest.fixture
def closed(ended, tmp_path):
    """Return a copy of that to be harmed."""
    place = tmp_path / "here"
    shutil.copytree(ended, place)
    return place


def verify(folder, **options):
    return command("verify", folder, **options)


def test_claims_are_answered_in_order(ended):
    assert answers(ended / "bounty") == [verdict for *_, verdict in CLAIMS]


def test_the_halves_share_nobody_and_lose_nobody(ended):
    sealed = pd.read_parquet(ended / "bounty/sealed/holdout.parquet")
    public = pd.read_parquet(ended / "bounty/public/development.parquet")
    scores = Run.open(ended / "runs/base").scores
    assert len(sealed) + len(public) == len(scores)
    assert sealed["speaker_id"].nunique() + public["speaker_id"].nunique() == scores["speaker_id"].nunique()
    texts = scores.set_index("utterance_id")["reference"]
    others = texts[~texts.index.isin(sealed["utterance_id"])]
    assert sorted(public["reference"]) == sorted(others)


def test_no_id_of_a_person_or_an_utterance_is_published(ended):
    scores = Run.open(ended / "runs/base").scores
    ids = {*scores["speaker_id"], *scores["utterance_id"]}
    public = pd.read_parquet(ended / "bounty/public/development.parquet")
    assert not ids & {str(cell) for name in public for cell in public[name]}
    told = "".join(
        path.read_text()
        for path in (ended / "bounty/public").iterdir()
        if path.suffix in (".json", ".md", ".html", ".csv")
    )
    assert not [each for each in ids if each in told]


def test_the_counts_of_both_halves_are_those_of_the_run(ended):
    sealed = pd.read_parquet(ended / "bounty/sealed/holdout.parquet").set_index("utterance_id")
    for name in ("base", "other", "robust"):
        scores = Run.open(ended / f"runs/{name}").scores.set_index("utterance_id")
        expected = clipped_errors(scores).loc[sealed.index]
        assert (sealed[f"errors:{name}"] == expected).all()


def test_numbers_are_those_of_the_manifest_and_not_bins(ended):
    rules = json.loads((ended / "bounty/public/rules.json").read_text())
    assert {each["name"]: each["kind"] for each in rules["columns"]} == {
        "accent": "text",
        "devices": "text",
        "snr_db": "number",
    }
    public = pd.read_parquet(ended / "bounty/public/development.parquet")
    assert public["snr_db"].dtype == np.float64
    assert public["snr_db"].isna().any()
    assert set(public["snr_db"].dropna()) <= {number * 5 - 2.5 for number in range(7)}


def test_no_accepted_group_gets_worse_and_everybody_gets_better(ended):
    rounds = pd.read_csv(ended / "bounty/public/rounds.csv")
    assert (rounds["wer_after"] <= rounds["wer_before"] + 1e-12).all()
    everybody = rounds[rounds["group"] == "everybody"]
    assert (everybody["wer_after"] < everybody["wer_before"]).all()
    for _, rows in rounds.groupby("group"):
        assert all(first == second for first, second in zip(rows["wer_after"], rows["wer_before"][1:], strict=False))


def test_the_rounds_are_what_the_list_does_counted_by_hand(ended):
    sealed = pd.read_parquet(ended / "bounty/sealed/holdout.parquet")
    told = json.loads((ended / "bounty/public/list.json").read_text())
    errors = sealed["errors:base"].to_numpy().copy()
    masks = {'accent == "south"': sealed["accent"] == "south", "snr_db < 10": sealed["snr_db"] < 10}
    versions = [errors]
    for node in told["nodes"]:
        to = node["to"]
        other = sealed[f"errors:{to['system']}"] if "system" in to else versions[to["version"]]
        versions.append(np.where(masks[node["predicate"]], other, versions[-1]))
    rounds = pd.read_csv(ended / "bounty/public/rounds.csv")
    last = rounds[rounds["group"] == "everybody"].iloc[-1]
    assert last["wer_after"] == pytest.approx(versions[-1].sum() / sealed["words"].sum())


def test_an_answer_tells_a_step_of_the_gain_and_nothing_else_of_the_holdout(ended):
    lines = [json.loads(line) for line in (ended / "bounty/ledger.jsonl").read_text().splitlines()]
    answered = [line["content"] for line in lines if line["kind"] == "answered"]
    assert all(set(each) == {"submission", "digest", "verdict", "gain", "judgement", "list"} for each in answered)
    assert all(each["gain"] in (None, 0.002, 0.005, 0.01, 0.02, 0.05) for each in answered)
    told = json.loads((ended / "bounty/submissions/0001/answer.json").read_text())
    assert set(told) == {"submission", "answer", "gain_rounded_down", "means", "ledger_line", "receipt"}
    rejected = json.loads((ended / "bounty/submissions/0002/answer.json").read_text())
    assert rejected["gain_rounded_down"] is None
    assert "no evidence" in rejected["means"]


def test_what_was_written_verifies_with_the_sealed_files_and_without(closed):
    assert "4 answers computed again agree" in verify(closed).out
    shutil.rmtree(closed / "bounty/sealed")
    ended = verify(closed)
    assert ended.exit_status == 0
    assert "answers were not computed again" in ended.out


def test_the_salt_that_is_revealed_opens_the_commitment(closed):
    salt = (closed / "bounty/public/salt").read_text()
    (closed / "bounty/sealed/salt").unlink()  # somebody else is given the files; the ledger has the salt
    assert "the one committed to" in verify(closed).out
    assert json.loads((closed / "bounty/ledger.jsonl").read_text().splitlines()[-1])["content"]["salt"] == salt.strip()
    holdout = closed / "bounty/sealed/holdout.parquet"
    frame = pd.read_parquet(holdout)
    frame.assign(**{"errors:other": 0}).to_parquet(holdout, index=False)
    ended = verify(closed)
    assert ended.exit_status == 3
    assert "not the files that line 1 of the ledger commits to" in ended.out


def test_a_receipt_shows_whether_its_line_is_there(closed):
    receipt = json.loads((closed / "bounty/submissions/0003/answer.json").read_text())["receipt"]
    assert verify(closed, receipt=receipt).exit_status == 0
    ledger = closed / "bounty/ledger.jsonl"
    kept = ledger.read_text().splitlines()[:6]
    ledger.write_text("".join(f"{line}\n" for line in kept))
    last = json.loads(kept[-1])
    ledger.with_name("ledger.jsonl.head").write_text(f"{last['n']} {last['digest']}\n")  # cut with its head
    ended = verify(closed, receipt=receipt)
    assert ended.exit_status == 3
    assert f"no line has the digest {receipt}" in ended.out


def _turned(text):
    """Return the ledger with the answer on line 7 turned."""
    lines = text.split("\n")
    return "\n".join([*lines[:6], lines[6].replace('"rejected"', '"accepted"'), *lines[7:]])


def _without_line_4(text):
    lines = text.split("\n")
    return "\n".join([*lines[:3], *lines[4:]])


def _cut(text):
    return "\n".join([*text.split("\n")[:4], ""])


def _put(old, new):
    return lambda text: text.replace(old, new, 1)


LEDGER, FIRST, SECOND = "ledger.jsonl", "submissions/0001", "submissions/0002"
HARM = [
    pytest.param(LEDGER, _turned, "ledger.jsonl:7: changed", id="an-answer-turned"),
    pytest.param(LEDGER, _without_line_4, "ledger.jsonl:4:", id="a-line-taken-out"),
    pytest.param(LEDGER, _cut, "ledger.jsonl:5: the ledger ends here", id="the-end-cut"),
    pytest.param(
        "public/rules.json", _put('"alpha": 0.05', '"alpha": 0.5'), "rules.json: was changed", id="other-rules"
    ),
    pytest.param("public/list.json", _put("other", "robust"), "list.json: was changed", id="another-list"),
    pytest.param("public/rounds.csv", _put("0.", "0.0"), "rounds.csv: was changed", id="other-rounds"),
    pytest.param(
        f"{SECOND}/submission.json", _put("north", "south"), "0002/submission.json: was changed", id="a-claim"
    ),
    pytest.param(f"{FIRST}/answer.json", _put("accepted", "rejected"), "not the answer on line", id="an-answer"),
    pytest.param("sealed/judgements/0001.json", _put("true", "false"), "it was exchanged", id="a-judgement"),
]


@pytest.mark.parametrize(("name", "change", "said"), HARM)
def test_what_is_changed_is_named(closed, name, change, said):
    path = closed / "bounty" / name
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    ended = verify(closed)
    assert ended.exit_status == 3
    assert said in ended.out
    assert "NOT as it was written" in ended.out


def test_a_changed_file_stops_answers(folder):
    submit(folder, claim(folder, "true"))
    path = folder / "bounty/public/rules.json"
    path.write_text(path.read_text().replace('"n_acceptances": 5', '"n_acceptances": 6'))
    ended = command("check", folder)
    assert ended.exit_status == 1
    assert "not the file that was published" in ended.err
    assert answers(folder / "bounty") == []


def test_a_holdout_that_was_exchanged_answers_nothing(folder):
    submit(folder, claim(folder, "true"))
    path = folder / "bounty/sealed/holdout.parquet"
    pd.read_parquet(path).assign(**{"errors:other": 0}).to_parquet(path, index=False)
    ended = command("check", folder)
    assert ended.exit_status == 1
    assert "first line of the ledger commits to" in ended.err


def test_a_changed_ledger_takes_no_submission(folder):
    ledger = folder / "bounty/ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("harness", "Harness"))
    ended = submit(folder, claim(folder, "true"))
    assert ended.exit_status == 1
    assert "ledger.jsonl:1: changed" in ended.err
    assert list((folder / "bounty/submissions").iterdir()) == []


def test_after_as_many_acceptances_as_declared_nothing_is_answered(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    opened(place, n_acceptances=1)
    for predicate, system, _ in CLAIMS[:3]:
        submit(place, claim(place, predicate, {"system": system}))
    ended = command("check", place)
    assert "acceptances declared: 1" in ended.out
    assert answers(place / "bounty") == ["accepted"]
    refused = submit(place, claim(place, "true"))
    assert refused.exit_status == 2
    assert "nothing is taken any more" in refused.err
    assert command("close", place).exit_status == 0
    assert verify(place).exit_status == 0


def test_no_more_is_taken_than_was_declared(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    bounty = opened(place, n_submissions=2, n_acceptances=1)
    for number in range(2):
        assert submit(place, claim(place, f"snr_db < {number}")).exit_status == 0
    refused = submit(place, claim(place, "snr_db < 5"))
    assert refused.exit_status == 2
    assert "submissions declared: 2" in refused.err
    assert kinds(bounty) == ["opened", "submitted", "submitted"]


def test_a_mistyped_receipt_is_a_slip_and_no_tampering(closed):
    ended = verify(closed, receipt="RECEIPT")
    assert ended.exit_status == 2
    assert "expected 64 hexadecimal digits" in ended.err


def test_the_command_that_is_told_with_a_receipt_finds_its_line(folder):
    told = submit(folder, claim(folder, "true")).out
    receipt = told.split("Receipt: ")[1].split()[0]
    assert f"receipt={receipt}" in told.split()
    assert verify(folder, receipt=receipt).exit_status == 0


def test_the_same_file_twice_is_refused(folder):
    path = claim(folder, "true")
    assert submit(folder, path).exit_status == 0
    ended = submit(folder, path)
    assert ended.exit_status == 2
    assert "handed in as submission 1" in ended.err


def test_what_waits_for_an_answer_is_not_closed_away(folder):
    submit(folder, claim(folder, "true"))
    ended = command("close", folder)
    assert ended.exit_status == 2
    assert "1 submission waits" in ended.err


def test_nothing_is_taken_after_the_end_and_closing_again_changes_nothing(closed):
    assert submit(closed, claim(closed, "true")).exit_status == 2
    before = (closed / "bounty/ledger.jsonl").read_bytes()
    (closed / "bounty/public/bounty.html").unlink()
    assert command("close", closed).exit_status == 0
    assert (closed / "bounty/public/bounty.html").is_file()
    assert (closed / "bounty/ledger.jsonl").read_bytes() == before


class _KilledError(BaseException):
    pass


STEPS = [
    pytest.param(bounty_check, "write_whole", id="before-the-judgement"),
    pytest.param(bounty_check.BountyFolder, "ledger", id="before-the-line"),
    pytest.param(bounty_check, "write_answers", id="before-the-answer-and-the-list"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS)
def test_a_check_that_is_killed_is_finished_by_the_next(folder, monkeypatch, owner, name):
    submit(folder, claim(folder, 'accent == "south"'))
    calls = []

    def killed(*_args, **_options):
        calls.append(name)
        raise _KilledError

    with monkeypatch.context() as patch:
        if name == "ledger":
            real = bounty_check._write

            def write(bounty, submitted, found, rules):
                patch.setattr(owner, "ledger", property(killed))
                real(bounty, submitted, found, rules)

            patch.setattr(bounty_check, "_write", write)
        else:
            patch.setattr(owner, name, killed)
        with pytest.raises(_KilledError):
            command("check", folder)
    assert calls
    ended = command("check", folder)
    assert ended.exit_status == 0, ended.err
    assert answers(folder / "bounty") == ["accepted"]
    assert (folder / "bounty/submissions/0001/answer.json").is_file()
    assert verify(folder).exit_status == 0


def test_a_submission_that_is_killed_before_its_line_gives_its_place_to_the_next(folder, monkeypatch):
    def killed(*_args):
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr("harness.results.ledger.HeldLedger.append", killed)
        with pytest.raises(_KilledError):
            submit(folder, claim(folder, "snr_db < 1"))
    assert (folder / "bounty/submissions/0001").is_dir()
    assert "submissions/0001 is in no line" in command("status", folder).out
    assert submit(folder, claim(folder, "snr_db < 2")).exit_status == 0
    told = json.loads((folder / "bounty/submissions/0001/submission.json").read_text())
    assert told["predicate"] == "snr_db < 2"
    assert verify(folder).exit_status == 0


def test_a_full_disk_leaves_no_trace_of_a_submission(folder, monkeypatch):
    def full(*_args):
        raise StorageError("ledger.jsonl: cannot write (No space left on device).")

    monkeypatch.setattr("harness.results.ledger.HeldLedger.append", full)
    ended = submit(folder, claim(folder, "true"))
    assert ended.exit_status == 1
    assert list((folder / "bounty/submissions").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(folder, monkeypatch):
    def readonly(*_args, **_options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", readonly)
    with pytest.raises(StorageError, match="Read-only file system"):
        taking.write_whole(folder / "bounty" / "new" / "file", b"")


def test_a_close_that_is_killed_before_its_page_is_finished_by_the_next(folder, monkeypatch):
    def killed(*_args):
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(bounty_close, "render_page", killed)
        with pytest.raises(_KilledError):
            command("close", folder)
    assert kinds(folder / "bounty")[-1] == "closed"
    assert command("close", folder).exit_status == 0
    assert "Nothing was accepted" in (folder / "bounty/public/bounty.html").read_text()
    assert verify(folder).exit_status == 0


def _hold(path, ready, done):
    with bounty_check.BountyFolder(Path(path)).alone():
        ready.set()
        done.wait(20)


def test_two_checks_at_once_the_second_is_refused_in_words(folder):
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(folder / "bounty"), ready, done))
    process.start()
    try:
        assert ready.wait(20)
        ended = command("check", folder)
    finally:
        done.set()
        process.join(20)
    assert ended.exit_status == 2
    assert "another process answers or closes" in ended.err
    assert command("check", folder).exit_status == 0


def test_a_hunter_needs_the_public_folder_alone_and_learns_what_the_holdout_asks(folder, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(folder / "bounty/public", copied / "public")
    path = claim(tmp_path, 'accent == "south"')
    ended = command("preview", tmp_path, bounty=copied, submission=path)
    assert ended.exit_status == 0, ended.err
    assert "On the published half: " in ended.out
    assert "(1 in 2,000)" in ended.out
    assert "it would be accepted" in ended.out
    assert "accent is self-reported: for evaluation" in ended.out
    assert command("status", tmp_path, bounty=copied).exit_status == 2
    refused = command("check", tmp_path, bounty=copied)
    assert refused.exit_status == 2


def test_who_has_the_public_folder_alone_is_told_whom_to_send_a_claim_to_and_nothing_is_left(folder, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(folder / "bounty/public", copied / "public")
    ended = command("submit", tmp_path, bounty=copied, submission=claim(tmp_path, "true"))
    assert ended.exit_status == 2
    assert "the owner of the bounty hands in" in ended.err
    assert [path.name for path in copied.iterdir()] == ["public"]


def test_a_preview_is_of_the_list_as_it_is_by_now(closed):
    path = claim(closed, 'accent == "south"')
    ended = command("preview", closed, submission=path)
    assert "it would be rejected (" in ended.out
    assert "Nothing is answered any more: it was closed" in ended.out


def test_a_router_is_refused_where_people_have_to_be_asked_and_names_the_column(closed):
    ended = command("route", closed, out=closed / "x" / "backend" / "list.yaml")
    assert ended.exit_status == 2
    assert "for evaluation only: it asks accent (accent, self_reported)" in ended.err
    assert not (closed / "x").exists()
