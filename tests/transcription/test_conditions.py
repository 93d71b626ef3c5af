"""An utterance is heard once under each condition, decoded once for all; its hypothesis says what was done to it."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Clean, Gain, Noise, Speed
from harness.backends.tones import Tones
from harness.corpus import Manifest
from harness.errors import ConditionError, UsageError
from harness.transcription import ExecutorOptions, HypothesisStore, TranscriptCache, decoding, transcribe
from harness.transcription.executors import ConditionsOn
from harness.transcription.workers import InThisProcess
from tests.builders import Scripted, tone_corpus, tone_rows

OPTIONS = ExecutorOptions(batch_size=2)
QUIET, NOISY = Gain(gain_db=-20.0, name="quiet"), Noise(colour="white", snr_db=30.0, name="noisy")


class Muting:
    """Is somebody's condition that nothing is left of on some clips."""

    name = "muting"

    def __call__(self, waveform, *, rng):
        if rng.random() < 2:
            raise ValueError("too loud for me")
        return waveform


@pytest.fixture
def manifest(tmp_path):
    return Manifest.load(tone_corpus(tmp_path, tone_rows(("north",), n_speakers=1, n_utterances=8)))


def heard(manifest, folder, *conditions, backend=None, options=OPTIONS, cache=None):
    store = HypothesisStore(folder / "hypotheses")
    done = transcribe(
        manifest, [InThisProcess(backend or Scripted())], store, options, cache=cache, conditions=conditions
    )
    return done, store


def test_every_utterance_has_a_hypothesis_under_every_condition(manifest, tmp_path):
    done, store = heard(manifest, tmp_path, Clean(), QUIET, NOISY)
    frame = store.frame()
    assert (done.n_done, done.n_failed) == (24, 0)
    assert frame.groupby("condition")["utterance_id"].nunique().to_dict() == {"clean": 8, "quiet": 8, "noisy": 8}


def test_a_condition_chosen_alone_is_heard_alone(manifest, tmp_path):
    _, store = heard(manifest, tmp_path, QUIET)
    assert set(store.frame()["condition"]) == {"quiet"}


def test_only_what_is_missing_is_heard_when_a_condition_is_added(manifest, tmp_path):
    heard(manifest, tmp_path, Clean(), QUIET)
    backend = Scripted()
    done, _ = heard(manifest, tmp_path, Clean(), QUIET, NOISY, backend=backend)
    assert (done.n_kept, done.n_done) == (16, 8)
    assert sum(backend.calls) == 8 + 1  # and the warm-up


def test_a_recording_is_decoded_once_for_all_conditions(manifest, tmp_path, monkeypatch):
    decoded, decode = [], decoding.decode
    monkeypatch.setattr(decoding, "decode", lambda each: decoded.append(each.utterance_id) or decode(each))
    heard(manifest, tmp_path, Clean(), QUIET, NOISY)
    assert sorted(decoded) == sorted(manifest.frame["utterance_id"])


def test_a_decoding_takes_its_seconds_once(manifest, monkeypatch):
    (utterance, *_) = manifest.utterances()
    monkeypatch.setattr(decoding, "decode", lambda each, decode=decoding.decode: replace(decode(each), seconds=9.0))
    decoders = decoding.Decoders(1)
    with decoders.threads:
        clean, quiet = (
            decoders.submit(decoding.Batch([utterance], condition, key))[0].result()
            for condition, key in ((None, "clean"), (QUIET, "quiet"))
        )
    assert clean.seconds == 9.0
    assert quiet.seconds < 9.0


def test_a_gpu_that_is_not_there_is_not_quietly_done_without():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="no GPU here"):
        _ = ExecutorOptions(conditions_on=ConditionsOn.cuda).conditions_device


@pytest.mark.parametrize("n_threads", [1, 4])
def test_a_single_decoding_thread_never_waits_for_itself(manifest, tmp_path, n_threads):
    options = ExecutorOptions(batch_size=8, decode_threads=n_threads)
    done, _ = heard(manifest, tmp_path, QUIET, NOISY, options=options)
    assert done.n_done == 16


def test_the_draw_depends_on_utterance_and_condition_and_on_nothing_else(manifest, tmp_path):
    def audio(folder, *conditions, options):
        waveforms = []

        class Listening(Tones):
            def transcribe(self, clips):
                waveforms.extend(clip.tobytes() for clip in clips)
                return super().transcribe(clips)

        heard(manifest, folder, *conditions, backend=Listening(), options=options)
        return set(waveforms)

    one = audio(tmp_path / "a", NOISY, options=ExecutorOptions(batch_size=1, decode_threads=1))
    other = audio(tmp_path / "b", QUIET, NOISY, options=ExecutorOptions(batch_size=4, decode_threads=3))
    assert one <= other


