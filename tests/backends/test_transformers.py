"""Random models of Hugging Face: texts are those of its own pipeline on one clip, and weights cannot run code."""

import hashlib
import json
import shutil
import sys

import numpy as np
import pytest

pytest.importorskip("transformers")

from harness.audio import SAMPLE_RATE
from harness.audio.torchaudio_door import functional
from harness.backends.tones import synthesise
from harness.backends.transformers import Transformers
from harness.errors import BackendError, UsageError
from tests.backends.tiny_models import written_alphabet, written_ctc, written_whisper
from tests.backends.varied_clips import varied_clips

pytestmark = [  # of transformers and torch themselves
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*mismatched key_padding_mask and attn_mask.*:UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]

LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}


@pytest.fixture(scope="module")
def clips():
    return varied_clips()


@pytest.fixture(scope="module")
def long_clip():
    """31 s, and a little."""
    rng = np.random.default_rng(1)
    clip = np.resize(synthesise("five six nine"), 31 * SAMPLE_RATE + 77)
    return (clip + 0.1 * rng.standard_normal(len(clip))).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder of each kind of model; `group` and `conformer` are deaf to masks, `layer` is not."""
    root = tmp_path_factory.mktemp("models")
    return {
        "whisper": written_whisper(root / "whisper", seed=5),
        "layer": written_ctc(root / "layer", **LAYER),
        "group": written_ctc(root / "group", **GROUP),
        "hubert": written_ctc(root / "hubert", "Hubert", **LAYER),
        "wavlm": written_ctc(root / "wavlm", "WavLM", **LAYER),
        "batch-norm": written_ctc(root / "batch-norm", "Hubert", conv_pos_batch_norm=True, **LAYER),
        "adapter": written_ctc(root / "adapter", add_adapter=True, **LAYER),
        "conformer": written_ctc(root / "conformer", "Wav2Vec2Conformer", position_embeddings_type="relative", **LAYER),
        "data2vec": written_ctc(root / "data2vec", "Data2VecAudio", **LAYER),
        "sew": written_ctc(root / "sew", "SEW", conv_dim=(16,) * 13, **LAYER),
    }


CTC = ["layer", "group", "hubert", "wavlm", "batch-norm", "adapter", "conformer", "data2vec", "sew"]


def backend(folder, **options):
    return Transformers(model=str(folder), **{"device": "cpu"} | options)


def texts(recogniser, clips):
    return [transcript.text for transcript in recogniser.transcribe(clips)]


def pipeline_texts(folder, clips, **options):
    """Returns what the library's own pipeline hears in one clip after the other."""
    functional()
    import transformers

    pipeline = transformers.pipeline("automatic-speech-recognition", model=str(folder), device="cpu")
    return [pipeline(np.array(clip), **options)["text"].strip() for clip in clips]


@pytest.mark.parametrize(
    ("options", "generated"),
    [
        pytest.param({"language": "en"}, {"language": "en", "num_beams": 1}, id="greedy"),
        pytest.param({"language": "de", "num_beams": 2}, {"language": "de", "num_beams": 2}, id="beam-2"),
        pytest.param({}, {"num_beams": 1}, id="each-clip-its-own-language"),
    ],
)
def test_a_batch_of_whisper_gives_the_texts_of_the_pipeline_on_one_clip(folders, clips, options, generated):
    heard = texts(backend(folders["whisper"], **options), clips)
    assert heard == pipeline_texts(
        folders["whisper"], clips, generate_kwargs={"task": "transcribe", "do_sample": False} | generated
    )
    assert len(set(heard)) >= 5, "the weights do not listen, so the comparison shows nothing"


@pytest.mark.parametrize("kind", CTC)
def test_a_batch_of_a_ctc_model_gives_the_texts_of_the_pipeline_on_one_clip(folders, clips, kind):
    heard = texts(backend(folders[kind]), clips)
    assert heard == pipeline_texts(folders[kind], clips)
    assert len(set(heard)) >= 4, "the weights do not listen, so the comparison shows nothing"


@pytest.mark.parametrize("kind", ["whisper", "layer", "group", "wavlm"])
def test_a_text_depends_neither_on_the_batch_nor_on_its_order(folders, clips, kind):
    recogniser = backend(folders[kind])
    eight = [*clips, clips[0][:9000], clips[2][:30_000]]
    together = texts(recogniser, eight)
    assert [text for clip in eight for text in texts(recogniser, [clip])] == together
    assert [text for first in (0, 3, 6) for text in texts(recogniser, eight[first : first + 3])] == together
    assert texts(recogniser, eight[::-1])[::-1] == together


