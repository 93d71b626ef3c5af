"""A run in, its groups out: who was measured, how each group is served, and the gaps between them."""

from collections.abc import Sequence

from harness.report.cards.blocks import Block, Figure, Paragraph, Spans, Table, told
from harness.report.cards.datasets import who_was_measured
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.groups import (
    attribute_cell,
    count_all,
    count_enough,
    enough,
    f1_claims,
    floors_text,
    group_dimensions,
    other_dimensions,
    provenance_of_all,
    with_f1,
)
from harness.report.cards.performance import worst_group
from harness.report.cards.verdicts import MAX_ROWS, gap_counts, gap_table
from harness.report.wording import plain
from harness.results.run import METRICS, SLICES, SUMMARY

_RARE = (  # of metrics.csv, over everybody
    ("hallucination_rate", "Utterances with text that was not said, or is repeated (hallucination rules)"),
    ("empty_output_rate", "utterances for which nothing was returned although words were said"),
)
_BUT = (
    ", but for intersections from which the numbers of a group with fewer people could be worked out by subtraction: "
    "of these the slice or its gap is left out"
)


def fairness(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return everything about groups of people."""
    dimensions = group_dimensions(evidence)
    if not dimensions:
        return [Paragraph(worst_group(ledger, evidence))]
    opening = told(
        "{all} groups of people were formed, intersections included; {n} of them have {floors}. Only these have a "
        "line below{but}.",
        but="" if evidence.all_have_lines else _BUT,
        all=count_all(ledger, evidence, dimensions),
        n=count_enough(ledger, evidence, dimensions),
        floors=floors_text(ledger, evidence),
    )
    return [
        Paragraph(opening),
        *who_was_measured(ledger, evidence),
        *_served(ledger, evidence, dimensions),
        Paragraph(gap_counts(ledger, evidence)),
        *gap_table(ledger, evidence, dimensions, table_id=f"gaps-{evidence.place}", what="groups of people"),
    ]


def robustness(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what is not about people: conditions, recordings, what was said; and rare but grave errors."""
    dimensions, found = other_dimensions(evidence), list[Block]()
    rare = _rare(ledger, evidence)
    if rare:
        found.append(Paragraph(rare))
    if dimensions:
        tables = _table(
            ledger, evidence, dimensions, table_id=f"others-{evidence.place}", what="recordings and content"
        )
        found += [
            *tables,
            *gap_table(
                ledger, evidence, dimensions, table_id=f"other-gaps-{evidence.place}", what="recordings and content"
            ),
        ]
    else:
        text = "The run was not sliced by anything that is not about people, such as noise or a device."
        found.append(Paragraph((text,)))
    return found


def _rare(ledger: Ledger, evidence: Evidence) -> Spans:
    metrics = evidence.table(METRICS)
    if metrics.empty:
        return ()
    measured = set(metrics.loc[(metrics["dimension"] == "overall") & metrics["value"].notna(), "metric"])
    texts: Spans = ()
    for metric, words in _RARE:
        if metric in measured:
            row = {"dimension": "overall", "slice": "all", "metric": metric}
            rate = ledger.cite(evidence, METRICS, "value", "percent", row=row)
            interval = ledger.cite(evidence, METRICS, ("value_low", "value_high"), "percent_interval", row=row)
            texts += (
                *(["; "] if texts else []),
                *told("{words}: {rate} ({interval})", words=words, rate=rate, interval=interval),
            )
    return (*texts, ".") if texts else ()


def _served(ledger: Ledger, evidence: Evidence, dimensions: list[str]) -> list[Block]:
    tables = _table(ledger, evidence, dimensions, table_id=f"groups-{evidence.place}", what="groups of people")
    if not tables:
        return []
    caption = told("WER of each group{of}.", of=evidence.of)
    return [Figure(f"groups-{evidence.place}", caption, tables[0].id), *tables]


def _table(ledger: Ledger, evidence: Evidence, dimensions: Sequence[str], *, table_id: str, what: str) -> list[Table]:
    """Return the slices with enough support, worst first in each dimension; nothing where there is none."""
    rows = enough(evidence, list(dimensions))
    if rows.empty:
        return []
    f1 = with_f1(evidence)
    keys = list(zip(rows["dimension"].astype(str), rows["slice"].astype(str), strict=True))[:MAX_ROWS]
    caption = told(
        "How the {what} are served{of}: worst first within each attribute; {confidence} intervals. One row of "
        "slices.csv each{f1}{more}.{source}",
        what=what,
        of=evidence.of,
        source=provenance_of_all(evidence),
        confidence=ledger.cite(evidence, SUMMARY, pointer("confidence"), "whole_percent"),
        f1=", word F1 from metrics.csv" if f1 else "",
        more=f"; the first {MAX_ROWS}, the file has all" if len(rows) > MAX_ROWS else "",
    )
    headers = ("attribute", "group", "speakers", "utterances", "words", "WER", "WER interval")
    return [
        Table(
            table_id,
            caption,
            (*headers, *(("word F1", "F1 interval") if f1 else ())),
            tuple(_cells(ledger, evidence, key, with_f1=f1) for key in keys),
        )
    ]


def _cells(
    ledger: Ledger, evidence: Evidence, key: tuple[str, str], *, with_f1: set[tuple[str, str]]
) -> tuple[Spans, ...]:
    row = {"dimension": key[0], "slice": key[1]}
    counts = (
        ledger.cite(evidence, SLICES, n, "count", row=row) for n in ("n_speakers", "n_utterances", "reference_words")
    )
    cells: list[Spans] = [
        attribute_cell(evidence, key[0]),
        (plain(key[1]),),
        *((each,) for each in counts),
        (ledger.cite(evidence, SLICES, "wer", "percent", row=row),),
        (ledger.cite(evidence, SLICES, ("wer_low", "wer_high"), "percent_interval", row=row),),
    ]
    if with_f1:
        cells += [(claim,) for claim in f1_claims(ledger, evidence, row)] if key in with_f1 else [("–",), ("–",)]
    return tuple(cells)
