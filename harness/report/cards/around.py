"""The page that a card must be and one that was found in, what is other around the card's own parts out.

What styles, scripts and words around the parts do decides what a reader sees of them. A page may lack a script, for
then it shows less; it may not have one of its own.
"""

import re
from collections.abc import Iterator
from functools import partial

from harness.report.cards.lines import Problem

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
_CHART = re.compile(r'id="chart-([\w-]+)"')
_CARD = 'id="data-card"'
_TITLE = re.compile("<title>[^<]*</title>")
_MAIN, _END = "<main", "</main>"
_MOST_SHOWN = 60  # characters around what differs
_OTHER = (
    "edited, or made with another version of this harness, altair or vl-convert; make the card again, or check its "
    "service_card.md"
)


def around_problems(name: str, wanted: str, given: str, *, knows_title: bool) -> Iterator[Problem]:
    """Yield what is other around the parts of a page: a chart, a script, anything else.

    Args:
        name: Of the file.
        wanted: The page that the runs make.
        given: The page that was found.
        knows_title: Whether the title, which the author stated, must be the same.
    """
    allowed, found = _scripts(wanted), _scripts(given)
    for script in dict.fromkeys([*found, *(each for each in allowed if _CHART.search(each[0]))]):
        if script in allowed and script in found:
            continue
        chart = _CHART.search(script[0])
        if chart is None:
            yield Problem(name, None, "", "", f"a script outside the card's parts is not this harness's ({_OTHER})")
        elif script in allowed:
            message = f"the chart {chart[1]} draws something else ({_OTHER})"
            yield Problem(name, None, "the values of the run", "others", message)
    outside = partial(_outside, keeps_title=knows_title)
    expected, text = outside(wanted), outside(given)
    if expected != text:
        message = f"something outside the card's parts ({_OTHER})"
        yield Problem(name, None, *_where(expected, text), message)


def _scripts(text: str) -> list[tuple[str, str]]:
    """Return the attributes and the content of every script; the card's own facts are read elsewhere."""
    return [
        (attributes.strip(), "" if _CARD in attributes else content)
        for attributes, content in _SCRIPT.findall(text.replace("\r\n", "\n"))
    ]


def _outside(text: str, *, keeps_title: bool) -> str:
    """Return a page without scripts and without its card, spaces as single ones."""
    before, _, rest = text.partition(_MAIN)
    opening, _, _ = rest.partition(">")
    _, _, after = rest.rpartition(_END)
    page = _SCRIPT.sub("", f"{before}{_MAIN}{opening}>{_END}{after}")
    return " ".join((page if keeps_title else _TITLE.sub("", page)).split())


def _where(expected: str, found: str) -> tuple[str, str]:
    """Return what two texts have where they first differ."""
    pairs = enumerate(zip(expected, found, strict=False))
    place = next((i for i, (one, other) in pairs if one != other), min(len(expected), len(found)))
    return tuple(f"“{text[place : place + _MOST_SHOWN]}”" for text in (expected, found))  # type: ignore[return-value]
