"""Whatever a recording or a recogniser does, each clip has one hypothesis, and a failure says why."""

import sys
import threading
import time

import numpy as np
import pytest

from harness.backends import Transcript
from harness.backends.tones import Tones, synthesise
from harness.corpus import Manifest
from harness.errors import BackendError, UsageError
from harness.transcription import ExecutorOptions
from harness.transcription.executors import decode, recognise, run_local, warm_up
from tests.builders import Scripted, tone_corpus, tone_rows

TEXTS = ["zero one", "two three four", "five"]


@pytest.fixture
def utterances(tmp_path):
    rows = tone_rows(("north",), n_speakers=3, n_utterances=1)
    rows = [row | {"text": text} for row, text in zip(rows, TEXTS, strict=True)]
    return list(Manifest.load(tone_corpus(tmp_path, rows)).utterances())


def texts_and_errors(utterances, backend):
    hypotheses = recognise([decode(utterance) for utterance in utterances], backend)
    assert [hypothesis.utterance_id for hypothesis in hypotheses] == [each.utterance_id for each in utterances]
    return [hypothesis.text for hypothesis in hypotheses], [hypothesis.error for hypothesis in hypotheses]


def raises_on_a_batch(waveforms):
    if len(waveforms) > 1:
        raise RuntimeError("out of memory")


def raises_on(text):
    spoken = synthesise(text)

    def fails(waveforms):
        if any(np.allclose(waveform, spoken, atol=1e-3) for waveform in waveforms if len(waveform) == len(spoken)):
            raise RuntimeError("cannot\nhear this")

    return fails


def without_the_last(waveforms):
    return Tones().transcribe(waveforms)[:-1] if len(waveforms) > 1 else None


def one_too_many(waveforms):
    return [*Tones().transcribe(waveforms), Transcript("more")] if len(waveforms) > 1 else None


def a_generator(waveforms):
    return iter(Tones().transcribe(waveforms)) if len(waveforms) > 1 else None


def plain_texts(waveforms):
    return [transcript.text for transcript in Tones().transcribe(waveforms)] if len(waveforms) > 1 else None


@pytest.mark.parametrize(
    "fails",
    [
        pytest.param(raises_on_a_batch, id="raises-on-a-batch"),
        pytest.param(without_the_last, id="too-few-transcripts"),
        pytest.param(one_too_many, id="too-many-transcripts"),
        pytest.param(a_generator, id="a-generator"),
        pytest.param(plain_texts, id="texts-and-no-transcripts"),
    ],
)
def test_a_batch_that_goes_wrong_is_retried_clip_by_clip_and_nothing_is_lost(utterances, fails):
    backend = Scripted(fails)
    assert texts_and_errors(utterances, backend) == (TEXTS, [None] * 3)
    assert backend.calls == [3, 1, 1, 1]


def test_a_clip_that_raises_is_the_only_failure_and_its_error_is_on_one_line(utterances):
    texts, errors = texts_and_errors(utterances, Scripted(raises_on(TEXTS[1])))
    assert texts == [TEXTS[0], None, TEXTS[2]]
    assert errors == [None, "RuntimeError: cannot hear this", None]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param([], "returned 0 transcripts; expected a list of 1 Transcript", id="no-transcript"),
        pytest.param([Transcript(None)], "returned a text of type NoneType at 0; expected str", id="no-text"),
        pytest.param([None], "returned NoneType at 0; expected a list of 1 Transcript", id="nothing"),
        pytest.param(["zero one"], "returned str at 0; expected a list of 1 Transcript", id="a-text"),
    ],
)
def test_what_is_no_transcript_is_a_failure_and_never_empty_text(utterances, wrong, words):
    texts, errors = texts_and_errors(utterances, Scripted(lambda waveforms: wrong * len(waveforms)))
    assert texts == [None] * 3
    assert all(error.startswith(f"BackendError: tests.builders.Scripted.transcribe {words}") for error in errors)
    assert len(errors) == 3


def test_a_backend_that_leaves_the_program_has_failed_on_the_clip_and_not_ended_the_run(utterances):
    def leaves(waveforms):
        if len(waveforms) > 1 or len(backend.calls) == 3:  # the batch, and its second clip
            sys.exit("no licence")

    backend = Scripted(leaves)
    texts, errors = texts_and_errors(utterances, backend)
    assert texts == [TEXTS[0], None, TEXTS[2]]
    assert errors == [None, "SystemExit: no licence", None]


LONE = "a\ud800b\udfffc"  # halves of surrogate pairs, which no file can hold


def test_half_a_surrogate_pair_in_a_text_is_a_question_mark_and_whole_letters_stay(utterances):
    backend = Scripted(lambda waveforms: [Transcript(f"{LONE} é 你好 🎙")] * len(waveforms))
    texts, errors = texts_and_errors(utterances, backend)
    assert texts == ["a?b?c é 你好 🎙"] * 3
    assert errors == [None] * 3


def test_half_a_surrogate_pair_in_an_error_is_a_question_mark(utterances):
    def fails(_):
        raise ValueError(f"{LONE} 🎙")

    assert texts_and_errors(utterances, Scripted(fails)) == ([None] * 3, ["ValueError: a?b?c 🎙"] * 3)


