"""The runs of several systems on one corpus in, one row an utterance with everybody's counts and texts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.corpus.attributes import AttributeKind
from harness.corpus.cells import CellError, number
from harness.corpus.extending import manifest_columns
from harness.corpus.inferred import INFERRED, refusal
from harness.corpus.values import special_values
from harness.errors import DataError, UsageError
from harness.fairness import Policy
from harness.fairness.bounty import clipped_errors
from harness.fairness.systems.pairing import paired_scores
from harness.predicates import ColumnKind
from harness.results import Run
from harness.results.bounties.rules import DeclaredColumn

COUNTED = ("substitutions", "deletions", "insertions")
TEXTS = ("reference", "hypothesis")
_PER_SYSTEM = ("errors", *COUNTED, "hypothesis")


@dataclass(frozen=True, slots=True)
class Source:
    """Is the manifest that the runs were made of, and the names that its file has for columns."""

    manifest: Manifest
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Holds all that a bounty is made of.

    Attributes:
        frame: One row an utterance of somebody with an id: utterance_id, speaker_id, language, the attributes
            (numbers, texts, or lists of texts), reference, words, and for every system NAME `errors:NAME` (clipped),
            `substitutions:NAME`, `deletions:NAME`, `insertions:NAME`, `hypothesis:NAME`.
        columns: What predicates may name, without values.
        condition: That everything was heard under.
        n_without_speaker: Utterances of people without an id, which are in no row.
        n_withdrawn: Utterances of people who withdrew since the run, likewise.
        inferred: Attributes that are left out because their values are guesses.
    """

    frame: pd.DataFrame
    columns: tuple[DeclaredColumn, ...]
    condition: str
    n_without_speaker: int
    n_withdrawn: int
    inferred: tuple[str, ...]


def gather(systems: Mapping[str, Run], *, columns: Sequence[str] | None, source: Source | None) -> Gathered:
    """Return the systems' counts on the same utterances.

    Args:
        systems: Runs by the name of their system, the base first.
        columns: Attributes that predicates may name; None for every one that is not inferred.
        source: The manifest; None: bins stay texts, and nobody's language is known.

    Raises:
        UsageError: An attribute is not in the base's run, or is inferred.
        DataError: The runs are not of the same utterances, words, people or normaliser, or of several conditions.
    """
    names = list(systems)
    base = systems[names[0]]
    scores = {name: run.scores for name, run in systems.items()}
    _check_utterances(systems, scores, None if source is None else source.manifest)
    chosen, inferred = _chosen(base, columns)
    _check_normalizers(systems)
    condition = _condition(scores)
    aligned = _aligned(scores, chosen)
    frame = _joined(aligned, [each.name for each in chosen])
    frame, n_without = _named(frame)
    n_withdrawn = 0
    if source is not None:
        frame, n_withdrawn = _present(frame, source.manifest)
        frame = frame.assign(language=pd.Series(_languages(frame, source.manifest), dtype=object))
        frame, chosen = _with_numbers(frame, chosen, source)
    else:
        frame = frame.assign(language=None)
    return Gathered(frame, chosen, condition, n_without, n_withdrawn, inferred)


def _check_utterances(
    systems: Mapping[str, Run], scores: Mapping[str, pd.DataFrame], manifest: Manifest | None
) -> None:
    """Refuse runs of another corpus before anything else is asked of them: its attributes would be others, too.

    Raises:
        DataError: A run has utterances that are neither in the manifest nor of somebody who withdrew; without one, that
            the first run does not have.
    """
    if manifest is None:
        first = next(iter(systems))
        known, of = set(scores[first]["utterance_id"]), f"{first} ({systems[first].path})"
    else:
        known, of = {*manifest.frame["utterance_id"], *manifest.left_out.utterance_ids}, str(manifest.path)
    for name, each in scores.items():
        others = each.loc[~each["utterance_id"].isin(known), "utterance_id"].unique()
        if len(others):
            raise DataError(
                f"{name} ({systems[name].path}): {len(others):,} of its {each['utterance_id'].nunique():,} utterances "
                f"are not in {of}, {others[0]!r} first. Give runs of one corpus, and the manifest that they were made "
                "of: manifest.path=FILE."
            )


def _chosen(base: Run, asked: Sequence[str] | None) -> tuple[tuple[DeclaredColumn, ...], tuple[str, ...]]:
    """Return the columns that predicates may name, and those that are left out because they are guesses."""
    attributes: Mapping[str, Mapping[str, str]] = base.facts["manifest"]["attributes"]
    unknown = [name for name in asked or [] if name not in attributes]
    if unknown:
        raise UsageError(f"columns names {unknown}; the attributes of {base.path} are {list(attributes)}.")
    inferred = tuple(
        name
        for name, each in attributes.items()
        if each["provenance"] == INFERRED or refusal(name, each["kind"], each["provenance"])
    )
    if named := [name for name in asked or [] if name in inferred]:
        raise UsageError(
            f"columns names {named}, whose provenance is inferred: guesses about people or recordings are no ground to "
            "say who is served worse. Leave them out, or declare how they were really collected."
        )
    names = [name for name in attributes if name not in inferred] if asked is None else list(dict.fromkeys(asked))
    if taken := [name for name in names if name.partition(":")[0] in _PER_SYSTEM and ":" in name]:
        raise UsageError(f"{base.path}: the attribute {taken[0]!r} is called as the counts of a system are. Rename it.")
    if not names:
        raise UsageError(f"{base.path}: has no attribute that predicates could name.")
    found = tuple(
        DeclaredColumn(
            name, ColumnKind.text.value, AttributeKind(attributes[name]["kind"]).value, attributes[name]["provenance"]
        )
        for name in names
    )
    return found, inferred


