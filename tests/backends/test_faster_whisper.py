"""A random Whisper in CTranslate2's format: a batch gives the texts that the library's `transcribe` gives alone."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from harness.audio import SAMPLE_RATE
from harness.backends.faster_whisper import FasterWhisper
from harness.backends.tones import synthesise
from harness.errors import BackendError, UsageError
from tests.backends.tiny_models import written_whisper
from tests.backends.varied_clips import varied_clips
from tests.shared import REPOSITORY

faster_whisper = pytest.importorskip("faster_whisper")
ctranslate2 = pytest.importorskip("ctranslate2")
pytest.importorskip("transformers")  # writes what is converted


def converted(folder, **options):
    """Writes a random Whisper and returns the folder of its conversion."""
    converter = ctranslate2.converters.TransformersConverter(
        str(written_whisper(folder / "transformers", **options)),
        copy_files=["tokenizer.json", "preprocessor_config.json"],
    )
    converter.convert(str(folder / "converted"))
    return folder / "converted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return converted(tmp_path_factory.mktemp("model"), multilingual=False)


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory):
    return converted(tmp_path_factory.mktemp("multilingual"), seed=11)


@pytest.fixture(scope="module")
def clips():
    return varied_clips()


@pytest.fixture(scope="module")
def long_clip():
    """31 s, and a little."""
    clip = np.resize(synthesise("five six nine"), 31 * SAMPLE_RATE + 77)
    return (clip + 0.1 * np.random.default_rng(1).standard_normal(len(clip))).astype(np.float32)


def backend(folder, **options):
    return FasterWhisper(model=str(folder), **{"device": "cpu", "cpu_threads": 1, "beam_size": 2} | options)


def texts(recogniser, clips):
    return [transcript.text for transcript in recogniser.transcribe(clips)]


def library_texts(folder, clips, *, compute_type="default", language="en", beam_size=2, **options):
    """Returns what the library hears in one clip after the other."""
    model = faster_whisper.WhisperModel(str(folder), device="cpu", cpu_threads=1, compute_type=compute_type)
    asked = {"without_timestamps": True, "temperature": [0.0]} | options
    heard = [model.transcribe(clip, language=language, beam_size=beam_size, **asked)[0] for clip in clips]
    return ["".join(segment.text for segment in segments).strip() for segments in heard]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="beam-2"),
        pytest.param({"beam_size": 1}, id="greedy"),
        pytest.param({"compute_type": "int8"}, id="int8"),
        pytest.param({"language": None}, id="english-only-without-a-language"),
    ],
)
def test_a_batch_gives_the_texts_that_the_library_gives_one_at_a_time(folder, clips, options, monkeypatch):
    recogniser = backend(folder, **options)
    recogniser.load()
    monkeypatch.setattr(recogniser._model, "transcribe", None)  # all clips are short and can be decoded together
    heard = texts(recogniser, clips)
    assert heard == library_texts(folder, clips, **options)
    assert len(set(heard)) >= 5, "the weights do not listen, so the comparison shows nothing"


@pytest.mark.parametrize("language", [pytest.param("de", id="german"), pytest.param(None, id="each-clip-its-own")])
def test_a_batch_of_a_multilingual_model_gives_the_texts_of_the_library(multilingual, clips, language, monkeypatch):
    recogniser = backend(multilingual, language=language)
    recogniser.load()
    assert recogniser._model.model.is_multilingual
    monkeypatch.setattr(recogniser._model, "transcribe", None)
    assert texts(recogniser, clips) == library_texts(multilingual, clips, language=language)
    assert (
        language is not None or len({each.language for each in recogniser._tokenizers(windows(recogniser, clips))}) > 1
    )


def windows(recogniser, clips):
    return [recogniser._features(clip) for clip in clips]


def test_a_clip_whose_tokens_hold_timestamps_is_heard_again_as_the_library_does(tmp_path, clips):
    folder = converted(tmp_path, timestamps=True, seed=2, multilingual=False)
    recogniser = backend(folder)
    batch = recogniser._decoded([recogniser._features(clip) for clip in clips])
    assert None in batch, "no text has timestamps, so the test shows nothing"
    assert texts(recogniser, clips) == library_texts(folder, clips)


@pytest.mark.parametrize("compute_type", ["float32", "int8"])
def test_a_text_depends_neither_on_the_batch_nor_on_its_order(folder, clips, compute_type):
    recogniser = backend(folder, compute_type=compute_type)
    eight = [*clips, clips[0][:9000], clips[2][:30_000]]
    together = texts(recogniser, eight)
    assert [text for clip in eight for text in texts(recogniser, [clip])] == together
    assert [text for first in (0, 3, 6) for text in texts(recogniser, eight[first : first + 3])] == together
    assert texts(recogniser, eight[::-1])[::-1] == together


@pytest.mark.parametrize("compute_type", ["float32", "int8"])
def test_the_encoder_gives_the_same_bits_at_any_batch_size(folder, clips, compute_type):
    from faster_whisper.audio import pad_or_trim

    recogniser = backend(folder, compute_type=compute_type)
    windows = [pad_or_trim(recogniser._features(clip)[:, :-1]) for clip in clips]
    model = recogniser._model
    together = np.array(model.encode(np.stack(windows)))
    assert all(np.array_equal(together[at], np.array(model.encode(each))[0]) for at, each in enumerate(windows))


@pytest.mark.parametrize("condition", [True, False])
def test_a_clip_of_more_than_30_s_goes_through_transcribe_and_keeps_its_place(folder, clips, long_clip, condition):
    recogniser = backend(folder, condition_on_previous_text=condition)
    expected = library_texts(folder, [long_clip], condition_on_previous_text=condition, without_timestamps=False)
    assert texts(recogniser, [clips[0], long_clip, clips[1]]) == [
        *texts(recogniser, clips[:1]),
        *expected,
        *texts(recogniser, clips[1:2]),
    ]


def test_a_clip_of_exactly_30_s_is_one_window(folder, monkeypatch):
    clip = np.resize(synthesise("one two three"), 30 * SAMPLE_RATE)
    recogniser = backend(folder)
    recogniser.load()
    monkeypatch.setattr(recogniser._model, "transcribe", None)
    assert texts(recogniser, [clip]) == library_texts(folder, [clip])


def test_words_have_times_within_the_clip_when_they_are_asked_for(folder, clips):
    transcripts = backend(folder, word_times=True).transcribe([*clips[:3], np.zeros(0, dtype=np.float32)])
    expected = library_texts(folder, clips[:3], without_timestamps=False, word_timestamps=True)
    assert [transcript.text for transcript in transcripts] == [*expected, ""]
    assert transcripts[3].words == ()
    placed = [transcript for transcript in transcripts if transcript.words]
    assert placed, "no text could be placed, so the test shows nothing"
    for transcript in placed:
        assert "".join(word.text for word in transcript.words).split() == "".join(transcript.text.split()).split()
        assert all(0 <= word.start_s <= word.end_s <= 30 and 0 <= word.confidence <= 1 for word in transcript.words)
    assert all(transcript.words is None for transcript in backend(folder).transcribe(clips[:1]))


def test_what_is_too_short_to_hold_a_word_gives_no_text_and_no_error(folder):
    recogniser = backend(folder)
    assert recogniser.transcribe([]) == []
    tiny = [np.zeros(num_samples, dtype=np.float32) for num_samples in (0, 1, 41, 159, 160, 1600, SAMPLE_RATE)]
    heard = texts(recogniser, tiny)
    assert heard[:4] == [""] * 4
    assert heard[4:] == library_texts(folder, tiny[4:])
    assert texts(backend(folder, language=None), tiny[:4]) == [""] * 4


def test_what_is_not_finite_is_refused(folder):
    clip = np.zeros(SAMPLE_RATE, dtype=np.float32)
    clip[7] = np.inf
    with pytest.raises(BackendError, match="waveform 0 has samples that are no finite number"):
        backend(folder).transcribe([clip])


def test_silence_that_the_model_takes_for_silence_gives_no_text(folder, clips, monkeypatch):
    """The library drops a text that is unlikely when no speech is likely; the batch must do the same."""
    recogniser = backend(folder)
    recogniser.load()
    monkeypatch.setattr("harness.backends.faster_whisper._SILENT", -1.0)  # now every clip is likely silence
    assert texts(recogniser, clips) == library_texts(folder, clips, no_speech_threshold=-1.0)
    assert "" in texts(recogniser, clips)


def test_sampling_is_allowed_and_said_to_differ_from_run_to_run(folder, clips):
    recogniser = backend(folder, temperatures=[0.0, 0.8])
    assert recogniser.identity()["reproducible"] is False
    assert backend(folder).identity()["reproducible"] is True
    assert len(recogniser.transcribe(clips[:2])) == 2


def test_stages_are_counted(folder, clips):
    recogniser = backend(folder)
    recogniser.transcribe(clips)
    seconds = recogniser.stage_seconds()
    assert set(seconds) == {"features", "encoder", "decoder"}
    assert all(spent > 0 for spent in seconds.values())


def test_the_identity_names_weights_precision_and_decoding(folder):
    identity = backend(folder).identity()
    assert identity["package"].startswith("faster-whisper ")
    assert "ctranslate2" in identity["package"]
    assert len(identity["weights_sha256"]) == len(identity["settings_sha256"]) == 64
    assert (identity["compute_type"], identity["beam_size"], identity["language"]) == ("float32", 2, "en")
    assert identity == backend(folder, compute_type="float32", cpu_threads=2).identity()


def test_the_identity_changes_with_whatever_changes_a_text(folder, tmp_path):
    other_settings = tmp_path / "converted"
    shutil.copytree(folder, other_settings)
    settings = json.loads((other_settings / "config.json").read_text())
    (other_settings / "config.json").write_text(json.dumps(settings | {"suppress_ids_begin": [1]}))
    recognisers = [
        backend(folder),
        backend(folder, language=None),
        backend(folder, beam_size=1),
        backend(folder, temperatures=[0.0, 0.2]),
        backend(folder, condition_on_previous_text=False),
        backend(folder, word_times=True),
        backend(folder, compute_type="int8"),
        backend(other_settings),
        backend(converted(tmp_path / "other", seed=1)),
    ]
    assert len({tuple(each.identity().items()) for each in recognisers}) == len(recognisers)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"beam_size": 0}, "beam_size=0; expected 1", id="no-beams"),
        pytest.param({"temperatures": []}, "temperatures=", id="no-temperature"),
        pytest.param({"temperatures": [0.0, -1.0]}, "expected finite numbers >= 0", id="negative-temperature"),
        pytest.param({"compute_type": "fp16"}, "compute_type=fp16; expected one of default", id="precision"),
        pytest.param({"cpu_threads": -1}, "cpu_threads=-1", id="threads"),
        pytest.param({"device": "tpu"}, "device=tpu; expected null, cpu", id="device"),
        pytest.param({"model": "weights/a/gone"}, "weights/a/gone: no such file or folder", id="no-folder"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected):
        FasterWhisper(**options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"language": "xx"}, "language=xx; expected null to detect it, or one of", id="language"),
        pytest.param({"compute_type": "bfloat16"}, "compute_type=bfloat16, device=cpu:0: .*default always", id="bf16"),
    ],
)
@pytest.mark.parametrize("start", ["load", "identity"])
def test_what_the_model_cannot_do_is_refused_when_it_loads(folder, options, expected, start):
    if options.get("compute_type") in ctranslate2.get_supported_compute_types("cpu"):
        pytest.skip("this CPU computes in bfloat16")
    with pytest.raises(UsageError, match=expected):
        getattr(backend(folder, **options), start)()


def test_an_absent_package_is_one_sentence_that_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(UsageError, match=r"package faster-whisper: pip install 'asr-fairness-harness\[faster_whisper"):
        backend(folder).load()


def test_weights_that_cannot_be_fetched_are_one_clear_error(tmp_path):
    program = """
