"""A history in, what the board draws trends from out: every track's newest runs and its slices, worst trend first.

Numbers are those of the files, rounded to a hundredth of a point; what is computed here only puts slices into an order.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.membership import AND, EVERYBODY, OVERALL
from harness.report.wording import plain
from harness.results.headlines import TRACK
from harness.results.history import History

Json: TypeAlias = dict[str, Any]

CLEAN = "clean"  # the condition that goes without saying
PEOPLE = "speaker_id"  # the dimension whose slices are persons
MOST_SLICES = 40  # of a dimension of a track
LONGEST_NAME = 80  # characters
_LENGTHS = (730, 365, 180, 120, 90, 60, 45, 30, 20, 14, 10, 7, 5, 3, 2)  # runs of a track that may be kept
_MOST_TRACKS = 200
_ROUNDED = 10_000  # a hundredth of a point is 1
_HUGE = 1e9  # no rate is; it keeps a damaged one out of the way
_VALUES = ("wer", "wer_low", "wer_high", "gap", "gap_low", "gap_high")
_LETTERS = {"disparity": "d", "advantage": "a", "within_margin": "w", "inconclusive": "i", "insufficient": "f"}
_JUDGED = [name for name in _LETTERS if name != "insufficient"]
_KEY = ["dimension", "slice"]


@dataclass(frozen=True, slots=True)
class Trends:
    """Is what is drawn.

    Attributes:
        tracks: As JSON, the one with most reason to look first.
        n_runs: The most that are kept of a track.
        n_cut: Tracks that have more.
        n_left_out: Tracks that are not here.
    """

    tracks: list[Json]
    n_runs: int
    n_cut: int
    n_left_out: int


def trends(history: History, *, most_points: int) -> Trends:
    """Return the trends of every track, with so many of its newest runs that all have at most so many points."""
    points = _points(history)
    by_track = points.groupby("track", sort=True)
    chosen = {int(track): _chosen(by_track.get_group(track)) for track in sorted(points["track"].unique())}
    kept = {track: chosen[track] for track in _ordered(history.runs, chosen)[:_MOST_TRACKS]}
    while True:
        n_runs = _most_runs(kept.values(), most_points)
        if n_runs is not None or len(kept) <= 1:
            break
        kept = dict(list(kept.items())[: len(kept) // 2])  # two runs of each are too many
    n_runs = n_runs or _LENGTHS[-1]
    runs = history.runs.set_index("run")
    lengths = points.groupby("track")["run"].nunique()
    return Trends(
        [_track(runs, part, n_runs) for part in kept.values()],
        n_runs,
        int((lengths.loc[list(kept)] > n_runs).sum()),
        history.runs["track"].nunique() - len(kept),
    )


def name_of(dimension: object, slice_name: object) -> str:
    """Return a slice's name for people: a board names no person."""
    if dimension == OVERALL and slice_name == EVERYBODY:
        return "everybody"
    return "a speaker" if PEOPLE in str(dimension).split(AND) else short(slice_name)


def short(name: object) -> str:
    """Return a name, cut where it is no longer one."""
    text = plain(name)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def system_of(run: Mapping[Hashable, Any]) -> str:
    """Name a run's system, and the condition where it is not the usual one."""
    condition = "" if run["condition"] == CLEAN else f", {run['condition']}"
    return short(f"{run['system']}{condition}")


def _points(history: History) -> pd.DataFrame:
    """Return a row a run and slice: its numbers and its verdict, of slices that are no persons, and not of few."""
    slices, gaps = (part.drop_duplicates(["run", *_KEY]) for part in (history.slices, history.gaps))
    named = slices[np.array([PEOPLE not in str(name).split(AND) for name in slices["dimension"]], dtype=bool)]
    joined = named.merge(gaps, on=["run", *_KEY], how="left", validate="one_to_one")
    runs = history.runs[["run", "track", "series", "min_speakers"]]
    points = joined.merge(runs, on="run", validate="many_to_one")
    return points[~points["n_speakers"].between(1, points["min_speakers"] - 1)].drop(columns="min_speakers")


def _ordered(runs: pd.DataFrame, chosen: Mapping[int, pd.DataFrame]) -> list[int]:
    """Return the tracks: those whose newest run broke its policy first, then by the worst trend of an attribute."""
    newest = runs.drop_duplicates("track", keep="last").set_index("track")
    return sorted(
        chosen,
        key=lambda track: (
            newest.loc[track, "held"] != "violated",
            *_falling(_worst(chosen[track])),
            *(str(newest.loc[track, name]) for name in TRACK),
        ),
    )


def _worst(points: pd.DataFrame) -> float:
    """Return by how much the judged slice rose that rose most; NaN where none could."""
    single = ~points["dimension"].astype(str).str.contains(AND, regex=False)
    return float(points.loc[~points["few"] & single, "rise"].max())


