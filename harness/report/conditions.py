"""A last-mile run in, its tables in a reader's order and what they come to, in sentences, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.wording import gap_interval, mapping, percent, plain, points, rate_interval
from harness.results import Run
from harness.results.run import CONDITIONS, CROSSINGS, EXTRA_HARM, LEVELS, PLACED
from harness.transcription.store import CLEAN

Row = Mapping[str, Any]
DISPARITY, ADVANTAGE, INSUFFICIENT = "disparity", "advantage", "insufficient"
_RANKS = (DISPARITY, ADVANTAGE, "inconclusive", "within_margin", INSUFFICIENT, "")  # the most evident first
_TEXTS = ("condition", "sweep", "parameter", "comparator", "verdict", "there_verdict", "reason", "note", "digest")
_MOST_NAMED = 3  # conditions in a sentence


@dataclass(frozen=True)
class UnderConditions:
    """Holds what a run says of its conditions; conditions stand in the order of their sweeps and levels, clean first.

    Attributes:
        grid: conditions.csv.
        harms: extra_harm.csv.
        crossings: crossings.csv; empty where nothing is swept.
        placed: placed.csv; empty where no run is beside this one.
        levels: levels.csv.
        beyond: What summary.json says of the conditions.
        beside: What run.json says of the run that this one is placed beside.
    """

    grid: pd.DataFrame
    harms: pd.DataFrame
    crossings: pd.DataFrame
    placed: pd.DataFrame
    levels: pd.DataFrame
    beyond: Row
    beside: Row

    @cached_property
    def names(self) -> list[str]:
        """Name the conditions, clean first."""
        return [str(name) for name in self.grid["condition"].drop_duplicates()]

    @cached_property
    def judged(self) -> pd.DataFrame:
        """Return the extra harms of declared slices, the most evident first."""
        rows = self.harms[self.harms["verdict"] != ""]
        rank = rows["verdict"].map({name: place for place, name in enumerate(_RANKS)})
        keys = rows.assign(_rank=rank, _p=rows["p_adjusted"].fillna(2.0), _most=-rows["extra_harm"])
        shown = keys["_rank"].isin([0, 1])  # what is shown comes by its p-value, what is not by what it seems to be
        keys = keys.assign(_p=keys["_p"].where(shown, 0.0))
        ordered = keys.sort_values(["_rank", "_p", "_most"], kind="stable")
        return ordered.drop(columns=["_rank", "_p", "_most"]).reset_index(drop=True)

    @cached_property
    def worst(self) -> Row | None:
        """Return the extra harm to tell first: the largest that is shown, else the largest that seems to be."""
        tested = self.judged[self.judged["verdict"] != INSUFFICIENT]
        for rows in (tested[tested["verdict"] == DISPARITY], tested, self.judged):
            known = rows[rows["extra_harm"].notna()]
            if len(known):
                return rows_of(known.sort_values("extra_harm", ascending=False, kind="stable").head(1))[0]
        return None

    @property
    def n_conditions(self) -> int:
        """Count the conditions beside clean."""
        return len(self.names) - (CLEAN in self.names)

    @property
    def verdicts(self) -> dict[str, int]:
        """Count the verdicts on gaps and on extra harms under all conditions."""
        counts: dict[str, int] = {}
        for part in ("gaps", "extra_harm"):
            for name, count in mapping(mapping(self.beyond.get(part)).get("verdicts")).items():
                if name:  # of who has no verdict: everybody, and the undeclared
                    counts[name] = counts.get(name, 0) + int(count)
        return counts

    @cached_property
    def everybody(self) -> dict[str, Row]:
        """Return the row of everybody under each condition."""
        return {str(row["condition"]): row for row in rows_of(self.grid[is_everybody(self.grid)])}

    def broken(self) -> list[str]:
        """Name the conditions under which the policy does not hold."""
        told = [mapping(self.beyond.get(name)).get("violations") or [] for name in ("gaps", "extra_harm")]
        found = {str(row["condition"]) for rows in told for row in rows}
        return [name for name in self.names if name in found]


def under_conditions(run: Run) -> UnderConditions | None:
    """Return what a run says of its conditions; None where it has none but the recordings as they are."""
    grid = run.optional(CONDITIONS)
    if grid is None:
        return None
    levels = _read(run, LEVELS, ("condition", "sweep", "parameter", "level", "digest"))
    order = {name: place for place, name in enumerate(_ordered(levels, grid["condition"].astype(str)))}
    summary, facts = run.summary, run.facts
    return UnderConditions(
        grid=_in_order(_typed(grid), order),
        harms=_in_order(_read(run, EXTRA_HARM, ("condition", "dimension", "slice", "verdict", "extra_harm")), order),
        crossings=_read(run, CROSSINGS, ("sweep", "parameter", "dimension", "slice")),
        placed=_in_order(_read(run, PLACED, ("condition", "dimension", "slice")), order),
        levels=_in_order(levels, order),
        beyond=mapping(summary.get("beyond")),
        beside=mapping(facts.get("beside")),
    )


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of a table, by column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def is_everybody(table: pd.DataFrame) -> "pd.Series[bool]":
    """Say which rows are of everybody."""
    return (table["dimension"] == OVERALL) & (table["slice"] == EVERYBODY)


def hurt_most(under: UnderConditions) -> str:
    """Say in one sentence who is hurt most under which condition, by how much more, on what evidence, and the policy.

    The figures are those of extra_harm.csv; a slice that is shown to be hurt more comes before one that seems to be.
    """
    row = under.worst
    if row is None:
        return f"Nobody could be told from the others, for no attribute has two declared values, and {_policy(under)}."
    rest = "the rest" if row["comparator"] == "rest" else plain(row["comparator"])
    interval = gap_interval(row["extra_harm_low"], row["extra_harm_high"])
    return (
        f"Under {plain(row['condition'])} {plain(row['slice'])} ({plain(row['dimension'])}) "
        f"{'is' if row['verdict'] == DISPARITY else 'seems to be'} hurt most: {points(row['harm'])} points on top of a "
        f"clean WER of {percent(row['clean_wer'])}, {points(row['extra_harm'])} more than {rest}"
        f"{_bracketed(interval)}, which is {evidence(row)}, and {_policy(under)}."
    )


def unshown(under: UnderConditions) -> str:
    """Say what could have been seen where no extra harm is shown; empty where one is."""
    if (under.judged["verdict"] == DISPARITY).any() or under.judged.empty:
        return ""
    tested = under.judged[under.judged["verdict"] != INSUFFICIENT]
    if tested.empty:
        return (
            "Nothing could be tested: every slice has too few speakers, utterances or words. What is shown here is "
            "what these people met, not evidence on anybody else."
        )
    least = tested["minimum_detectable_extra_harm"].dropna()
    if least.empty:
        return "No extra harm was detected at this sample size, which is not the same as none."
    low, high = (points(value).lstrip("+") for value in (least.min(), least.max()))
    size = low if low == high else f"{low} to {high}"
    return (
        "No extra harm was detected at this sample size, which is not the same as none: what would have been seen four "
        f"times in five is one of {size} points, by condition and slice."
    )


def extremes(under: UnderConditions) -> str:
    """Say where in the grid WER is highest and where it is lowest, among slices with people enough for a verdict."""
    cells = under.grid[under.grid["wer"].notna() & ~is_everybody(under.grid)]
    judged = cells[~cells["verdict"].isin(["", INSUFFICIENT])]
    cells = judged if len(judged) else cells
    if cells.empty:
        return ""
    rates = cells["wer"].to_numpy(float)
    ends = cells.iloc[[int(rates.argmax()), int(rates.argmin())]].to_dict("records")
    high, low = (
        f"{plain(row['slice'])} ({plain(row['dimension'])}) under {plain(row['condition'])} {percent(row['wer'])}"
        f"{_bracketed(rate_interval(row['wer_low'], row['wer_high']))}"
        for row in ends
    )
    return f"Highest WER: {high}; lowest: {low}."


def listed(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Name some conditions, and count the others.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = [plain(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def evidence(row: Row) -> str:
    """Say what an extra harm is evidence of, after `which is`."""
    if row["verdict"] == INSUFFICIENT:
        return "no evidence, for too few people or words were heard for a test"
    p_value = f"(adjusted p {row['p_adjusted']:.2g})"
    told = {
        DISPARITY: f"evidence {p_value}",
        ADVANTAGE: f"evidence of less harm {p_value}",
        "within_margin": "within the margin, and shown to be",
    }
    return told.get(str(row["verdict"]), f"not shown to be more than chance {p_value}")


def _policy(under: UnderConditions) -> str:
    """Say under which conditions the policy does not hold."""
    broken, n = under.broken(), under.n_conditions
    if broken:
        others = [name for name in broken if name != CLEAN]
        clean = ["on clean audio"] if CLEAN in broken else []
        told = [*clean, *([f"under {listed(others)}, {len(others)} of {n} conditions"] if others else [])]
        return f"the policy is broken {' and '.join(told)}"
    if not any(count for name, count in under.verdicts.items() if name != INSUFFICIENT):
        return f"the policy could be tested neither on clean audio nor under any of {n} conditions"
    return f"the policy held on clean audio and under all {n} conditions"


def _bracketed(text: str) -> str:
    return "" if text == "–" else f" ({text})"


def _read(run: Run, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table, empty where the run has none."""
    table = run.optional(name)
    return pd.DataFrame({column: pd.Series(dtype=object) for column in columns}) if table is None else _typed(table)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts are texts: a condition may be called `20`, and a column may be empty."""
    return table.assign(
        **{name: table[name].astype(object).where(table[name].notna(), "").map(str) for name in _TEXTS if name in table}
    )


def _ordered(levels: pd.DataFrame, found: "pd.Series[Any]") -> list[str]:
    """Return the conditions: clean, then sweep after sweep, each by its level in the direction in which it was told."""
    order = [CLEAN]
    for _, sweep in levels.groupby("sweep", sort=False, dropna=False):
        falls = len(sweep) > 1 and sweep["level"].iloc[0] > sweep["level"].iloc[-1]
        order += sweep.sort_values("level", ascending=not falls, kind="stable")["condition"].map(str).tolist()
    there = set(found)
    return [name for name in dict.fromkeys([*order, *found]) if name in there]


def _in_order(table: pd.DataFrame, order: Mapping[str, int]) -> pd.DataFrame:
    if table.empty:
        return table
    rank = table["condition"].map(order).fillna(len(order))
    return table.assign(_rank=rank).sort_values("_rank", kind="stable").drop(columns="_rank").reset_index(drop=True)
