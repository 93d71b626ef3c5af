"""A corpus in; a folder with its manifest, its datasheet and the record of its import out, written as it is read.

```
OUT/manifest.jsonl           one line an utterance
OUT/datasheet.yaml           what the corpus is, and who says so
OUT/import.yaml              where it is from, what was counted, what was left out and why
OUT/recordings/              recordings, where the source holds their bytes and not their paths
OUT/left_out.tsv             place and reason of every row that is no utterance to be scored, where there are such
OUT/withdrawn.txt            people who withdrew: every later run leaves them out; where there is such a list
OUT/manifest/imported.yaml   lets `harness benchmark --config-dir OUT manifest=imported` find it and its audio
```
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from harness.corpus.attributes import Attribute
from harness.corpus.cells import shown, value_text
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet
from harness.corpus.declaring import datasheet_text
from harness.corpus.importers.checked import Changes, Seen, checked_lines, repeated_ids
from harness.corpus.importers.corpus import Corpus, Ledger
from harness.corpus.importers.datasheets import annotated
from harness.corpus.importers.embedded import Recordings
from harness.corpus.importers.placing import CHOICE_FOLDER, IMPORT_FILE, LEFT_OUT_FILE, MANIFEST_FILE, parts_for
from harness.corpus.people import WITHDRAWN_FILE, hiding, list_text
from harness.corpus.values import special_values
from harness.errors import ManifestError, UsageError

CHOICE = "imported"  # of the group `manifest`

Read = Callable[[Ledger], Corpus]
Counted = Callable[[int], None]  # told how many more records were written


@dataclass(frozen=True, slots=True)
class Imported:
    """Says what an import wrote.

    Attributes:
        path: The folder.
        name: Of the corpus, and of its choice in `manifest/`.
        audio_root: The folder that audio paths start from; None without audio.
        n_recordings: Written beside the manifest, because the source holds their bytes.
        n_utterances: Written.
        n_speakers: Different people among them.
        n_without_speaker: Utterances nobody is known to have spoken.
        n_left_out: Rows that are no utterance to be scored, by reason.
        n_withdrawn_speakers: People who were left out because they withdrew.
        n_withdrawn_utterances: Their utterances.
        n_values: Values by attribute.
        notes: What outputs should say of the import.
    """

    path: Path
    name: str
    audio_root: Path | None
    n_recordings: int
    n_utterances: int
    n_speakers: int
    n_without_speaker: int
    n_left_out: Mapping[str, int]
    n_withdrawn_speakers: int
    n_withdrawn_utterances: int
    n_values: Mapping[str, int]
    notes: Sequence[str]


def write_corpus(
    read: Read, out: Path, changes: Changes, *, asked: Mapping[str, object], name: str | None, counted: Counted
) -> Imported:
    """Reads a corpus and writes it as a manifest, all of it or nothing.

    Args:
        read: Gives the corpus; called once more where ids are there twice, to say where.
        out: The folder; an earlier import in it is written anew.
        changes: What is done to records on their way.
        asked: What the user asked for, written down.
        name: What the corpus is to be called; None: as its datasheet says.
        counted: Told how far it is.

    Raises:
        UsageError: The folder holds a manifest that no import has written, or another command writes into it; or people
            withdrew, and nobody knows who speaks.
        ManifestError: Rows are wrong; every one is named, and nothing is written.
        StorageError: It cannot be written.
    """
    with parts_for(out) as parts:
        return _written(read, parts, changes, asked=asked, name=name, counted=counted, out=out)


def _written(
    read: Read,
    parts: Path,
    changes: Changes,
    *,
    asked: Mapping[str, object],
    name: str | None,
    counted: Counted,
    out: Path,
) -> Imported:
    seen, recordings = Seen(), Recordings(parts, out)
    hide = hiding(changes.withdrawn)
    with (parts / LEFT_OUT_FILE).open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as left_out:
        ledger = Ledger(lambda place, reason: print_row(left_out.write, hide(place), reason))
        corpus = read(ledger)
        lines = checked_lines(corpus, changes, ledger, seen=seen, recordings=recordings)
        digest = _write_lines(parts / MANIFEST_FILE, lines, counted)
    _check(read, ledger, seen)
    if changes.withdrawn.speaker_ids and not seen.n_withdrawn and seen.n_without_speaker == seen.n_records:
        raise UsageError(
            "people withdrew, and the corpus does not say who speaks: nobody could be left out. "
            "Where that is right, import it into another folder and without a list."
        )
    sheet = _declared(corpus.datasheet, changes, seen, ledger)
    sheet = replace(sheet, name=_choice_name(name or sheet.name))
    root = out if recordings.n_written else corpus.audio_root
    imported = _imported(sheet, seen, ledger, changes, out=out, audio_root=root, n_recordings=recordings.n_written)
    if not ledger.n_left_out:
        (parts / LEFT_OUT_FILE).unlink()
    _write(parts / DATASHEET_FILE, datasheet_text(sheet))
    if changes.withdrawn.speaker_ids:
        _write(parts / WITHDRAWN_FILE, list_text(changes.withdrawn, changes.salt))
    _write(parts / CHOICE_FOLDER / f"{CHOICE}.yaml", _choice(imported))
    _write(parts / IMPORT_FILE, _record(imported, asked, digest))
    return imported


def print_row(write: Callable[[str], int], *cells: str) -> None:
    """Writes a row of a file with tabs, whatever the cells hold."""
    write("\t".join(" ".join(cell.split()) for cell in cells) + "\n")


def _write_lines(path: Path, lines: Iterator[str], counted: Counted) -> str:
    digest, number, n_before = hashlib.sha256(), 0, 0
    with path.open("wb", buffering=1 << 20) as file:
        for number, line in enumerate(lines, start=1):
            data = line.encode()
            digest.update(data)
            file.write(data)
            if number % 10_000 == 0:
                counted(number - n_before)
                n_before = number
        file.flush()
        os.fsync(file.fileno())
    counted(number - n_before)
    return digest.hexdigest()


def _check(read: Read, ledger: Ledger, seen: Seen) -> None:
    """Refuses a corpus with bad rows, repeated ids or nobody in it."""
    if not ledger.problems and seen.repeated_ids():
        ledger.problems += repeated_ids(read(Ledger()).records, seen)
    if ledger.problems:
        raise ManifestError(ledger.problems)
    if not seen.n_records:
        reasons = "; ".join(f"{n} left out: {reason}" for reason, n in ledger.n_left_out.items())
        withdrawn = f"; {sum(seen.n_withdrawn.values())} of people who withdrew" if seen.n_withdrawn else ""
        raise ManifestError([f"no utterance was found in the source ({reasons or 'no row at all'}{withdrawn})."])


def _declared(sheet: Datasheet, changes: Changes, seen: Seen, ledger: Ledger) -> Datasheet:
    """Returns the datasheet with those attributes that the manifest has columns for."""
    attributes = [attribute for attribute in sheet.attributes if attribute.name in seen.values]
    for each in changes.folding.attributes if changes.folding else ():
        declared = each.declared(sheet)
        if declared is not None and each.name in seen.values:
            attributes.append(declared)
    known = {attribute.name for attribute in (*sheet.attributes, *attributes)}
    free_text = [name for name in seen.values if name not in known and seen.is_free_text(name)]
    attributes += [
        _annotated(name, seen, ledger) for name in seen.values if name not in known and name not in free_text
    ]
    if free_text:
        names = ", ".join(map(shown, free_text))
        ledger.remark(f"columns with too many different values to slice on, kept and not declared: {names}")
    if ledger.problems:
        raise ManifestError(ledger.problems)
    return replace(sheet, attributes=tuple(attributes), declared=True)


def _annotated(name: str, seen: Seen, ledger: Ledger) -> Attribute:
    try:
        return annotated(name, multivalued=name in seen.multivalued)
    except ManifestError as error:
        ledger.problems += error.problems
        return annotated("unusable", multivalued=False)


def _imported(
    sheet: Datasheet,
    seen: Seen,
    ledger: Ledger,
    changes: Changes,
    *,
    out: Path,
    audio_root: Path | None,
    n_recordings: int,
) -> Imported:
    return Imported(
        path=out,
        name=sheet.name,
        audio_root=None if audio_root is None else audio_root.absolute(),
        n_recordings=n_recordings,
        n_utterances=seen.n_records,
        n_speakers=seen.n_speakers,
        n_without_speaker=seen.n_without_speaker,
        n_left_out=dict(ledger.n_left_out),
        n_withdrawn_speakers=len(seen.n_withdrawn),
        n_withdrawn_utterances=sum(seen.n_withdrawn.values()),
        n_values={each.name: _n_values(seen.values[each.name], sheet) for each in sheet.attributes},
        notes=(
            *map(hiding(changes.withdrawn), ledger.remarks),
            *_language_notes(sheet, seen),
            *_folding_notes(changes, sheet),
            *_hashing_notes(changes, seen, ledger),
            *_absent_notes(seen),
        ),
    )


def _language_notes(sheet: Datasheet, seen: Seen) -> list[str]:
    if sheet.language is not None or seen.n_with_language:
        return []
    return [
        "no language is stated, so texts are normalised as those of any language: `five` and `5` differ. Say it with "
        "manifest.language=en, or with language= where the format takes it"
    ]


def _n_values(values: set[str], sheet: Datasheet) -> int:
    """Returns how many values are not ways to say nothing."""
    special = special_values(sheet)
    return sum(value_text(value).casefold() not in special for value in values)


def _folding_notes(changes: Changes, sheet: Datasheet) -> list[str]:
    if changes.folding is None:
        return []
    notes, special = [], special_values(sheet)
    for name, counts in changes.folding.n_unnamed.items():
        unnamed = Counter({value: n for value, n in counts.items() if value_text(value).casefold() not in special})
        if unnamed:
            most = ", ".join(f"{shown(value)} ({n})" for value, n in unnamed.most_common(5))
            notes.append(f"{name}: {len(unnamed)} values that the folding table does not name stay as they are: {most}")
    return notes


def _hashing_notes(changes: Changes, seen: Seen, ledger: Ledger) -> list[str]:
    if changes.salt is None:
        return []
    notes = []
    if seen.n_named_ids:
        notes.append(
            f"speaker ids are hashed, but {seen.n_named_ids} utterance ids or paths of recordings still contain them: "
            "the corpus names its files so"
        )
    if ledger.n_left_out:
        notes.append(f"speaker ids are hashed, but {LEFT_OUT_FILE} names files as the corpus does, perhaps by people")
    return notes


def _absent_notes(seen: Seen) -> list[str]:
    return [f"{seen.n_absent} of those who withdrew are nobody in this corpus, by their ids"] if seen.n_absent else []


def _choice(imported: Imported) -> str:
    """Returns the choice of the group `manifest` for Hydra."""
    content: dict[str, object] = {
        "name": imported.name,
        "path": literal((imported.path / MANIFEST_FILE).absolute()),
        "columns": {},
        "audio_root": None if imported.audio_root is None else literal(imported.audio_root),
        "allow_outside": False,
        "language": None,
        "grammar": None,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1_000)


def literal(path: Path) -> str:
    """Returns a path that Hydra takes as it is: `${` begins a reference, perhaps to a secret of the environment."""
    return re.sub(r"(\\*)\$\{", lambda mark: mark[1] * 2 + r"\${", str(path))


def _record(imported: Imported, asked: Mapping[str, object], digest: str) -> str:
    content: dict[str, object] = {
        **asked,
        "manifest_sha256": digest,
        "utterances": imported.n_utterances,
        **({"recordings_written": imported.n_recordings} if imported.n_recordings else {}),
        "speakers": imported.n_speakers,
        "utterances_without_speaker": imported.n_without_speaker,
        "left_out": dict(imported.n_left_out),
        "withdrawn": {"speakers": imported.n_withdrawn_speakers, "utterances": imported.n_withdrawn_utterances},
        "notes": list(imported.notes),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _choice_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60] or "corpus"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