def _chosen(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the slices to be drawn, and their order as `rank`; `n_slices` is of the whole dimension."""
    ranked = _ranks(points)
    ranked["n_slices"] = ranked.groupby("dimension", dropna=False, observed=True)["slice"].transform("size")
    ranked["rank"] = ranked.groupby("dimension", dropna=False, observed=True).cumcount()
    return points.merge(ranked[ranked["rank"] < MOST_SLICES], on=_KEY, validate="many_to_one")


def _ranks(points: pd.DataFrame) -> pd.DataFrame:
    """Return a row a slice, worst trend first: those judged in the newest run, by how much they rose in their series.

    Columns: dimension, slice, few (not judged), rise, newest.
    """
    newest_run = points["run"].max()
    newest = points[points["run"] == newest_run].set_index(_KEY)
    series = points.loc[points["run"] == newest_run, "series"].iloc[0]
    before = points[(points["series"] == series) & (points["run"] < newest_run)]
    measure = newest["gap"].where(newest["gap"].notna(), newest["wer"])
    means = before.groupby(_KEY, dropna=False, observed=True)[["gap", "wer"]].mean().reindex(newest.index)
    rise = measure - means["gap"].where(newest["gap"].notna(), means["wer"])
    judged = newest["verdict"].isin(_JUDGED) | (newest.index.get_level_values("dimension") == OVERALL)
    order = pd.DataFrame({"few": ~judged, "rise": rise.round(12), "newest": measure})
    every = points[_KEY].drop_duplicates().set_index(_KEY).index
    listed = order.reindex(every).fillna({"few": True}).astype({"few": bool}).reset_index()
    columns = ["few", "rise", "newest", *_KEY]
    return listed.sort_values(columns, ascending=[True, False, False, True, True], kind="stable", na_position="last")


def _most_runs(tracks: Iterable[pd.DataFrame], most_points: int) -> int | None:
    """Return how many runs of a track can be kept; None where two are too many."""
    parts = list(tracks)
    counts = [part.groupby("run").size().sort_index(ascending=False).cumsum().to_numpy() for part in parts]
    for length in _LENGTHS:
        if sum(int(sums[min(length, len(sums)) - 1]) for sums in counts if len(sums)) <= most_points:
            return length
    return None


def _track(runs: pd.DataFrame, points: pd.DataFrame, n_runs: int) -> Json:
    """Return a track as JSON: lists over its runs, oldest first."""
    kept = [int(run) for run in sorted(points["run"].unique())[-n_runs:]]
    part = runs.loc[kept]
    first = part.iloc[-1]
    inside = points[points["run"].isin(kept)]
    return {
        "manifest": short(first["manifest"]),
        "system": system_of(first.to_dict()),
        "times": [int(moment.timestamp()) for moment in part["finished"]],
        "series": part["series"].tolist(),
        "changed": {str(place): told for place, told in enumerate(part["changed"]) if told},
        "violated": part["held"].iloc[-1] == "violated",
        "dimensions": [_dimension(name, each, kept) for name, each in _by_dimension(inside)],
    }


def _by_dimension(points: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the dimensions: attributes before their intersections, each by its worst trend; everybody last."""
    parts = [(str(name), part) for name, part in points.groupby("dimension", sort=False, dropna=False, observed=True)]
    worst = {name: part.loc[~part["few"], "rise"].max() for name, part in parts}
    return sorted(parts, key=lambda each: (each[0] == OVERALL, AND in each[0], *_falling(worst[each[0]]), each[0]))


def _falling(value: float) -> tuple[bool, float]:
    return (bool(np.isnan(value)), 0.0 if np.isnan(value) else -float(value))


def _dimension(name: str, points: pd.DataFrame, kept: list[int]) -> Json:
    """Return a dimension of a track: its slices by rank, each with lists over the track's runs."""
    first = points.drop_duplicates("rank", keep="last").sort_values("rank")
    of_slice = np.searchsorted(first["rank"], points["rank"])
    of_run = np.searchsorted(kept, points["run"])
    shape = (len(first), len(kept))
    texts = {column: np.full(shape, None, dtype=object) for column in ("verdict", "comparator")}
    for column, cells in texts.items():
        cells[of_slice, of_run] = points[column].where(points[column].notna(), None)
    values = {column: np.full(shape, np.nan) for column in _VALUES}
    for column, numbers in values.items():
        numbers[of_slice, of_run] = points[column].to_numpy(float)
    slices = [
        {"name": name_of(row["dimension"], row["slice"]), "few": bool(row["few"])}
        | {column: _rounded(numbers[place]) for column, numbers in values.items()}
        | {"verdicts": "".join(_LETTERS.get(each, "-") for each in texts["verdict"][place])}
        | _against(texts["comparator"][place])
        for place, row in enumerate(first.to_dict("records"))
    ]
    return {"name": short(name), "n_slices": int(points["n_slices"].iloc[0]), "slices": slices}


def _against(comparators: Iterable[str | None]) -> Json:
    """Return what a slice was compared with, and where that changed in which run with which."""
    listed = list(comparators)
    names = list(dict.fromkeys(each for each in listed if each is not None))
    places = {each: place for place, each in enumerate(names)}
    against = None if len(names) < 2 else [None if each is None else places[each] for each in listed]
    return {"comparators": [short(each) for each in names], "against": against}


def _rounded(values: npt.NDArray[np.float64]) -> list[int | None] | None:
    """Return fractions as whole ten-thousandths, null where there is none; None where there is none at all."""
    if not np.isfinite(values).any():
        return None
    scaled = np.clip(values * _ROUNDED, -_HUGE, _HUGE)
    return [round(value) if known else None for value, known in zip(scaled, np.isfinite(values), strict=True)]
