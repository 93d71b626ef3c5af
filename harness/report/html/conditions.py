"""A last-mile run in, its conditions out: who is hurt most in a sentence, the grid of WER, what was done."""

from dataclasses import replace

from harness.fairness.membership import AND, OVERALL
from harness.report import charts
from harness.report.applied import applied, at_level, configured
from harness.report.conditions import INSUFFICIENT, Row, UnderConditions, extremes, hurt_most, is_everybody, unshown
from harness.report.html.frames import frame_table
from harness.report.html.measured import Measured, records, text
from harness.report.html.parts import Finding, Findings, Heading, Listing, Part, Section, Words, drawing, table
from harness.report.pages import verdict
from harness.report.wording import gap_interval, percent, plain, points, rate_interval, times
from harness.results.run import CONDITIONS, LEVELS

MOST_GRIDS, MOST_FOUND, MOST_UNSHOWN = 6, 6, 3
_GRID_HEADERS = (
    *("condition", "dimension", "slice", "WER", "interval", "verdict", "gap", "interval", "ratio", "p adj."),
    *("speakers", "utterances", "failed", "words", "reason", "note"),
)
_AUDIO_HEADERS = ("condition", "what", "options", "sweep", "level", "WER", "clips failed", "of", "digest")


def conditions_section(under: UnderConditions) -> Section:
    """Return who is hurt most, in words, and the WER of every slice under every condition."""
    found = _found(under)
    notes = [note for note in (unshown(under), extremes(under), *_counts(under)) if note]
    parts: list[Part] = [
        Words(hurt_most(under), "lede"),
        *([Findings(found)] if found else []),
        Listing(notes),
        *_grids(under),
        frame_table(
            "conditions-table",
            _GRID_HEADERS,
            under.grid,
            _cells,
            caption="Every slice under every condition, and its gap against its comparator under the same.",
            file=CONDITIONS,
            first_by="gap",
        ),
    ]
    return Section("conditions", "Under these conditions", "Conditions", parts)


def audio_section(measured: Measured, under: UnderConditions) -> Section:
    """Return what was done to the audio under each condition, and how many clips failed."""
    config = configured(measured.run)
    rows = []
    levels = {str(row["condition"]): row for row in records(under.levels)}
    for done in applied(under.levels, config):
        level, top = levels[done.condition], under.everybody.get(done.condition)
        number = float(level["level"])
        rows.append(
            (
                done.condition,
                done.what,
                done.options or "–",
                text(level["sweep"]),
                (at_level(text(level["parameter"]), number) or "–", number),
                ("–", None) if top is None else (percent(top["wer"]), top["wer"]),
                ("–", None) if top is None else int(top["n_failed"]),
                ("–", None) if top is None else int(top["n_utterances"]),
                done.digest,
            )
        )
    caption = (
        "One row a condition. The digest is of all that its sound depends on: options, files, versions. The same clip "
        "got the same noise under every system, night and machine. Files are named without their folders."
    )
    parts: list[Part] = [
        Words("Every clip was heard as recorded and under each of these. WER is everybody's."),
        table("audio-table", _AUDIO_HEADERS, rows, caption=caption, file=LEVELS),
    ]
    return Section("audio", "What was done to the audio", "Audio", parts)


def of_clean(section: Section) -> Section:
    """Return the first of the sections that are about clean audio alone, which it says."""
    notice = Words("From here on: the recordings as they are, without any condition.", "note")
    return replace(section, title=f"On clean audio: {section.title.lower()}", parts=[notice, *section.parts])


def _found(under: UnderConditions) -> list[Finding]:
    """Return the extra harms that are shown, the most evident first, then the largest that are not, then advantages."""
    rows = records(under.judged)
    worse = [row for row in rows if row["verdict"] == "disparity"]
    unsure = [row for row in rows if row["verdict"] == "inconclusive" and row["extra_harm"] > 0]
    better = [row for row in rows if row["verdict"] == "advantage"]
    return [
        *(_finding(row) for row in worse[:MOST_FOUND]),
        *_more(len(worse) - MOST_FOUND, "disparity", "hurt more than the others: see extra harm below."),
        *(_finding(row) for row in unsure[: MOST_UNSHOWN if worse else MOST_UNSHOWN + 1]),
        *(_finding(row) for row in better[:MOST_UNSHOWN]),
    ]


def _more(number: int, name: str, what: str) -> list[Finding]:
    return [Finding(name, f"{number:,} more", what)] if number > 0 else []


def _finding(row: Row) -> Finding:
    interval = gap_interval(row["extra_harm_low"], row["extra_harm_high"])
    ratio = "" if row["harm_ratio"] != row["harm_ratio"] else f", ratio {times(row['harm_ratio'])}"
    return Finding(
        row["verdict"],
        f"{plain(row['condition'])}, {plain(row['slice'])}",
        f"({plain(row['dimension'])}): adds {points(row['harm'])} points to a clean WER of "
        f"{percent(row['clean_wer'])}, and {points(row['comparator_harm'])} to the others: "
        f"{points(row['extra_harm'])} more{'' if interval == '–' else f' ({interval})'}{ratio}.",
    )


def _counts(under: UnderConditions) -> list[str]:
    """Say how many gaps were judged, and how the correction differs from that of clean audio alone."""
    judged = under.grid[~under.grid["verdict"].isin(["", INSUFFICIENT])]
    found = judged[judged["verdict"] == "disparity"]
    if judged.empty:
        return []
    return [
        f"Gaps under conditions: {len(found):,} of {len(judged):,} tested are disparities. p-values are corrected over "
        "all conditions and slices together; those of clean audio by themselves."
    ]


def _grids(under: UnderConditions) -> list[Part]:
    """Return a heatmap for each dimension, those of single attributes first."""
    names = [str(name) for name in dict.fromkeys(under.grid["dimension"]) if name != OVERALL]
    dimensions = sorted(names, key=lambda name: AND in name)
    has_words = under.grid[is_everybody(under.grid)]["wer"].notna().any()
    parts: list[Part] = []
    for number, name in enumerate(dimensions[:MOST_GRIDS] if has_words else []):
        chart = charts.conditions_grid(under.grid, name)
        parts += [Heading(name, name), drawing(f"grid-{number}", charts.spec(chart), table="conditions-table")]
    if len(dimensions) > MOST_GRIDS:
        parts.append(Words(f"{len(dimensions) - MOST_GRIDS} more dimensions are in the table only.", "muted"))
    return parts


def _cells(row: Row) -> tuple[object, ...]:
    name = "everybody" if row["dimension"] == OVERALL else row["slice"]
    return (
        row["condition"],
        row["dimension"],
        name,
        (percent(row["wer"]), row["wer"]),
        rate_interval(row["wer_low"], row["wer_high"]),
        (verdict(row["verdict"]), row["verdict"]) if row["verdict"] else "–",
        (points(row["gap"]), row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        (times(row["ratio"]), row["ratio"]),
        ("–" if row["p_adjusted"] != row["p_adjusted"] else f"{row['p_adjusted']:.3f}", row["p_adjusted"]),
        *(int(row[count]) for count in ("n_speakers", "n_utterances", "n_failed", "reference_words")),
        text(row["reason"]),
        text(row["note"]),
    )
