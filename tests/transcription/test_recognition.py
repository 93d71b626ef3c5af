"""Whatever a recogniser does, each clip has a text or a failure that says why."""

import sys

import numpy as np
import pytest

from harness.audio import SAMPLE_RATE
from harness.backends import Failure, Transcript
from harness.backends.faults import OutOfMemory, Refusing
from harness.backends.tones import Tones, synthesise
from harness.errors import BackendError
from harness.transcription.recognition import Recogniser
from tests.builders import Scripted

TEXTS = ["zero one", "two three four", "five"]
CLIPS = [synthesise(text) for text in TEXTS]
WARM_UP = [1]  # the size of the first call


def texts_and_errors(backend, clips=CLIPS):
    heard = Recogniser(backend).recognise(clips)
    return [each.text for each in heard], [each.error for each in heard]


def raises_on_a_batch(waveforms):
    if len(waveforms) > 1:
        raise RuntimeError("confused")


def raises_on(text):
    spoken = synthesise(text)

    def fails(waveforms):
        if any(np.array_equal(waveform, spoken) for waveform in waveforms):
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
def test_a_batch_that_goes_wrong_is_retried_clip_by_clip_and_nothing_is_lost(fails):
    backend = Scripted(fails)
    assert texts_and_errors(backend) == (TEXTS, [None] * 3)
    assert backend.calls == [*WARM_UP, 3, 1, 1, 1]


def test_a_clip_that_raises_is_the_only_failure_and_its_error_is_on_one_line():
    texts, errors = texts_and_errors(Scripted(raises_on(TEXTS[1])))
    assert texts == [TEXTS[0], None, TEXTS[2]]
    assert errors == [None, "RuntimeError: cannot hear this", None]


def test_a_clip_that_the_backend_says_it_failed_on_is_not_asked_for_again_nor_are_its_neighbours():
    backend = Refusing(on_text=TEXTS[1])
    texts, errors = texts_and_errors(backend)
    assert texts == [TEXTS[0], None, TEXTS[2]]
    assert errors == [None, "Refusing: told to refuse this clip", None]
    assert backend.calls == [*WARM_UP, 3]


@pytest.mark.parametrize(("fits", "calls"), [(1, [8, 1, 1, 1, 1, 1, 1, 1, 1]), (3, [8, 4, 2, 2, 2, 2]), (4, [8, 4, 4])])
def test_a_batch_that_the_memory_does_not_hold_is_halved_and_the_size_that_fits_is_remembered(fits, calls):
    backend = OutOfMemory(fits=fits)
    recogniser = Recogniser(backend)
    assert [each.text for each in recogniser.recognise([CLIPS[0]] * 8)] == [TEXTS[0]] * 8
    assert backend.calls[1:] == ([8, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1] if fits == 1 else calls)
    before = len(backend.calls)
    recogniser.recognise([CLIPS[0]] * 8)
    assert max(backend.calls[before:]) <= fits
    assert recogniser.spent().fits == {1: 1, 3: 2, 4: 4}[fits]


def test_a_clip_that_the_memory_does_not_hold_alone_is_a_failure_and_the_next_are_heard():
    def full(waveforms):
        if any(len(waveform) == len(CLIPS[1]) for waveform in waveforms):
            raise MemoryError("too long")

    backend = Scripted(full)
    recogniser = Recogniser(backend)
    heard = recogniser.recognise(CLIPS)
    assert [each.text for each in heard] == [TEXTS[0], None, TEXTS[2]]
    assert [each.error for each in heard] == [None, "MemoryError: too long", None]
    recogniser.recognise([CLIPS[0]] * 8)
    assert backend.calls[-1] == 8  # one that never fits says nothing of how many others do


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param([], "returned 0 transcripts; expected a list of 1 Transcript", id="no-transcript"),
        pytest.param([Transcript(None)], "returned a text of type NoneType at 0; expected str", id="no-text"),
        pytest.param([None], "returned NoneType at 0; expected a list of 1 Transcript", id="nothing"),
        pytest.param(["zero one"], "returned str at 0; expected a list of 1 Transcript", id="a-text"),
    ],
)
def test_what_is_no_transcript_is_a_failure_and_never_empty_text(wrong, words):
    backend = Scripted(lambda waveforms: None if len(backend.calls) == 1 else wrong * len(waveforms))
    texts, errors = texts_and_errors(backend)
    assert texts == [None] * 3
    assert all(error.startswith(f"BackendError: tests.builders.Scripted.transcribe {words}") for error in errors)
    assert len(errors) == 3


def test_a_backend_that_leaves_the_program_has_failed_on_the_clip_and_not_ended_the_run():
    def leaves(waveforms):
        if len(waveforms) > 1 or len(backend.calls) == 4:  # the batch, and its second clip
            sys.exit("no licence")

    backend = Scripted(leaves)
    texts, errors = texts_and_errors(backend)
    assert texts == [TEXTS[0], None, TEXTS[2]]
    assert errors == [None, "SystemExit: no licence", None]


LONE = "a\ud800b\udfffc"  # halves of surrogate pairs, which no file can hold


def test_half_a_surrogate_pair_in_a_text_is_a_question_mark_and_whole_letters_stay():
    backend = Scripted(lambda waveforms: [Transcript(f"{LONE} é 你好 🎙")] * len(waveforms))
    assert texts_and_errors(backend) == (["a?b?c é 你好 🎙"] * 3, [None] * 3)


