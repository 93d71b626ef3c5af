"""Texts of somebody's data in, texts that a chart can show out: on one line, short, and visible."""

from collections.abc import Sequence

from harness.corpus.attributes import DECLINED, INTERSECTION_SEPARATOR, UNDECLARED
from harness.report.charts.drawing import finite
from harness.report.wording import how_many, plain

LONGEST = 60  # characters of a name; what is wider than its place is cut when drawn
_MOST_NAMED = 3  # dimensions in a sentence


def label(text: object, longest: int = LONGEST) -> str:
    r"""Return a name as a chart shows it.

    >>> label("a\nb\x00" + "c" * 99, 8)
    'a bcccc…'
    >>> label("  ")
    '(no name)'
    """
    seen = "".join("\ufffd" if _is_noncharacter(letter) else letter for letter in plain(str(text)[: 4 * longest + 99]))
    return (seen if len(seen) <= longest else f"{seen[: longest - 1]}…") or "(no name)"


def is_declared(name: object) -> bool:
    """Say whether nobody in a slice, or in a part of an intersection, kept silent.

    >>> is_declared("scottish & undeclared")
    False
    """
    return not {UNDECLARED, DECLINED} & set(str(name).split(INTERSECTION_SEPARATOR))


def count_of(number: object) -> str:
    """Write a count; – where there is none.

    >>> count_of(9177.0)
    '9,177'
    """
    known = finite(number)
    return "–" if known is None else f"{int(known):,}"


def listed(dimensions: Sequence[str]) -> str:
    """Name some dimensions in a sentence.

    >>> listed(["accent", "gender"])
    'accent and gender'
    """
    named = [label(name, 40) for name in dimensions[:_MOST_NAMED]]
    if len(dimensions) > _MOST_NAMED:
        named.append(how_many(len(dimensions) - _MOST_NAMED, "other dimension"))
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def apart(names: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return names as a chart shows them, numbered where they would look alike.

    >>> apart(["whisper", "whisper ", "canary"])
    ['whisper', 'whisper (2)', 'canary']
    """
    shown: list[str] = []
    for name in names:
        plainly = label(name, longest)
        told, number = plainly, 1
        while told in shown:
            number += 1
            told = f"{plainly} ({number})"
        shown.append(told)
    return shown


def _is_noncharacter(letter: str) -> bool:
    """Say whether Unicode promises that this is no character: XML and fonts have nothing for it."""
    return 0xFDD0 <= ord(letter) <= 0xFDEF or ord(letter) & 0xFFFE == 0xFFFE
