"""A run in, who was measured and who was not out: per dimension, in speakers, utterances and hours."""

import math

import numpy as np
import numpy.typing as npt

from harness.corpus import DECLINED, UNDECLARED
from harness.fairness.membership import membership
from harness.report.charts.labels import is_declared
from harness.report.html.measured import INSUFFICIENT, Measured, Row, records, several
from harness.report.html.parts import Part, Section, Words, table
from harness.report.wording import mapping
from harness.results.few import Key
from harness.results.run import SLICES

_TOLD = ("attribute", "what it is", "slices", "too few", "speakers", "utterances", "hours")
_SILENT = ("undeclared", "declined", "failed")


def people_section(measured: Measured) -> Section:
    """Return how many told each attribute, and how many did not."""
    parts: list[Part] = [Words(_everybody(measured))]
    rows = [_row(measured, name) for name in measured.dimensions]
    if rows:
        caption = (
            "Of those who declared a value: speakers, utterances, hours. Of the others: speakers, and utterances in "
            "brackets; undeclared is not recorded, declined is asked and not answered. Failed: clips of all of them. "
            "Too few: slices below the policy's floors, of those that have a comparator."
        )
        parts.append(table("people-table", (*_TOLD, *_SILENT), rows, caption=caption, file=SLICES))
    else:
        parts.append(
            Words("No attribute is declared, or none was sliced by: nothing can be said of any group.", "none")
        )
    return Section("people", "Who was measured, and who was not", "Who", parts)


def _everybody(measured: Measured) -> str:
    everybody = measured.everybody
    hours = _hours(measured.scores["audio_s"].to_numpy(np.float64))
    heard = f", {hours[0]} hours" if not math.isnan(hours[1]) else ""
    n_speakers = int(everybody["n_speakers"])
    who = several(n_speakers, "speaker", "speakers") if n_speakers else "no speaker has an id, so no interval is made"
    told = f"{several(int(everybody['n_utterances']), 'utterance', 'utterances')}{heard}; {who}."
    n_failed = int(everybody["n_failed"])
    return told + (f" {several(n_failed, 'clip', 'clips')} failed." if n_failed else "")


def _row(measured: Measured, dimension: str) -> tuple[object, ...]:
    about = mapping(measured.attributes.get(dimension))
    slices = records(measured.of([dimension]))
    part = membership(measured.scores, dimension)
    told = np.unique(part.rows[part.declared[part.codes]])
    speakers = np.unique(measured.speaker_codes[told])
    judged = measured.disparities[measured.disparities["dimension"] == dimension]["verdict"]
    n_withheld = sum(dimension == of and is_declared(name) for of, name in measured.run.few)
    n_beside = len({name for of, name in measured.run.beside.gaps if of == dimension})
    n_judged, n_few = len(judged) + n_withheld + n_beside, int((judged == INSUFFICIENT).sum()) + n_withheld
    return (
        dimension,
        ", ".join(filter(None, (str(about.get("kind", "")), measured.sources.word(dimension)))) or "–",
        int(part.declared.sum()),
        (f"{n_few:,} of {n_judged:,}", n_few) if n_judged else ("–", None),
        int((speakers >= 0).sum()),
        len(told),
        _hours(measured.scores["audio_s"].to_numpy(np.float64)[told]),
        *(_silent(measured, slices, (dimension, name)) for name in (UNDECLARED, DECLINED)),
        int(measured.everybody["n_failed"]),
    )


def _silent(measured: Measured, slices: list[Row], key: Key) -> tuple[str, float]:
    """Return those who gave no value, as speakers and utterances."""
    if key in measured.run.few:
        return f"< {measured.run.floor:,}", 0.5
    if key in measured.run.beside.slices:
        return "not printed", 0.5
    found = [row for row in slices if row["slice"] == key[1]]
    if not found:
        return "0", 0
    n_speakers, n_utterances = int(found[0]["n_speakers"]), int(found[0]["n_utterances"])
    return f"{n_speakers:,} ({n_utterances:,})", n_speakers


def _hours(seconds: npt.NDArray[np.float64]) -> tuple[str, float]:
    """Return the hours of clips whose length is known; – and NaN where that of none is."""
    known = seconds[~np.isnan(seconds)]
    if not known.size:
        return "–", math.nan
    hours = float(known.sum()) / 3600
    missing = "" if known.size == seconds.size else f" of {known.size:,} clips"
    return f"{hours:,.2f}{missing}" if hours < 10 else f"{hours:,.1f}{missing}", hours
