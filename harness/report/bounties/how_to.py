"""The rules of a bounty in, HOW_TO.md for hunters out: what to write, what is there to work with, what answers mean."""

import json
from collections.abc import Iterator, Sequence

from harness.predicates import ColumnKind, PredicateError, parse
from harness.predicates.syntax import written_name, written_value
from harness.report.bounties.words import (
    ACCEPTED,
    EVALUATION_ONLY,
    REJECTED,
    assumed,
    column,
    halves,
    price,
    promise,
    sealed,
)
from harness.report.wording import plain
from harness.results.bounties.rules import DeclaredColumn, PublicRules

MOST_VALUES = 30  # of a column; rules.json has all
_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#&"})


def how_to(rules: PublicRules, columns: Sequence[str]) -> str:
    """Return the guide as Markdown.

    Args:
        rules: Of the bounty.
        columns: Of development.parquet.
    """
    parts = [
        f"# A bounty on {_told(rules.name)}",
        f"Find a group of people whom **{_told(rules.base)}** serves worse than another system would, and show it.",
        halves(rules),
        "## A submission",
        "One JSON file:",
        f"```json\n{json.dumps(_example(rules), ensure_ascii=False, indent=2)}\n```",
        *_alternatives(rules),
        "Try it on the published half first, as often as you like, then hand it in:",
        "```sh\nharness bounty preview bounty=FOLDER submission=mine.json\n"
        "harness bounty submit bounty=FOLDER submission=mine.json\n```",
        "FOLDER is where this `public/` lies. Who has only that previews there and sends the file to the owner, who "
        "hands it in and returns the receipt.",
        "Keep the receipt that is printed: `harness bounty verify bounty=FOLDER receipt=RECEIPT` shows whether your "
        "line is still in the ledger. It needs `ledger.jsonl`, `ledger.jsonl.head` and `submissions/` beside "
        "`public/`, as the owner has them.",
        "## Groups",
        "A predicate compares columns with texts in quotes or numbers (`==`, `!=`, `<`, `<=`, `>`, `>=`, "
        '`in ("a", "b")`, `not in`), joined by `and`, `or`, `not` and parentheses; `true` is everybody. A name that is '
        "no plain word stands in backquotes. Nothing else is understood.",
        "\n".join(_column(each) for each in rules.columns),
        EVALUATION_ONLY,
        "## What is here",
        f"`development.parquet` has the columns {', '.join(f'`{_code(name)}`' for name in columns)}: a row an "
        "utterance; `errors:NAME` are the word errors of a system, at most as many as words.",
        "`rules.json` has all of this for programs; `list.json` is the list by now: its nodes are asked from the last "
        "to the first, and the first that a person is in says which system, or which earlier version of the list.",
        "## Answers",
        promise(rules),
        ACCEPTED,
        REJECTED,
        price(rules),
        assumed(rules),
        sealed(rules),
    ]
    return "\n\n".join(parts) + "\n"


def _example(rules: PublicRules) -> dict[str, object]:
    offered: dict[str, object] = {"system": rules.systems[0]} if rules.systems else {}
    heard: dict[str, object] = {"hypotheses": "mine.jsonl", "provenance": {"system": "…", "how": "…"}}
    run: dict[str, object] = {"backend": next(iter(rules.backends), ""), "options": {}}
    alternative = offered or (heard if rules.hypotheses else run)
    group = next(_groups(rules), "true")
    return {"predicate": group, "alternative": alternative, "by": "your name, or any", "why": "what made you think so"}


def _groups(rules: PublicRules) -> Iterator[str]:
    """Yield predicates of one comparison that can be typed: some names and values cannot even be seen."""
    for each in rules.columns:
        name = written_name(each.name)
        number = [f"{name} > 10"] if each.kind == ColumnKind.number.value else []
        for text in [*number, *(f"{name} == {written_value(value)}" for value in each.values)]:
            try:
                parse(text, rules.predicate_columns)
            except PredicateError:
                continue
            if plain(text) == text:
                yield text


def _alternatives(rules: PublicRules) -> list[str]:
    """Return a paragraph for each kind of alternative that is taken."""
    found = []
    if rules.systems:
        names = ", ".join(f"`{_code(name)}`" for name in rules.systems)
        found.append(f'`{{"system": NAME}}`: a system that the owner has run: {names}.')
    if rules.hypotheses:
        found.append(
            '`{"hypotheses": "mine.jsonl", "provenance": {"system": …, "how": …}}`: transcripts that you made, in a '
            'file beside the submission, a line `{"utterance_id": …, "text": …}` for every id of `utterances.txt`, "" '
            "where nothing was heard; and what made them, and how."
        )
    if rules.backends:
        told = "; ".join(
            f"`{_code(name)}` with {', '.join(f'`{_code(option)}`' for option in options) or 'no options'}"
            for name, options in rules.backends.items()
        )
        found.append(
            f'`{{"backend": NAME, "options": {{…}}}}`: a recogniser that the owner is to run on the sealed recordings: '
            f"{told}. Options are numbers and plain words. One that cannot be run counts among the submissions; that "
            "answer rests on recordings alone, never on what was said, and no level is made stricter for it."
        )
    return found


def _column(each: DeclaredColumn) -> str:
    name = f"- `{_code(each.name)}` ({column(each)})"
    if each.kind == ColumnKind.number.value:
        return f"{name}: a number."
    shown = ", ".join(f"`{_code(value)}`" for value in each.values[:MOST_VALUES])
    more = f" and {len(each.values) - MOST_VALUES:,} more" if len(each.values) > MOST_VALUES else ""
    return f"{name}: {shown}{more}."


def _code(text: str) -> str:
    """Return a text that stands between backquotes."""
    return plain(text).replace("`", "'")


def _told(text: str) -> str:
    return plain(text).translate(_SPECIAL)
