"""Somebody's bundle in, checked against its own digests, its parts as ordinary objects out: nothing of it runs.

What is in it is judged before it is read: its files by name and size, then by digest, then its JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.corpus.cells import shown
from harness.corpus.datasheet import DATASHEET_FILE
from harness.results.bundles.archive import BundleError, opened
from harness.results.bundles.codes import Ids, digests_of, named
from harness.results.bundles.contents import (
    ABOUT,
    BESIDE,
    CONFIGURED,
    FORMAT,
    FORMAT_VERSION,
    GIVEN,
    HEARD,
    MANIFEST,
    SCOREABLE,
    TABLES_FOLDER,
    as_json,
    largest,
)
from harness.results.run import DISPARITIES, FACTS, SLICES, SUMMARY, Run
from harness.transcription import HypothesisStore

MOST_UTTERANCES = 5_000_000
MOST_CONDITIONS = 250
LONGEST_S = 1e7  # seconds of an utterance
LONGEST_LINE = 2_000_000  # bytes of an utterance's line: some hours of speech
LONGEST_TEXT, MOST_TEXTS = 5_000, 200  # characters of a note or a version; how many
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WITHHELD = {
    "withhold": "who made it withholds them (references=withhold), whatever the licence",
    "auto": "its licence is not stated, or not known to let them be passed on",
}  # by what was asked for
_ASKED = (*_WITHHELD, "include")
_NEEDED = (ABOUT, CONFIGURED, FACTS, HEARD, *(f"{TABLES_FOLDER}/{name}" for name in (SLICES, DISPARITIES, SUMMARY)))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Is a bundle whose files are those that it says it holds, unpacked in a folder of this process.

    Attributes:
        path: The archive.
        digest: Its SHA-256, in hexadecimal.
        folder: Where its files are, for as long as it is open.
        about: What bundle.json says, checked.
        config: The configuration of the claim: plain data that nobody has checked.
        facts: What the claim says of its run: plain data, of which manifest and normaliser are checked.
        notes: What the claim says on its face.
    """

    path: Path
    digest: str
    folder: Path
    about: Mapping[str, Any]
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions that the claim was made with, of packages and of Python."""
        known = {"python": self.facts.get("python"), **_mapping(self.facts.get("versions"))}
        return {name: text for name, text in list(known.items())[:MOST_TEXTS] if isinstance(text, str)}

    @property
    def claims(self) -> Path:
        """Return the folder of the tables that are claimed."""
        return self.folder / TABLES_FOLDER

    @property
    def has_references(self) -> bool:
        """Say whether references and attributes are in it."""
        return bool(self.about["references"] == "included")

    def part(self, name: str) -> Path | None:
        """Return where a file of it is; None where it holds none of this name."""
        return self.folder / name if (self.folder / name).is_file() else None

    def beside(self) -> Run | None:
        """Return the run that gaps were placed beside; None where there was none."""
        return None if self.part(BESIDE) is None else Run(self.folder / Path(BESIDE).parent)

    def levels(self) -> pd.DataFrame:
        """Return what each condition is a level of.

        Raises:
            BundleError: The table is damaged.
        """
        texts = dict.fromkeys(("condition", "sweep", "parameter", "digest"), str)
        try:
            levels = pd.read_csv(
                self.claims / GIVEN, dtype=texts | {"level": float}, keep_default_na=False, na_values={"level": [""]}
            )
            levels = levels[["condition", "sweep", "parameter", "level", "digest"]]
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{self.path}: {GIVEN}: no table of levels ({_told(error)}).") from error
        if len(levels) > MOST_CONDITIONS or np.isinf(levels["level"]).any():
            raise BundleError(f"{self.path}: {GIVEN}: expected {MOST_CONDITIONS} conditions at most, at finite levels.")
        return levels

    def hypotheses(self) -> pd.DataFrame:
        """Return what was heard, a row an utterance and condition.

        Raises:
            HypothesesError: A line is no hypothesis.
            BundleError: There are more conditions than a run has.
        """
        frame = HypothesisStore((self.folder / HEARD).parent).frame()
        if frame["condition"].nunique() > MOST_CONDITIONS:
            raise BundleError(f"{self.path}: has more than {MOST_CONDITIONS} conditions; no run has.")
        if (frame[["audio_s", "processing_s"]] > LONGEST_S).any(axis=None):
            raise BundleError(f"{self.path}: has an utterance of more than {LONGEST_S:,.0f} seconds; no run has.")
        return frame

    def lines(self) -> Iterator[str]:
        """Yield the lines of the hypotheses, as a run keeps them."""
        with (self.folder / HEARD).open(encoding="utf-8") as file:
            yield from file

    def manifest(self, own: Manifest | None) -> Manifest:
        """Return what was measured, as the claim has it.

        Args:
            own: Somebody's own copy of the corpus; None: that in the bundle.

        Raises:
            BundleError: There is none in the bundle, or somebody's own is another.
            ManifestError: That in the bundle is damaged, or an attribute in it is refused.
        """
        if own is None and not self.has_references:
            why = _WITHHELD.get(str(self.about.get("why")), "they were left out")
            raise BundleError(
                f"{self.path}: holds no references of {shown(self.facts['manifest']['name'])}; {why}. Name your own "
                "copy of the corpus: manifest.path=FILE."
            )
        known = self._unpacked() if own is None else named(own, Ids(self.about["ids"])).manifest
        self._check_same(known, is_own=own is not None)
        sheet = replace(known.datasheet, declared=bool(self.facts["manifest"].get("datasheet", True)))
        return replace(known, name=self.facts["manifest"]["name"], datasheet=sheet, notes=self.notes)

    def _unpacked(self) -> Manifest:
        _check_lines(self.path, self.folder / MANIFEST)
        return Manifest.load(self.folder / MANIFEST, require_audio=False)

    def _check_same(self, manifest: Manifest, *, is_own: bool) -> None:
        told, found = self.about["manifest"], digests_of(manifest)
        if (told["rows"], told["texts"], self.about["n_utterances"]) == (found.rows, found.texts, len(manifest)):
            return
        if not is_own:
            raise BundleError(f"{self.path}: its references are not those that it says the claim is of.")
        differ = (
            "other speakers, languages or attributes, by the same ids and references"
            if told["texts"] == found.texts
            else "other utterances or references; people may have withdrawn since"
        )
        raise BundleError(
            f"{manifest.path}: is not what the claim is of: it has {differ}. Read it as the claim did: its datasheet, "
            f"manifest.columns, manifest.language. It was manifest {told['digest'][:16]}…"
        )


@contextmanager
def opened_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle that somebody sent, once it is known to be what it says.

    Raises:
        UsageError: There is no such file.
        BundleError: It is no bundle, is damaged, or was changed.
        StorageError: There is no room to unpack it.
    """
    with opened(path, largest) as archive, TemporaryDirectory(prefix="harness-bundle-") as unpacked:
        folder = Path(unpacked)
        missing = [name for name in _NEEDED if name not in archive.members]
        if missing:
            raise BundleError(f"{path}: has no {missing[0]}; it is no bundle, or was cut.")
        for name in archive.members:
            (folder / name).parent.mkdir(exist_ok=True)
        archive.copy(ABOUT, folder / ABOUT)
        about = _json(path, ABOUT, folder)
        if as_json(about).encode() != (folder / ABOUT).read_bytes():
            raise BundleError(f"{path}: {ABOUT} is not written as a bundle's is.")
        files = _checked(path, about)
        differ = sorted({*files, ABOUT} ^ archive.members.keys())
        if differ:
            raise BundleError(f"{path}: {shown(differ[0])} is in it or in its {ABOUT}, and not in both.")
        for name, told in files.items():
            if told != (archive.members[name].size, archive.copy(name, folder / name)):
                raise BundleError(f"{path}: {name} was changed: it has another size or digest than {ABOUT} says.")
        _check_lines(path, folder / HEARD)
        facts, notes = _facts(path, folder, about), _notes(path, folder)
        yield Bundle(path, archive.digest(), folder, about, _json(path, CONFIGURED, folder), facts, notes)