def test_what_was_done_to_a_clip_stands_with_its_hypothesis(manifest, tmp_path):
    _, store = heard(manifest, tmp_path, Clean(), NOISY)
    records = list(store._records())
    noisy = [each for each in records if each["condition"] == "noisy"]
    assert all(isinstance(each["applied"], dict) and each["applied"] for each in noisy)
    assert all("applied" not in each for each in records if each["condition"] == "clean")


def test_a_condition_that_fails_on_a_clip_fails_that_clip_and_says_why(manifest, tmp_path):
    backend = Scripted()
    done, store = heard(manifest, tmp_path, Clean(), Muting(), backend=backend)
    frame = store.frame().set_index("condition")
    assert (done.n_done, done.n_failed) == (16, 8)
    assert frame.loc["clean", "error"].isna().all()
    assert frame.loc["muting", "error"].str.contains("too loud for me").all()
    assert sum(backend.calls) == 8 + 1


def test_a_slower_clip_is_told_at_its_own_length_and_its_words_in_the_recording_s_time(manifest, tmp_path):
    _, store = heard(manifest, tmp_path, Clean(), Speed(factor=0.5, name="slow"), backend=Scripted())
    records = {(each["condition"], each["utterance_id"]): each for each in store._records()}
    for name in manifest.frame["utterance_id"]:
        clean, slow = records["clean", name], records["slow", name]
        assert slow["audio_s"] == pytest.approx(2 * clean["audio_s"], rel=0.01)
        if slow.get("words"):
            assert slow["words"][-1]["end"] <= clean["audio_s"] + 1 / SAMPLE_RATE


def test_the_cache_keeps_conditions_apart_and_knows_each_again(manifest, tmp_path):
    def with_cache(folder, *conditions):
        with TranscriptCache(tmp_path / "cache.sqlite", {"backend": "scripted"}) as cache:
            return heard(manifest, tmp_path / folder, *conditions, cache=cache)[0]

    assert with_cache("a", Clean(), QUIET, NOISY).n_cached == 0
    assert with_cache("b", Clean(), QUIET, NOISY).n_cached == 24
    assert with_cache("c", Noise(colour="white", snr_db=29.0, name="noisy")).n_cached == 0
    assert with_cache("d", Gain(gain_db=0.0, name="same")).n_cached == 0  # the same samples, another condition


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_batch_on_a_device_is_what_its_clips_are_one_by_one(manifest, n_threads):
    utterances = list(manifest.utterances())
    utterances[2].audio_filepath.unlink()
    soundfile.write(utterances[4].audio_filepath, np.zeros(SAMPLE_RATE), SAMPLE_RATE)  # has no SNR: fails alone
    for chosen in (utterances[:4], utterances):
        decoders = decoding.Decoders(n_threads)
        with decoders.threads:
            singly = [each.result() for each in decoders.submit(decoding.Batch(chosen, NOISY, "key"))]
            clips = [decoders.threads.submit(decoding.decode, each) for each in chosen]
            together = decoding.all_under(NOISY, "key", clips, device="cpu")
        for one, other in zip(singly, together, strict=True):
            assert (one.error, one.condition, one.key) == (other.error, other.condition, other.key)
            assert (one.waveform is None) == (other.waveform is None)
            if one.waveform is not None:
                np.testing.assert_allclose(other.waveform, one.waveform, atol=1e-4)
                assert other.applied.keys() == one.applied.keys()


@pytest.mark.gpu
def test_a_run_on_a_gpu_says_what_a_run_on_the_cpu_says(manifest, tmp_path):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    texts = []
    for device in (ConditionsOn.cpu, ConditionsOn.cuda):
        options = ExecutorOptions(batch_size=4, conditions_on=device)
        _, store = heard(manifest, tmp_path / device.value, NOISY, QUIET, options=options)
        texts.append(store.frame().sort_values(["condition", "utterance_id"])["text"].tolist())
    assert texts[0] == texts[1]


def test_a_condition_that_gives_no_audio_is_refused(manifest, tmp_path):
    class Hollow:
        name = "hollow"

        def __call__(self, waveform, *, rng):  # noqa: ARG002
            return np.full(len(waveform), np.nan, dtype=np.float32)

    _, store = heard(manifest, tmp_path, Hollow())
    assert store.frame()["error"].str.startswith(ConditionError.__name__).all()
