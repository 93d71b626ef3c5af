"""The slices of a run in, its groups of people out: which have enough people, which is worst, and who is in none.

A group is a slice by something that people are: an accent, a dialect, something demographic, and what is crossed with
it. Slices by what was said or how it was recorded alone are no groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from harness.corpus.attributes import INTERSECTION_SEPARATOR, KINDS_OF_PEOPLE
from harness.fairness.membership import OVERALL
from harness.report.cards.blocks import Claim, Spans, joined, told
from harness.report.cards.evidence import (
    AT_LEAST,
    FLOORS,
    NOBODYS_VALUE,
    WITHOUT,
    Evidence,
    Ledger,
    declared,
    has_enough,
    pointer,
)
from harness.report.sources import Sources
from harness.report.wording import mapping, plain
from harness.results.run import FACTS, METRICS, SLICES

F1 = "word_f1"
_SPEAKER = "speaker_id"  # a dimension that would name people
_MOST_NAMED = 60  # groups in a sentence
_PEOPLE = frozenset(kind.value for kind in KINDS_OF_PEOPLE)


@dataclass(frozen=True, slots=True)
class Worst:
    """Is the group that is served worst by a measure: how it is called, the value, its interval, its people."""

    group: Spans
    value: Claim
    interval: Claim
    n_speakers: Claim


def group_dimensions(evidence: Evidence) -> list[str]:
    """Name the dimensions whose slices are groups of people, in the run's order."""
    return [name for name in _dimensions(evidence) if _kinds(evidence, name) & _PEOPLE]


def other_dimensions(evidence: Evidence) -> list[str]:
    """Name the other dimensions: conditions, what an instrument measured, what was said."""
    return [name for name in _dimensions(evidence) if not _kinds(evidence, name) & _PEOPLE]


def enough(evidence: Evidence, dimensions: list[str]) -> pd.DataFrame:
    """Return the rows that are shown and have what the policy asks of a slice, worst first in each dimension."""
    slices, policy = evidence.slices, mapping(evidence.facts["policy"])
    chosen = slices["dimension"].isin(dimensions) & declared(slices["slice"]) & has_enough(slices, policy)
    rank = {name: place for place, name in enumerate(dimensions)}
    rows = slices[chosen].assign(_rank=lambda rows: rows["dimension"].map(rank))
    return rows.sort_values(["_rank", "wer"], ascending=[True, False], kind="stable").drop(columns="_rank")


def count_enough(ledger: Ledger, evidence: Evidence, dimensions: list[str]) -> Claim:
    """Return how many of these there are."""
    policy = mapping(evidence.facts["policy"])
    floors = {column: {AT_LEAST: policy[floor]} for column, floor in FLOORS.items()}
    return ledger.count(evidence, SLICES, _declared_rows(dimensions) | floors)


def count_all(ledger: Ledger, evidence: Evidence, dimensions: list[str]) -> Claim:
    """Return how many slices of these dimensions there are in which everybody declared a value."""
    return ledger.count(evidence, SLICES, _declared_rows(dimensions))


