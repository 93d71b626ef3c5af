"""Each clip has one hypothesis, from the cache, a recogniser or its own fault, and decoding runs ahead, but not far."""

import threading
import time

import pytest

from harness.backends.faults import Failing
from harness.backends.tones import Tones
from harness.corpus import Manifest
from harness.errors import BackendError
from harness.transcription.cache import TranscriptCache
from harness.transcription.decoding import Batch, decode
from harness.transcription.scheduling import Ahead, heard_in_parallel, heard_in_turn
from harness.transcription.workers import InThisProcess, RecogniserLostError
from tests.builders import Scripted, tone_corpus, tone_rows

TEXTS = ["zero one", "two three four", "five"]
AHEAD = Ahead(threads=2, batches=2)


@pytest.fixture
def utterances(tmp_path):
    rows = tone_rows(("north",), n_speakers=3, n_utterances=1)
    rows = [row | {"text": text} for row, text in zip(rows, TEXTS, strict=True)]
    return list(Manifest.load(tone_corpus(tmp_path, rows)).utterances())


def heard(batches, *backends, ahead=AHEAD, cache=None):
    batches = [Batch(each) for each in batches]
    if len(backends) == 1:
        return list(heard_in_turn(batches, InThisProcess(backends[0]), ahead, cache=cache))
    workers = [InThisProcess(each) for each in backends]
    return list(heard_in_parallel(batches, workers, ahead, max_losses=4, cache=cache))


def texts(done):
    return [hypothesis.text for batch in done for hypothesis in batch.hypotheses]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_broken_recording_fails_alone_and_the_backend_never_sees_it(utterances, n_workers):
    utterances[0].audio_filepath.write_bytes(b"RIFF" + b"not a recording" * 20)
    utterances[2].audio_filepath.unlink()
    backends = [Scripted() for _ in range(n_workers)]
    (batch,) = heard([utterances], *backends)
    assert [hypothesis.text for hypothesis in batch.hypotheses] == [None, TEXTS[1], None]
    assert batch.hypotheses[0].error.startswith("AudioError: ")
    assert utterances[2].audio_filepath.name in batch.hypotheses[2].error
    assert sorted(backend.calls for backend in backends)[-1] == [1, 1]  # the warm-up, and the clip


def test_a_batch_of_broken_recordings_asks_the_backend_for_nothing(utterances):
    for utterance in utterances:
        utterance.audio_filepath.write_bytes(b"")
    backend = Scripted()
    assert texts(heard([utterances], backend)) == [None] * 3
    assert backend.calls == []


def test_batches_come_back_in_their_order_from_one_worker(utterances):
    done = heard([[utterance] for utterance in utterances] * 4, Tones())
    assert texts(done) == TEXTS * 4


def test_every_batch_comes_back_once_from_several_workers_and_each_has_a_share(utterances):
    both = threading.Barrier(2, timeout=60)

    def meet(_):
        if len(backends[0].calls) <= 2 and len(backends[1].calls) <= 2:
            both.wait()

    backends = [Scripted(meet), Scripted(meet)]
    done = heard([[utterance] for utterance in utterances] * 4, *backends)
    assert sorted(texts(done)) == sorted(TEXTS * 4)
    assert sum(len(backend.calls) for backend in backends) == 12 + 2  # and the warm-ups


def test_audio_is_decoded_while_the_backend_works(utterances, monkeypatch):
    both = threading.Barrier(2, timeout=60)  # passes only when a decoder and the backend are in it together
    decoded = []

    def slow_decode(utterance):
        if len(decoded) == 1:
            both.wait()
        decoded.append(utterance)
        return decode(utterance)

    def meet(_):
        if len(backend.calls) == 2:
            both.wait()

    backend = Scripted(meet)
    monkeypatch.setattr("harness.transcription.decoding.decode", slow_decode)
    done = heard([[utterance] for utterance in utterances], backend, ahead=Ahead(threads=1, batches=1))
    assert texts(done) == TEXTS


@pytest.mark.parametrize("n_workers", [1, 2])
def test_decoding_runs_no_further_ahead_than_allowed(utterances, monkeypatch, n_workers):
    decoded = []
    monkeypatch.setattr(
        "harness.transcription.decoding.decode", lambda utterance: decoded.append(utterance) or decode(utterance)
    )
    workers = [InThisProcess(Tones()) for _ in range(n_workers)]
    batches = [Batch([utterances[0]])] * 40
    if n_workers == 1:
        results = heard_in_turn(batches, workers[0], AHEAD)
    else:
        results = heard_in_parallel(batches, workers, AHEAD, max_losses=4)
    next(results)
    time.sleep(0.1)
    assert len(decoded) <= (3 if n_workers == 1 else 2 * (1 + AHEAD.batches) + 1)
    results.close()


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_interrupt_goes_through_and_leaves_no_thread_behind(utterances, n_workers):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        heard([utterances] * 5, *[Scripted(interrupt) for _ in range(n_workers)])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("decode", "drive"))]


def test_workers_that_are_not_the_same_recogniser_stop_the_run(utterances):
    with pytest.raises(BackendError, match="not the same recogniser"):
        heard([utterances] * 50, Tones(), Failing(on_text="never said"))


@pytest.mark.parametrize("n_workers", [1, 2])
def test_what_the_cache_has_is_not_recognised_and_says_so(utterances, tmp_path, n_workers):
    cache = TranscriptCache(tmp_path / "cache.sqlite", {"backend": "scripted"})
    with cache:
        (first,) = heard([utterances[:2]], *[Scripted() for _ in range(n_workers)], cache=cache)
        assert len(first.new) == 2
        cache.keep(first.new, condition="clean")
        backends = [Scripted() for _ in range(n_workers)]
        (again,) = heard([utterances], *backends, cache=cache)
    assert texts([again]) == TEXTS
    assert [hypothesis.cached for hypothesis in again.hypotheses] == [True, True, None]
    assert [hypothesis.processing_s is None for hypothesis in again.hypotheses] == [True, True, False]
    assert [hypothesis.words is not None for hypothesis in again.hypotheses] == [True] * 3
    assert sum(sum(backend.calls) for backend in backends) == 2  # the warm-up, and one clip
    assert len(again.new) == 1


def test_a_failure_is_not_kept_for_other_runs(utterances, tmp_path):
    def deaf(_):
        raise RuntimeError("deaf")

    with TranscriptCache(tmp_path / "cache.sqlite", {"backend": "scripted"}) as cache:
        (batch,) = heard([utterances], Scripted(deaf), cache=cache)
    assert batch.new == {}


class Losing(InThisProcess):
    """Is lost over every batch, and hears every clip alone."""

    def __init__(self, backend):
        super().__init__(backend)
        self.recognise = self.heard

    def heard(self, waveforms):
        if len(waveforms) > 1:
            raise RecogniserLostError("lost")
        return self._recogniser.recognise(waveforms)


def test_lost_batches_do_not_let_decoding_run_further_ahead(utterances, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "harness.transcription.decoding.decode", lambda utterance: decoded.append(utterance) or decode(utterance)
    )
    results = heard_in_parallel([Batch(utterances)] * 40, [Losing(Tones())], AHEAD, max_losses=10**6)
    for n_done, _ in enumerate(results, start=1):
        assert len(decoded) <= n_done + 3 * (2 + AHEAD.batches)
        if n_done == 60:
            break
    results.close()
