"""A `.nemo` file cannot run code, which needs no NeMo to show; random models hear a batch as they hear one clip."""

import io
import sys
import tarfile

import numpy as np
import pytest
import yaml

from harness.audio.waveform import SAMPLE_RATE
from harness.backends.nemo import Nemo, check_archive
from harness.backends.tones import synthesise
from harness.errors import BackendError, UsageError

needs_nemo = pytest.mark.filterwarnings("ignore")  # NeMo's imports warn by the dozen
LETTERS = [" ", *"abcdefghijklmnopqrstuvwxyz", "'"]
PREPROCESSOR = {
    "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor", "sample_rate": 16_000,
    "normalize": "per_feature", "window_size": 0.025, "window_stride": 0.01, "window": "hann", "features": 80,
    "n_fft": 512, "frame_splicing": 1, "dither": 0.00001, "pad_to": 0,
}  # fmt: skip
ENCODER = {
    "_target_": "nemo.collections.asr.modules.ConformerEncoder", "feat_in": 80, "feat_out": -1, "n_layers": 2,
    "d_model": 32, "subsampling": "dw_striding", "subsampling_factor": 8, "subsampling_conv_channels": 16,
    "causal_downsampling": False, "ff_expansion_factor": 2, "self_attention_model": "rel_pos", "n_heads": 2,
    "att_context_size": [-1, -1], "xscaling": False, "untie_biases": True, "pos_emb_max_len": 5000,
    "conv_kernel_size": 9, "conv_norm_type": "batch_norm", "dropout": 0.0, "dropout_pre_encoder": 0.0,
    "dropout_emb": 0.0, "dropout_att": 0.0,
}  # fmt: skip
CTC = {
    "decoder": {
        "_target_": "nemo.collections.asr.modules.ConvASRDecoder", "feat_in": 32, "num_classes": len(LETTERS),
        "vocabulary": LETTERS,
    },
    "decoding": {"strategy": "greedy_batch"},
}  # fmt: skip
RNNT = {
    "model_defaults": {"enc_hidden": 32, "pred_hidden": 32, "joint_hidden": 32},
    "decoder": {
        "_target_": "nemo.collections.asr.modules.RNNTDecoder", "normalization_mode": None, "blank_as_pad": True,
        "random_state_sampling": False, "vocab_size": len(LETTERS),
        "prednet": {"pred_hidden": 32, "pred_rnn_layers": 1, "t_max": None, "dropout": 0.0},
    },
    "joint": {
        "_target_": "nemo.collections.asr.modules.RNNTJoint", "log_softmax": None, "preserve_memory": False,
        "fuse_loss_wer": False, "fused_batch_size": 4, "num_classes": len(LETTERS), "vocabulary": LETTERS,
        "jointnet": {"joint_hidden": 32, "activation": "relu", "dropout": 0.0},
    },
    "decoding": {"strategy": "greedy_batch", "greedy": {"max_symbols": 2}},
    "loss": {"loss_name": "default"},
}  # fmt: skip
CANARY = {
    "prompt_format": "canary",
    "model_defaults": {"asr_enc_hidden": 32, "lm_enc_hidden": 32, "lm_dec_hidden": 32},
    "transf_encoder": {
        "_target_": "nemo.collections.asr.modules.transformer.transformer_encoders.TransformerEncoder",
        "num_layers": 0, "hidden_size": 32, "inner_size": 64, "num_attention_heads": 2,
    },
    "transf_decoder": {
        "_target_": "nemo.collections.asr.modules.transformer.get_nemo_transformer", "model_name": None,
        "pretrained": False, "encoder": None, "pre_ln_final_layer_norm": True,
        "config_dict": {
            "max_sequence_length": 64, "num_token_types": 0, "embedding_dropout": 0.0, "hidden_size": 32,
            "learn_positional_encodings": False, "inner_size": 64, "num_layers": 2, "num_attention_heads": 2,
            "ffn_dropout": 0.0, "attn_score_dropout": 0.0, "attn_layer_dropout": 0.0, "hidden_act": "relu",
            "pre_ln": True, "vocab_size": None,
        },
    },
    "head": {
        "_target_": "nemo.collections.asr.parts.submodules.token_classifier.TokenClassifier", "num_layers": 1,
        "activation": "relu", "log_softmax": True, "hidden_size": 32, "dropout": 0.0, "num_classes": None,
        "use_transformer_init": True,
    },
    "decoding": {
        "strategy": "beam", "return_best_hypothesis": True,
        "beam": {"beam_size": 1, "len_pen": 0.0, "max_generation_delta": 10},
    },
    "loss": {
        "_target_": "nemo.collections.common.losses.smoothed_cross_entropy.SmoothedCrossEntropyLoss",
        "label_smoothing": 0.0, "pad_id": None,
    },
}  # fmt: skip
CANARY_TOKENS = (
    "startofcontext", "en", "de", "itn", "noitn", "timestamp", "notimestamp", "diarize", "nodiarize", "emo:undefined",
    "transcribe", "translate",
)  # fmt: skip