from harness.backends.faster_whisper import FasterWhisper
from harness.errors import BackendError
try:
    FasterWhisper(model="tiny").load()
except BackendError as error:
    print(error)
"""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, env=offline, check=True
    )
    assert "the weights of 'Systran/faster-whisper-tiny' are not in the cache" in done.stdout
    assert "or give model= a folder" in done.stdout


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_a_folder_that_is_incomplete_names_what_it_lacks(folder, tmp_path, name):
    partial = tmp_path / "model"
    shutil.copytree(folder, partial)
    (partial / name).unlink()
    with pytest.raises(BackendError, match=f"has no {name}; expected a folder written by ct2-transformers-converter"):
        backend(partial).load()


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
def test_a_damaged_file_is_an_error_that_names_the_folder(folder, tmp_path, name):
    damaged = tmp_path / "model"
    shutil.copytree(folder, damaged)
    (damaged / name).write_bytes(b"no")
    with pytest.raises(BackendError, match="model is no Whisper model that CTranslate2 can load"):
        backend(damaged).load()


class Intruder:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_in_place_of_the_weights_runs_no_code(folder, tmp_path):
    import torch

    evil, trace = tmp_path / "model", tmp_path / "trace"
    shutil.copytree(folder, evil)
    torch.save({"weights": Intruder(str(trace))}, evil / "model.bin")
    with pytest.raises(BackendError):
        backend(evil).load()
    assert not trace.exists()


@pytest.mark.gpu
def test_half_precision_on_a_gpu_hears_a_batch(folder, clips):
    if not ctranslate2.get_cuda_device_count():
        pytest.skip("needs a CUDA device")
    recogniser = FasterWhisper(model=str(folder), device="cuda", compute_type="float16")
    assert recogniser.identity()["compute_type"] == "float16"
    assert len(recogniser.transcribe(clips)) == len(clips)
