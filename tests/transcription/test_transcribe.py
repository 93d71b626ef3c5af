"""A store is brought to one hypothesis per utterance; what is done is not redone, what is lost is one batch."""

import json

import pytest

from harness.corpus import Manifest
from harness.errors import BackendError
from harness.transcription import ExecutorOptions, HypothesisStore, transcribe
from harness.transcription.workers import InThisProcess
from tests.builders import Scripted, tone_corpus, tone_rows

OPTIONS = ExecutorOptions(batch_size=2)


@pytest.fixture
def manifest(tmp_path):
    return Manifest.load(tone_corpus(tmp_path, tone_rows(n_speakers=2, n_utterances=2)))  # 8 utterances


@pytest.fixture
def store(tmp_path):
    return HypothesisStore(tmp_path / "hypotheses")


def test_every_utterance_has_one_hypothesis_and_it_is_what_was_said(manifest, store):
    done = transcribe(manifest, [InThisProcess(Scripted())], store, OPTIONS)
    assert (done.n_kept, done.n_done, done.n_failed) == (0, 8, 0)
    heard = store.frame().set_index("utterance_id")["text"]
    assert heard.loc[manifest.frame["utterance_id"]].tolist() == manifest.frame["text"].tolist()


def test_a_second_call_does_nothing_and_does_not_even_load_the_backend(manifest, store):
    transcribe(manifest, [InThisProcess(Scripted())], store, OPTIONS)
    backend = Scripted()
    done = transcribe(manifest, [InThisProcess(backend)], store, OPTIONS)
    assert (done.n_kept, done.n_done) == (8, 0)
    assert backend.calls == []


def test_an_interrupt_loses_the_batch_it_was_in_and_the_same_call_does_the_rest(manifest, store):
    def interrupted(_):
        if len(backend.calls) == 4:  # the warm-up, two batches, and this one
            raise KeyboardInterrupt

    backend = Scripted(interrupted)
    with pytest.raises(KeyboardInterrupt):
        transcribe(manifest, [InThisProcess(backend)], store, OPTIONS)
    assert len(store.done()) == 4
    again = Scripted()
    done = transcribe(manifest, [InThisProcess(again)], store, OPTIONS)
    assert (done.n_kept, done.n_done) == (4, 4)
    assert again.calls == [1, 2, 2]
    assert sorted(store.frame()["utterance_id"]) == sorted(manifest.frame["utterance_id"])


def test_a_failure_is_done_and_counted(manifest, store):
    def deaf(_):
        raise RuntimeError("deaf")

    done = transcribe(manifest, [InThisProcess(Scripted(deaf))], store, OPTIONS)
    assert (done.n_done, done.n_failed) == (8, 8)
    assert store.frame()["error"].tolist() == ["RuntimeError: deaf"] * 8


def deaf(_):
    raise RuntimeError("deaf")


def deaf_until(call):
    """Return a backend that fails on batches (so that every call is one clip) and on clips before a call."""

    def fails(waveforms):
        if len(waveforms) > 1 or len(backend.calls) < call:
            raise RuntimeError("deaf")

    backend = Scripted(fails)
    return backend


def one_by_one(**options):
    return ExecutorOptions(batch_size=1, **options)


def test_failures_are_tried_again_only_when_asked_for(manifest, store):
    transcribe(manifest, [InThisProcess(deaf_until(5))], store, one_by_one())  # the warm-up and three clips
    assert store.frame()["error"].notna().sum() == 3
    backend = Scripted()
    assert transcribe(manifest, [InThisProcess(backend)], store, one_by_one()).n_done == 0
    assert backend.calls == []
    done = transcribe(manifest, [InThisProcess(backend)], store, one_by_one(retry_failed=True))
    assert (done.n_kept, done.n_done, done.n_failed) == (5, 3, 0)
    assert backend.calls == [1] * 4
    heard = store.frame().set_index("utterance_id")
    assert heard.loc[manifest.frame["utterance_id"], "text"].tolist() == manifest.frame["text"].tolist()
    assert heard["error"].isna().all()
    assert len(store.files) == 2