@pytest.mark.parametrize("kind", ["layer", "hubert", "wavlm"])
def test_a_model_that_is_padded_ignores_padding_to_the_last_bit_of_float64(folders, clips, kind):
    """The claim that decides which models are padded, without the rounding of float32."""
    recogniser = backend(folders[kind])
    recogniser.load()
    model = recogniser._recogniser.model.double()
    import torch

    heard = [torch.from_numpy(clip).double() for clip in clips]
    mask = torch.nn.utils.rnn.pad_sequence(
        [torch.ones(len(clip), dtype=torch.long) for clip in heard], batch_first=True
    )
    with torch.inference_mode():
        together = model(torch.nn.utils.rnn.pad_sequence(heard, batch_first=True), attention_mask=mask).logits
        for position, clip in enumerate(heard):
            alone = model(clip[None]).logits[0]
            assert torch.allclose(together[position, : len(alone)], alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["group", "batch-norm", "adapter", "conformer", "data2vec"])
def test_a_model_whose_frames_hear_the_padding_is_never_padded(folders, clips, kind, monkeypatch):
    recogniser = backend(folders[kind])
    recogniser.load()
    model, shapes = recogniser._recogniser.model, []
    genuine = model.forward
    monkeypatch.setattr(
        model, "forward", lambda values, **options: shapes.append(tuple(values.shape)) or genuine(values, **options)
    )
    recogniser.transcribe([*clips, clips[0].copy()])
    lengths = [len(clip) for clip in clips]
    assert sorted(shapes) == sorted((1 + (length == lengths[0]), length) for length in lengths)


def test_a_model_that_ignores_padding_hears_a_batch_at_once(folders, clips, monkeypatch):
    recogniser = backend(folders["layer"])
    recogniser.load()
    model, shapes = recogniser._recogniser.model, []
    genuine = model.forward
    monkeypatch.setattr(
        model, "forward", lambda values, **options: shapes.append(tuple(values.shape)) or genuine(values, **options)
    )
    recogniser.transcribe(clips)
    assert shapes == [(len(clips), max(len(clip) for clip in clips))]


