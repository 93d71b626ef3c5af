"""A text goes in, the words that are compared come out; the same normaliser reads reference and hypothesis.

Raw text is kept in the run, so that a normaliser can be exchanged years later without a recogniser. Each one
carries an `id` that names its rules and their digest, because two versions of a rule give two error rates.
"""

import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Protocol

from harness.errors import UsageError
from harness.scoring.gated_english import EnglishRules, GatedEnglish

# A private name: openai-whisper's rules are found and run without its package, whose import costs 3 s of torch,
# and a real `import whisper`, before or after, neither sees this module nor is seen by it.
_RULES_MODULE = "_harness_whisper_normalizers"
# sha256 of openai-whisper's rule files for which `GatedEnglish` is shown to be exact (the two releases differ in
# parentheses only). Other rules run in full: the same texts, at a twentieth of the speed.
_RULES_SHOWN_EXACT = frozenset(
    {
        "69416b48a67fcd59e301e5e31af7e548ac1572a649ea3309fb4aa86c1d1da3f5",  # 20240930
        "b13b18fa27e15dfd0beb80952f921b21a77f2b1d7a34f4a229eec7017ba098e9",  # 20250625
    }
)


class Normalizer(Protocol):
    """Turns a text into the words, separated by spaces, that are compared."""

    @property
    def id(self) -> str:
        """Names the rules, their version and their digest."""

    def __call__(self, text: str) -> str:
        """Return the normalised text; empty when no word is left."""


class WhisperEnglish:
    """Applies openai-whisper's `EnglishTextNormalizer` exactly, skipping the rules that cannot match a text.

    It drops fillers (um, uh, hmm) and bracketed words, expands contractions, writes numerals as digits and British
    spellings as American ones. It unifies mainstream reductions (gonna) and leaves others (finna) as errors, which
    can move a gap between accents: compare with `LowercaseNoPunctuation` before believing a narrow one.

    >>> WhisperEnglish()("Um, I'm gonna colour twenty-five doors")
    'i am going to color 25 doors'
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the spelling table is read and not closed
            rules: EnglishRules = _whisper_rules().EnglishTextNormalizer()
        digest = _rule_files_digest()
        self._normalise = GatedEnglish(rules, _cleaned) if digest in _RULES_SHOWN_EXACT else rules
        self._id = f"whisper_english@{_whisper_version()}+{digest[:8]}"

    @property
    def id(self) -> str:
        """Names the rules, the version of openai-whisper and the digest of its rule files."""
        return self._id

    def __call__(self, text: str) -> str:
        """Return the normalised text."""
        return self._normalise(text)


class WhisperBasic:
    """Applies openai-whisper's `BasicTextNormalizer`, but keeps the marks that are part of a letter.

    The original replaces every combining mark by a space, which splits and deletes the vowels of Devanagari, Tamil,
    Thai or pointed Arabic and makes wrong words look right. On text without marks the two are equal. Enclosing marks
    and emoji variation selectors, and marks that follow no letter, are dropped.

    >>> WhisperBasic()("हिन्दी, (शायद) HINDI!").split()
    ['हिन्दी', 'hindi']
    """

    def __init__(self) -> None:
        self._rules: _BasicRules = _whisper_rules().BasicTextNormalizer()
        self._rules.clean = _symbols_to_spaces
        digest = _digest(_rule_files_digest(), _source(_symbols_to_spaces), _source(_SymbolsToSpaces))
        self._id = f"whisper_basic@{_whisper_version()}+{digest[:8]}"

    @property
    def id(self) -> str:
        """Names the rules, the version of openai-whisper and the digest of its rule files and of what differs here."""
        return self._id

    def __call__(self, text: str) -> str:
        """Return the normalised text."""
        return self._rules(text)


class Verbatim:
    """Changes nothing but white space: case and punctuation count as errors.

    >>> Verbatim()("  Turn it  OFF. ")
    'Turn it OFF.'
    """

    @property
    def id(self) -> str:
        """Names the rule and the digest of its source."""
        return f"verbatim@1+{_digest(_source(Verbatim))[:8]}"

    def __call__(self, text: str) -> str:
        """Return the text with single spaces."""
        return " ".join(text.split())


class LowercaseNoPunctuation:
    """Folds case and removes punctuation and symbols (Unicode P and S), nothing else.

    Dashes, slashes, underscores and ellipses separate words; an apostrophe inside a word stays, in one spelling.
    Numerals, spelling, fillers and contractions are left as they were said: the strict profile.

    >>> LowercaseNoPunctuation()("Don’t re-open 'St. John' — the U.S. and/or £5…")
    "don't re open st john the us and or 5"
    """

    @property
    def id(self) -> str:
        """Names the rules, the version of Unicode they read and the digest of their source."""
        digest = _digest(_source(LowercaseNoPunctuation), _source(_Punctuation), unicodedata.unidata_version)
        return f"lowercase_no_punctuation@1+{digest[:8]}"

    def __call__(self, text: str) -> str:
        """Return the folded text with single spaces."""
        letters = unicodedata.normalize("NFC", text).casefold().replace("...", " ").translate(_PUNCTUATION)
        return " ".join(_STRAY_APOSTROPHE.sub("", letters).split())


class ByLanguage:
    """Chooses the rules by the language of an utterance: English ones for English, `WhisperBasic` for all others.

    >>> ByLanguage().for_language("en-NG").id.partition("@")[0]
    'whisper_english'
    """

    def __init__(self) -> None:
        self._english = WhisperEnglish()
        self._other = WhisperBasic()

    @property
    def id(self) -> str:
        """Names the rules for English and the rules for all else."""
        return f"by_language(en={self._english.id},other={self._other.id})"

    def for_language(self, language: str | None) -> Normalizer:
        """Return the rules for a BCP 47 tag; a language that is not declared (None) is not taken for English."""
        primary = (language or "").replace("_", "-").partition("-")[0].strip().lower()
        return self._english if primary in {"en", "eng"} else self._other


class _BasicRules(Protocol):
    """Is what this module uses of openai-whisper's `BasicTextNormalizer`."""

    clean: Callable[[str], str]

    def __call__(self, text: str) -> str: ...