def floors_text(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say what a group needs to be in the table."""
    claims = {
        column: ledger.cite(evidence, FACTS, pointer("policy", floor), "count") for column, floor in FLOORS.items()
    }
    return told("at least {n_speakers} speakers, {n_utterances} utterances and {reference_words} words", **claims)


def worst_by_wer(ledger: Ledger, evidence: Evidence) -> Worst | None:
    """Return the group with the highest WER; None where no group has enough people."""
    rows = enough(evidence, group_dimensions(evidence))
    rows = rows[rows["wer"].notna()]
    if rows.empty:
        return None
    row = rows.iloc[int(rows["wer"].to_numpy().argmax())]
    key = {"dimension": str(row["dimension"]), "slice": str(row["slice"])}
    return Worst(
        group_name(evidence, key["dimension"], key["slice"]),
        ledger.cite(evidence, SLICES, "wer", "percent", row=key),
        ledger.cite(evidence, SLICES, ("wer_low", "wer_high"), "percent_interval", row=key),
        ledger.cite(evidence, SLICES, "n_speakers", "count", row=key),
    )


def worst_by_f1(ledger: Ledger, evidence: Evidence) -> Worst | None:
    """Return the group with the lowest word F1; None where the run has none."""
    rows = enough(evidence, group_dimensions(evidence))
    metrics = evidence.table(METRICS)
    if rows.empty or metrics.empty:
        return None
    alone = metrics[(metrics["metric"] == F1) & metrics["comparator"].isna() & metrics["value"].notna()]
    found = rows[["dimension", "slice"]].merge(alone, on=["dimension", "slice"], validate="one_to_one")
    if found.empty:
        return None
    row = found.iloc[int(found["value"].to_numpy().argmin())]
    key = {"dimension": str(row["dimension"]), "slice": str(row["slice"])}
    return Worst(
        group_name(evidence, key["dimension"], key["slice"]),
        *f1_claims(ledger, evidence, key),
        ledger.cite(evidence, SLICES, "n_speakers", "count", row=key),
    )


def f1_claims(ledger: Ledger, evidence: Evidence, key: Mapping[str, str]) -> tuple[Claim, Claim]:
    """Return the word F1 of a slice and its interval."""
    row = {**key, "metric": F1}
    return (
        ledger.cite(evidence, METRICS, "value", "percent", row=row),
        ledger.cite(evidence, METRICS, ("value_low", "value_high"), "percent_interval", row=row),
    )


def with_f1(evidence: Evidence) -> set[tuple[str, str]]:
    """Return the slices, by dimension and name, of which metrics.csv has the word F1."""
    metrics = evidence.table(METRICS)
    alone = metrics[(metrics["metric"] == F1) & metrics["comparator"].isna() & metrics["slice"].notna()]
    return set(zip(alone["dimension"], alone["slice"], strict=True))


def attribute_name(evidence: Evidence, dimension: str) -> str:
    """Return a dimension and where its values come from.

    Where all attributes of an intersection come from the same source, it is said once.
    """
    return _sources(evidence).named(dimension)


def attribute_cell(evidence: Evidence, dimension: str) -> Spans:
    """Return a dimension as a table names it: with where its values come from, unless the caption says that of all."""
    return (_sources(evidence).cell(dimension),)


def provenance_of_all(evidence: Evidence) -> str:
    """Say where the values of all attributes come from, as a sentence of a caption; nothing where sources differ."""
    sources = _sources(evidence)
    return f" {sources.sentence}" if sources.same else ""


def group_name(evidence: Evidence, dimension: str, name: str) -> Spans:
    """Return how a group is called in a sentence."""
    return (f"{attribute_name(evidence, dimension)}: {plain(name)}",)


def too_few(ledger: Ledger, evidence: Evidence, dimension: str) -> Spans:
    """Name the groups of an attribute that have too few people, with their speakers; no rate of them is shown."""
    names = _by_size(evidence, dimension)[1]
    texts = [
        told(
            "{name} ({n})",
            name=plain(name),
            n=ledger.cite(evidence, SLICES, "n_speakers", "count", row={"dimension": dimension, "slice": name}),
        )
        for name in names[:_MOST_NAMED]
    ]
    return joined(texts) + ((" and others",) if len(names) > _MOST_NAMED else ())


def in_no_group(ledger: Ledger, evidence: Evidence, dimension: str) -> tuple[Spans, ...]:
    """Return the cells of a table: groups with enough people, their speakers, and who is in none of them."""
    with_enough, too_small = ({"dimension": dimension, "slice": names} for names in _by_size(evidence, dimension))
    parts = (
        ledger.count(evidence, SLICES, with_enough),
        ledger.sum(evidence, SLICES, "n_speakers", with_enough),
        ledger.count(evidence, SLICES, too_small),
        in_too_small(ledger, evidence, dimension),
        *(ledger.sum(evidence, SLICES, "n_speakers", {"dimension": dimension, "slice": [n]}) for n in NOBODYS_VALUE),
    )
    small = too_few(ledger, evidence, dimension) or ("none",)
    return (attribute_cell(evidence, dimension), *((part,) for part in parts), small)


def in_too_small(ledger: Ledger, evidence: Evidence, dimension: str) -> Claim:
    """Return how many people are in groups of an attribute that have too few."""
    names = _by_size(evidence, dimension)[1]
    return ledger.sum(evidence, SLICES, "n_speakers", {"dimension": dimension, "slice": names})


def silent(ledger: Ledger, evidence: Evidence, dimension: str) -> Claim:
    """Return how many people did not declare a value of an attribute."""
    return ledger.sum(evidence, SLICES, "n_speakers", {"dimension": dimension, "slice": list(NOBODYS_VALUE)})


def _by_size(evidence: Evidence, dimension: str) -> tuple[list[str], list[str]]:
    """Return the names of an attribute's groups that have enough people, and of those that have too few."""
    with_enough = [str(name) for name in enough(evidence, [dimension])["slice"]]
    names = [str(name) for name in _declared(evidence, dimension)["slice"]]
    return with_enough, [name for name in names if name not in set(with_enough)]


def _dimensions(evidence: Evidence) -> list[str]:
    """Name the dimensions of slices.csv but everybody and people's ids."""
    names = dict.fromkeys(map(str, evidence.slices["dimension"]))
    return [name for name in names if name != OVERALL and _SPEAKER not in name.split(INTERSECTION_SEPARATOR)]


def _kinds(evidence: Evidence, dimension: str) -> set[str]:
    attributes = mapping(mapping(evidence.facts["manifest"])["attributes"])
    return {str(mapping(attributes.get(name)).get("kind")) for name in dimension.split(INTERSECTION_SEPARATOR)}


def _sources(evidence: Evidence) -> Sources:
    return Sources.of_manifest(evidence.facts["manifest"])


def _declared(evidence: Evidence, dimension: str) -> pd.DataFrame:
    rows = evidence.slices[evidence.slices["dimension"] == dimension]
    return rows[declared(rows["slice"])]


def _declared_rows(dimensions: list[str]) -> dict[str, object]:
    return {"dimension": dimensions, "slice": {WITHOUT: list(NOBODYS_VALUE)}}