def written_tokenizers(folder):
    """Writes Canary's tokenizers: its special tokens, and forty pieces of English; returns their configuration."""
    import sentencepiece
    from nemo.collections.common.tokenizers.canary_tokenizer import CanaryTokenizer

    CanaryTokenizer.build_special_tokenizer(list(CANARY_TOKENS), str(folder / "special"))
    (folder / "en").mkdir()
    (folder / "text.txt").write_text("the quick brown fox jumps over the lazy dog\nhello world\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "en" / "tokenizer"), vocab_size=40, model_type="bpe"
    )
    for name in ("en", "special"):
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / name / "tokenizer.model"))
        names = [pieces.id_to_piece(position) for position in range(pieces.get_piece_size())]
        (folder / name / "vocab.txt").write_text("\n".join(names))
    languages = {"spl_tokens": {"dir": str(folder / "special"), "type": "bpe"}}
    languages |= {"en": {"dir": str(folder / "en"), "type": "bpe"}}
    target = "nemo.collections.common.tokenizers.canary_tokenizer.CanaryTokenizer"
    custom = {"_target_": target, "tokenizers": None}
    return {"tokenizer": {"dir": None, "type": "agg", "langs": languages, "custom_tokenizer": custom}}


def written_model(folder, kind, *, seed=0):
    """Writes a random model of two layers, drawn so wide that the audio decides the text."""
    pytest.importorskip("nemo.collections.asr")
    import torch
    from nemo.collections.asr import models
    from omegaconf import OmegaConf

    parts = {"CTC": CTC, "RNNT": RNNT, "MultiTask": CANARY}[kind]
    config = {"sample_rate": 16_000, "preprocessor": PREPROCESSOR, "encoder": ENCODER, "labels": LETTERS} | parts
    if kind == "MultiTask":
        config |= written_tokenizers(folder)
    path = folder / f"{kind}-{seed}.nemo"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(models, f"EncDec{kind}Model")(OmegaConf.create(config)).eval()
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    model.save_to(str(path))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {kind: written_model(root, kind) for kind in ("CTC", "RNNT", "MultiTask")}


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    noise = [rng.standard_normal(n).astype(np.float32) for n in (1600, 16_000, 16_001, 23_456, 40_001, 1)]
    return [synthesise("three two"), *(0.1 * clip for clip in noise), np.zeros(SAMPLE_RATE, dtype=np.float32)]


def texts(recogniser, clips):
    return [transcript.text for transcript in recogniser.transcribe(clips)]


def backend(path, **options):
    return Nemo(model=str(path), **{"device": "cpu"} | options)


@needs_nemo
@pytest.mark.parametrize("kind", ["CTC", "RNNT", "MultiTask"])
def test_a_text_depends_neither_on_the_batch_nor_on_its_order(models, clips, kind):
    recogniser = backend(models[kind])
    eight = [*clips, clips[3][::-1].copy()]
    together = texts(recogniser, eight)
    assert [text for clip in eight for text in texts(recogniser, [clip])] == together
    assert [text for first in (0, 3, 6) for text in texts(recogniser, eight[first : first + 3])] == together
    assert texts(recogniser, eight[::-1])[::-1] == together
    assert len(set(together)) >= 3, "the weights do not listen, so the comparison shows nothing"


@needs_nemo
@pytest.mark.parametrize("kind", ["CTC", "RNNT"])
def test_the_texts_are_those_of_nemo_itself_on_one_clip(models, clips, kind):
    from nemo.collections.asr.models import ASRModel

    model = ASRModel.restore_from(str(models[kind]), map_location="cpu")
    expected = [model.transcribe([clip], batch_size=1, verbose=False)[0].text for clip in clips]
    assert texts(backend(models[kind]), clips) == expected


@needs_nemo
def test_canary_hears_differently_when_a_batch_is_padded_and_the_identity_says_so(models, clips):
    """How much Canary may write depends on the longest clip of the batch: the reason for `equal_lengths`."""
    exact, padded = backend(models["MultiTask"]), backend(models["MultiTask"], batching="padded")
    assert texts(padded, clips) != texts(exact, clips)
    assert padded.identity() != exact.identity()
    assert [text for clip in clips for text in texts(padded, [clip])] == texts(exact, clips)


@needs_nemo
def test_canary_is_told_the_languages_and_punctuation_and_others_are_not(models):
    assert backend(models["MultiTask"]).identity()["prompt"] == "source_lang=en target_lang=en pnc=yes task=asr"
    prompt = backend(models["MultiTask"], target_lang="de", pnc=False).identity()["prompt"]
    assert prompt == "source_lang=en target_lang=de pnc=no task=ast"
    assert backend(models["CTC"]).identity()["prompt"] is None
    with pytest.raises(UsageError, match="source_lang=en with EncDecCTCModel; only Canary takes"):
        backend(models["CTC"], source_lang="en").load()


