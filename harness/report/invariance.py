"""An audit's run directory in, `report.md` and the table on screen out: do texts depend on what must not matter?"""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import IO, Any

import pandas as pd
from rich.table import Table

from harness.fairness.membership import OVERALL
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import made_lines, say
from harness.report.shown import without_few
from harness.report.sources import Sources
from harness.report.tables import escape, table
from harness.report.wording import gap_interval, mapping, percent, plain, points, rate_interval
from harness.results import Run
from harness.results.few import floor_of
from harness.results.run import CHANGED, INVARIANCE, REPORT

MAX_SHOWN = 10  # changed texts in the report, none on the screen, which logs keep; changed.jsonl has all
MAX_ROWS = 12  # slices on screen
_LONGEST = 200  # characters of a text that are shown
_WORDS = {
    "batch": "batch size",
    "order": "order",
    "workers": "number of workers",
    "repeat": "hearing it again",
    "variant": "options of the backend",
}
_HEADER = (
    "setting",
    "against",
    "changed",
    "share",
    "interval",
    "normalised",
    "WER",
    "difference",
    "interval",
    "failed",
)
_SLICES = (
    "dimension", "slice", "people", "changed", "share", "interval", "WER", "difference", "interval", "added gap",
    "interval", "p adj.", "verdict",
)  # fmt: skip
_STYLES = {"disparity": "bold red", "advantage": "green", "within_margin": "green", "insufficient": "dim"}


def write_invariance_report(run: Run) -> None:
    """Write `report.md` from the files of the run."""
    run.write_text(REPORT, render_invariance(run))


def render_invariance(run: Run) -> str:
    """Return the report as Markdown; every text from data is escaped."""
    summary = run.summary
    sections = [
        f"# Invariance audit of {escape(mapping(run.facts['backend'])['name'])}",
        f"**{escape(answer_sentence(summary))}**",
        "\n".join(f"- {escape(sentence)}" for sentence in remarks(summary)),
        "## Settings\n\n" + escape(_how_to_read(summary)),
        table(_HEADER, [_cells(row) for row in summary["settings"]]),
        "## Slices\n\n" + escape(_how_slices_are_read(summary)),
        *_slice_sections(run),
        *_changed_section(run),
        "## How this was made\n\n" + _provenance(run),
    ]
    sources = Sources.of_manifest(run.facts["manifest"])
    return "\n\n".join(sources.under(section) for section in sections if section) + "\n"


def show_invariance(run: Run, out: IO[str]) -> None:
    """Print the answer, the settings, the slices hit hardest and where the changed texts are."""
    console = console_on(out)
    summary = run.summary
    say(console, answer_sentence(summary), style="green" if summary["passed"] else "bold red")
    console.print(_settings_table(summary, width=console.width))
    hardest = _hardest(_slices_of(run))
    if not hardest.empty:
        console.print(_hardest_table(hardest, width=console.width))
        say(console, Sources.of_manifest(run.facts["manifest"]).sentence)
    n_changed = len(_changed(run))
    if n_changed:
        say(console, f"Utterances with a text that changed: {n_changed}, each with what was said in {CHANGED}")
    for remark in remarks(summary):
        say(console, remark)
    say(console, f"Run directory: {run.path} (begin with report.md)")


def answer_sentence(summary: Mapping[str, Any]) -> str:
    """Say whether texts depend on batch, order, workers or the backend's options, with the largest share of each."""
    rows = [mapping(row) for row in summary["settings"]]
    n_failed = max(summary["most_failed"], 0)
    if min([summary["reference"]["n_failed"], *(row["n_failed"] for row in rows)]) == summary["n_utterances"]:
        return f"Whether texts depend on the setting cannot be told: all {summary['n_utterances']} clips failed."
    groups: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        worst = groups.get(row["changes"])
        if worst is None or row["n_changed"] > worst["n_changed"]:
            groups[row["changes"]] = row
    changing = [f"{_in_words(name)} ({_share(row)})" for name, row in groups.items() if row["n_changed"]]
    still = [_in_words(name) for name, row in groups.items() if not row["n_changed"]]
    failed = f"; up to {n_failed} of the clips failed" if n_failed else ""
    if not changing:
        high = max((row["share_changed_high"] for row in rows if row["share_changed_high"] is not None), default=None)
        most = "" if high is None else f" ({_confidence(summary)} interval: up to {percent(high)})"
        return f"None of {summary['n_utterances']} texts changed with {_joined(still)}{most}{failed}."
    unchanged = f"; no text changed with {_joined(still)}" if still else ""
    return f"Texts depend on {_joined(changing)}{unchanged}{failed}."


