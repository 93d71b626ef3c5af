"""A small random Whisper: batches give what one clip at a time gives, and every way to fail says what to do.

The oracle is whisper's own `decode` and `transcribe` on the same weights. Random weights speak nonsense, but they are
as sensitive to padding, scaling and order as trained ones.
"""

import hashlib
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from harness.audio import SAMPLE_RATE, read_waveform
from harness.backends.tones import synthesise
from harness.backends.whisper import Whisper
from harness.backends.whisper_engine import greedy
from harness.backends.whisper_engine.listener import Listener
from harness.errors import BackendError, UsageError
from tests.shared import DATA

pytestmark = [  # what whisper itself does: leave its vocabulary open, and call numpy on tensors in a beam search
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),
]

MULTILINGUAL, ENGLISH_ONLY = 51_865, 51_864  # tokens
END_OF_TEXT = 50_257  # of the multilingual vocabulary


def written_checkpoint(path, n_vocab, *, seed=0, end_gain=1):
    """Writes random weights, drawn so wide that the audio decides the text; `end_gain` makes some texts end early."""
    import torch
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as WhisperModel

    dims = {"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 64, "n_audio_head": 2, "n_audio_layer": 2}
    dims |= {"n_vocab": n_vocab, "n_text_ctx": 64, "n_text_state": 64, "n_text_head": 2, "n_text_layer": 2}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = WhisperModel(ModelDimensions(**dims))
        for name, parameter in model.named_parameters():
            torch.nn.init.normal_(parameter, std=0.1 if "embedding" in name else 0.5)
        with torch.no_grad():
            model.decoder.token_embedding.weight[END_OF_TEXT] *= end_gain
    torch.save({"dims": dims, "model_state_dict": model.state_dict()}, path)
    return str(path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return written_checkpoint(tmp_path_factory.mktemp("weights") / "small.pt", MULTILINGUAL)


@pytest.fixture(scope="module")
def english_checkpoint(tmp_path_factory):
    return written_checkpoint(tmp_path_factory.mktemp("weights") / "small.en.pt", ENGLISH_ONLY)


@pytest.fixture(scope="module")
def clips():
    """Clips of very different lengths and levels, real speech among them where there is some."""
    speech = DATA / "speech" / "jfk.flac"
    generated = [synthesise("zero nine one"), 0.01 * synthesise("three"), synthesise("seven two " * 20)]
    if not speech.exists():
        return generated
    return [*generated, read_waveform(speech, offset_s=0.3, duration_s=4.0), read_waveform(speech, offset_s=8.0)]


def one_at_a_time(checkpoint, clips, **options):
    """Decodes as whisper's README does, clip by clip."""
    import torch
    import whisper

    model = whisper.load_model(checkpoint, device="cpu")
    decoding = whisper.DecodingOptions(fp16=False, without_timestamps=True, **options)
    with torch.inference_mode():
        mels = [whisper.log_mel_spectrogram(whisper.pad_or_trim(clip), model.dims.n_mels) for clip in clips]
        return [whisper.decode(model, mel, decoding).text for mel in mels]


@pytest.fixture(scope="module")
def expected(checkpoint, clips):
    """What whisper decodes greedily, in English, one clip at a time."""
    return one_at_a_time(checkpoint, clips, language="en")


def texts(backend, clips):
    return [transcript.text for transcript in backend.transcribe(clips)]


def test_a_batch_gives_the_texts_that_decode_gives_one_at_a_time(checkpoint, clips, expected):
    assert texts(Whisper(model=checkpoint, device="cpu"), clips) == expected
    assert len(set(expected)) == len(clips), "the weights do not listen, so the comparison shows nothing"


def test_a_batch_of_beams_gives_the_texts_that_decode_gives_one_at_a_time(checkpoint, clips):
    heard = texts(Whisper(model=checkpoint, beam_size=2, device="cpu"), clips)
    assert heard == one_at_a_time(checkpoint, clips, language="en", beam_size=2)


@pytest.mark.parametrize("beam_size", [pytest.param(None, id="greedy"), pytest.param(2, id="beam-2")])
def test_a_clip_whose_text_ends_early_is_not_changed_by_those_still_decoding(tmp_path, clips, beam_size):
    checkpoint = written_checkpoint(tmp_path / "early.pt", MULTILINGUAL, seed=1, end_gain=3)
    heard = texts(Whisper(model=checkpoint, beam_size=beam_size, device="cpu"), clips)
    assert heard == one_at_a_time(checkpoint, clips, language="en", beam_size=beam_size)
    assert len({len(text) for text in heard}) > 1, "all texts end together, so no row leaves the batch early"


def test_a_text_does_not_depend_on_the_order_of_the_batch(checkpoint, clips, expected):
    assert texts(Whisper(model=checkpoint, device="cpu"), clips[::-1])[::-1] == expected


@pytest.mark.parametrize("max_batch_clips", [1, 3])
def test_a_text_does_not_depend_on_how_many_are_decoded_at_once(checkpoint, clips, expected, max_batch_clips):
    assert texts(Whisper(model=checkpoint, device="cpu", max_batch_clips=max_batch_clips), clips) == expected


@pytest.mark.parametrize("language", [pytest.param("en", id="english"), pytest.param(None, id="detected")])
def test_a_clip_that_rounding_could_decide_is_left_to_whisper_alone(checkpoint, clips, monkeypatch, language):
    asked = []
    genuine = Listener._alone
    monkeypatch.setattr(greedy, "CLOSE", 10.0)
    monkeypatch.setattr(Listener, "_alone", lambda own, window: asked.append(window) or genuine(own, window))
    assert texts(Whisper(model=checkpoint, language=language, device="cpu"), clips[:2]) == one_at_a_time(
        checkpoint, clips[:2], language=language
    )
    assert len(asked) == 2
    Whisper(model=checkpoint, language=language, device="cpu", dtype="bfloat16").transcribe(clips[:2])
    assert len(asked) == 2, "in half precision whisper is not asked"


def by_transcribe(checkpoint, clip, **options):
    """Transcribes as whisper's README does, at temperature 0."""
    import whisper

    model = whisper.load_model(checkpoint, device="cpu")
    return whisper.transcribe(model, clip, temperature=0.0, fp16=False, **options)["text"].strip()


@pytest.fixture(scope="module")
def long_clips():
    """Clips of one, two and three windows, the first just over 30 s."""
    ways = [("five six", 30.02), ("zero nine one", 41.3), ("three two", 64.0)]
    return [np.resize(synthesise(text), int(seconds * SAMPLE_RATE)) * np.float32(0.5) for text, seconds in ways]


def test_long_clips_get_the_texts_of_transcribe_and_keep_their_places(checkpoint, clips, expected, long_clips):
    long_texts = [by_transcribe(checkpoint, clip, language="en") for clip in long_clips]
    assert len(set(long_texts)) == len(long_texts)
    backend = Whisper(model=checkpoint, device="cpu", max_batch_clips=2)
    assert texts(backend, [clips[0], *long_clips, clips[1]]) == [expected[0], *long_texts, expected[1]]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"language": None}, id="language-detected"),
        pytest.param({"language": "en", "beam_size": 2}, id="beam-2"),
    ],
)
def test_a_long_clip_gets_the_text_of_transcribe_with_the_same_options(checkpoint, long_clips, options):
    heard = texts(Whisper(model=checkpoint, device="cpu", **options), long_clips[:2])
    assert heard == [by_transcribe(checkpoint, clip, **options) for clip in long_clips[:2]]