def test_an_error_of_any_length_is_kept_short(utterances):
    def fails(_):
        raise ValueError("x" * 10_000)

    _, errors = texts_and_errors(utterances, Scripted(fails))
    assert {len(error) for error in errors} == {500}


def test_hearing_nothing_is_a_transcript_and_no_failure(utterances):
    nothing = Scripted(lambda waveforms: [Transcript("")] * len(waveforms))
    assert texts_and_errors(utterances, nothing) == ([""] * 3, [None] * 3)


def test_a_broken_recording_fails_alone_and_the_backend_never_sees_it(utterances):
    utterances[0].audio_filepath.write_bytes(b"RIFF" + b"not a recording" * 20)
    utterances[2].audio_filepath.unlink()
    backend = Scripted()
    texts, errors = texts_and_errors(utterances, backend)
    assert texts == [None, TEXTS[1], None]
    assert errors[0].startswith("AudioError: ")
    assert utterances[2].audio_filepath.name in errors[2]
    assert backend.calls == [1]


def test_a_batch_of_broken_recordings_asks_the_backend_for_nothing(utterances):
    for utterance in utterances:
        utterance.audio_filepath.write_bytes(b"")
    backend = Scripted()
    assert texts_and_errors(utterances, backend)[0] == [None] * 3
    assert backend.calls == []


def test_the_seconds_of_a_batch_are_shared_in_proportion_to_the_audio(utterances):
    hypotheses = recognise([decode(utterance) for utterance in utterances], Tones())
    per_second = [hypothesis.processing_s / hypothesis.audio_s for hypothesis in hypotheses]
    assert per_second == pytest.approx([per_second[0]] * 3)
    assert [hypothesis.audio_s for hypothesis in hypotheses] == pytest.approx([0.35, 0.5, 0.2])


def test_word_times_are_kept_when_the_backend_gives_them(utterances):
    (hypothesis,) = recognise([decode(utterances[0])], Tones())
    assert [word.text for word in hypothesis.words] == ["zero", "one"]
    assert all(0 <= word.start < word.end <= hypothesis.audio_s for word in hypothesis.words)
    (silent,) = recognise([decode(utterances[0])], Scripted(lambda _: [Transcript("zero one")]))
    assert silent.words is None


def test_batches_come_back_in_their_order(utterances):
    batches = [[utterance] for utterance in utterances] * 4
    done = list(run_local(batches, Tones(), ExecutorOptions(decode_threads=3, prefetch_batches=2)))
    assert [[hypothesis.text for hypothesis in batch] for batch in done] == [[text] for text in TEXTS * 4]


def test_audio_is_decoded_while_the_backend_works(utterances, monkeypatch):
    both = threading.Barrier(2, timeout=10)  # passes only when a decoder and the backend are in it together
    decoded = []

    def slow_decode(utterance):
        if len(decoded) == 1:
            both.wait()
        decoded.append(utterance)
        return decode(utterance)

    def meet(_):
        if len(backend.calls) == 1:
            both.wait()

    backend = Scripted(meet)
    monkeypatch.setattr("harness.transcription.executors.decode", slow_decode)
    options = ExecutorOptions(decode_threads=1, prefetch_batches=1)
    done = list(run_local([[utterance] for utterance in utterances], backend, options))
    assert [hypothesis.text for (hypothesis,) in done] == TEXTS


def test_decoding_runs_no_further_ahead_than_allowed(utterances, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "harness.transcription.executors.decode", lambda utterance: decoded.append(utterance) or decode(utterance)
    )
    results = run_local([[utterances[0]]] * 20, Tones(), ExecutorOptions(prefetch_batches=2))
    next(results)
    time.sleep(0.1)
    assert len(decoded) <= 3
    results.close()


def test_an_interrupt_goes_through_and_leaves_no_thread_behind(utterances):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_local([utterances], Scripted(interrupt), ExecutorOptions()))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_warming_up_stops_the_run_when_the_backend_cannot_work_at_all():
    def no_weights(_):
        raise BackendError("no weights; fetch them")

    with pytest.raises(BackendError, match="fetch them"):
        warm_up(Scripted(no_weights))


def test_warming_up_forgives_a_backend_that_dislikes_silence(caplog):
    def dislikes(_):
        raise ValueError("nothing to hear")

    assert warm_up(Scripted(dislikes)) >= 0
    assert "ValueError: nothing to hear" in caplog.text


def test_warming_up_forgives_a_backend_that_leaves_the_program_over_silence(caplog):
    def leaves(_):
        sys.exit("nothing to hear")

    assert warm_up(Scripted(leaves)) >= 0
    assert "SystemExit: nothing to hear" in caplog.text


def test_warming_up_can_be_interrupted():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm_up(Scripted(interrupt))


@pytest.mark.parametrize("option", ["batch_size", "decode_threads", "prefetch_batches", "max_consecutive_failures"])
def test_an_option_below_one_is_refused_by_name(option):
    with pytest.raises(UsageError, match=rf"executor\.{option}=0; expected 1 or more"):
        ExecutorOptions(**{option: 0})