def _facts(path: Path, folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    facts = _json(path, FACTS, folder)
    manifest = _mapping(facts.get("manifest"))
    if not isinstance(manifest.get("name"), str) or not isinstance(facts.get("normalizer"), str):
        raise BundleError(f"{path}: {FACTS} names no manifest, or no normaliser.")
    if manifest.get("digest") != about["manifest"]["digest"]:
        raise BundleError(f"{path}: {FACTS} is of another manifest than {ABOUT}.")
    return facts


def _notes(path: Path, folder: Path) -> tuple[str, ...]:
    notes = _json(path, f"{TABLES_FOLDER}/{SUMMARY}", folder).get("notes")
    if not isinstance(notes, list) or len(notes) > MOST_TEXTS or not all(isinstance(note, str) for note in notes):
        raise BundleError(f"{path}: {SUMMARY} has no list of notes.")
    return tuple(note[:LONGEST_TEXT] for note in notes)


def _checked(path: Path, about: Mapping[str, Any]) -> dict[str, tuple[object, str]]:
    """Return size and digest of every file that a bundle says it holds, once all of bundle.json is checked."""
    if about.get("format") != FORMAT:
        raise BundleError(f"{path}: {ABOUT} is of something else than a bundle of this harness.")
    if about.get("version") != FORMAT_VERSION:
        raise BundleError(
            f"{path}: is a bundle of version {shown(about.get('version'))}; this harness reads {FORMAT_VERSION}. "
            "Install the harness that it names in its versions.txt."
        )
    if about.get("why", "auto") not in _ASKED:
        raise BundleError(f"{path}: {ABOUT} has why={shown(about.get('why'))}; expected {' or '.join(_ASKED)}.")
    choices = {"pipeline": SCOREABLE, "references": ("included", "withheld"), "ids": tuple(each.value for each in Ids)}
    for name, known in choices.items():
        if about.get(name) not in known:
            raise BundleError(f"{path}: {ABOUT} has {name}={shown(about.get(name))}; expected {' or '.join(known)}.")
    n = about.get("n_utterances")
    if not isinstance(n, int) or not 0 < n <= MOST_UTTERANCES:
        raise BundleError(f"{path}: {ABOUT} has n_utterances={shown(n)}; expected 1 to {MOST_UTTERANCES:,}.")
    files, manifest = _mapping(about.get("files")), _mapping(about.get("manifest"))
    digests = {
        **{name: _mapping(told).get("sha256") for name, told in files.items()},
        **{f"manifest.{name}": manifest.get(name) for name in ("digest", "texts", "rows")},
    }
    wrong = [name for name, digest in digests.items() if not (isinstance(digest, str) and _DIGEST.fullmatch(digest))]
    if wrong:
        raise BundleError(f"{path}: {ABOUT} has no SHA-256 of {shown(wrong[0])}.")
    if (about["references"] == "included") is not ({MANIFEST, DATASHEET_FILE} <= set(files)):
        raise BundleError(f"{path}: its references are {about['references']}, it says, and they are not.")
    return {name: (told.get("bytes"), str(told["sha256"])) for name, told in files.items()}


def _check_lines(path: Path, file: Path) -> None:
    """Refuse lines that no utterance has, before they are read as JSON."""
    n = 0
    with file.open("rb") as lines:
        while line := lines.readline(LONGEST_LINE + 1):
            n += 1
            if len(line) > LONGEST_LINE:
                raise BundleError(f"{path}: {file.name}:{n}: longer than {LONGEST_LINE:,} bytes; no utterance is.")
    if n > MOST_UTTERANCES:
        raise BundleError(f"{path}: {file.name} has {n:,} lines; expected {MOST_UTTERANCES:,} at most.")


def _json(path: Path, name: str, folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_bytes(), parse_constant=_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: {name}: not JSON ({_told(error)}).") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path}: {name}: expected a JSON object.")
    return content


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:LONGEST_TEXT][:200]
