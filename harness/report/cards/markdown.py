"""A card's blocks and what its author stated in, `service_card.md` out; and such a text in, its lines out.

Numbers in sentences have a footnote with their file and row; a table says above itself which rows it shows. What the
author stated stands between two comments, as a quotation.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from harness.report import tables
from harness.report.cards.assemble import CONFIGURATIONS_PLACE, IDENTITY_PLACE, NOT_STATED_PLACE
from harness.report.cards.authored import IDENTITY, Authored
from harness.report.cards.blocks import Block, Bullets, Claim, Document, Heading, Paragraph, Spans, Stated, Table
from harness.report.cards.lines import Line, Piece
from harness.report.cards.page import ADDRESS, is_number_cell
from harness.report.cards.places import Places
from harness.report.cards.verdicts import SHAPES

_OPENING = "<!-- harness service card {facts} -->"
_BEGINS, _ENDS = "<!-- stated: {field} -->", "<!-- measured -->"
_HEADER = re.compile(r"<!-- harness service card (.*) -->")
_MARKER = re.compile(r"<!-- stated: (\w+) -->")
_LIST_START = re.compile(r"(\d+(?=[.)](?:\s|$))|(?=[-+=]))")  # what begins a list or underlines a heading
_NOT_STATED = "*Not stated.*"


def render(document: Document, authored: Authored, facts: Mapping[str, object]) -> str:
    """Return the card as Markdown; every text from data or the author is escaped.

    Args:
        document: What was measured, and the places for what was stated.
        authored: What was stated.
        facts: What a check must know of the card: its version and its runs.
    """
    lines = [_OPENING.format(facts=in_comment(facts)), ""]
    for line in expected_lines(document):
        if line.stated:
            lines += [_BEGINS.format(field=line.stated), "", *stated_lines(line.stated, authored), "", _ENDS]
        else:
            lines.append("".join(piece.text for piece in line.pieces))
    return "\n".join(lines) + "\n"


def expected_lines(document: Document, authored: Authored | None = None) -> list[Line]:
    """Return the lines of a card, the blank ones between them too; where it is known what was stated, those words."""
    places = Places()
    lines: list[Line] = []
    for section in document.sections:
        lines += [*_blank(), _line(f"## {section.title}")] if section.title else []
        for block in section.blocks:
            lines += [*_blank(), *_block_lines(block, places, authored)] if not _is_drawn(block) else []
    lines += [*_blank(), _line("## Sources"), *_blank()]
    lines += [_line(f"[^{number}]: {escape(text)}") for number, text in places.notes()]
    return lines[1:]


def found_lines(text: str) -> list[Line]:
    """Return the lines of a Markdown card below its header, what was stated as one a field, without blank ones."""
    found: list[Line] = []
    field, words = "", list[str]()
    for raw in text.lstrip().removeprefix(_first_line(text)).split("\n"):
        marker = _MARKER.fullmatch(raw.strip())
        if marker:
            field, words = marker[1], []
        elif raw.strip() == _ENDS and field:
            found.append(Line((Piece("\n".join(words)),), stated=field))
            field = ""
        elif field:
            words.append(raw)
        elif raw.strip():
            found.append(_line(raw))
    return [*found, Line((Piece("\n".join(words)),), stated=field)] if field else found


def header(text: str) -> str | None:
    """Return the JSON that a Markdown card begins with; None where it has none."""
    opening = _HEADER.fullmatch(_first_line(text).strip())
    return opening[1] if opening else None


def in_comment(facts: Mapping[str, object]) -> str:
    """Return JSON that ends no comment."""
    text = json.dumps(facts, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "\\u002d\\u002d")


def stated_lines(field: str, authored: Authored) -> list[str]:
    """Return what the author stated in a place of the card."""
    if field == IDENTITY_PLACE:
        name = as_text(authored.line("service")) or "A service that is not named"
        named = [
            f"- {title}: {as_text(authored.line(key)) or _NOT_STATED}"
            for key, title in IDENTITY.items()
            if key != "service"
        ]
        return [f"# {name}: service card", "", *named]
    if field == NOT_STATED_PLACE:
        missing = ", ".join(authored.not_stated)
        return [
            f"**Not stated by the author: {missing}.**" if missing else "The author left nothing of this card empty."
        ]
    if field == CONFIGURATIONS_PLACE:
        each = [
            f"> - **{as_text(one.name)}**: {as_text(one.description) or _NOT_STATED}" for one in authored.configurations
        ]
        return ["> *Stated: configurations.*", ">", *each] if each else [f"Configurations: {_NOT_STATED}"]
    if field not in authored.stated:
        return [_NOT_STATED]
    statement = authored.stated[field]
    quoted = [f"> - {as_text(text)}" if statement.is_list else f"> {as_text(text)}" for text in statement.texts]
    between = quoted if statement.is_list else [line for text in quoted for line in (text, ">")][:-1]
    return ["> *Stated.*", ">", *between]


def _block_lines(block: Block, places: Places, authored: Authored | None) -> Iterator[Line]:
    if isinstance(block, Heading):
        yield _line(f"{'#' * block.level} {as_text(block.text)}")
    elif isinstance(block, Stated):
        words = () if authored is None else (Piece("\n".join(["", *stated_lines(block.field, authored), ""])),)
        yield Line(words, stated=block.field, known=authored is not None)
    elif isinstance(block, Paragraph):
        mark = "**" if block.strong else ""
        yield Line((Piece(mark), *_pieces(block.spans, starts=not mark), Piece(mark + _notes(block.spans, places))))
    elif isinstance(block, Bullets):
        leads = [f"**{escape(lead)}.** " for lead in block.leads] or [""] * len(block.items)
        for lead, spans in zip(leads, block.items, strict=True):
            yield Line((Piece(f"- {lead}"), *_pieces(spans, starts=True), Piece(_notes(spans, places))))
    elif isinstance(block, Table):
        yield from _table_lines(block, places)


def _table_lines(table: Table, places: Places) -> Iterator[Line]:
    yield Line((*_pieces(table.caption, starts=True), Piece(_notes(table.caption, places))))
    yield from _blank()
    numeric = [any(is_number_cell(row[column]) for row in table.rows) for column in range(len(table.headers))]
    yield _line(f"| {' | '.join(map(escape, table.headers))} |")
    yield _line("|" + "".join("---:|" if number else "---|" for number in numeric))
    for row in table.rows:
        pieces = [piece for cell in row for piece in (Piece("| "), *_pieces(cell), Piece(" "))]
        yield Line((*pieces, Piece("|")))


def _pieces(spans: Spans, *, starts: bool = False) -> tuple[Piece, ...]:
    """Return the texts of spans, escaped; the first so that it begins no list where it begins a line."""
    found = []
    for position, span in enumerate(spans):
        text = span.text if isinstance(span, Claim) else span
        written = as_text(text) if starts and position == 0 else escape(text)
        if isinstance(span, Claim):
            shape = SHAPES.get(str(span.values[0]), "") if span.columns == ("verdict",) else ""
            found += [Piece(f"{shape} ")] if shape else []
            found.append(Piece(written, span))
        elif text.strip():
            edges = (text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :])
            found.append(Piece(f"{edges[0]}{written}{edges[1]}"))
        else:
            found.append(Piece(text))
    return tuple(found)


def _notes(spans: Sequence[str | Claim], places: Places) -> str:
    """Return the marks of the footnotes of a text's claims."""
    numbers = dict.fromkeys(places.number(span) for span in spans if isinstance(span, Claim))
    return "".join(f" [^{number}]" for number in numbers)


def as_text(text: str) -> str:
    """Return a text that stays text wherever it stands, a web address as a link."""
    if ADDRESS.fullmatch(text):
        return f"<{text}>"
    return _LIST_START.sub(r"\1\\", escape(text), count=1) if _LIST_START.match(text) else escape(text)


def escape(text: str) -> str:
    """Return a text that is shown as it is; a sign for and between spaces needs no escape, and is read as it is."""
    return tables.escape(text).replace(" &amp; ", " & ")


def _first_line(text: str) -> str:
    return text.lstrip().partition("\n")[0]


def _is_drawn(block: Block) -> bool:
    return not isinstance(block, Heading | Stated | Paragraph | Bullets | Table)


def _line(text: str) -> Line:
    return Line((Piece(text),))


def _blank() -> list[Line]:
    return [_line("")]