@pytest.mark.parametrize(
    "condition", [pytest.param(False, id="window-by-window"), pytest.param(True, id="with-context")]
)
def test_a_clip_of_more_than_30_s_goes_through_whispers_own_long_form(folders, clips, long_clip, condition):
    import torch
    import transformers

    recogniser = backend(folders["whisper"], language="en", condition_on_previous_text=condition)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folders["whisper"])
    processor = transformers.AutoProcessor.from_pretrained(folders["whisper"])
    heard = processor(
        long_clip, sampling_rate=SAMPLE_RATE, truncation=False, padding="longest", return_attention_mask=True,
        return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        tokens = model.generate(
            **heard, language="en", return_timestamps=True, condition_on_prev_tokens=condition, task="transcribe"
        )
    (expected,) = processor.batch_decode(tokens, skip_special_tokens=True)
    around = texts(recogniser, [clips[0], long_clip, clips[1]])
    assert around == [*texts(recogniser, clips[:1]), expected.strip(), *texts(recogniser, clips[1:2])]


@pytest.mark.parametrize("kind", ["layer", "group", "sew"])
@pytest.mark.parametrize(
    ("chunk_s", "stride_s"), [pytest.param(30.0, 5.0, id="31-s"), pytest.param(4.0, 0.5, id="many")]
)
def test_a_long_clip_of_a_ctc_model_is_cut_as_the_pipeline_cuts_it(folders, long_clip, kind, chunk_s, stride_s):
    heard = texts(backend(folders[kind], chunk_s=chunk_s, stride_s=stride_s), [long_clip, long_clip[: 9 * SAMPLE_RATE]])
    expected = pipeline_texts(folders[kind], [long_clip], chunk_length_s=chunk_s, stride_length_s=(stride_s, stride_s))
    assert heard[:1] == expected
    assert heard[1:] == texts(
        backend(folders[kind], chunk_s=chunk_s, stride_s=stride_s), [long_clip[: 9 * SAMPLE_RATE]]
    )


def test_windows_cover_a_clip_once(folders):
    recogniser = backend(folders["layer"], chunk_s=4.0, stride_s=0.5)
    recogniser.load()
    frame = 320  # samples
    for num_samples in (400, 64_000, 64_001, 112_000, 160_000, 333_333):
        windows = list(recogniser._recogniser._windows(0, num_samples))
        ends = [(window.start // frame) + (window.end_frame or 0) for window in windows[:-1]]
        begins = [(window.start // frame) + window.first_frame for window in windows[1:]]
        assert begins == ends
        assert windows[-1].stop == num_samples
        assert windows[-1].end_frame is None


@pytest.mark.parametrize("kind", ["whisper", *CTC])
def test_what_is_too_short_to_hold_a_word_gives_no_text_and_no_error(folders, kind):
    recogniser = backend(folders[kind])
    assert recogniser.transcribe([]) == []
    tiny = [np.zeros(num_samples, dtype=np.float32) for num_samples in (0, 1, 399, 400, 700, 1600, SAMPLE_RATE)]
    heard = texts(recogniser, tiny)
    assert heard[0] == ""
    assert kind == "whisper" or heard[1:3] == ["", ""]
    assert texts(recogniser, tiny[:1]) == [""]


@pytest.mark.parametrize(
    ("kind", "config", "extractor"),
    [
        pytest.param("Wav2Vec2Bert", {"feature_projection_input_dim": 160}, "SeamlessM4TFeatureExtractor", id="bert"),
        pytest.param("Parakeet", {}, "ParakeetFeatureExtractor", id="parakeet"),
    ],
)
def test_a_model_on_spectrograms_hears_each_length_alone(tmp_path, clips, kind, config, extractor):
    functional()
    import torch
    import transformers

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    if kind == "Parakeet":
        config = {"encoder_config": small | {"subsampling_conv_channels": 16, "num_mel_bins": 80}}
    else:
        config |= small | {"output_hidden_size": 32}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        name = "ParakeetCTCConfig" if kind == "Parakeet" else f"{kind}Config"
        made = getattr(transformers, name)(vocab_size=32, pad_token_id=0, **config)
        model = getattr(transformers, f"{kind}ForCTC")(made)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(tmp_path)
    written_alphabet(tmp_path)
    getattr(transformers, extractor)(feature_size=80).save_pretrained(tmp_path)
    recogniser = backend(tmp_path)
    assert texts(recogniser, clips) == [text for clip in clips for text in texts(recogniser, [clip])]
    assert texts(recogniser, [np.zeros(700, dtype=np.float32)]) == [""]
    assert len(set(texts(recogniser, clips))) > 1


def test_what_is_not_finite_is_refused(folders):
    clip = np.zeros(SAMPLE_RATE, dtype=np.float32)
    clip[7] = np.nan
    with pytest.raises(BackendError, match="waveform 0 has samples that are no finite number"):
        backend(folders["layer"]).transcribe([clip])


def test_an_english_only_whisper_takes_english_or_nothing(tmp_path, clips):
    folder = written_whisper(tmp_path, multilingual=False)
    assert texts(backend(folder, language="en"), clips[:2]) == texts(backend(folder), clips[:2])
    with pytest.raises(UsageError, match=r"language=de, but .* is an English-only model"):
        backend(folder, language="de").load()


def test_bfloat16_on_a_cpu_hears_every_clip(folders, clips):
    for kind in ("whisper", "layer"):
        recogniser = backend(folders[kind], dtype="bfloat16")
        assert recogniser.identity()["dtype"] == "bfloat16"
        assert len(recogniser.transcribe(clips)) == len(clips)


def test_stages_are_counted(folders, clips, long_clip):
    recogniser = backend(folders["whisper"])
    recogniser.transcribe([*clips, long_clip])
    seconds = recogniser.stage_seconds()
    assert set(seconds) == {"features", "encoder", "decoder"}
    assert all(spent > 0 for spent in seconds.values())


def test_mms_hears_with_the_adapter_of_its_language(tmp_path, clips):
    functional()
    import safetensors.torch
    import torch

    folder = written_ctc(tmp_path, adapter_attn_dim=4, **LAYER)
    written_alphabet(folder, nested_under="eng")
    import transformers

    model = transformers.Wav2Vec2ForCTC.from_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapter = {name: torch.randn_like(value) for name, value in model._get_adapters().items()}
    for language, scale in (("eng", 1.0), ("fra", -1.0)):
        weights = {name: (scale * value).contiguous() for name, value in adapter.items()}
        safetensors.torch.save_file(weights, folder / f"adapter.{language}.safetensors")
    english = backend(folder, language="eng")
    assert english.identity()["language"] == "eng"
    assert english.identity()["weights_sha256"] != backend(folder).identity()["weights_sha256"]
    model.load_adapter("eng")
    expected = model.eval()
    assert torch.equal(english._recogniser.model.lm_head.weight, expected.lm_head.weight)
    assert texts(english, clips) != texts(backend(folder), clips)
    with pytest.raises(BackendError, match=r"no adapter\.deu\.safetensors; the adapters it has: eng, fra"):
        backend(folder, language="deu").load()
    with pytest.raises(UsageError, match="has no adapters; expected language=null"):
        backend(written_ctc(tmp_path / "plain"), language="eng").load()


def test_the_identity_names_weights_settings_and_decoding(folders):
    digest = hashlib.sha256((folders["whisper"] / "model.safetensors").read_bytes()).hexdigest()
    expected = hashlib.sha256(f"model.safetensors\0{digest}\n".encode()).hexdigest()
    identity = backend(folders["whisper"], language="en").identity()
    assert identity["weights_sha256"] == expected
    assert identity["package"].startswith("transformers ")
    assert (identity["model"], identity["revision"], identity["dtype"]) == ("whisper", None, "float32")
    assert (identity["language"], identity["num_beams"]) == ("en", 1)
    assert identity == backend(folders["whisper"], language="en").identity()


def test_the_identity_changes_with_whatever_changes_a_text(folders, tmp_path):
    whisper, ctc = folders["whisper"], folders["layer"]
    other_weights, other_settings = tmp_path / "weights" / "whisper", tmp_path / "settings" / "whisper"
    written_whisper(other_weights, seed=6)
    shutil.copytree(whisper, other_settings)
    settings = json.loads((other_settings / "generation_config.json").read_text())
    (other_settings / "generation_config.json").write_text(json.dumps(settings | {"max_length": 40}))
    recognisers = [
        backend(whisper),
        backend(whisper, language="en"),
        backend(whisper, num_beams=2),
        backend(whisper, condition_on_previous_text=True),
        backend(whisper, dtype="bfloat16"),
        backend(other_weights),
        backend(other_settings),
        backend(ctc),
        backend(ctc, chunk_s=20.0),
        backend(ctc, stride_s=4.0),
    ]
    assert len({tuple(each.identity().items()) for each in recognisers}) == len(recognisers)


def test_options_of_the_other_kind_of_model_do_not_change_the_identity(folders):
    assert backend(folders["whisper"], chunk_s=20.0).identity() == backend(folders["whisper"]).identity()
    assert backend(folders["layer"], num_beams=3).identity() == backend(folders["layer"]).identity()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"num_beams": 0}, "num_beams=0; expected 1", id="no-beams"),
        pytest.param({"chunk_s": 10.0, "stride_s": 5.0}, "expected stride_s >= 0, chunk_s >=", id="all-stride"),
        pytest.param({"chunk_s": float("nan")}, "chunk_s=nan", id="chunk-is-no-number"),
        pytest.param({"dtype": "int8"}, "dtype=int8; expected null or one of float32", id="precision"),
        pytest.param({"model": "models/a/gone"}, "models/a/gone: no such file or folder", id="no-folder"),
        pytest.param({"model": "./gone"}, "./gone: no such file or folder", id="no-relative-folder"),
        pytest.param({"model": ".", "revision": "main"}, "revision=main with the local", id="revision-of-a-folder"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected):
        Transformers(**options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"language": "xx"}, "language=xx; expected null to detect it, or one of de, en, fr", id="language"
        ),
        pytest.param({"device": "abacus"}, "device=abacus", id="device"),
        pytest.param({"device": "cuda:99"}, "torch sees .* GPUs; device=cpu works", id="absent-gpu"),
        pytest.param({"dtype": "float16"}, "dtype=float16 needs a GPU", id="half-precision-on-a-cpu"),
    ],
)
@pytest.mark.parametrize("start", ["load", "identity"])
def test_what_the_model_cannot_do_is_refused_when_it_loads(folders, options, expected, start):
    with pytest.raises(UsageError, match=expected):
        getattr(backend(folders["whisper"], **options), start)()