def test_a_clip_falls_back_alone_and_its_text_depends_on_nothing_else(checkpoint, clips, expected, monkeypatch):
    from harness.backends.whisper_engine import fallback

    clips, greedily = clips[:3], expected[:3]
    backend = Whisper(model=checkpoint, device="cpu", fallback_temperatures=[0.8])
    heard = texts(backend, clips)
    assert heard != greedily, "random weights guess, so every text fails"
    assert texts(backend, clips[2:0:-1])[::-1] == heard[1:]
    monkeypatch.setattr(fallback, "LOGPROB_THRESHOLD", -1e9)
    monkeypatch.setattr(fallback, "COMPRESSION_RATIO_THRESHOLD", 1e9)
    assert texts(backend, clips) == greedily


def test_bfloat16_hears_a_batch_on_a_cpu_and_says_so(checkpoint, clips):
    backend = Whisper(model=checkpoint, dtype="bfloat16", device="cpu")
    assert len(texts(backend, clips)) == len(clips)
    identity = backend.identity()
    assert identity["dtype"] == "bfloat16"
    assert str(identity["rounding"]).startswith("cpu, torch ")


def test_the_seconds_of_each_stage_add_up(checkpoint, clips):
    backend = Whisper(model=checkpoint, device="cpu")
    assert dict(backend.stage_seconds()) == {"features": 0.0, "encoder": 0.0, "decoder": 0.0}
    backend.transcribe(clips[:1])
    once = backend.stage_seconds()
    backend.transcribe(clips[:1])
    assert all(twice > once[stage] > 0 for stage, twice in backend.stage_seconds().items())