def test_half_a_surrogate_pair_in_an_error_is_a_question_mark():
    def fails(_):
        raise ValueError(f"{LONE} 🎙")

    assert texts_and_errors(Scripted(fails)) == ([None] * 3, ["ValueError: a?b?c 🎙"] * 3)
    refusing = Scripted(lambda waveforms: [Failure(f"{LONE}\n🎙")] * len(waveforms))
    assert texts_and_errors(refusing) == ([None] * 3, ["a?b?c 🎙"] * 3)


def test_an_error_of_any_length_is_kept_short():
    def fails(_):
        raise ValueError("x" * 10_000)

    _, errors = texts_and_errors(Scripted(fails))
    assert {len(error) for error in errors} == {500}


def test_hearing_nothing_is_a_transcript_and_no_failure():
    nothing = Scripted(lambda waveforms: [Transcript("")] * len(waveforms))
    assert texts_and_errors(nothing) == ([""] * 3, [None] * 3)


def test_the_seconds_of_a_batch_are_shared_in_proportion_to_the_audio_and_its_latency_is_each_clip_s():
    heard = Recogniser(Tones()).recognise(CLIPS)
    per_second = [each.processing_s / len(clip) for each, clip in zip(heard, CLIPS, strict=True)]
    assert per_second == pytest.approx([per_second[0]] * 3)
    assert [each.latency_s for each in heard] == [pytest.approx(sum(each.processing_s for each in heard))] * 3


def test_what_a_backend_says_of_latency_and_cost_is_kept():
    said = Scripted(lambda waveforms: [Transcript("one", latency_s=0.25, cost_usd=0.5)] * len(waveforms))
    (heard,) = Recogniser(said).recognise(CLIPS[:1])
    assert (heard.latency_s, heard.cost_usd) == (0.25, 0.5)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_latency_that_is_no_number_is_a_failure(seconds):
    said = Scripted(lambda waveforms: [Transcript("one", latency_s=seconds)] * len(waveforms))
    (heard,) = Recogniser(said).recognise(CLIPS[:1])
    assert "expected a finite number" in heard.error


def test_word_times_are_kept_when_the_backend_gives_them():
    (heard,) = Recogniser(Tones()).recognise(CLIPS[:1])
    assert [word.text for word in heard.words] == ["zero", "one"]
    assert all(0 <= word.start < word.end <= len(CLIPS[0]) / SAMPLE_RATE for word in heard.words)
    (silent,) = Recogniser(Scripted(lambda _: [Transcript("zero one")])).recognise(CLIPS[:1])
    assert silent.words is None


def test_a_backend_that_spoils_its_waveforms_spoils_only_its_own():
    def spoils(waveforms):
        for waveform in waveforms:
            waveform[:] = 0
        raise RuntimeError("spoilt")

    clips = [clip.copy() for clip in CLIPS]
    Recogniser(Scripted(spoils)).recognise(clips)
    assert all(np.array_equal(clip, before) for clip, before in zip(clips, CLIPS, strict=True))


def test_warming_up_stops_the_run_when_the_backend_cannot_work_at_all():
    def no_weights(_):
        raise BackendError("no weights; fetch them")

    with pytest.raises(BackendError, match="fetch them"):
        Recogniser(Scripted(no_weights)).recognise(CLIPS)


@pytest.mark.parametrize(("error", "words"), [(ValueError("nothing"), "ValueError"), (SystemExit("no"), "SystemExit")])
def test_warming_up_forgives_a_backend_that_dislikes_silence(caplog, error, words):
    def dislikes(_):
        if len(backend.calls) == 1:
            raise error

    backend = Scripted(dislikes)
    assert texts_and_errors(backend)[0] == TEXTS
    assert f"silence before the first clip: {words}" in caplog.text


def test_warming_up_is_in_no_other_figure_and_happens_once():
    backend = Scripted()
    recogniser = Recogniser(backend)
    assert recogniser.spent().warm_up_s == 0
    recogniser.recognise(CLIPS)
    recogniser.recognise(CLIPS)
    assert backend.calls == [1, 3, 3]
    assert recogniser.spent().warm_up_s > 0


def test_an_interrupt_goes_through():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Recogniser(Scripted(interrupt)).recognise(CLIPS)


class Staged(Tones):
    """Says that each call takes a second of encoding."""

    def __init__(self):
        self.n_calls = 0
        self.n_closed = 0

    def transcribe(self, waveforms):
        self.n_calls += 1
        return super().transcribe(waveforms)

    def stage_seconds(self):
        return {"encoder": float(self.n_calls)}

    def close(self):
        self.n_closed += 1


def test_the_stages_of_a_backend_are_told_without_its_warm_up():
    recogniser = Recogniser(Staged())
    recogniser.recognise(CLIPS)
    recogniser.recognise(CLIPS)
    assert recogniser.spent().stages_s == {"encoder": 2.0}
    assert recogniser.spent().peak_memory_bytes > 1e6


def test_closing_ends_what_a_backend_started_and_is_nothing_to_one_that_started_nothing():
    backend = Staged()
    Recogniser(backend).close()
    Recogniser(Tones()).close()
    assert backend.n_closed == 1