def remarks(summary: Mapping[str, Any]) -> list[str]:
    """Return what a reader must know: what it means for whom, whether the audit was passed, and notes."""
    told = []
    rows = {row["changes"]: row for row in map(mapping, summary["settings"])}
    if rows.get("repeat", {}).get("n_changed"):
        told.append(
            "The same setting gives other texts when it is heard again: some of what changed with others is chance."
        )
    named = [f"{row['dimension']} {row['slice']} ({row['setting']})" for row in map(mapping, summary["disparities"])]
    if named:
        told.append(f"A disparity that the harness makes: {', '.join(map(plain, named))}.")
    told.append(_passed(summary))
    told += [f"Note: {plain(note)}" for note in summary["notes"]]
    return told


def _passed(summary: Mapping[str, Any]) -> str:
    n_utterances, most = summary["n_utterances"], summary["most_failed"]
    found = [f"texts that changed under {', '.join(map(plain, summary['failing']))}"] if summary["failing"] else []
    if summary["max_failed_exceeded"]:
        found.append(f"{most} of {n_utterances} clips that failed, more than allowed")
    if found:
        return f"Audit: FAILED by {' and '.join(found)}."
    if not summary["fail_on"]:
        return "Audit: fails on nothing."
    return (
        f"Audit: passed; it fails on texts that change with {_joined([_WORDS[name] for name in summary['fail_on']])}."
    )


def _how_to_read(summary: Mapping[str, Any]) -> str:
    reference = mapping(summary["reference"])
    return (
        f"The reference is batch={reference['batch_size']}, order={reference['order']}, workers="
        f"{reference['workers']}, {reference['variant']}. {summary['n_utterances']} utterances of "
        f"{summary['n_speakers']} speakers. Changed are texts that are not the same character by character; "
        "normalised, those that still differ where words are counted. WER differences are in points, above 0 the "
        f"setting is worse; {_confidence(summary)} intervals are over speakers, paired by utterance."
    )


def _how_slices_are_read(summary: Mapping[str, Any]) -> str:
    return (
        "The added gap is the WER difference of a slice less that of everybody else who declared a value: a disparity "
        f"that the setting alone makes. Its p-values are corrected over {summary['n_tested']} tests; equal is what "
        f"lies within {100 * summary['margin']:g} points."
    )


def _slice_sections(run: Run) -> list[str]:
    """Return a table of slices for every setting that changed a text, and a sentence on the others."""
    rows = _slices_of(run)
    sections = []
    for row in map(mapping, run.summary["settings"]):
        part = rows[rows["setting"] == row["setting"]]
        if row["n_changed"] and not part.empty:
            title = f"### {escape(row['setting'])}, against {escape(row['against'])}"
            sections.append(f"{title}\n\n" + table(_SLICES, [_slice_cells(each) for each in _records(part)]))
    still = [row["setting"] for row in map(mapping, run.summary["settings"]) if not row["n_changed"]]
    if still:
        sections.append(f"No text changed in any slice under {escape(', '.join(still))}; invariance.csv has the rows.")
    return sections


def _changed_section(run: Run) -> list[str]:
    lines = _changed(run)
    if not lines:
        return []
    shown = lines[:MAX_SHOWN]
    header = ("utterance", "setting", "reference", "text before", "text under the setting", "word errors")
    cells = [
        (
            line["utterance_id"],
            line["setting"],
            *(_short(line[name]) for name in ("reference", "text_against", "text")),
            f"{line['errors_against']} → {line['errors']}",
        )
        for line in shown
    ]
    title = f"## Changed texts\n\n{len(shown)} of {len(lines)}, those whose word errors change most; all: changed.jsonl"
    return [f"{title}\n\n" + table(header, cells)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        plain(row["setting"]),
        plain(row["against"]),
        f"{row['n_changed']} of {row['n_utterances']}",
        percent(row["share_changed"]),
        rate_interval(row["share_changed_low"], row["share_changed_high"]),
        str(row["n_changed_normalised"]),
        percent(row["wer"]),
        points(row["wer_difference"]),
        gap_interval(row["wer_difference_low"], row["wer_difference_high"]),
        str(row["n_failed"]),
    )


