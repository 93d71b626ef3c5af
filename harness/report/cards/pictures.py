"""A card's figures and its runs in, what is drawn in each out: charts of the rows that the tables beside them show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.fairness.membership import OVERALL
from harness.report import charts
from harness.report.cards.blocks import Claim, Document
from harness.report.cards.evidence import Evidence
from harness.report.cards.groups import enough, group_dimensions
from harness.report.cards.page import figures


@dataclass(frozen=True, slots=True)
class Pictures:
    """Holds the charts of a card, by name: Vega-Lite specifications, and what is said below each."""

    charts: Mapping[str, Mapping[str, Any]]
    captions: Mapping[str, str]


def pictures(document: Document, runs: Sequence[Evidence]) -> Pictures:
    """Draw the figures."""
    of_run = {f"groups-{each.place}": each for each in runs}
    drawn: dict[str, Mapping[str, Any]] = {}
    captions: dict[str, str] = {}
    for figure in figures(document):
        evidence = of_run[figure.name]
        dimensions = group_dimensions(evidence)
        keys = enough(evidence, dimensions).index
        everybody = evidence.slices["dimension"] == OVERALL
        chart = charts.forest(evidence.slices[everybody | evidence.slices.index.isin(keys)])
        drawn[figure.name] = charts.spec(chart)
        said = "".join(span.text if isinstance(span, Claim) else span for span in figure.caption)
        captions[figure.name] = " ".join([said, *charts.notes(chart)])
    return Pictures(drawn, captions)
