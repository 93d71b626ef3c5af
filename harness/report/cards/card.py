"""Finished runs and what an author stated in, a card out: its blocks, and the text of each of its files."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.report.cards import markdown, page
from harness.report.cards.authored import Authored
from harness.report.cards.blocks import (
    CARD_VERSION,
    Block,
    Bullets,
    Claim,
    Document,
    Figure,
    Heading,
    Paragraph,
    Spans,
    Stated,
    Table,
)
from harness.report.cards.datasets import datasheet
from harness.report.cards.evidence import Evidence
from harness.report.cards.method import system_name
from harness.report.cards.pictures import pictures
from harness.report.cards.released import document_of
from harness.report.wording import mapping, plain
from harness.results import Run
from harness.results.releases.record import ReleasedRun

MARKDOWN, PAGE, JSON = "service_card.md", "service_card.html", "service_card.json"
_NEEDED = ("policy", "seed", "finished", "versions", "sliced_by", "normalizer", "manifest")  # of run.json
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Card:
    """Is a card before it is written in any form."""

    runs: tuple[Evidence, ...]
    authored: Authored
    document: Document

    @property
    def facts(self) -> dict[str, object]:
        """Return what every file of the card says of itself, so that it can be checked alone."""
        runs = [{"name": each.name, "folder": each.folder, "digest": each.digest} for each in self.runs]
        return {"version": CARD_VERSION, "runs": runs}


def make_card(runs: Sequence[Run], authored: Authored) -> Card:
    """Put a card together.

    Raises:
        UsageError: A run lacks what a card needs, is given twice, or a configuration names a run that is not given.
    """
    for run in runs:
        check_run(run)
    evidence = _evidence(runs, authored)
    return Card(evidence, authored, document_of(evidence))


def check_run(run: Run) -> None:
    """Refuse a run that says too little of itself.

    Raises:
        UsageError: It was made before cards could be.
    """
    missing = [name for name in _NEEDED if name not in run.facts and not isinstance(run, ReleasedRun)]
    if missing:
        raise UsageError(f"{run.path}: its run.json has no {', '.join(missing)}. Make the run again with this harness.")


def files(card: Card) -> dict[str, str]:
    """Return the text of each of a card's files, by name."""
    return {MARKDOWN: markdown_text(card), PAGE: page_text(card), JSON: json_text(card)}


def markdown_text(card: Card) -> str:
    """Return `service_card.md`."""
    return markdown.render(card.document, card.authored, card.facts)


def page_text(card: Card) -> str:
    """Return `service_card.html`."""
    drawn = pictures(card.document, card.runs)
    return page.render(card.document, card.authored, card.facts, charts=drawn.charts, captions=drawn.captions)


def json_text(card: Card) -> str:
    """Return `service_card.json`, in which a lone surrogate of somebody's data is written as an escape."""
    text = json.dumps(as_json(card), indent=1, ensure_ascii=False, allow_nan=False)
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def as_json(card: Card) -> dict[str, object]:
    """Return the whole card as plain data: what was stated, every claim, and the blocks that show them."""
    return {
        **card.facts,
        "stated": card.authored.as_json(),
        "not_stated": list(card.authored.not_stated),
        "claims": [claim.as_json() for claim in card.document.claims()],
        "sections": [
            {"id": section.id, "title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in card.document.sections
        ],
        "datasheets": [datasheet(each) for each in card.runs],
    }


def _evidence(runs: Sequence[Run], authored: Authored) -> tuple[Evidence, ...]:
    """Name the runs as the author does, or by what they measured.

    Raises:
        UsageError: A run is given twice, or a configuration names one that is not given.
    """
    folders = [run.path.resolve().name for run in runs]
    unknown = [each.run for each in authored.configurations if each.run and each.run not in folders]
    if unknown:
        raise UsageError(
            f"configurations name the runs {unknown}; expected some of {folders}, which run= or release= gives."
        )
    names = names_of([run.facts for run in runs], folders, authored)
    found = [Evidence(name, run, folder) for name, run, folder in zip(names, runs, folders, strict=True)]
    if len({each.name for each in found}) < len(found):
        raise UsageError(
            f"run= gives runs that cannot be told apart: {folders}. Give each a name under configurations."
        )
    return tuple(replace(each, place=place, n_configurations=len(found)) for place, each in enumerate(found, start=1))


def names_of(facts: Sequence[Mapping[str, object]], folders: Sequence[str], authored: Authored) -> list[str]:
    """Return what a card calls its runs: what the author does, else by what they measured, and where they lie."""
    named = {each.run: each.name for each in authored.configurations if each.run}
    if len(folders) == 1 and len(authored.configurations) == 1:
        named = {folders[0]: authored.configurations[0].name}
    names = [named.get(folder) or system_name(told, folder) for told, folder in zip(facts, folders, strict=True)]
    return [
        name if names.count(name) == 1 else f"{name} ({plain(folder)})"
        for name, folder in zip(names, folders, strict=True)
    ]


def _block(block: Block) -> Mapping[str, object]:
    """Return a block as plain data."""
    if isinstance(block, Heading):
        return {"kind": "heading", "text": block.text, "level": block.level}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": _spans(block.spans)}
    if isinstance(block, Bullets):
        return {"kind": "list", "leads": list(block.leads), "items": [_spans(spans) for spans in block.items]}
    if isinstance(block, Stated):
        return {"kind": "stated", "field": block.field}
    if isinstance(block, Figure):
        return {"kind": "figure", "caption": _spans(block.caption), "table": block.table}
    return _table(block)


def _table(table: Table) -> Mapping[str, object]:
    rows = [[_spans(cell) for cell in row] for row in table.rows]
    headers = list(table.headers)
    return {"kind": "table", "id": table.id, "caption": _spans(table.caption), "headers": headers, "rows": rows}


def _spans(spans: Spans) -> list[object]:
    return [{"claim": span.id} if isinstance(span, Claim) else span for span in spans]


def provenance_of(card: Card) -> str:
    """Say in a few words what a card was made from."""
    return ", ".join(f"{each.name} (run {each.folder})" for each in card.runs)


def service_of(card: Card) -> str:
    """Return what the card calls the service; the runs' names where its author does not say."""
    return card.authored.line("service") or ", ".join(each.name for each in card.runs)


def manifest_of(evidence: Evidence) -> dict[str, object]:
    """Return the facts of the manifest that a run measured."""
    return mapping(evidence.facts["manifest"])