def _slice_cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    return (
        plain(row["dimension"]),
        plain(row["slice"]),
        str(row["n_speakers"]),
        f"{row['n_changed']} of {row['n_utterances']}",
        percent(row["share_changed"]),
        rate_interval(row["share_changed_low"], row["share_changed_high"]),
        percent(row["wer"]),
        points(row["wer_difference"]),
        gap_interval(row["wer_difference_low"], row["wer_difference_high"]),
        points(row["added_gap"]),
        gap_interval(row["added_gap_low"], row["added_gap_high"]),
        "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}",
        "–" if pd.isna(row["verdict"]) else str(row["verdict"]).replace("_", " "),
    )


def _settings_table(summary: Mapping[str, Any], *, width: int) -> Table:
    reference = mapping(summary["reference"])
    title = (
        f"The reference is batch={reference['batch_size']}, order={reference['order']}, "
        f"workers={reference['workers']}, {plain(reference['variant'])}; differences in points, > 0: worse"
    )
    missed = (None, None, None, None, 3, 1, None, None, 4, 2)  # least first: normalised, failed, both intervals
    columns = [
        Column(name, is_name=name in _HEADER[:2], missed=order) for name, order in zip(_HEADER, missed, strict=True)
    ]
    settings = [mapping(row) for row in summary["settings"]]
    styles = ["bold red" if row["fails"] else "" if row["n_changed"] else "green" for row in settings]
    return grid(title, columns, [_cells(row) for row in settings], width=width, styles=styles)


def _hardest_table(rows: pd.DataFrame, *, width: int) -> Table:
    columns = [
        *(Column(name, is_name=True) for name in ("setting", "dimension", "slice")),
        Column("people", missed=2),
        Column("changed", missed=1),
        *map(Column, ("share", "difference", "added gap")),
        Column("verdict", is_word=True),
    ]
    shown = []
    for row in _records(rows):
        cells = _slice_cells(row)
        shown.append((plain(row["setting"]), *cells[:5], cells[7], cells[9], cells[12]))
    styles = [_STYLES.get(str(row["verdict"]), "") for row in _records(rows)]
    title = "Slices with the largest share of changed texts"
    return grid(title, columns, shown, width=width, styles=styles)


def _hardest(slices: pd.DataFrame) -> pd.DataFrame:
    """Return disparities, then the slices with changed texts, the largest shares first."""
    worth = slices[(slices["n_changed"] > 0) & slices["verdict"].notna()]
    is_disparity = worth["verdict"] == "disparity"
    rank = worth.assign(rank=is_disparity.astype(int) * 2 + worth["share_changed"])
    return worth.loc[rank.sort_values("rank", ascending=False, kind="stable").index[:MAX_ROWS]]


def _slices_of(run: Run) -> pd.DataFrame:
    """Return the rows of slices, without those of everybody."""
    rows = run.optional(INVARIANCE)
    return pd.DataFrame() if rows is None else without_few(rows[rows["dimension"] != OVERALL], floor_of(run.facts))


def _changed(run: Run) -> list[dict[str, Any]]:
    """Return the changed texts of all settings, each utterance once, those whose word errors change most first."""
    text = (run.path / CHANGED).read_text(encoding="utf-8") if (run.path / CHANGED).is_file() else ""
    lines = sorted(map(json.loads, text.splitlines()), key=lambda line: -abs(line["errors"] - line["errors_against"]))
    return list({line["utterance_id"]: line for line in reversed(lines)}.values())[::-1]


def _short(text: object) -> str:
    if text is None:
        return "(failed)"
    shown = plain(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _share(row: Mapping[str, Any]) -> str:
    return f"{row['n_changed']} of {row['n_utterances']} texts, {percent(row['share_changed'])}, under {row['setting']}"


def _in_words(changes: str) -> str:
    return " with ".join(_WORDS[name] for name in changes.split(", "))


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def _confidence(summary: Mapping[str, Any]) -> str:
    return f"{100 * summary['confidence']:g} %"


def _provenance(run: Run) -> str:
    facts = run.facts
    lines = [
        (
            "backend",
            ", ".join(f"{key} {value}" for key, value in mapping(facts["backend"]).items() if value is not None),
        ),
        ("manifest", f"{mapping(facts['manifest'])['name']}, digest {mapping(facts['manifest'])['digest'][:16]}"),
        ("device", facts["device"]),
        ("normaliser", facts["normalizer"]),
        *made_lines(facts),
    ]
    return "\n".join(f"- {name}: {escape(value)}" for name, value in lines)


def _records(part: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return part.to_dict("records")
