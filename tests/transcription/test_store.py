"""Hypotheses are written whole or not at all, are never written over, and a damaged file says so."""

import errno
import json
import math
import os
import resource
from contextlib import contextmanager

import pytest

from harness.errors import HypothesesError, RunDirectoryError, StorageError
from harness.transcription import Hypothesis, HypothesisStore
from harness.transcription.store import COLUMNS, TIMES, Attempts, HypothesisWord, as_lines


@pytest.fixture
def store(tmp_path):
    return HypothesisStore(tmp_path / "hypotheses")


def heard(utterance_id, text="one", **fields):
    return Hypothesis(utterance_id, "clean", text, **fields)


def write(store, *batches):
    with store.writer() as writer:
        for batch in batches:
            writer.append(batch)


def test_what_is_written_is_read_back(store):
    texts = ["", "é ß 你好", "a\nb", 'say "one"', "\u2028", "NA", "🎙"]
    write(store, [heard(f"u{i}", text, audio_s=1.5, processing_s=0.1) for i, text in enumerate(texts)])
    frame = store.frame()
    assert list(frame.columns) == [*COLUMNS, *TIMES]
    assert frame["text"].tolist() == texts
    assert frame["audio_s"].tolist() == [1.5] * len(texts)
    assert store.done() == {(f"u{i}", "clean") for i in range(len(texts))}


def test_a_failure_has_no_text_and_is_done(store):
    write(store, [heard("u1", None, error="AudioError: broken")])
    (row,) = store.frame().to_dict("records")
    assert (row["text"], row["error"]) == (None, "AudioError: broken")
    assert math.isnan(row["audio_s"])
    assert store.done() == {("u1", "clean")}


def test_times_and_what_is_cached_are_read_back_and_absent_where_nothing_is_said(store):
    write(store, [heard("u1", latency_s=0.5, cost_usd=0.01), heard("u2", cached=True), heard("u3")])
    frame = store.frame().set_index("utterance_id")
    assert frame["cached"].to_dict() == {"u1": False, "u2": True, "u3": False}
    assert frame["latency_s"].isna().tolist() == [False, True, True]
    assert (frame.loc["u1", "latency_s"], frame.loc["u1", "cost_usd"]) == (0.5, 0.01)


def test_attempts_count_clips_as_often_as_they_were_given_and_none_from_the_cache(store):
    assert store.attempts() == Attempts(0, None)
    write(store, [heard("u1", None, error="deaf", processing_s=1.0, cost_usd=0.25), heard("u2", cached=True)])
    write(store, [heard("u1", processing_s=1.0, cost_usd=0.5), heard("u3", None, error="AudioError: broken")])
    assert store.attempts() == Attempts(2, 0.75)


def test_the_file_has_the_contract_s_keys_and_words_only_where_there_are_some(store):
    words = (HypothesisWord("one", 0.1, 0.2, None),)
    write(store, [heard("u1"), heard("u2", words=words)])
    first, second = map(json.loads, (store.folder / "0001.jsonl").read_text().splitlines())
    assert list(first) == list(COLUMNS)
    assert second["words"] == [{"text": "one", "start": 0.1, "end": 0.2, "confidence": None}]


def test_every_writer_has_a_file_of_its_own_and_makes_none_when_it_writes_nothing(store):
    write(store, [heard("u1")])
    write(store)
    write(store, [heard("u2")])
    assert sorted(path.name for path in store.folder.iterdir()) == ["0001.jsonl", "0002.jsonl"]
    assert store.frame()["utterance_id"].tolist() == ["u1", "u2"]


def test_a_batch_is_on_the_disk_before_the_next_one_is_made(store):
    with store.writer() as writer:
        writer.append([heard("u1")])
        assert store.done() == {("u1", "clean")}


def test_the_newest_of_two_hypotheses_of_an_utterance_counts_in_the_place_of_the_first(store):
    write(store, [heard("u1", "first"), heard("u2", "other")])
    write(store, [heard("u1", "second"), Hypothesis("u1", "noisy", "third")])
    assert store.frame()["text"].tolist() == ["second", "other", "third"]
    write(store, [heard("u1", "fourth"), heard("u1", "fifth")])
    assert store.frame()["text"].tolist() == ["fifth", "other", "third"]
    assert len(store.files) == 3  # nothing is written over


def test_the_eleventh_file_is_newer_than_the_second(store):
    for number in range(11):
        write(store, [heard("u1", str(number))])
    assert [path.name for path in store.files] == [f"{number:04d}.jsonl" for number in range(1, 12)]
    assert store.frame()["text"].tolist() == ["10"]


def test_failures_are_not_done_when_they_are_retried_and_a_newer_text_takes_their_place(store):
    write(store, [heard("u1"), heard("u2", None, error="RuntimeError: deaf"), heard("u3", "")])
    assert store.done() == {(name, "clean") for name in ("u1", "u2", "u3")}
    assert store.done(retry_failed=True) == {("u1", "clean"), ("u3", "clean")}
    write(store, [heard("u2", "two")])
    assert store.done(retry_failed=True) == store.done()
    assert store.frame()["text"].tolist() == ["one", "two", ""]
    assert store.frame()["error"].tolist() == [None] * 3