@needs_nemo
@pytest.mark.parametrize("kind", ["CTC", "MultiTask"])
def test_empty_short_and_long_clips_are_heard(models, kind):
    recogniser = backend(models[kind])
    assert recogniser.transcribe([]) == []
    long = np.resize(synthesise("five six"), 31 * SAMPLE_RATE)
    assert texts(recogniser, [np.zeros(0, dtype=np.float32), long])[0] == ""
    assert len(recogniser.transcribe([np.zeros(n, dtype=np.float32) for n in (1, 100, 1600)])) == 3


@needs_nemo
def test_the_identity_changes_with_whatever_changes_a_text(models, tmp_path):
    recognisers = [
        backend(models["CTC"]),
        backend(models["CTC"], batching="padded"),
        backend(models["CTC"], dtype="bfloat16"),
        backend(models["RNNT"]),
        backend(written_model(tmp_path, "CTC", seed=1)),
    ]
    assert len({tuple(each.identity().items()) for each in recognisers}) == len(recognisers)
    assert backend(models["CTC"]).identity() == recognisers[0].identity()
    recognisers[2].transcribe([synthesise("one")])
    assert set(recognisers[2].stage_seconds()) == {"features", "encoder", "decoder"}


@needs_nemo
def test_nemo_writes_nothing_among_the_results(models, capfd):
    backend(models["CTC"]).transcribe([synthesise("one")])
    assert capfd.readouterr().out == ""


@needs_nemo
def test_weights_that_would_run_code_are_refused(models, tmp_path):
    import torch

    trace, evil = tmp_path / "trace", tmp_path / "evil.nemo"
    with tarfile.open(models["CTC"]) as archive:
        archive.extractall(tmp_path / "inside", filter="data")
    torch.save({"encoder.x": Intruder(str(trace))}, tmp_path / "inside" / "model_weights.ckpt")
    with tarfile.open(evil, "w") as archive:
        archive.add(tmp_path / "inside", arcname=".")
    with pytest.raises(BackendError, match="no recogniser that NeMo can restore: more than tensors"):
        backend(evil).load()
    assert not trace.exists()


class Intruder:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def archived(path, **members):
    """Writes a tar archive of named texts; a TarInfo stands for itself."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    return path


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"../../escaped": "x"}, "a link or a path that leads out of it", id="parent"),
        pytest.param({"/etc/escaped": "x"}, "a link or a path that leads out of it", id="absolute"),
        pytest.param({"link": link("link", "/etc/passwd")}, "a link or a path", id="link"),
        pytest.param(
            {"model_config.yaml": yaml.dump({"encoder": {"_target_": "os.system", "command": "true"}})},
            "model_config.yaml wants to run 'os.system'",
            id="function-in-the-configuration",
        ),
        pytest.param(
            {"other_config.yaml": yaml.dump({"parts": [{"a": {"target": "subprocess.Popen"}}]})},
            "wants to run 'subprocess.Popen'",
            id="deep-in-another-configuration",
        ),
        pytest.param(
            {"model_config.yaml": "x: !!python/object/apply:os.system ['true']"}, "is no .nemo file", id="yaml-object"
        ),
    ],
)
def test_an_archive_that_could_escape_or_run_something_is_refused(tmp_path, members, expected):
    with pytest.raises(BackendError, match=expected):
        check_archive(archived(tmp_path / "evil.nemo", **members))


def test_an_honest_archive_is_let_through(tmp_path):
    config = yaml.dump({"target": "nemo.collections.asr.models.EncDecCTCModel", "encoder": ENCODER})
    check_archive(archived(tmp_path / "good.nemo", **{"./model_config.yaml": config, "./model_weights.ckpt": "…"}))


@pytest.mark.parametrize("content", [b"", b"no archive"], ids=["empty", "text"])
def test_what_is_no_archive_is_an_error(tmp_path, content):
    path = tmp_path / "model.nemo"
    path.write_bytes(content)
    with pytest.raises(BackendError, match=r"model\.nemo is no \.nemo file: .*expected a tar archive"):
        check_archive(path)


@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_torch_told_to_unpickle_without_looking_is_refused(tmp_path, monkeypatch, value):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", value)
    with pytest.raises(UsageError, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD is set"):
        check_archive(archived(tmp_path / "good.nemo", a="b"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"batching": "all"}, "batching=all; expected one of equal_lengths, padded", id="batching"),
        pytest.param({"dtype": "int8"}, "dtype=int8; expected null or one of float32", id="precision"),
        pytest.param({"model": "gone.nemo"}, r"gone\.nemo: no such file or folder", id="no-file"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected):
        Nemo(**options)


def test_what_is_not_finite_is_refused(tmp_path):
    clip = np.full(SAMPLE_RATE, np.nan, dtype=np.float32)
    with pytest.raises(BackendError, match="waveform 0 has samples that are no finite number"):
        backend(archived(tmp_path / "good.nemo", a="b")).transcribe([clip])


def test_an_absent_package_is_one_sentence_that_says_what_to_install(tmp_path, monkeypatch):
    for name in ("nemo", "nemo.collections", "nemo.collections.asr", "nemo.collections.asr.models"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"package nemo_toolkit\[asr\]: pip install 'asr-fairness-harness\[nemo\]'"):
        backend(archived(tmp_path / "good.nemo", a="b")).load()
