"""A finished run and its manifest in, a bundle out: all that somebody else needs to score and test its claim again."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from harness.corpus import Manifest
from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.declaring import datasheet_text
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, RunDirectoryError, UsageError
from harness.fairness.membership import AND
from harness.provenance import digest_of_file
from harness.results.bundles.archive import write_archive
from harness.results.bundles.codes import Ids, Named, digests_of, named, records
from harness.results.bundles.contents import (
    ABOUT,
    BESIDE,
    BESIDE_FACTS,
    CLAIMED,
    CONFIGURED,
    FAILED,
    FORMAT,
    FORMAT_VERSION,
    GIVEN,
    HEARD,
    MANIFEST,
    README,
    SCOREABLE,
    SPELLINGS_FILE,
    TABLES_FOLDER,
    TERMS_FILE,
    VERSIONS,
    as_json,
    kept_config,
    kept_facts,
    kept_summary,
    largest,
    locked,
)
from harness.results.bundles.licences import lets_pass_on
from harness.results.bundles.readme import readme
from harness.results.bundles.small import small_rows
from harness.results.exporters.json_lines import write_json_lines
from harness.results.run import CONFIG, DISPARITIES, FACTS, SUMMARY, Run
from harness.results.whole import check_whole
from harness.scoring.beside import in_shares
from harness.scoring.spellings import read_spellings
from harness.scoring.terms import read_terms
from harness.transcription import HypothesisStore
from harness.transcription.store import COLUMNS, rows_as_lines

log = logging.getLogger(__name__)

SPEAKER = "speaker_id"


class References(Enum):
    """Whether references, and what the manifest says of each utterance, are in a bundle."""

    auto = "auto"  # where the corpus's licence is known to let them be passed on
    include = "include"
    withhold = "withhold"


@dataclass(frozen=True, slots=True)
class Claim:
    """Is what is bundled.

    Attributes:
        run: Finished.
        manifest: What it was measured on, as it was then, with the ids that its hypotheses have.
        config: What config.yaml says, as plain data.
        spellings: The table of spellings that is of somebody's own; None: none.
        terms: The list of terms; None: none.
        beside: The run that its gaps are placed beside; None: none.
    """

    run: Run
    manifest: Manifest
    config: Mapping[str, object]
    spellings: Path | None = None
    terms: Path | None = None
    beside: Run | None = None


@dataclass(frozen=True, slots=True)
class Bundled:
    """Says what was written.

    Attributes:
        path: The archive.
        digest: Its SHA-256, in hexadecimal.
        n_bytes: Its size.
        n_files: Files in it.
        n_utterances: Utterances it is about.
        licence: Of the corpus; empty when not stated.
        is_included: Whether references and attributes are in it.
        why: Why they are, or are not, in words.
        ids: What utterances and speakers are called in it.
        small: How many rows of its slices are of few people, in words.
        notes: What it gives away beside what is out already.
        ledger: Where it is written down that exact numbers of the corpus are out; None: nowhere.
        unrecorded: Why not; empty where it is.
    """

    path: Path
    digest: str
    n_bytes: int
    n_files: int
    n_utterances: int
    licence: str
    is_included: bool
    why: str
    ids: Ids
    small: str = ""
    notes: tuple[str, ...] = ()
    ledger: Path | None = None
    unrecorded: str = ""


def config_of(run: Run) -> dict[str, object]:
    """Return config.yaml of a run as plain data.

    Raises:
        RunDirectoryError: It is damaged.
    """
    try:
        content = yaml_mapping((run.path / CONFIG).read_bytes(), CONFIG)
    except (OSError, ManifestError) as error:
        raise RunDirectoryError(f"{run.path / CONFIG}: cannot be read ({error}). Make the run again.") from error
    return {str(name): value for name, value in content.items()}


def write_bundle(claim: Claim, out: Path, *, references: References, ids: Ids) -> Bundled:
    """Write the bundle of a run, whole or not at all; the same run is the same bytes, whoever writes it and when.

    Raises:
        UsageError: The run cannot be scored again, or its manifest or another file has changed since.
        RunDirectoryError: The run is damaged.
        StorageError: The bundle cannot be written.
    """
    run, manifest = claim.run, claim.manifest
    check_whole(run)
    _check_same(claim)
    if ids is Ids.coded and any(SPEAKER in str(name).split(AND) for name in run.facts["sliced_by"]):
        raise UsageError(f"{run.path}: slices by {SPEAKER}, so that its tables name people. Bundle it with ids=kept.")
    is_included, why = _may_include(manifest.datasheet.license, references)
    known, small = named(manifest, ids), small_rows(run)
    with TemporaryDirectory(prefix="harness-bundle-") as folder:
        parts = _Parts(Path(folder), {})
        _write_claim(parts, claim, coded=ids is Ids.coded)
        _write_heard(parts, run, known)
        if is_included:
            _write_references(parts, known.manifest)
        about = _about(claim, known, is_included=is_included, ids=ids) | {"why": references.value}
        told = {"licence": manifest.datasheet.license, "why": why}
        parts.text(README, readme(about, list(parts.files), **told, small=small))
        parts.text(ABOUT, as_json(about | {"files": parts.told()}))
        parts.check()
        digest = write_archive(out, parts.files)
        n_files = len(parts.files)
    size = out.stat().st_size
    log.info("%s: %d files, %d bytes, SHA-256 %s", out, n_files, size, digest)
    licence = manifest.datasheet.license
    return Bundled(out, digest, size, n_files, len(manifest), licence, is_included, why, ids, small)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Is a folder in which the files of a bundle are made, by their names in it."""

    folder: Path
    files: dict[str, Path]

    def place(self, name: str) -> Path:
        """Return where a file is to be written."""
        self.files[name] = self.folder / f"{len(self.files)}{Path(name).suffix}"
        return self.files[name]

    def text(self, name: str, content: str) -> None:
        self.place(name).write_bytes(content.encode())

    def copy(self, name: str, source: Path) -> None:
        shutil.copyfile(source, self.place(name))

    def told(self) -> dict[str, dict[str, object]]:
        """Return size and SHA-256 of every file."""
        return {
            name: {"bytes": self.files[name].stat().st_size, "sha256": digest_of_file(self.files[name])}
            for name in sorted(self.files)
        }

    def check(self) -> None:
        """Refuse what nobody would read again."""
        for name, path in self.files.items():
            if path.stat().st_size > (largest(name) or 0):
                raise UsageError(f"{name} has {path.stat().st_size:,} bytes; a bundle has {largest(name):,} at most.")


