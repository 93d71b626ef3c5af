"""A history in, `board/index.html` out: every run, alerts first, trends with their intervals, systems side by side.

One self-contained file of bounded size: what is left out for it is said on the page. The same runs give the same bytes.
"""

import os
import secrets
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from harness.errors import StorageError
from harness.fairness import Verdict
from harness.fairness.membership import AND
from harness.report import charts
from harness.report.board_nights import NightRow, night_rows
from harness.report.board_trends import Trends, name_of, short, system_of, trends
from harness.report.charts.trend_panels import trend_panels
from harness.report.links import link
from harness.report.pages import page
from harness.report.sources import Sources
from harness.report.wording import plain
from harness.results.headlines import Violation
from harness.results.history import History

Row: TypeAlias = Mapping[Hashable, Any]

BOARD = "index.html"
MOST_BYTES = 3_000_000
MOST_RUNS = 1_000  # rows of the table
MOST_POINTS = 24_000  # of all trends together
MOST_CHARTS = 8  # of systems, one a manifest
_MOST_ALERTS, _MOST_NAMED, _MOST_LEFT_OUT, _MOST_NIGHTS = 40, 5, 20, 60
_SMALLEST = 16  # of the sizes above, by which it is tried
_UNHELD = ("violated", "untested")
_NIGHT_WORDS = {  # of an alert; of every other outcome: incomplete
    "worse": ("disparity", "worse"),
    "violated": ("disparity", "policy violated"),
    "failed": ("disparity", "too many clips failed"),
}


@dataclass(frozen=True, slots=True)
class RunRow:
    """Is a run as the table shows it; names are cut, numbers are fractions."""

    when: str
    moment: float
    manifest: str
    system: str
    changed: str
    wer: float
    wer_low: float
    wer_high: float
    worst: str
    worst_wer: float
    worst_low: float
    worst_high: float
    gap_of: str
    gap: float
    gap_low: float
    gap_high: float
    gap_verdict: str
    held: str
    rtfx: float
    is_synthetic: bool
    href: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Is what should be read first: of the newest run of a system, or of a night."""

    shape: str  # a verdict's
    word: str
    title: str
    when: str
    sentences: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class Systems:
    """Is a chart of systems on one manifest and condition, by name, and the same in words."""

    chart: str
    title: str
    caption: str
    rows: list[RunRow]


def write_board(history: History, folder: Path) -> Path:
    """Write the board whole or not at all; return its file.

    Raises:
        StorageError: The disk is full or the folder is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"board={folder}: cannot make this folder ({error.strerror}). Choose another.") from error
    text = render_board(history, folder)
    _write_whole(folder / BOARD, text)
    return folder / BOARD


def render_board(history: History, folder: Path) -> str:
    """Return the board's page, as small as it must be; links lead from `folder`.

    Raises:
        StorageError: However little is kept, it is too large.
    """
    for part in (1, 2, 4, 8, _SMALLEST):
        text = _rendered(history, folder, part)
        if len(text.encode()) <= MOST_BYTES:
            return text
    raise StorageError(f"{folder / BOARD}: the newest runs alone take more than {MOST_BYTES // 1_000_000} MB of names.")


