"""A value of a run's file and its unit in, the text that a card shows out: the one place where a card writes numbers.

An absent value (an empty cell, null) is shown as –.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.report.wording import figure, gap_interval, percent, plain, points, rate_interval, times

Value: TypeAlias = str | float | bool | None
ABSENT = "–"


@dataclass(frozen=True, slots=True)
class Unit:
    """Says how values are shown.

    Attributes:
        decimals: Digits after the point; None where the unit has no fixed number of them.
        is_number: Whether a column of it is aligned as numbers are.
        written: Writes the values, one or two.
    """

    decimals: int | None
    is_number: bool
    written: Callable[[Sequence[Value]], str]


def shown(values: Sequence[Value], unit: str) -> str:
    """Write values in a unit.

    >>> shown([0.245230], "percent"), shown([0.2295, 0.2617], "percent_interval"), shown([1712], "count")
    ('24.5 %', '22.9 to 26.2 %', '1,712')
    >>> shown([None], "percent"), shown(["within_margin"], "words")
    ('–', 'within margin')
    """
    return UNITS[unit].written(values)


def cell_value(cell: object) -> Value:
    """Return a cell of a table or a value of JSON as plain data: NaN is None, a whole number of a float column an int.

    >>> cell_value(float("nan")), cell_value(16.0), cell_value("rest")
    (None, 16, 'rest')
    """
    item = getattr(cell, "item", None)
    value = item() if callable(item) else cell
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def _one(write: Callable[[float | None], str]) -> Callable[[Sequence[Value]], str]:
    return lambda values: write(_number(values[0]))


def _two(write: Callable[[float | None, float | None], str]) -> Callable[[Sequence[Value]], str]:
    return lambda values: write(_number(values[0]), _number(values[1]))


def _present(write: Callable[[float], str]) -> Callable[[Sequence[Value]], str]:
    return _one(lambda value: ABSENT if value is None else write(value))


def _times_interval(low: float | None, high: float | None) -> str:
    return ABSENT if low is None or high is None else f"{times(low)} to {times(high)}"


def _unsigned(gap: float) -> str:
    return "> 100" if gap > 1 else points(gap).lstrip("+")


def _text(values: Sequence[Value]) -> str:
    text = "" if values[0] is None else plain(values[0])
    return text or ABSENT


UNITS: Mapping[str, Unit] = {
    "percent": Unit(1, True, _one(percent)),
    "percent_interval": Unit(1, True, _two(rate_interval)),
    "whole_percent": Unit(None, True, _present(lambda share: f"{100 * share:g} %")),  # 95 %, of a level
    "points": Unit(1, True, _one(points)),
    "points_interval": Unit(1, True, _two(gap_interval)),
    "size": Unit(1, True, _present(_unsigned)),  # points without a sign
    "whole_points": Unit(None, True, _present(lambda margin: f"{100 * margin:g}")),  # 3, of a margin
    "times": Unit(2, True, _one(times)),
    "times_interval": Unit(2, True, _two(_times_interval)),
    "count": Unit(0, True, _present(lambda number: f"{number:,.0f}")),
    "number": Unit(None, True, _present(lambda number: f"{number:g}")),
    "difference": Unit(2, True, _present(lambda number: f"{number:+.2f}")),  # standardised mean difference
    "figure": Unit(None, True, _one(figure)),  # about three digits: seconds, RTFx
    "p_value": Unit(3, True, _present(lambda p: f"{p:.3f}")),
    "digest": Unit(None, False, lambda values: _text(values)[:16]),
    "words": Unit(None, False, lambda values: _text(values).replace("_", " ")),  # verdicts, names of columns
    "text": Unit(None, False, _text),
}