def test_a_batch_too_large_for_the_device_is_the_callers_to_halve(checkpoint, clips, monkeypatch):
    import torch

    def full(*_arguments):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(Listener, "_encoded", full)
    with pytest.raises(torch.OutOfMemoryError):
        Whisper(model=checkpoint, device="cpu").transcribe(clips)


def test_samples_that_are_no_numbers_are_refused(checkpoint):
    with pytest.raises(BackendError, match="waveform 0 has samples that are no finite number"):
        Whisper(model=checkpoint, device="cpu").transcribe([np.full(16_000, np.nan, dtype=np.float32)])


def test_a_clip_of_exactly_30_s_is_decoded_at_once(checkpoint):
    clip = np.resize(synthesise("one two three"), 30 * SAMPLE_RATE)
    assert texts(Whisper(model=checkpoint, device="cpu"), [clip]) == one_at_a_time(checkpoint, [clip], language="en")


@pytest.mark.parametrize("beam_size", [pytest.param(None, id="greedy"), pytest.param(2, id="beam-2")])
def test_without_a_language_each_clip_gets_its_own(checkpoint, clips, beam_size):
    heard = texts(Whisper(model=checkpoint, language=None, beam_size=beam_size, device="cpu"), clips)
    assert heard == one_at_a_time(checkpoint, clips, language=None, beam_size=beam_size)


def test_an_english_only_model_needs_no_language(english_checkpoint, clips):
    expected = one_at_a_time(english_checkpoint, clips[:2], language="en")
    assert texts(Whisper(model=english_checkpoint, language=None, device="cpu"), clips[:2]) == expected
    assert texts(Whisper(model=english_checkpoint, device="cpu"), clips[:2]) == expected


def test_sampling_is_seeded_by_the_clip_and_leaves_the_global_seed_alone(checkpoint, clips):
    import torch

    backend = Whisper(model=checkpoint, temperature=0.7, device="cpu")
    backend.load()
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    heard = texts(backend, clips[:3])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert texts(backend, clips[2::-1])[::-1] == heard
    assert heard != texts(Whisper(model=checkpoint, device="cpu"), clips[:3])


def test_no_clips_give_no_transcripts_and_an_empty_clip_is_a_clip(checkpoint):
    backend = Whisper(model=checkpoint, device="cpu")
    assert backend.transcribe([]) == []
    (transcript,) = backend.transcribe([np.zeros(0, dtype=np.float32)])
    assert transcript.text == ""
    assert transcript.words is None


def test_the_identity_names_weights_dimensions_and_decoding(checkpoint):
    digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    identity = Whisper(model=checkpoint, beam_size=3, device="cpu").identity()
    assert identity["model"] == "small.pt"
    assert identity["weights_sha256"] == digest
    assert "n_audio_layer=2" in identity["dimensions"]
    assert (identity["language"], identity["beam_size"], identity["temperature"]) == ("en", 3, 0.0)
    assert identity["dtype"] == "float32"
    assert identity["package"].startswith("openai-whisper ")
    assert identity == Whisper(model=checkpoint, beam_size=3, device="cpu").identity()


def test_the_identity_changes_with_whatever_changes_a_text(checkpoint, english_checkpoint):
    identities = [
        Whisper(model=checkpoint, device="cpu").identity(),
        Whisper(model=english_checkpoint, device="cpu").identity(),
        Whisper(model=checkpoint, device="cpu", language="fr").identity(),
        Whisper(model=checkpoint, device="cpu", language=None).identity(),
        Whisper(model=checkpoint, device="cpu", beam_size=1).identity(),
        Whisper(model=checkpoint, device="cpu", temperature=0.5).identity(),
        Whisper(model=checkpoint, device="cpu", fallback_temperatures=[0.2]).identity(),
        Whisper(model=checkpoint, device="cpu", fallback_temperatures=[0.2, 0.4]).identity(),
        Whisper(model=checkpoint, device="cpu", dtype="bfloat16").identity(),
    ]
    assert len({tuple(identity.items()) for identity in identities}) == len(identities)