def _rendered(history: History, folder: Path, part: int) -> str:
    """Return the page with a part of what may be on it."""
    rows = [_row(run, folder) for run in reversed(history.runs.to_dict("records"))]
    shown = rows[: MOST_RUNS // part]
    drawn = trends(history, most_points=MOST_POINTS // part)
    nights = night_rows(history.nights, folder)[: _MOST_NIGHTS // min(part, 4)]
    systems, specs = _systems(history, folder, MOST_CHARTS // min(part, MOST_CHARTS))
    panels = {"trends": trend_panels()} if drawn.tracks else {}
    alerts = _alerts(history, nights, folder)
    sections = [("alerts", "Alerts"), ("trends", "Trends"), ("systems", "Systems")]
    sections += [("nights", "Nights")] if nights else []
    return page(
        "board",
        title="Speech recogniser board",
        description="Every run: trends per slice and per gap, systems on WER against the largest gap, alerts first.",
        charts=specs | panels,
        data={"board": {"tracks": drawn.tracks}} if drawn.tracks else {},
        scripts=("board.js",),
        sections=[*sections, ("runs", "Runs"), ("left-out", "Left out")] if rows else [],
        alerts=alerts[:_MOST_ALERTS],
        n_more_alerts=max(0, len(alerts) - _MOST_ALERTS),
        systems=systems,
        nights=nights,
        rows=shown,
        n_older=len(rows) - len(shown),
        span=_span(rows),
        n_runs=len(rows),
        n_systems=history.runs["system"].nunique(),
        manifests=sorted({row.manifest for row in shown}),
        names_of_systems=sorted({row.system for row in shown}),
        trends_sentence=_trends_sentence(drawn),
        who_says=_sources(history),
        left_out=_left_out(history),
        n_left_out=len(history.left_out),
        roots=[plain(root) for root in history.roots],
    )


def _row(run: Row, folder: Path) -> RunRow:
    report = run["path"] / run["report"] if run["report"] else None
    return RunRow(
        when=f"{run['finished']:%Y-%m-%d %H:%M}",
        moment=run["finished"].timestamp(),
        manifest=short(run["manifest"]),
        system=system_of(run),
        changed=str(run["changed"]),
        worst=name_of(run["worst_dimension"], run["worst_slice"]) if run["worst_slice"] else "",
        gap_of=name_of(run["gap_dimension"], run["gap_slice"]) if run["gap_slice"] else "",
        href=link(report, folder) if report else "",
        **{name: run[name] for name in ("wer", "wer_low", "wer_high", "gap", "gap_low", "gap_high")},
        **{name: run[name] for name in ("worst_wer", "worst_low", "worst_high")},
        **{name: run[name] for name in ("gap_verdict", "held", "rtfx", "is_synthetic")},
    )


def _alerts(history: History, nights: list[NightRow], folder: Path) -> list[Alert]:
    """Return the alerts: of the newest night, then of every system whose newest run did not keep its policy."""
    newest = history.runs.drop_duplicates("track", keep="last").iloc[::-1]
    found = [_night_alert(night) for night in nights[:1] if night.worse or night.broken or night.missing]
    return [*found, *(_alert(run, folder) for run in newest[newest["held"].isin(_UNHELD)].to_dict("records"))]


def _night_alert(night: NightRow) -> Alert:
    shape, word = _NIGHT_WORDS.get(night.outcome, ("insufficient", "incomplete"))
    told = (*night.worse, *night.broken, *night.missing)
    return Alert(shape, word, f"Night {night.name}", "", told, night.href)


def _alert(run: Row, folder: Path) -> Alert:
    row = _row(run, folder)
    if run["held"] == "untested":
        told = ["Nothing could be tested: too few people, or no slices."]
    else:
        broken = [each for each in run["violations"] if not _is_of_few(each)]
        told = [
            f"{short(each.dimension)} {name_of(each.dimension, each.slice)}: {short_reason(each.reason)}"
            for each in broken[:_MOST_NAMED]
        ]
        told += [f"and {len(broken) - _MOST_NAMED} more slices"] if len(broken) > _MOST_NAMED else []
        told += ["intersections of too few people"] if len(broken) < len(run["violations"]) else []
        told += ["more clips failed than allowed"] if run["too_many_failed"] else []
        told = told or ["there was nothing to compare"]
    shape, word = ("insufficient", "nothing tested") if run["held"] == "untested" else ("disparity", "violated")
    return Alert(shape, word, f"{row.manifest} · {row.system}", row.when, tuple(told), row.href)


def _is_of_few(broken: Violation) -> bool:
    """Say whether a slice is an intersection of too few people: an alert would be about persons."""
    return AND in broken.dimension and broken.verdict == Verdict.insufficient.value


def short_reason(reason: str) -> str:
    """Return why a slice broke the policy, on one line, cut where it is no sentence any more."""
    text = plain(reason)
    return text if len(text) <= 400 else f"{text[:399]}…"


def _systems(history: History, folder: Path, most: int) -> tuple[list[Systems], dict[str, dict[str, Any]]]:
    """Return the newest run of every system on every manifest, and the charts of the manifests heard last."""
    newest = history.runs.drop_duplicates("track", keep="last")
    newest = newest[newest["wer"].notna() & newest["gap"].notna()]
    groups = [part for _, part in newest.groupby(["manifest", "condition"], sort=False, dropna=False)]
    latest = sorted(groups, key=lambda part: part["run"].max(), reverse=True)[:most]
    found, specs = [], {}
    for place, part in enumerate(latest):
        rows = [
            _row(run, folder) for run in part.sort_values(["gap", "run"], ascending=[False, True]).to_dict("records")
        ]
        title = short(part["manifest"].iloc[0])
        points = pd.DataFrame(
            {
                "system": [row.system for row in rows],
                "wer": [row.wer for row in rows],
                "gap": [row.gap for row in rows],
                "slice": [row.gap_of for row in rows],
                **{
                    name: [getattr(row, name) for row in rows]
                    for name in ("wer_low", "wer_high", "gap_low", "gap_high")
                },
            }
        )
        name = f"systems-{place}"
        drawn = charts.wer_against_gap(points)
        specs[name] = charts.spec(drawn)
        found.append(Systems(name, title, " ".join(charts.notes(drawn)), rows))
    return found, specs


def _span(rows: list[RunRow]) -> str:
    if not rows:
        return ""
    first, last = rows[-1].when[:10], rows[0].when[:10]
    return first if first == last else f"{first} to {last}"


def _sources(history: History) -> list[tuple[str, str]]:
    """Return of every manifest who says so of its attributes, as its newest run has them; those heard last first."""
    newest = history.runs.drop_duplicates("manifest", keep="last").iloc[::-1]
    told_of = zip(newest["manifest"], newest["sources"], strict=True)
    told = [(short(name), Sources.of_words(found).sentence) for name, found in told_of]
    return [(name, sentence) for name, sentence in told if sentence][:MOST_CHARTS]


def _trends_sentence(drawn: Trends) -> str:
    """Say what the trends leave out."""
    told = []
    if drawn.n_cut:
        told.append(f"Where there are more, only the newest {drawn.n_runs} runs are drawn.")
    if drawn.n_left_out:
        told.append(f"{drawn.n_left_out} systems have no place here; they are in the table of runs.")
    return " ".join(told)


def _left_out(history: History) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """Return, by kind, how many folders are left out, and some of them with their reason."""
    counts = Counter(each.kind for each in history.left_out)
    return [
        (
            kind.value,
            count,
            [(plain(each.path), plain(each.reason)) for each in history.left_out if each.kind is kind][:_MOST_LEFT_OUT],
        )
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].value))
    ]


def _write_whole(file: Path, text: str) -> None:
    """Put a text in the place of a file; of two writers at once the later wins, whole."""
    part = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{file}: cannot write ({error.strerror or error}). Make room or choose another.") from error
