"""A run directory in, `report.md` out: verdicts, slices and provenance for someone who was not there."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from harness.report.conditions_markdown import conditions_sections
from harness.report.evidence import evidence_sections
from harness.report.shown import ShownRun, withheld
from harness.report.sources import Sources
from harness.report.speed import speed_section
from harness.report.tables import escape, table
from harness.report.wording import (
    gap_interval,
    mapping,
    overall,
    percent,
    points,
    policy_sentence,
    promise_sentence,
    rate_interval,
    remarks,
    times,
)
from harness.results import Run
from harness.results.run import REPORT

FOUND, TESTED, TOO_FEW = ("disparity", "advantage"), ("inconclusive", "within_margin"), ("insufficient",)


def write_report(run: Run) -> None:
    """Write `report.md` from the files of the run."""
    run.write_text(REPORT, render(run))


def render(run: Run) -> str:
    """Return the report as Markdown; every text from data is escaped, and what is of single people is not there."""
    run, facts = ShownRun(run.path), run.facts
    manifest = mapping(facts["manifest"])
    backend = mapping(facts.get("backend")).get("name") or mapping(facts.get("hypotheses")).get("file", "")
    slices, disparities = run.slices, run.disparities
    sources = Sources.of_manifest(manifest)
    sections = [
        f"# {escape(manifest['name'])} through {escape(backend)}",
        f"**{escape(policy_sentence(run))}**",
        "\n".join(f"- {escape(remark)}" for remark in (*withheld(run), *remarks(run))),
        *conditions_sections(run),
        overall(run),
        "## Verdicts\n\nA gap is the slice's WER minus its comparator's, in points. " + escape(promise_sentence(run)),
        _verdicts(disparities),
        f"## Slices\n\n{100 * run.summary['confidence']:g} % intervals, speaker-clustered.\n\n" + _slices(slices),
        *evidence_sections(run),
        speed_section(run),
        "## How this was made\n\n" + _provenance(run),
    ]
    return "\n\n".join(sources.under(section) for section in sections if section) + "\n"


def _verdicts(disparities: pd.DataFrame) -> str:
    """Return the slices that were tested, what was found first, and then those that had too few people."""
    if disparities.empty:
        return "No slice could be compared: no attribute has two declared values."
    header = ("dimension", "slice", "WER", "against", "gap", "interval", "ratio", "verdict", "reason")
    tables = []
    for title, verdicts in (("### Found", FOUND), ("### Tested", TESTED), ("### Too few to say", TOO_FEW)):
        part = disparities[disparities["verdict"].isin(verdicts)]
        ordered = part.sort_values("gap", ascending=False, kind="stable", na_position="last")
        if not part.empty:
            tables.append(f"{title}\n\n" + table(header, [_verdict_cells(row) for row in ordered.to_dict("records")]))
    return "\n\n".join(tables)


def _verdict_cells(row: Mapping[Hashable, Any]) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        percent(row["wer"]),
        f"{row['comparator']} {percent(row['comparator_wer'])}",
        points(row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        times(row["ratio"]),
        row["verdict"].replace("_", " "),
        row["reason"],
    )


def _slices(slices: pd.DataFrame) -> str:
    header = (
        *("dimension", "slice", "WER", "interval", "CER", "speakers", "utterances", "failed", "words"),
        *("hallucinated", "RTFx", "note"),
    )
    return table(header, [_slice_cells(row) for row in slices.to_dict("records")])


def _slice_cells(row: Mapping[Hashable, Any]) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        percent(row["wer"]),
        rate_interval(row["wer_low"], row["wer_high"]),
        percent(row["cer"]),
        row["n_speakers"],
        row["n_utterances"],
        row["n_failed"],
        row["reference_words"],
        percent(row["hallucination_rate"]),
        "–" if pd.isna(row["rtfx"]) else f"{row['rtfx']:.1f}",
        "" if pd.isna(row["note"]) else row["note"],
    )


def _provenance(run: Run) -> str:
    facts = run.facts
    manifest = mapping(facts["manifest"])
    sources = Sources.of_manifest(manifest)
    attributes = ", ".join(
        f"{name} ({mapping(about).get('kind')}, {sources.word(name)})"
        for name, about in mapping(manifest["attributes"]).items()
    )
    lines = [
        ("manifest", f"{manifest['name']}, digest {str(manifest['digest'])[:16]}"),
        ("what it is", manifest.get("description") or "no description"),
        *([("known of it", " ".join(caveats))] if (caveats := manifest.get("caveats")) else []),
        ("attributes", attributes or "none"),
        ("normaliser", facts["normalizer"]),
        (
            "backend",
            ", ".join(f"{key} {value}" for key, value in mapping(facts.get("backend")).items() if value is not None)
            or "transcripts made elsewhere",
        ),
        ("made", f"{facts['finished']} on {facts['platform']}, Python {facts['python']}, device {facts['device']}"),
        (
            "harness",
            f"{mapping(facts['versions'])['asr-fairness-harness']}, commit {facts['commit'] or 'unknown'}, "
            f"seed {facts['seed']}",
        ),
    ]
    return "\n".join(f"- {name}: {escape(value)}" for name, value in lines)