def test_the_size_of_a_batch_decides_no_text_and_is_no_part_of_the_identity(checkpoint):
    one, other = (Whisper(model=checkpoint, device="cpu", max_batch_clips=size).identity() for size in (1, 8))
    assert one == other


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"beam_size": 0}, "beam_size=0; expected 1 or more", id="no-beams"),
        pytest.param({"temperature": -0.1}, "temperature=-0.1; expected", id="negative-temperature"),
        pytest.param({"temperature": float("nan")}, "temperature=nan", id="temperature-is-no-number"),
        pytest.param({"beam_size": 5, "temperature": 0.2}, "a beam search needs 0", id="beams-and-sampling"),
        pytest.param({"fallback_temperatures": [0.4, 0.2]}, r"fallback_temperatures=\[0.4, 0.2\] after", id="falling"),
        pytest.param({"fallback_temperatures": [0.0]}, "each above the one before", id="no-hotter"),
        pytest.param({"dtype": "int8"}, "dtype=int8; expected null or one of", id="precision"),
        pytest.param({"max_batch_clips": 0}, "max_batch_clips=0; expected 1 or more", id="no-batch"),
        pytest.param({"model": "weights/gone.pt"}, "weights/gone.pt: no such file", id="no-checkpoint"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected):
        Whisper(**options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"language": "xx"}, "language=xx; expected null to detect it, or one of en, zh", id="language"),
        pytest.param({"device": "abacus"}, "device=abacus", id="device"),
        pytest.param({"device": "cuda:99"}, "torch sees .* GPUs; device=cpu works", id="absent-gpu"),
        pytest.param({"dtype": "float16"}, "dtype=float16 needs a GPU", id="half-precision-on-a-cpu"),
    ],
)
@pytest.mark.parametrize("start", ["load", "identity"])
def test_what_the_model_cannot_do_is_refused_when_it_loads(checkpoint, options, expected, start):
    with pytest.raises(UsageError, match=expected):
        getattr(Whisper(model=checkpoint, **{"device": "cpu"} | options), start)()


def test_another_language_with_an_english_only_model_is_refused(english_checkpoint):
    with pytest.raises(UsageError, match="language=fr with an English-only model"):
        Whisper(model=english_checkpoint, language="fr", device="cpu").load()


def test_an_unknown_model_name_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"model=biggest: no such model .*tiny\.en.*large-v3"):
        Whisper(model="biggest", device="cpu").load()


def test_weights_that_cannot_be_fetched_are_one_clear_error(tmp_path, monkeypatch):
    def unreachable(*_arguments, **_options):
        raise URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    backend = Whisper(model="tiny.en", device="cpu", download_root=str(tmp_path))
    expected = r"weights of 'tiny\.en' .*https://.*no route to host.*model=/path/to/checkpoint\.pt.*holds tiny\.en\.pt"
    for start in (backend.load, backend.identity, lambda: backend.transcribe([synthesise("one")])):
        with pytest.raises(BackendError, match=expected) as raised:
            start()
        assert str(tmp_path) in str(raised.value)


class Intruder:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a checkpoint", id="text"),
        pytest.param({"model_state_dict": {}}, id="no-dimensions"),
        pytest.param({"dims": {"n_mels": 80}, "model_state_dict": {}}, id="too-few-dimensions"),
        pytest.param([1, 2], id="no-dictionary"),
        pytest.param("intruder", id="a-pickle-that-runs-code"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_an_error_and_runs_no_code(tmp_path, content):
    import torch

    path, trace = tmp_path / "weights.pt", tmp_path / "trace"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(Intruder(str(trace)) if content == "intruder" else content, path)
    with pytest.raises(BackendError, match=r"weights\.pt is no Whisper checkpoint: .*found .*Give the path") as raised:
        Whisper(model=str(path), device="cpu").load()
    assert not trace.exists()
    assert "weights_only=False" not in str(raised.value)


@pytest.mark.gpu
def test_half_precision_on_a_gpu_hears_a_batch(checkpoint, clips):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    backend = Whisper(model=checkpoint)
    assert backend.identity()["dtype"] == "float16"
    assert len(backend.transcribe(clips)) == len(clips)


@pytest.mark.gpu
def test_single_precision_on_a_gpu_hears_what_the_cpu_hears(checkpoint, clips):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    on_gpu = Whisper(model=checkpoint, device="cuda", dtype="float32")
    assert on_gpu.identity() == Whisper(model=checkpoint, device="cpu").identity()
    assert texts(on_gpu, clips) == texts(Whisper(model=checkpoint, device="cpu"), clips)