def test_a_model_that_is_no_recogniser_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="of type bert; expected Whisper, or one with a CTC head"):
        backend(tmp_path).load()


def test_an_absent_package_is_one_sentence_that_says_what_to_install(folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"needs the package transformers: pip install 'asr-fairness-harness\[transf"):
        backend(folders["layer"]).load()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's cache, empty, and no way to the hub."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return tmp_path


def test_weights_that_cannot_be_fetched_are_one_clear_error(hub):
    with pytest.raises(BackendError, match="weights of 'nobody/no-model' are not in the cache") as raised:
        Transformers(model="nobody/no-model", device="cpu").load()
    assert not list(hub.glob("*/snapshots/*"))
    assert "HF_HUB_OFFLINE; or give model= a folder" in str(raised.value)
    assert "hf_secret" not in str(raised.value)


def test_a_model_in_the_cache_is_loaded_without_the_hub_and_named_by_its_commit(folders, clips, hub):
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = hub / "models--somebody--a-model"
    shutil.copytree(folders["layer"], cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    recogniser = Transformers(model="somebody/a-model", device="cpu")
    assert texts(recogniser, clips) == texts(backend(folders["layer"]), clips)
    identity = recogniser.identity()
    assert (identity["model"], identity["revision"]) == ("somebody/a-model", commit)
    assert identity["weights_sha256"] == backend(folders["layer"]).identity()["weights_sha256"]
    assert "hf_secret" not in str(identity)


class Intruder:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_weights_run_no_code(folders, tmp_path):
    import torch

    folder, trace = tmp_path / "model", tmp_path / "trace"
    shutil.copytree(folders["layer"], folder)
    (folder / "model.safetensors").unlink()
    torch.save({"lm_head.bias": Intruder(str(trace))}, folder / "pytorch_model.bin")
    with pytest.raises(BackendError, match=r"cannot be loaded: .*Expected safetensors, or a \.bin that") as raised:
        backend(folder).load()
    assert not trace.exists()
    assert "weights_only=False" not in str(raised.value)


def test_plain_tensors_in_a_bin_are_read_and_safetensors_come_first(folders, tmp_path, clips):
    import safetensors.torch
    import torch

    folder = tmp_path / "model"
    shutil.copytree(folders["layer"], folder)
    torch.save(safetensors.torch.load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    assert backend(folder).identity()["weights_sha256"] == backend(folders["layer"]).identity()["weights_sha256"]
    (folder / "model.safetensors").unlink()
    assert backend(folder).identity()["weights_sha256"] != backend(folders["layer"]).identity()["weights_sha256"]
    assert texts(backend(folder), clips) == texts(backend(folders["layer"]), clips)


def test_code_that_comes_with_a_model_is_not_run(folders, tmp_path):
    folder, trace = tmp_path / "model", tmp_path / "trace"
    shutil.copytree(folders["layer"], folder)
    (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "config.json").read_text())
    auto = {"AutoConfig": "evil.Evil", "AutoModelForCTC": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": auto, "attn_implementation": "no/kernel"}))
    for name in ("tokenizer_config.json", "preprocessor_config.json"):
        settings = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(settings | {"auto_map": auto | {"AutoFeatureExtractor": "evil.Evil"}}))
    backend(folder).load()
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": auto, "model_type": "evil"}))
    with pytest.raises(BackendError, match="no model that transformers knows by itself"):
        backend(folder).load()
    assert not trace.exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"quantization_config": {"quant_method": "gptq"}}, "quantization_config leads to", id="quantised"),
        pytest.param({"transformers_weights": "other.bin"}, "transformers_weights leads to", id="other-file"),
    ],
)
def test_a_configuration_that_leads_elsewhere_is_refused(folders, tmp_path, change, expected):
    folder = tmp_path / "model"
    shutil.copytree(folders["layer"], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BackendError, match=expected):
        backend(folder).load()