def test_a_newer_failure_is_a_failure(store):
    write(store, [heard("u1", "one")])
    write(store, [heard("u1", None, error="RuntimeError: deaf")])
    assert store.done(retry_failed=True) == set()
    assert store.frame()["text"].tolist() == [None]


def test_reading_makes_no_folder_and_neither_does_a_writer_that_writes_nothing(store):
    assert store.files == []
    assert store.done() == set()
    assert list(store.frame().columns) == [*COLUMNS, *TIMES]
    assert store.frame().empty
    write(store)
    assert not store.folder.exists()
    write(store, [heard("u1")])
    assert [path.name for path in store.files] == ["0001.jsonl"]


def test_a_folder_that_cannot_be_made_is_no_defect_and_says_what_to_do(store):
    store.folder.write_text("a letter")
    with pytest.raises(StorageError, match=r"0001\.jsonl: cannot write hypotheses.*choose another run_dir="):
        write(store, [heard("u1")])
    assert store.folder.read_text() == "a letter"


def test_what_cannot_be_brought_to_the_disk_is_said_and_the_file_is_closed(store, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = store.writer()
    monkeypatch.setattr("harness.transcription.store.os.fsync", full)
    with pytest.raises(StorageError, match=r"0001\.jsonl: cannot write hypotheses \(No space left"), writer:
        writer.append([heard("u1")])
    with pytest.raises(ValueError, match="closed file"):
        writer.append([heard("u2")])


@pytest.mark.parametrize("n_bytes", [1, 20, -1], ids=["one-byte", "some", "all-but-the-newline"])
def test_a_torn_last_line_is_not_done(store, n_bytes):
    write(store, [heard("u1"), heard("u2")])
    path = store.folder / "0001.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:n_bytes])
    assert store.done() == {("u1", "clean")}
    write(store, [heard("u2", "again")])
    assert store.frame()["text"].tolist() == ["one", "again"]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"\n", id="empty"),
        pytest.param(b'{"utterance_id": "u2", "cond\n', id="cut"),
        pytest.param(b"\xff\xfe\n", id="not-utf-8"),
        pytest.param(b"[1, 2]\n", id="no-object"),
        pytest.param(b'{"utterance_id": "u2"}\n', id="keys-missing"),
        *(
            pytest.param(
                b'{"utterance_id": "u2", "condition": "clean", "text": "", "error": null, "audio_s": 1, '
                b'"processing_s": 1, ' + field + b"}\n",
                id=field.decode(),
            )
            for field in (b'"latency_s": "long"', b'"latency_s": Infinity', b'"cost_usd": NaN', b'"cached": "no"')
        ),
    ],
)
def test_a_damaged_line_elsewhere_is_an_error_that_names_file_and_line(store, damaged):
    write(store, [heard("u1"), heard("u2"), heard("u3")])
    path = store.folder / "0001.jsonl"
    first, _, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damaged + third)
    with pytest.raises(HypothesesError, match=r"0001\.jsonl:2: not a hypothesis.*Remove the line"):
        store.done()


def test_replacing_leaves_only_the_new_hypotheses(store):
    write(store, [heard("u1")])
    write(store, [heard("u2")])
    store.replace([as_lines([heard("u3")])])
    assert store.frame()["utterance_id"].tolist() == ["u3"]
    assert [path.name for path in store.folder.iterdir()] == ["0001.jsonl"]


def test_replacing_on_a_full_disk_keeps_what_was_there_and_says_what_to_do(store):
    write(store, [heard("u1")])
    with (
        room_for(20),
        pytest.raises(StorageError, match=r"0001\.jsonl: cannot write hypotheses.*same command again"),
    ):
        store.replace([as_lines([heard("u2")])])
    assert store.frame()["utterance_id"].tolist() == ["u1"]
    store.replace([as_lines([heard("u2")])])
    assert store.frame()["utterance_id"].tolist() == ["u2"]


@contextmanager
def room_for(n_bytes):
    """Let no file grow longer: a write over it is cut short and the next one fails, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("batch_size", [1, 2, 8], ids=["many-batches", "some-batches", "one-batch"])
def test_a_full_disk_keeps_what_is_whole_says_what_to_do_and_goes_on_where_there_is_room(store, batch_size):
    hypotheses = [heard(f"u{number}", "x") for number in range(8)]
    batches = [hypotheses[start : start + batch_size] for start in range(0, 8, batch_size)]
    write(store, hypotheses)
    line_bytes = (store.folder / "0001.jsonl").stat().st_size // 8
    (store.folder / "0001.jsonl").unlink()
    with (
        room_for(7 * line_bytes + 10),
        pytest.raises(StorageError, match=r"cannot write hypotheses.*make room.*same command again") as refused,
    ):
        write(store, *batches)
    assert refused.value.exit_status == 1  # could not measure: the command was right
    assert not isinstance(refused.value, RunDirectoryError)
    assert len(store.done()) == 7
    write(store, hypotheses[7:])
    assert store.frame()["utterance_id"].tolist() == [f"u{number}" for number in range(8)]


def test_other_files_in_the_folder_are_left_alone(store):
    store.folder.mkdir()
    (store.folder / "notes.jsonl").write_text("mine\n")
    write(store, [heard("u1")])
    assert store.done() == {("u1", "clean")}
    assert [path.name for path in store.files] == ["0001.jsonl"]
    assert (store.folder / "notes.jsonl").read_text() == "mine\n"