def _check_normalizers(systems: Mapping[str, Run]) -> None:
    ids = {name: run.facts["normalizer"] for name, run in systems.items()}
    first = next(iter(ids))
    other = next((name for name, each in ids.items() if each != ids[first]), None)
    if other is not None:
        raise DataError(
            f"{first} ({systems[first].path}) was scored with the normaliser {ids[first]}, {other} "
            f"({systems[other].path}) with {ids[other]}: their errors count different words. Score one again: harness "
            f"rescore hypotheses={systems[other].path} manifest.path=… normalizer=…"
        )


def _condition(scores: Mapping[str, pd.DataFrame]) -> str:
    """Return the one condition of all runs.

    Raises:
        DataError: There are several: an utterance would count several times, and pairs would not be of like audio.
    """
    found = {name: sorted(each["condition"].unique()) for name, each in scores.items()}
    first = next(iter(found))
    wrong = next((name for name, each in found.items() if len(each) != 1 or each != found[first]), None)
    if wrong is not None:
        raise DataError(
            f"{wrong} was heard under {', '.join(found[wrong][:5])}, {first} under {', '.join(found[first][:5])}; "
            "expected one condition, the same for all. Open a bounty on runs of harness benchmark condition=NAME."
        )
    return str(found[first][0])


def _aligned(scores: Mapping[str, pd.DataFrame], columns: Sequence[DeclaredColumn]) -> dict[str, pd.DataFrame]:
    """Return the scores in the order of the first.

    Raises:
        DataError: The runs are not of the same utterances, references, people or values.
    """
    names = list(scores)
    by = [each.name for each in columns]
    found: dict[str, pd.DataFrame] = {}
    for name in names[1:] or names:
        try:
            pair = paired_scores(scores[names[0]], scores[name], by, Policy())
        except DataError as error:
            raise DataError(f"{names[0]} and {name}: {error}") from error
        found |= {names[0]: pair.baseline, name: pair.candidate}
    return found


def _joined(aligned: Mapping[str, pd.DataFrame], attributes: Sequence[str]) -> pd.DataFrame:
    base = next(iter(aligned.values()))
    told = {name: [_plain(cell) for cell in base[name].tolist()] for name in ("utterance_id", "speaker_id")}
    told |= {name: [_plain(cell) for cell in base[name].tolist()] for name in attributes}
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in told.items()})
    counts = {
        "reference": base["reference"].astype(object),
        "words": base["hits"] + base["substitutions"] + base["deletions"],
    }
    for name, scores in aligned.items():
        counts[f"errors:{name}"] = clipped_errors(scores)
        counts |= {f"{count}:{name}": scores[count] for count in COUNTED}
        counts[f"hypothesis:{name}"] = scores["hypothesis"].astype(object)
    return frame.assign(**{name: pd.Series(column.to_numpy(), index=frame.index) for name, column in counts.items()})


def _plain(cell: object) -> object:
    """Return a cell as a text or a list of texts; None where there is none."""
    if isinstance(cell, np.ndarray | list | tuple):
        return [str(each) for each in cell]
    return None if cell is None or cell != cell or cell == "" else str(cell)


def _named(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows of people with an id, and how many others there are."""
    known = frame["speaker_id"].notna()
    if not known.any():
        raise DataError(
            "nobody has a speaker id: what outsiders find is judged by people, not by utterances. Map a column of ids "
            "with manifest.columns.speaker_id=… and score again."
        )
    return frame[known].reset_index(drop=True), int((~known).sum())


def _present(frame: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, int]:
    """Return the rows of who did not withdraw since the run, and how many others there are."""
    withdrawn = frame["utterance_id"].isin(manifest.left_out.utterance_ids)
    return frame[~withdrawn].reset_index(drop=True), int(withdrawn.sum())


def _languages(frame: pd.DataFrame, manifest: Manifest) -> list[str | None]:
    of = dict(zip(manifest.frame["utterance_id"], manifest.frame["language"], strict=True))
    return [of[utterance] for utterance in frame["utterance_id"]]


def _with_numbers(
    frame: pd.DataFrame, columns: Sequence[DeclaredColumn], source: Source
) -> tuple[pd.DataFrame, tuple[DeclaredColumn, ...]]:
    """Put the numbers of the manifest in the place of the bins that runs have for them."""
    manifest = source.manifest
    binned = {each.name for each in manifest.attributes if each.bins and not each.multivalued}
    chosen = [each.name for each in columns if each.name in binned]
    if not chosen:
        return frame, tuple(columns)
    cells = manifest_columns(manifest, source.columns)
    place = dict(zip(manifest.frame["utterance_id"], range(len(manifest)), strict=True))
    rows = [place[utterance] for utterance in frame["utterance_id"]]
    silent = special_values(manifest.datasheet)
    numbers = {}
    for name in chosen:
        read = [_number(cell, silent) for cell in cells[name]]
        numbers[name] = pd.Series([read[row] for row in rows], dtype=np.float64)
    told = tuple(
        DeclaredColumn(each.name, ColumnKind.number.value, each.describes, each.provenance)
        if each.name in chosen
        else each
        for each in columns
    )
    return frame.assign(**numbers), told


def _number(cell: object, silent: Mapping[str, str]) -> float:
    """Return a cell's number; NaN where nothing is recorded."""
    if isinstance(cell, str) and cell.strip().casefold() in silent:
        return float("nan")
    try:
        found = number(cell)
    except CellError:  # the run read it as a bin, so it is a number of another spelling: not told rather than guessed
        return float("nan")
    return float("nan") if found is None else found
