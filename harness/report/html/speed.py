"""A run in, how fast it was out: real-time factor and latency per slice, and where the time went."""

from collections.abc import Mapping
from typing import Any

from harness.report import charts
from harness.report.html.measured import Measured, Row, records
from harness.report.html.parts import Facts, Part, Section, Words, drawing, table
from harness.report.speed import speed_sentence, stages
from harness.report.wording import figure, mapping, percent
from harness.results.run import SPEED

_HEADERS = ("dimension", "slice", "RTFx", "latency p50 s", "latency p95 s", "clips recognised", "audio s")
_MIB = 1024**2


def speed_section(measured: Measured) -> Section | None:
    """Return the run's speed; None where nobody looked at a clock."""
    speed, slices = mapping(measured.facts.get("speed")), measured.run.optional(SPEED)
    if not speed or slices is None:
        return None
    parts: list[Part] = [Words(_sentence(measured))]
    shown = slices[(slices["n_recognised"] > 0) & ~slices["dimension"].isin(measured.intersections)]
    shown = shown.reset_index(drop=True)
    if speed["n_recognised"] and not shown.empty:
        parts.append(Facts(_facts(speed)))
        if shown["rtfx"].notna().any():
            parts.append(drawing("speed", charts.spec(charts.speed(shown)), table="speed-table"))
        if shown["latency_p50_s"].notna().any():
            parts.append(drawing("latency", charts.spec(charts.latency(shown)), table="speed-table"))
        caption = (
            "RTFx: seconds of audio a second of recognition, higher is faster. Differences of speed are not tested."
        )
        rows = [_cells(row) for row in records(shown)]
        parts.append(table("speed-table", _HEADERS, rows, caption=caption, file=SPEED, folded=True))
        parts += _stages(speed)
    return Section("speed", "Speed", "Speed", parts)


def _sentence(measured: Measured) -> str:
    """Return the sentence of report.md; its first word is this section's heading."""
    told = speed_sentence(measured.run).removeprefix("Speed: ")
    return told[:1].upper() + told[1:]


def _facts(speed: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Return what the figures are of."""
    audio, processing = _seconds(speed["audio_s"]), _seconds(speed["processing_s"])
    pairs: list[tuple[str, object]] = [
        ("model only", f"{audio} of audio in {processing} of recognition, failed clips' time included"),
    ]
    if not speed["n_sessions"]:
        return pairs
    pairs += [
        (
            "end to end",
            f"{_seconds(speed['wall_s'])} by the clock, {_seconds(speed['warm_up_s'])} of warm-up not counted",
        ),
        ("recognisers at once", f"{speed['n_workers']}, on {', '.join(speed['devices']) or 'no device'}"),
        ("clips a batch", ", ".join(map(str, speed.get("batch_sizes", []))) or "not known"),
        ("peak memory", f"{speed['peak_memory_bytes'] / _MIB:,.0f} MiB"),
    ]
    if speed["peak_device_memory_bytes"]:
        pairs.append(("peak memory of the GPU", f"{speed['peak_device_memory_bytes'] / _MIB:,.0f} MiB"))
    return pairs


def _stages(speed: Mapping[str, Any]) -> list[Part]:
    """Return where the recognisers' time went."""
    rows = [(name, (f"{seconds:.2f}", seconds), (percent(share), share)) for name, seconds, share in stages(speed)]
    if not rows:
        return []
    caption = f"Where the {_seconds(speed['worker_s'])} of the recognisers went, warm-up excluded."
    return [table("stages-table", ("stage", "seconds", "share"), rows, caption=caption, file="run.json")]


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        *((figure(row[name]), row[name]) for name in ("rtfx", "latency_p50_s", "latency_p95_s")),
        int(row["n_recognised"]),
        (f"{row['audio_s']:,.1f}", row["audio_s"]),
    )


def _seconds(value: float) -> str:
    return f"{value / 3600:,.1f} h" if value >= 3600 else f"{value / 60:,.1f} min" if value >= 120 else f"{value:.1f} s"