def _check_same(claim: Claim) -> None:
    """Refuse a run of another pipeline, and files that are not those that it was made of."""
    run, facts = claim.run, claim.run.facts
    if facts.get("pipeline", SCOREABLE[0]) not in SCOREABLE:
        raise UsageError(f"{run.path}: a run of harness {facts['pipeline']}; expected one of {', '.join(SCOREABLE)}.")
    if facts["manifest"].get("digest") != claim.manifest.digest:
        raise UsageError(
            f"{claim.manifest.path}: is not the manifest that {run.path} was made of, or it, its {DATASHEET_FILE} or "
            "the list of people who withdrew has changed since. Give that one: manifest.path=FILE; where somebody "
            "withdrew, make the run again."
        )
    terms = (facts.get("terms") or {}).get("digest")
    if claim.terms is not None and read_terms(claim.terms).digest != terms:
        raise UsageError(f"{claim.terms}: is not the list of terms that the run was made with. Give that: terms=FILE.")
    spelled = str(facts["normalizer"])
    if claim.spellings is not None and f"spellings@{read_spellings(claim.spellings).digest[:8]}" not in spelled:
        raise UsageError(
            f"{claim.spellings}: is not the table of spellings that the run was made with. Give that: spellings=FILE."
        )


def _may_include(licence: str, references: References) -> tuple[bool, str]:
    if references is References.include:
        return True, "who made this bundle says that they may be passed on"
    if references is References.withhold:
        return False, "who made this bundle withholds them"
    if not licence:
        return False, "the datasheet states no licence"
    if lets_pass_on(licence):
        return True, f"the licence {licence} lets them be passed on"
    return False, f"the licence {licence} is not known to let them be passed on"


def _write_claim(parts: _Parts, claim: Claim, *, coded: bool) -> None:
    """Write what is claimed, and what it was made with."""
    run = claim.run
    parts.text(CONFIGURED, as_json(kept_config(claim.config)))
    parts.text(FACTS, as_json(kept_facts(run.facts)))
    parts.text(VERSIONS, locked(run.facts))
    parts.text(f"{TABLES_FOLDER}/{SUMMARY}", as_json(kept_summary(run.summary, coded=coded)))
    for name in (*CLAIMED, GIVEN):
        if (run.path / name).is_file():
            parts.copy(f"{TABLES_FOLDER}/{name}", run.path / name)
    if claim.spellings is not None:
        parts.copy(SPELLINGS_FILE, claim.spellings)
    if claim.terms is not None:
        parts.copy(TERMS_FILE, claim.terms)
    if claim.beside is not None:
        parts.copy(BESIDE, claim.beside.path / DISPARITIES)
        parts.text(BESIDE_FACTS, as_json({"manifest": {"name": claim.beside.facts["manifest"]["name"]}}))


def _write_heard(parts: _Parts, run: Run, known: Named) -> None:
    """Write the hypotheses of the manifest's utterances, in its order, condition by condition."""
    heard = run.hypotheses.frame()[list(COLUMNS)]
    places = {name: place for place, name in enumerate(known.manifest.frame["utterance_id"])}
    order = heard["utterance_id"].map(known.utterances).map(places)
    strange = order.isna() & ~heard["utterance_id"].isin(known.manifest.left_out.utterance_ids)
    if strange.any():
        raise RunDirectoryError(
            f"{run.path}: has hypotheses of {int(strange.sum())} utterances that its manifest has not. Make it again."
        )
    heard = heard.assign(place=order)[order.notna()].sort_values(["condition", "place"], kind="stable")
    heard["utterance_id"] = [known.utterances[name] for name in heard["utterance_id"]]
    heard["error"] = heard["error"].map(lambda error: error if error is None else FAILED)
    store = HypothesisStore(parts.folder / "heard")
    store.replace(in_shares(rows_as_lines, *(_present(heard[name]) for name in COLUMNS)))
    parts.files[HEARD] = store.files[0]


def _present(column: pd.Series) -> list[object]:
    """Return the cells; None for what pandas calls missing."""
    return column.astype(object).where(column.notna(), None).tolist()


def _write_references(parts: _Parts, manifest: Manifest) -> None:
    """Write the manifest's rows as they are used, and the datasheet by which they are read so again."""
    write_json_lines(parts.place(MANIFEST), records(manifest))
    sheet = replace(
        manifest.datasheet, attributes=tuple(replace(each, bins=()) for each in manifest.datasheet.attributes)
    )  # what was in a bin has its name now
    parts.text(DATASHEET_FILE, datasheet_text(sheet))


def _about(claim: Claim, known: Named, *, is_included: bool, ids: Ids) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "pipeline": claim.run.facts.get("pipeline", SCOREABLE[0]),
        "references": "included" if is_included else "withheld",
        "ids": ids.value,
        "n_utterances": len(known.manifest),
        "manifest": {"digest": claim.manifest.digest} | asdict(digests_of(known.manifest)),
    }
