"""Time recognition of 5 s clips by this harness, whisper itself, transformers and CTranslate2, all with one checkpoint.

    python benchmarks/whisper.py [--model base|large-v3] [--clips 16] [--batch 8] [--rounds 3] [--device cpu|cuda]

The checkpoint has the model's dimensions and random weights, drawn so that the audio decides the text. Random weights
never end a text (they would decode 224 tokens), so a direction of the positional embedding raises the end-of-text token
until it wins, after about 20 tokens, what 5 s of speech hold; the number decoded is printed. Clips are cut from real
speech where there is some (HARNESS_TEST_DATA). Every way decodes greedily in English without timestamps and without
fallback: `transcribe(temperature=0.0, without_timestamps=True, language="en")`; its own features are part of its time.
Texts are compared with those of `whisper.decode`, one clip at a time. `transcribe` pads what its encoder hears with
zeros where `decode` pads the clip with silence; "padded" gives it the padded clip, so that both hear the same.
The ways take turns in each round, all in one process; figures are medians, and the least, of the rounds. Processor
seconds, which other programs disturb less, mean something on one thread (OMP_NUM_THREADS=1): more threads wait busily.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.remove(str(Path(__file__).resolve().parent))  # where this file's own name hides the package it times

import torch
import whisper
from whisper.decoding import DecodingTask
from whisper.model import ModelDimensions

from harness.audio import SAMPLE_RATE, read_waveform
from harness.backends.tones import synthesise
from harness.backends.whisper import Whisper

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
CLIP_S, PROMPT_TOKENS, TEXT_TOKENS = 5, 4, 20
RISING_TOKENS = 15  # after which the end of the text is about as likely as the likeliest token
DIMENSIONS = {
    "base": ModelDimensions(80, 1500, 512, 8, 6, 51_865, 448, 512, 8, 6),
    "large-v3": ModelDimensions(128, 1500, 1280, 20, 32, 51_866, 448, 1280, 20, 32),
}
EMBEDDING_STD, END = 0.1, 50_257
NAMES = [  # what transformers calls the layers of whisper
    ("decoder.token_embedding", "decoder.embed_tokens"),
    ("positional_embedding", "embed_positions.weight"),
    (".cross_attn_ln", ".encoder_attn_layer_norm"),
    (".cross_attn.query", ".encoder_attn.q_proj"),
    (".cross_attn.key", ".encoder_attn.k_proj"),
    (".cross_attn.value", ".encoder_attn.v_proj"),
    (".cross_attn.out", ".encoder_attn.out_proj"),
    (".attn_ln", ".self_attn_layer_norm"),
    (".attn.query", ".self_attn.q_proj"),
    (".attn.key", ".self_attn.k_proj"),
    (".attn.value", ".self_attn.v_proj"),
    (".attn.out", ".self_attn.out_proj"),
    (".mlp_ln", ".final_layer_norm"),
    (".mlp.0", ".fc1"),
    (".mlp.2", ".fc2"),
    ("encoder.ln_post", "encoder.layer_norm"),
    ("decoder.ln.", "decoder.layer_norm."),
    ("blocks", "layers"),
]


def clips_of(n_clips):
    """Return 5 s clips, no two alike, and where they come from."""
    speech = DATA / "speech" / "jfk.flac"
    spoken = sorted((DATA / "fsdd" / "recordings").glob("*.wav"))
    rng = np.random.default_rng(0)
    if speech.exists():
        source, sound = "jfk.flac", read_waveform(speech)
    elif spoken:
        source, sound = "fsdd", np.concatenate([read_waveform(path) for path in spoken[:200]])
    else:
        source, sound = "generated tones", np.concatenate([synthesise("one two three four five six")] * 20)
    starts = rng.permutation(len(sound) - CLIP_S * SAMPLE_RATE)[:n_clips]
    return [sound[start : start + CLIP_S * SAMPLE_RATE] for start in starts], source


def write_checkpoint(path, dimensions):
    """Write random weights that listen and whose texts end after about `TEXT_TOKENS` tokens."""
    torch.manual_seed(0)
    model = whisper.model.Whisper(dimensions)
    for name, parameter in model.named_parameters():
        if "ln" in name:
            torch.nn.init.constant_(parameter, 1.0 if name.endswith("weight") else 0.0)
        else:
            embedded = "embedding" in name
            torch.nn.init.normal_(parameter, std=EMBEDDING_STD if embedded else 4 / dimensions.n_text_state**0.5)
    with torch.no_grad():
        decoder, size = model.decoder, dimensions.n_text_state
        spread = []
        hook = decoder.ln.register_forward_hook(lambda _module, inputs, _output: spread.append(inputs[0].std().item()))
        decoder(torch.randint(0, END, (1, TEXT_TOKENS)), torch.randn(1, 1500, size))
        hook.remove()
        towards_end = torch.nn.functional.normalize(torch.randn(size), dim=0)
        decoder.token_embedding.weight[END] = EMBEDDING_STD * size**0.5 * towards_end
        likeliest = 4.3  # standard deviations: the most of 51,865 normal logits
        rise = torch.arange(dimensions.n_text_ctx).sub(PROMPT_TOKENS).clamp(min=0) / RISING_TOKENS
        decoder.positional_embedding += likeliest * spread[0] * rise[:, None] * towards_end
    torch.save({"dims": vars(dimensions), "model_state_dict": model.state_dict()}, path)


def options_of(device, **more):
    half = device == "cuda"
    return whisper.DecodingOptions(language="en", temperature=0.0, without_timestamps=True, fp16=half, **more)


def chunks(clips, size):
    return [clips[start : start + size] for start in range(0, len(clips), size)]


def mels_of(model, clips):
    return torch.stack(
        [
            whisper.log_mel_spectrogram(whisper.pad_or_trim(clip), model.dims.n_mels, device=model.device)
            for clip in clips
        ]
    )


def by_transcribe(model, clips):
    half = model.device.type == "cuda"
    options = {"language": "en", "temperature": 0.0, "without_timestamps": True, "fp16": half}
    return [whisper.transcribe(model, clip, **options)["text"].strip() for clip in clips]


def by_decode(model, clips, size):
    options = options_of(model.device.type)
    return [
        result.text for chunk in chunks(clips, size) for result in whisper.decode(model, mels_of(model, chunk), options)
    ]


def by_harness(backend, clips, size):
    return [transcript.text for chunk in chunks(clips, size) for transcript in backend.transcribe(chunk)]


def to_transformers(model):
    """Return the same weights as transformers has them."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    dims = model.dims
    config = WhisperConfig(
        vocab_size=dims.n_vocab, num_mel_bins=dims.n_mels, d_model=dims.n_audio_state,
        encoder_layers=dims.n_audio_layer, encoder_attention_heads=dims.n_audio_head,
        decoder_layers=dims.n_text_layer, decoder_attention_heads=dims.n_text_head,
        encoder_ffn_dim=4 * dims.n_audio_state, decoder_ffn_dim=4 * dims.n_text_state,
        decoder_start_token_id=END + 1, eos_token_id=END, pad_token_id=END, bos_token_id=END,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    peer = WhisperForConditionalGeneration(config).eval()
    weights = {}
    for name, weight in model.state_dict().items():
        for own, theirs in NAMES:
            name = name.replace(own, theirs)
        weights[f"model.{name}"] = weight
    missing, unexpected = peer.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - {"proj_out.weight"}:
        raise SystemExit(f"names do not fit: {missing} {unexpected}")
    peer.tie_weights()
    return peer.to(model.device, torch.float16 if model.device.type == "cuda" else torch.float32)


def by_transformers(peer, model, clips, size):
    from transformers import GenerationConfig, GenerationMixin

    task = DecodingTask(model, options_of(model.device.type))
    config = GenerationConfig(
        suppress_tokens=list(task._get_suppress_tokens()),
        begin_suppress_tokens=[*task.tokenizer.encode(" "), END],
        max_new_tokens=task.sample_len, eos_token_id=END, pad_token_id=END, decoder_start_token_id=END + 1,
    )  # fmt: skip
    texts = []
    for chunk in chunks(clips, size):
        begin = torch.tensor([task.initial_tokens] * len(chunk), device=model.device)
        heard = mels_of(model, chunk).to(peer.dtype)
        tokens = GenerationMixin.generate(peer, heard, generation_config=config, decoder_input_ids=begin)
        texts += [text_of(task, row) for row in tokens[:, len(task.initial_tokens) :].tolist()]
    return texts


def text_of(task, tokens):
    return task.tokenizer.decode(tokens[: tokens.index(END)] if END in tokens else tokens).strip()


def to_ctranslate2(peer, model, folder, quantization):
    """Return CTranslate2's model, which faster-whisper runs, converted by its own loader of transformers' models."""
    import ctranslate2
    from ctranslate2.converters.transformers import WhisperLoader

    tokenizer = DecodingTask(model, options_of("cpu")).tokenizer
    names = [f"token {number}" for number in range(model.dims.n_vocab)]
    for name, number in tokenizer.special_tokens.items():
        names[number] = name
    loader = WhisperLoader()
    spec = loader.get_model_spec(peer.float().cpu())
    spec.register_vocabulary(names)
    spec.config.suppress_ids = spec.config.lang_ids = []
    spec.config.suppress_ids_begin = [*tokenizer.encode(" "), END]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir()
    spec.save(str(folder))
    threads = {"intra_threads": torch.get_num_threads()} if model.device.type == "cpu" else {}
    return ctranslate2.models.Whisper(str(folder), device=model.device.type, compute_type=quantization, **threads)


def by_ctranslate2(peer, model, clips, size):
    import ctranslate2

    task = DecodingTask(model, options_of("cpu"))
    suppressed, texts = list(task._get_suppress_tokens()), []
    for chunk in chunks(clips, size):
        heard = ctranslate2.StorageView.from_array(np.ascontiguousarray(mels_of(model, chunk).cpu().numpy()))
        results = peer.generate(
            heard, [list(task.initial_tokens)] * len(chunk), beam_size=1,
            max_length=task.sample_len + len(task.initial_tokens),
            suppress_blank=True, suppress_tokens=suppressed,
        )  # fmt: skip
        texts += [text_of(task, result.sequences_ids[0]) for result in results]
    return texts


def ways_of(options, folder):
    """Return each way by name, a function from clips to texts."""
    path, size = str(folder / "weights.pt"), options.batch
    write_checkpoint(path, DIMENSIONS[options.model])
    model = whisper.load_model(path, device=options.device).eval()
    low = "float16" if options.device == "cuda" else "bfloat16"
    harness = {
        dtype: Whisper(model=path, device=options.device, dtype=dtype, max_batch_clips=size)
        for dtype in ("float32", low)
    }
    for backend in harness.values():
        backend.load()
    ways = {
        "`transcribe`": lambda clips: by_transcribe(model, clips),
        "`transcribe`, padded clips": lambda clips: by_transcribe(model, [whisper.pad_or_trim(clip) for clip in clips]),
        f"`decode`, batches of {size}": lambda clips: by_decode(model, clips, size),
        **{
            f"harness {dtype}, batches of {size}": lambda clips, own=own: by_harness(own, clips, size)
            for dtype, own in harness.items()
        },
    }
    if options.peers:
        peer = to_transformers(model)
        ways[f"transformers, batches of {size}"] = lambda clips: by_transformers(peer, model, clips, size)
        copies = to_transformers(model)
        for kind in ("float16", "int8_float16") if options.device == "cuda" else ("float32", "int8"):
            theirs = to_ctranslate2(copies, model, folder / kind, kind)
            ways[f"CTranslate2 {kind} (faster-whisper), batches of {size}"] = lambda clips, theirs=theirs: (
                by_ctranslate2(theirs, model, clips, size)
            )
    return model, harness, ways


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=DIMENSIONS, default="base")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    clips, source = clips_of(options.clips)
    with tempfile.TemporaryDirectory() as folder:
        model, harness, ways = ways_of(options, Path(folder))
        alone = [whisper.decode(model, mels_of(model, [clip])[0], options_of(model.device.type)) for clip in clips]
        took, texts = {name: [] for name in ways}, {}
        for way in ways.values():
            way(clips[:1])  # warm-up
        for _ in range(options.rounds):
            for name, way in ways.items():
                started, started_cpu = time.perf_counter(), time.process_time()
                texts[name] = way(clips)
                spent = time.perf_counter() - started, time.process_time() - started_cpu
                took[name].append([seconds / len(clips) for seconds in spent])
        report(options, source, took, texts, alone)
        for dtype, backend in harness.items():
            stages = {name: round(seconds, 2) for name, seconds in backend.stage_seconds().items()}
            print(f"harness {dtype}, seconds by stage, warm-up included: {stages}")


