"""Waveforms in, PocketSphinx's transcripts out: the embedded recogniser, with the US English model of its wheel.

It listens for a JSGF grammar (a command vocabulary: 60 times faster than real time on one core) or, without one, with a
language model (twice as fast as real time). Each clip is decoded whole, which makes its cepstral mean its own, and the
feature extraction is reset before it: the noise estimate otherwise runs on from clip to clip, and 41 of 600 texts
changed with the order of the clips.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.audio.waveform import Waveform
from harness.backends.base import Identity, Transcript, Word, check_waveforms
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_FRAME_S = 0.01  # PocketSphinx's `frate` is 100 frames a second
_FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")  # <s>, <sil>, [NOISE], ++UH++: heard, but no words
_PRONUNCIATION = re.compile(r"\(\d+\)$")  # and(2) is the word `and`, pronounced the second way
_LOG_LINE = re.compile(r'^(?:ERROR|FATAL)\w*: "[^"]*", line \d+: ')

_COMMENT_OR_TAG = re.compile(r"//[^\n]*|/\*.*?\*/|\{(?:\\.|[^{}\\])*\}|/\s*[0-9.eE+-]+\s*/", re.DOTALL)
_DEFINITION = re.compile(r"(\bpublic\s+)?<([^<>]+)>\s*=")
_REFERENCE = re.compile(r"<([^<>]+)>")
_PUNCTUATION = re.compile(r"[()\[\]|*+;=]")


class PocketSphinx:
    """Recognises US English, freely or within a grammar.

    Args:
        grammar: A JSGF file with one public rule and no imports; None for free speech.
        language_model: An ARPA or binary n-gram file in place of the wheel's; not together with a grammar.
        dictionary: A pronunciation dictionary (`word phone phone …` a line) in place of the wheel's.

    Raises:
        UsageError: when both a grammar and a language model are given, or a file is missing. What is inside the files
            is checked when the recogniser starts, at `load`, `identity` or the first `transcribe`.
    """

    def __init__(
        self, *, grammar: str | None = None, language_model: str | None = None, dictionary: str | None = None
    ) -> None:
        if grammar is not None and language_model is not None:
            raise UsageError(
                "PocketSphinx listens for a grammar or a language model, not both; expected one of the two"
            )
        self._grammar = _existing("grammar", grammar)
        self._language_model = _existing("language_model", language_model)
        self._dictionary = _existing("dictionary", dictionary)

    def load(self) -> None:
        """Starts the recogniser, which takes about 0.2 s; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the grammar, the language model or the dictionary is not what it should be.
        """
        _ = self._decoder

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform; a clip too short to hold a word gives no words.

        Raises:
            UsageError: as `load` does.
            BackendError: when decoding fails.
        """
        check_waveforms("PocketSphinx", waveforms)
        return [self._recognise(waveform) for waveform in waveforms]

    def identity(self) -> Identity:
        """Returns the package's version and the digests of the acoustic model, dictionary, grammar and language model.

        Raises:
            UsageError: as `load` does.
        """
        self.load()
        return dict(self._identity)

    def _recognise(self, waveform: Waveform) -> Transcript:
        pcm = _as_int16(waveform)
        if not pcm:  # the engine refuses an empty buffer
            return Transcript(text="", words=())
        decoder = self._decoder
        try:
            decoder.reinit_feat()
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)
            decoder.end_utt()
            # The mean over no frame with energy is 0/0, and what is then heard is left over from the clips before.
            hypothesis = None if "nan" in decoder.get_cmn() else decoder.hyp()
            words = tuple(_words(decoder)) if hypothesis else ()
        except (RuntimeError, ValueError) as error:
            del self._decoder  # it may be in the middle of an utterance; the next clip starts a fresh one
            raise BackendError(f"PocketSphinx failed on a clip of {len(waveform):,} samples: {error}") from error
        return Transcript(text=hypothesis.hypstr if hypothesis else "", words=words)

    @cached_property
    def _decoder(self) -> "Decoder":
        files = self._files
        if self._grammar is not None:
            _check_grammar(self._grammar, files.dictionary)
        return _start(files)

    @cached_property
    def _files(self) -> "_ModelFiles":
        from pocketsphinx import get_model_path

        model = Path(get_model_path()) / "en-us"
        return _ModelFiles(
            acoustic_model=model / "en-us",
            dictionary=self._dictionary or model / "cmudict-en-us.dict",
            grammar=self._grammar,
            language_model=None if self._grammar else self._language_model or model / "en-us.lm.bin",
        )

    @cached_property
    def _identity(self) -> Identity:
        files = self._files
        return {
            "backend": "pocketsphinx",
            "package": f"pocketsphinx {version('pocketsphinx')}",
            "acoustic_model_sha256": _folder_digest(files.acoustic_model),
            "dictionary_sha256": _digest(files.dictionary),
            "grammar_sha256": _digest(files.grammar),
            "language_model_sha256": _digest(files.language_model),
        }