def test_a_retry_that_fails_is_one_failure_and_not_two(manifest, store):
    transcribe(manifest, [InThisProcess(Scripted(deaf))], store, OPTIONS)
    done = transcribe(manifest, [InThisProcess(Scripted(deaf))], store, ExecutorOptions(retry_failed=True))
    assert (done.n_kept, done.n_done, done.n_failed) == (0, 8, 8)
    assert len(store.frame()) == 8


@pytest.mark.parametrize(("batch_size", "n_kept"), [(1, 3), (2, 4), (8, 8)])
def test_a_backend_that_fails_on_everything_stops_the_run_and_keeps_what_is_done(manifest, store, batch_size, n_kept):
    options = ExecutorOptions(batch_size=batch_size, max_consecutive_failures=3)
    words = rf"failed on the last {n_kept} clips, lastly with 'RuntimeError: deaf'.*kept.*executor\.retry_failed=true"
    with pytest.raises(BackendError, match=words):
        transcribe(manifest, [InThisProcess(Scripted(deaf))], store, options)
    assert len(store.done()) == n_kept
    assert store.done(retry_failed=True) == set()
    again = ExecutorOptions(batch_size=batch_size, max_consecutive_failures=3, retry_failed=True)
    done = transcribe(manifest, [InThisProcess(Scripted())], store, again)
    assert (done.n_done, done.n_failed) == (8, 0)
    assert store.frame()["error"].isna().all()


def test_as_many_failures_in_all_but_not_in_a_row_do_not_stop_the_run(manifest, store):
    def every_other(_):
        if len(backend.calls) % 2:
            raise RuntimeError("deaf")

    backend = Scripted(every_other)
    done = transcribe(manifest, [InThisProcess(backend)], store, one_by_one(max_consecutive_failures=2))
    assert (done.n_done, done.n_failed) == (8, 4)


def test_one_failure_fewer_than_stop_the_run_do_not(manifest, store):
    done = transcribe(manifest, [InThisProcess(deaf_until(5))], store, one_by_one(max_consecutive_failures=4))
    assert (done.n_done, done.n_failed) == (8, 3)


def test_broken_recordings_never_stop_the_run(manifest, store):
    for utterance in manifest.utterances():
        utterance.audio_filepath.write_bytes(b"")
    done = transcribe(manifest, [InThisProcess(Scripted())], store, one_by_one(max_consecutive_failures=1))
    assert (done.n_done, done.n_failed) == (8, 8)


def test_broken_recordings_in_between_do_not_hide_a_backend_that_fails_on_everything(manifest, store):
    for utterance in list(manifest.utterances())[::2]:
        utterance.audio_filepath.write_bytes(b"")
    with pytest.raises(BackendError, match=r"failed on the last 3 clips, lastly with 'RuntimeError: deaf'"):
        transcribe(manifest, [InThisProcess(Scripted(deaf))], store, one_by_one(max_consecutive_failures=3))


def test_without_durations_in_the_manifest_the_longest_recordings_still_come_first(tmp_path, store):
    rows = tone_rows(n_speakers=1, n_utterances=2)
    rows = [row | {"text": "one " * n_words} for row, n_words in zip(rows, (1, 4, 2, 3), strict=True)]
    manifest = Manifest.load(tone_corpus(tmp_path / "corpus", rows))
    transcribe(manifest, [InThisProcess(Scripted())], store, OPTIONS)
    durations_s = [json.loads(line)["audio_s"] for line in (store.folder / "0001.jsonl").read_text().splitlines()]
    assert durations_s == sorted(durations_s, reverse=True)


def test_two_stores_of_the_same_manifest_hold_the_same_texts_in_the_same_order(manifest, tmp_path):
    first, second = HypothesisStore(tmp_path / "a"), HypothesisStore(tmp_path / "b")
    for store in (first, second):
        transcribe(manifest, [InThisProcess(Scripted())], store, OPTIONS)
    timeless = [store.frame().drop(columns=["processing_s", "latency_s"]) for store in (first, second)]
    assert timeless[0].equals(timeless[1])