def report(options, source, took, texts, alone):
    """Print what was run, on what, and one row a way."""
    device = torch.cuda.get_device_name() if options.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    packages = ["torch", "openai-whisper"] + ["transformers", "ctranslate2", "faster-whisper"] * options.peers
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    lengths, expected = [len(result.tokens) for result in alone], [result.text for result in alone]
    print(f"{options.model} dimensions, random weights; {device}; {versions}")
    print(
        f"{options.clips} clips of {CLIP_S} s ({source}), {options.rounds} rounds; tokens decoded: "
        f"{min(lengths)}-{max(lengths)}, median {statistics.median(lengths)}; {len(set(expected))} different texts"
    )
    medians = {name: np.median(each, axis=0) for name, each in took.items()}  # wall, processor
    transcribe, _, decode = list(medians.values())[:3]
    print("| way | s a clip, median (least) | `transcribe` / it | batched `decode` / it | processor s a clip |", end="")
    print(" `transcribe` / it | texts equal |", "|---" * 7 + "|", sep="\n")
    for name, (wall, processor) in medians.items():
        equal = np.mean([a == b for a, b in zip(texts[name], expected, strict=True)])
        print(f"| {name} | {wall:.3f} ({min(took[name])[0]:.3f}) | {transcribe[0] / wall:.2f} | ", end="")
        print(f"{decode[0] / wall:.2f} | {processor:.3f} | {transcribe[1] / processor:.2f} | {equal:.0%} |")


if __name__ == "__main__":
    main()