@dataclass(frozen=True, slots=True)
class _ModelFiles:
    """Names what the engine reads; exactly one of `grammar` and `language_model` is not None."""

    acoustic_model: Path
    dictionary: Path
    grammar: Path | None
    language_model: Path | None

    def options(self, log: str) -> dict[str, str]:
        """Returns the engine's own names for the files, and where it writes its log."""
        searched = {"jsgf": str(self.grammar)} if self.grammar else {"lm": str(self.language_model)}
        return {"hmm": str(self.acoustic_model), "dict": str(self.dictionary), "logfn": log, **searched}


def _existing(option: str, path: str | None) -> Path | None:
    if path is not None and not Path(path).is_file():
        raise UsageError(f"PocketSphinx: {option}={path}: no such file; expected a path, relative to {Path.cwd()}")
    return None if path is None else Path(path)


def _start(files: _ModelFiles) -> "Decoder":
    from pocketsphinx import Decoder

    try:
        return Decoder(**files.options(os.devnull))
    except (RuntimeError, ValueError) as error:
        given = files.grammar or files.language_model
        raise UsageError(
            f"PocketSphinx cannot start with {given} and the dictionary {files.dictionary}: {_engine_log(files)}"
        ) from error


def _engine_log(files: _ModelFiles) -> str:
    """Starts the engine once more, to read from its log why it fails; its exception does not say."""
    from pocketsphinx import Decoder

    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with suppress(RuntimeError, ValueError):
            Decoder(**files.options(str(log)))
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "; ".join(_LOG_LINE.sub("", line) for line in lines if _LOG_LINE.match(line)) or "the engine gave no reason"


def _check_grammar(path: Path, dictionary: Path) -> None:
    """Refuses what the engine would misread quietly, and names every word that it cannot pronounce.

    PocketSphinx 5.1 drops a reference to an undefined rule, listens to an arbitrary one of several public rules, and
    stops at the first unknown word.
    """
    source = path.read_text(encoding="utf-8-sig", errors="replace")
    header, _, rules = _COMMENT_OR_TAG.sub(" ", source).partition(";")
    if not header.lstrip().startswith("#JSGF"):
        raise UsageError(f"{path}: expected a JSGF grammar that begins with '#JSGF V1.0;', found {header[:40]!r}")
    name, _, rules = rules.partition(";")
    if re.search(r"\bimport\s*<", rules):
        raise UsageError(f"{path}: imports another grammar; expected all rules in one file, whose digest names the run")
    public = [rule for is_public, rule in _DEFINITION.findall(rules) if is_public]
    if len(public) != 1:
        raise UsageError(
            f"{path}: expected one public rule, found {len(public)} ({', '.join(public) or 'none'}). "
            "Write one `public <command> = …;` that refers to the others"
        )
    _check_references(path, rules, grammar_name=name.replace("grammar", "", 1).strip())
    _check_words(path, rules, dictionary)


def _check_references(path: Path, rules: str, *, grammar_name: str) -> None:
    defined = {rule.strip() for _, rule in _DEFINITION.findall(rules)} | {"NULL", "VOID"}
    used = {rule.strip().removeprefix(f"{grammar_name}.") for rule in _REFERENCE.findall(rules)}
    if missing := sorted(used - defined):
        raise UsageError(
            f"{path}: refers to rules that it does not define: {', '.join(f'<{rule}>' for rule in missing)}"
        )


def _check_words(path: Path, rules: str, dictionary: Path) -> None:
    words = set(_PUNCTUATION.sub(" ", _REFERENCE.sub(" ", _DEFINITION.sub(" ", rules))).split())
    if not words:
        raise UsageError(f"{path}: the grammar has no words; expected at least one after `public <…> =`")
    entries = dictionary.read_text(encoding="utf-8", errors="replace").splitlines()
    if unknown := sorted(words - {line.split(maxsplit=1)[0] for line in entries if line.strip()}):
        raise UsageError(
            f"{path}: {len(unknown)} words are not in the dictionary {dictionary}: {', '.join(unknown)}. Write words "
            "as the dictionary does (in lower case, unquoted), or give a dictionary= that pronounces them"
        )


def _as_int16(waveform: Waveform) -> bytes:
    """Returns little-endian 16-bit samples, clipped to full scale; those of a 16-bit recording are exactly its own."""
    samples: npt.NDArray[np.int16] = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype("<i2")
    return samples.tobytes()


def _words(decoder: "Decoder") -> Iterable[Word]:
    for segment in decoder.seg():
        if not _FILLER.match(segment.word):
            yield Word(
                text=_PRONUNCIATION.sub("", segment.word),
                start_s=segment.start_frame * _FRAME_S,
                end_s=(segment.end_frame + 1) * _FRAME_S,
                confidence=min(1.0, max(0.0, float(segment.prob))),
            )


def _digest(path: Path | None) -> str | None:
    """Returns the SHA-256 of a file; None for none."""
    if path is None:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    """Returns one SHA-256 over the names and digests of a folder's files."""
    lines = [f"{path.name} {_digest(path)}\n" for path in sorted(folder.iterdir())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
