"""A ledger that was edited, cut or put together anew is told from the one that was written, at the line."""

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.results.ledger import BEGINNING, HEAD, Ledger, LedgerError

N = 5


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for n in range(N):
        ledger.append("answered", {"submission": n, "accepted": n % 2 == 0, "said": "å \u202e\n\"'"})
    return ledger


def lines(ledger: Ledger) -> list[str]:
    return ledger.path.read_text(encoding="utf-8").splitlines()


def write(ledger: Ledger, kept: list[str]) -> None:
    ledger.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def test_what_was_written_is_read_and_chained(ledger):
    entries = ledger.entries()
    assert [entry.n for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.content["submission"] for entry in entries] == list(range(N))
    assert [entry.previous for entry in entries] == [BEGINNING, *(entry.digest for entry in entries[:-1])]


def test_there_is_nothing_in_no_file(tmp_path):
    assert Ledger(tmp_path / "none.jsonl").entries() == []


@pytest.mark.parametrize("n", range(1, N + 1))
def test_a_changed_line_is_named(ledger, n):
    kept = lines(ledger)
    kept[n - 1] = kept[n - 1].replace('"accepted":true', '"accepted":null').replace("false", "true")
    write(ledger, kept)
    with pytest.raises(LedgerError, match=rf"ledger\.jsonl:{n}: changed after it was written"):
        ledger.entries()


@pytest.mark.parametrize("n", range(1, N))
def test_a_changed_line_with_a_digest_made_anew_is_named_at_the_next(ledger, n):
    kept = lines(ledger)
    elsewhere = Ledger(ledger.path.with_name("other.jsonl"))
    for line in kept[: n - 1]:
        told = json.loads(line)
        elsewhere.append(told["kind"], told["content"])
    forged = elsewhere.append("answered", {"accepted": True})
    write(ledger, [*lines(elsewhere)[: n - 1], forged.line, *kept[n:]])
    with pytest.raises(LedgerError, match=rf"ledger\.jsonl:({n}|{n + 1}): "):
        ledger.entries()


@pytest.mark.parametrize("n", range(1, N))
def test_a_line_taken_away_is_named(ledger, n):
    kept = lines(ledger)
    write(ledger, [*kept[: n - 1], *kept[n:]])
    with pytest.raises(LedgerError, match=rf"ledger\.jsonl:{n}: "):
        ledger.entries()


def test_two_lines_that_changed_places_are_named(ledger):
    kept = lines(ledger)
    write(ledger, [kept[0], kept[2], kept[1], *kept[3:]])
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:2: "):
        ledger.entries()


@pytest.mark.parametrize("n", range(N))
def test_a_cut_end_is_named(ledger, n):
    write(ledger, lines(ledger)[:n])
    with pytest.raises(LedgerError, match=rf"ledger\.jsonl:{n + 1}: the ledger ends here, after {n} lines; .* has 5"):
        ledger.entries()


def test_a_ledger_that_is_gone_is_no_empty_ledger(ledger):
    ledger.path.unlink()
    with pytest.raises(LedgerError, match="is gone"):
        ledger.entries()


def test_a_kept_digest_shows_a_cut_that_the_head_was_made_to_hide(ledger):
    kept = ledger.entries()[3].digest
    assert ledger.check_contains(kept).n == 4
    write(ledger, lines(ledger)[:3])
    head = ledger.path.with_name(ledger.path.name + HEAD)
    head.write_text(f"3 {json.loads(lines(ledger)[2])['digest']}\n")
    assert len(ledger.entries()) == 3
    with pytest.raises(LedgerError, match="no line has the digest"):
        ledger.check_contains(kept)


@pytest.mark.parametrize("digest", ["", "0", "x" * 64, BEGINNING + "0"])
def test_what_is_no_digest_is_wrong_usage(ledger, digest):
    with pytest.raises(UsageError, match="no digest"):
        ledger.check_contains(digest)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="list"),
        pytest.param("{}", id="no-keys"),
        pytest.param("[" * 100_000, id="nesting"),
        pytest.param("\ufeff{}", id="mark"),
        pytest.param('{"n":1,"at":"","kind":"","content":[],"previous":"","digest":""}', id="content-is-a-list"),
    ],
)
def test_what_is_no_entry_is_named(ledger, line):
    write(ledger, [*lines(ledger)[:2], line, *lines(ledger)[3:]])
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:3: "):
        ledger.entries()


def test_a_line_without_end_is_refused_within_bounds(ledger):
    with ledger.path.open("ab") as file:
        file.write(b"x" * 2_000_000)
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:6: longer than"):
        ledger.entries()


def test_an_entry_that_a_killed_process_left_torn_is_replaced(ledger):
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"n":6,"at":"2026')
    assert len(ledger.entries()) == N
    assert ledger.append("answered", {}).n == N + 1
    assert len(ledger.entries()) == N + 1


def test_an_entry_whose_head_a_killed_process_did_not_write_counts(ledger):
    head = ledger.path.with_name(ledger.path.name + HEAD)
    before = head.read_bytes()
    ledger.append("answered", {})
    head.write_bytes(before)
    assert len(ledger.entries()) == N + 1
    assert ledger.append("answered", {}).n == N + 2


def _append(path: Path, n: int) -> None:
    for i in range(n):
        Ledger(path).append("spent", {"i": i})


def test_several_processes_write_one_chain(tmp_path):
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(path, 10)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(Ledger(path).entries()) == 30


texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts, values, max_size=4))
def test_any_content_comes_back_as_it_was(tmp_path_factory, content):
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")
    ledger.append("said", content)
    assert dict(ledger.entries()[0].content) == content