def test_a_shard_outside_the_folder_is_refused(folders, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(folders["layer"], folder)
    (folder / "model.safetensors").rename(tmp_path / "shard.safetensors")
    index = {"metadata": {}, "weight_map": {"lm_head.bias": "../shard.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BackendError, match=r"lists \.\./shard\.safetensors; expected files in the same folder"):
        backend(folder).load()


def test_weights_that_are_incomplete_are_an_error_not_random_numbers(folders, tmp_path):
    import safetensors.torch

    folder = tmp_path / "model"
    shutil.copytree(folders["layer"], folder)
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    safetensors.torch.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackendError, match=r"lack lm_head\.weight \(1\)"):
        backend(folder).load()


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "preprocessor_config.json", "vocab.json", "tokenizer_config.json"]
)
def test_a_damaged_file_is_an_error_that_names_the_folder(folders, tmp_path, name):
    folder = tmp_path / "model"
    shutil.copytree(folders["layer"], folder)
    (folder / name).write_bytes(b"{ no")
    with pytest.raises(BackendError, match=r"Transformers: .*model.*[Ee]xpected"):
        backend(folder).load()


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["whisper", "layer", "group"])
def test_single_precision_on_a_gpu_hears_what_the_cpu_hears(folders, clips, kind):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    on_gpu = backend(folders[kind], device="cuda", dtype="float32")
    assert on_gpu.identity() == backend(folders[kind]).identity()
    assert texts(on_gpu, clips) == texts(backend(folders[kind]), clips)
    assert len(backend(folders[kind], device="cuda").transcribe(clips)) == len(clips)
