"""Random recognisers of a few hundred kilobytes in the folders that Hugging Face libraries read, written by the tests.

Random weights speak nonsense, but they are as sensitive to padding, scaling and order as trained ones: drawn wide, so
that the audio decides the text.
"""

import json
from pathlib import Path

from harness.audio.torchaudio_door import functional

LANGUAGES = ("en", "de", "fr")
BEFORE_LANGUAGES = ("<|endoftext|>", "<|startoftranscript|>")
AFTER_LANGUAGES = (
    "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
SPECIAL = (*BEFORE_LANGUAGES, *(f"<|{language}|>" for language in LANGUAGES), *AFTER_LANGUAGES)
TIMESTAMPS = tuple(f"<|{0.02 * step:.2f}|>" for step in range(1501))
UNPRINTABLE = [token for token in range(94, 256) if token != 220]  # bytes, in the order of `bytes_as_characters`
ALPHABET = ("<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'")


def bytes_as_characters():
    """Returns the 256 characters that byte-level BPE writes for bytes (Radford et al., 2019)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + position) for position in range(len(others))]


def written_whisper(folder, *, seed=0, timestamps=False, multilingual=True):
    """Writes a Whisper of two layers: weights, configuration, features and a tokenizer of bytes without merges.

    With `timestamps` it writes them as often as letters, else hardly ever: then each window is one segment. With
    `multilingual` it has an empty token, by which CTranslate2 knows, as well as the languages in its configuration.
    """
    functional()  # torchaudio, which transformers imports, needs help beside a CPU-only torch
    import torch
    import transformers

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = written_bytes_tokenizer(folder, multilingual=multilingual)
    token = tokenizer.token_to_id
    transformers.WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    end, start = token("<|endoftext|>"), token("<|startoftranscript|>")
    config = transformers.WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(), d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        decoder_start_token_id=start, pad_token_id=end, bos_token_id=end, eos_token_id=end,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.WhisperForConditionalGeneration(config)
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "encoder.embed_positions" not in name:
                torch.nn.init.normal_(parameter, std=0.1 if "embed" in name else 0.5)
        with torch.no_grad():
            tokens = model.model.decoder.embed_tokens.weight  # (n_tokens, d_model)
            if not timestamps:  # there is no bias over tokens; this makes one of the first dimension
                tokens[:, 0], tokens[token("<|0.00|>") :] = 0, 0
                tokens[token("<|0.00|>") :, 0] = -2
                model.model.decoder.layer_norm.bias[0] = 10
    languages = {f"<|{language}|>": token(f"<|{language}|>") for language in LANGUAGES}
    spoken = {
        "lang_to_id": languages,
        "task_to_id": {task: token(f"<|{task}|>") for task in ("translate", "transcribe")},
    }
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=start, eos_token_id=end, pad_token_id=end, bos_token_id=end, max_length=32,
        no_timestamps_token_id=token("<|notimestamps|>"), prev_sot_token_id=token("<|startofprev|>"),
        is_multilingual=multilingual, return_timestamps=False, begin_suppress_tokens=[end],
        suppress_tokens=[*UNPRINTABLE, *range(end + 1, token("<|notimestamps|>"))], alignment_heads=[[1, 0], [1, 1]],
        **(spoken if multilingual else {}),
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


def written_bytes_tokenizer(folder, *, multilingual):
    """Writes a tokenizer with Whisper's special tokens and no words: 256 bytes, the specials, 1501 timestamps."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {character: position for position, character in enumerate(bytes_as_characters())}
    vocabulary |= {"": 256} if multilingual else {}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in TIMESTAMPS])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "WhisperTokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "additional_special_tokens": SPECIAL,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "vocab.json").write_text(json.dumps(tokenizer.get_vocab()), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return tokenizer


def written_ctc(folder, kind="Wav2Vec2", *, seed=0, **options):
    """Writes a CTC model of two layers over letters, of any kind that takes samples; `options` go to its config."""
    functional()
    import torch
    import transformers

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written_alphabet(folder)
    config = getattr(transformers, f"{kind}Config")(
        **{
            "vocab_size": len(ALPHABET), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 64, "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 2, "feat_extract_norm": "layer", "do_stable_layer_norm": True,
            "conv_bias": True, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        }
        | options
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, f"{kind}ForCTC")(config)
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "adapter_layer" not in name:
                torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        return_attention_mask=options.get("feat_extract_norm") != "group"
    ).save_pretrained(folder)
    return folder


def written_alphabet(folder, *, nested_under=None):
    """Writes the tokenizer of a CTC model; MMS nests its alphabets under languages."""
    alphabet = {character: position for position, character in enumerate(ALPHABET)}
    settings = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>",
        "unk_token": "<unk>", "word_delimiter_token": "|", "target_lang": nested_under,
    }  # fmt: skip
    nested = {nested_under: alphabet} if nested_under else alphabet
    (folder / "vocab.json").write_text(json.dumps(nested), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