class _SymbolsToSpaces(dict[int, str | None]):
    """Maps symbols and punctuation to a space, and drops what encloses or recolours a symbol."""

    def __missing__(self, codepoint: int) -> str | None:
        character = chr(codepoint)
        category = unicodedata.category(character)
        is_selector = 0xFE00 <= codepoint <= 0xFE0F or 0xE0100 <= codepoint <= 0xE01EF
        self[codepoint] = " " if category[0] in "SP" else None if category == "Me" or is_selector else character
        return self[codepoint]


class _Punctuation(dict[int, str | None]):
    """Maps apostrophes to one spelling, separating punctuation to a space, and drops the rest of P and S."""

    def __missing__(self, codepoint: int) -> str | None:
        character = chr(codepoint)
        category = unicodedata.category(character)
        if character in "'’‘ʼ＇":
            self[codepoint] = "'"
        elif category in {"Pd", "Pc"} or character in "/\\…":
            self[codepoint] = " "
        else:
            self[codepoint] = None if category[0] in "PS" else character
        return self[codepoint]


_SYMBOLS_TO_SPACES = _SymbolsToSpaces()
_PUNCTUATION = _Punctuation()
_STRAY_APOSTROPHE = re.compile(r"(?<![^\s'])'|'(?![^\s'])")  # at the edge of a word, where it is a quotation mark


def _symbols_to_spaces(text: str) -> str:
    """Replace symbols and punctuation by spaces, keeping the marks that follow a letter (NFKC)."""
    spaced = unicodedata.normalize("NFKC", text).translate(_SYMBOLS_TO_SPACES)
    if spaced.isascii():
        return spaced
    kept = [" "]
    for character in spaced:
        if not (kept[-1].isspace() and unicodedata.category(character)[0] == "M"):
            kept.append(character)
    return "".join(kept[1:])


def _cleaned(text: str, kept: str) -> str:
    cleaned: str = _whisper_rules().english.remove_symbols_and_diacritics(text, keep=kept)
    return cleaned


@functools.cache
def _whisper_rules() -> ModuleType:
    """Return openai-whisper's package of normalisers without importing openai-whisper."""
    start = _rules_folder() / "__init__.py"
    spec = importlib.util.spec_from_file_location(_RULES_MODULE, start, submodule_search_locations=[str(start.parent)])
    if spec is None or spec.loader is None:
        raise UsageError(f"{start}: cannot be loaded; reinstall openai-whisper")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_RULES_MODULE] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def _rules_folder() -> Path:
    spec = importlib.util.find_spec("whisper")
    for location in (spec and spec.submodule_search_locations) or ():
        if (Path(location) / "normalizers").is_dir():
            return Path(location) / "normalizers"
    raise UsageError("openai-whisper is not installed and its text rules are needed: pip install openai-whisper")


@functools.cache
def _rule_files_digest() -> str:
    files = (_rules_folder() / name for name in ("basic.py", "english.py", "english.json"))
    return _digest(*(file.read_text("utf-8") for file in files))


def _whisper_version() -> str:
    return importlib.metadata.version("openai-whisper")


def _source(code: Callable[..., object]) -> str:
    return inspect.getsource(code)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
