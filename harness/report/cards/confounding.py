"""A run in, what goes together with its groups out: gaps with other things equal, between alike people, normalised."""

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from harness.fairness import Verdict
from harness.fairness.adjusted import NO_COVARIATES
from harness.report.cards.blocks import Block, Paragraph, Spans, Table, joined, told
from harness.report.cards.evidence import Evidence, Ledger
from harness.report.cards.groups import attribute_cell, group_dimensions, group_name, provenance_of_all
from harness.report.ratios import ratios_of
from harness.report.wording import plain
from harness.results.run import ADJUSTED, BALANCE, DISPARITIES, MATCHED, NORMALIZERS

FOUND = (Verdict.disparity.value, Verdict.advantage.value)
MAX_GROUPS = 40
SENSITIVE = "normaliser_sensitive"


def confounding(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what is known of what goes together with the groups that differ."""
    groups = _differing(evidence)
    if not groups:
        opening = "No group of people was found to differ, so no gap is taken apart here."
        return [Paragraph((opening,)), *normalisers(evidence)]
    return [
        *_adjusted(ledger, evidence, groups),
        *_matched(ledger, evidence, groups),
        *normalisers(evidence),
    ]


def normalisers(evidence: Evidence) -> list[Block]:
    """Say which gaps depend on how texts are normalised before words are counted."""
    profiles = evidence.table(NORMALIZERS)
    if profiles.empty or SENSITIVE not in evidence.disparities:
        return []
    names = joined([(plain(each),) for each in dict.fromkeys(profiles["normalizer"])])
    rows = evidence.disparities
    tested = rows[rows[SENSITIVE].astype(bool) & (rows["verdict"] != Verdict.insufficient.value)]
    if tested.empty:
        return [
            Paragraph(
                told(
                    "Scored under the normalisers {names}, no verdict on a group with enough people and no sign "
                    "of its gap changes (normalizers.csv).",
                    names=names,
                )
            )
        ]
    listed = joined([group_name(evidence, str(row.dimension), str(row.slice)) for row in tested.itertuples()], "; ")
    return [
        Paragraph(
            told(
                "Scored under the normalisers {names}, the verdict or the sign of the gap depends on the choice "
                "for {n} with enough people: {listed} (normalizers.csv).",
                names=names,
                n=_groups(len(tested)),
                listed=listed,
            )
        )
    ]


def _groups(number: int) -> str:
    return "one group" if number == 1 else "these groups"


def _differing(evidence: Evidence) -> list[dict[str, str]]:
    """Return the groups of people that were found worse or better, by their key."""
    rows = evidence.disparities
    chosen = rows[rows["dimension"].isin(group_dimensions(evidence)) & rows["verdict"].isin(FOUND)]
    ordered = chosen.sort_values("gap", ascending=False, kind="stable").head(MAX_GROUPS)
    return [
        {"dimension": str(dimension), "slice": str(name)}
        for dimension, name in zip(ordered["dimension"], ordered["slice"], strict=True)
    ]


def _adjusted(ledger: Ledger, evidence: Evidence, groups: Sequence[Mapping[str, str]]) -> list[Block]:
    """Return the ratios of the groups that differ, alone and with all that could be held equal."""
    table = evidence.table(ADJUSTED)
    rows = []
    for key in groups:
        held = _held_equal(_rows_of(table, key).to_dict("records"))
        if held:
            rows.append(_adjusted_cells(ledger, evidence, key, held))
    if not rows:
        return []
    caption = told(
        "What goes together with the groups that differ{of}: the ratio of a group's error rate to its comparator's, "
        "alone and with the named things held equal (mixed-effects Poisson regression, adjusted.csv). A ratio that "
        "moves towards ×1 says that part of the gap goes together with those things; what follows from the attribute "
        "itself is part of the gap, not an excuse for it. Verdicts rest on the permutation test, never on this "
        "model.{source}",
        of=evidence.of,
        source=provenance_of_all(evidence),
    )
    headers = (
        "attribute",
        "group",
        "verdict",
        "ratio alone",
        "interval",
        "held equal",
        "ratio then",
        "interval then",
        "note",
    )
    return [Table(f"adjusted-{evidence.place}", caption, headers, tuple(rows))]


def _held_equal(rows: Sequence[Mapping[Hashable, object]]) -> str:
    """Name all that could be held equal for a group, though that model may have no ratio; empty: nothing could."""
    ratios = ratios_of(rows) if rows else None
    if ratios is None or pd.isna(ratios.raw["ratio"]) or not ratios.alone:
        return ""
    return str((ratios.everything or rows[-1])["covariates"])


def _adjusted_cells(ledger: Ledger, evidence: Evidence, key: Mapping[str, str], held: str) -> tuple[Spans, ...]:
    alone, then = ({**key, "covariates": name} for name in (NO_COVARIATES, held))

    def cite(row: Mapping[str, str], columns: str | tuple[str, ...], unit: str) -> Spans:
        return (ledger.cite(evidence, ADJUSTED, columns, unit, row=row),)

    return (
        attribute_cell(evidence, key["dimension"]),
        (plain(key["slice"]),),
        (ledger.cite(evidence, DISPARITIES, "verdict", "words", row=key),),
        cite(alone, "ratio", "times"),
        cite(alone, ("ratio_low", "ratio_high"), "times_interval"),
        cite(then, "covariates", "words"),
        cite(then, "ratio", "times"),
        cite(then, ("ratio_low", "ratio_high"), "times_interval"),
        cite(then, "note", "text"),
    )


def _matched(ledger: Ledger, evidence: Evidence, groups: Sequence[Mapping[str, str]]) -> list[Block]:
    """Return the same gaps between people who are alike, and how alike they are."""
    table = evidence.table(MATCHED)
    paired = table[table["n_pairs"] > 0] if "n_pairs" in table else table
    keys = [key for key in groups if not _rows_of(paired, key).empty]
    if not keys:
        return []
    caption = told("The same gaps between matched people{of} (matched.csv), in points.", of=evidence.of)
    headers = ("attribute", "group", "pairs", "gap", "gap matched", "interval", "balanced")
    rows = tuple(_matched_cells(ledger, evidence, key) for key in keys)
    found: list[Block] = [Table(f"matched-{evidence.place}", caption, headers, rows)]
    balance = evidence.table(BALANCE)
    alike = tuple(
        _balance_cells(ledger, evidence, {**key, "covariate": str(covariate)})
        for key in keys
        for covariate in _rows_of(balance, key)["covariate"]
    )
    if alike:
        said = told("How alike they are{of} (balance.csv): standardised mean differences; 0 is alike.", of=evidence.of)
        columns = ("attribute", "group", "covariate", "before matching", "after")
        found.append(Table(f"balance-{evidence.place}", said, columns, alike))
    return found


def _matched_cells(ledger: Ledger, evidence: Evidence, key: Mapping[str, str]) -> tuple[Spans, ...]:
    columns: tuple[tuple[str | tuple[str, ...], str], ...] = (
        ("n_pairs", "count"),
        ("raw_gap", "points"),
        ("gap", "points"),
        (("gap_low", "gap_high"), "points_interval"),
        ("balanced", "text"),
    )
    cells = (ledger.cite(evidence, MATCHED, column, unit, row=key) for column, unit in columns)
    return (attribute_cell(evidence, key["dimension"]), (plain(key["slice"]),), *((cell,) for cell in cells))


def _balance_cells(ledger: Ledger, evidence: Evidence, key: Mapping[str, str]) -> tuple[Spans, ...]:
    cells = (ledger.cite(evidence, BALANCE, column, "difference", row=key) for column in ("smd_before", "smd_after"))
    named = (attribute_cell(evidence, key["dimension"]), (plain(key["slice"]),), (plain(key["covariate"]),))
    return (*named, *((cell,) for cell in cells))


def _rows_of(table: pd.DataFrame, key: Mapping[str, str]) -> pd.DataFrame:
    return table[(table["dimension"] == key["dimension"]) & (table["slice"] == key["slice"])]
