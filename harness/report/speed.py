"""The speed that a run has written down in, one line for the screen and the section `Speed` of `report.md` out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.fairness.membership import OVERALL
from harness.report.tables import escape, table
from harness.report.wording import figure, mapping, percent
from harness.results import Run
from harness.results.run import SPEED
from harness.results.speed import BACKEND

N_SLOWEST = 3  # named; speed.csv has all
_MIB = 1024**2


def speed_sentence(run: Run) -> str:
    """Say how fast the run was; nothing where nobody looked at a clock."""
    speed = mapping(run.facts.get("speed"))
    if not speed:
        return ""
    if not speed["n_recognised"]:
        return f"Speed: nothing was recognised; {_instead(speed)}."
    parts = [_rtfx(speed), _latency(speed), _not_in_it(speed), _others(speed), _cost(speed)]
    return f"Speed: {', '.join(part for part in parts if part)}."


def speed_section(run: Run) -> str:
    """Return what the figures are of, where the time went, and the slowest slices; nothing without any figure."""
    speed, slices = mapping(run.facts.get("speed")), run.optional(SPEED)
    if not speed or slices is None:
        return ""
    parts = ["## Speed", escape(speed_sentence(run))]
    if speed["n_recognised"]:
        parts += ["\n".join(f"- {escape(line)}" for line in _lines(speed)), _stages(speed), _slowest(run, slices)]
    return "\n\n".join(part for part in parts if part)


def stages(speed: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return the stages of the recognisers' time: what each is called, its seconds, its share; none where not known."""
    shares = mapping(speed.get("stage_shares"))
    names = {BACKEND: "backend, in none of its stages"}
    return [
        (names.get(name, name.replace("_", " ")), seconds, shares[name])
        for name, seconds in mapping(speed["stages_s"] if shares else None).items()
    ]


def _rtfx(speed: Mapping[str, Any]) -> str:
    several = speed.get("n_workers", 1) > 1  # they hear at once: the clock is faster than any of them
    model = f"RTFx {figure(speed['model_rtfx'])} model-only{' of one recogniser' if several else ''}"
    if not speed["n_sessions"]:
        return f"{model}, by the times beside the transcripts; end to end not known"
    if speed["end_to_end_rtfx"] is None:
        return f"{model}, end to end not known: {_unaccounted(speed)}"
    all_of_them = f" with {speed['n_workers']}" if several else ""
    told = f" ({_unaccounted(speed)})" if speed["n_accounted"] < speed["n_given"] else ""
    return f"{model}, {figure(speed['end_to_end_rtfx'])} end to end{all_of_them}{told}"


def _unaccounted(speed: Mapping[str, Any]) -> str:
    return (
        f"a session that was killed left no account of its time; the others heard {speed['n_accounted']} of "
        f"{speed['n_given']} clips"
    )


def _latency(speed: Mapping[str, Any]) -> str:
    if speed["latency_p50_s"] is None:
        return ""
    return f"latency p50 {figure(speed['latency_p50_s'])} s p95 {figure(speed['latency_p95_s'])} s"


def _not_in_it(speed: Mapping[str, Any]) -> str:
    """Say what the figures leave out, and how long recognisers stood idle."""
    if not speed["n_sessions"]:
        return ""
    idle = "" if speed["idle_share"] is None else f", recognisers idle {100 * speed['idle_share']:.0f} %"
    return f"warm-up {figure(speed['warm_up_s'])} s excluded{idle}"


def _others(speed: Mapping[str, Any]) -> str:
    """Say of how many utterances the speed is not."""
    counts = {"from the cache": speed["n_cached"], "failed": speed["n_failed"], "without times": speed["n_untimed"]}
    others = " and ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"{others} of {speed['n_utterances']}" if others else ""


def _instead(speed: Mapping[str, Any]) -> str:
    """Say what there is where nothing was recognised."""
    counts = (
        (speed["n_cached"], "transcript is from the cache", "transcripts are from the cache"),
        (speed["n_failed"], "clip failed", "clips failed"),
        (speed["n_untimed"], "transcript has no times", "transcripts have no times"),
    )
    return " and ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n) or "there are no utterances"


def _cost(speed: Mapping[str, Any]) -> str:
    return "" if speed["cost_usd"] is None else f"cost {speed['cost_usd']:.4g} USD"


def _lines(speed: Mapping[str, Any]) -> list[str]:
    """Say what the figures are of."""
    lines = [
        f"Model-only: {figure(speed['audio_s'])} s of audio of {speed['n_recognised']} clips recognised here, in "
        f"{figure(speed['processing_s'])} s of recognition, failed clips' time included and their audio not."
    ]
    if speed["n_sessions"]:
        n_sessions = speed["n_sessions"]
        cached = f", and looking up {speed['n_cached']} transcripts in the cache" if speed["n_cached"] else ""
        lines.append(
            f"End to end: the same by the clock ({figure(speed['wall_s'])} s, less {figure(speed['warm_up_s'])} s of "
            f"warm-up, which is in no figure), with decoding, waiting and writing{cached}; "
            f"{n_sessions} session{'s' if n_sessions > 1 else ''}, executor {', '.join(speed['executors'])}, "
            f"recognisers at once: {speed['n_workers']}, on {', '.join(speed['devices']) or 'no device'}."
        )
    if speed["latency_p50_s"] is not None:
        sizes = ", ".join(map(str, speed.get("batch_sizes", [])))
        fits = f", of which {speed['fits']} fitted the device's memory" if speed.get("fits") else ""
        lines.append(
            "Latency: from handing over a clip's batch to its text, or as the service says; a clip waits for its batch"
            + (f" (at most {sizes} clips{fits})." if sizes else ".")
        )
    if speed["n_sessions"]:
        lines.append(_memory(speed))
    return lines


def _memory(speed: Mapping[str, Any]) -> str:
    on_device = speed["peak_device_memory_bytes"]
    device = f", {on_device / _MIB:,.0f} MiB on the GPU" if on_device else ""
    return (
        f"Peak memory: {speed['peak_memory_bytes'] / _MIB:,.0f} MiB of the command, "
        f"{speed['peak_worker_memory_bytes'] / _MIB:,.0f} MiB of its largest recogniser's process{device}."
    )


def _stages(speed: Mapping[str, Any]) -> str:
    """Return where the recognisers' time went."""
    rows = [(name, f"{seconds:.2f}", percent(share)) for name, seconds, share in stages(speed)]
    if not rows:
        return ""
    beside = [("decoding audio, on threads beside", f"{speed['decode_s']:.2f}", "–")]
    retried = f" Attempts that had to be made again took {speed['retried_s']:.2f} s of it." if _retried(speed) else ""
    return (
        f"Where the {figure(speed['worker_s'])} s of the recognisers went, warm-up excluded; *waiting* is for audio, "
        f"*other* the cache, writing and the end of the run.{retried}\n\n"
        + table(("stage", "seconds", "share"), [*rows, *beside])
    )


def _retried(speed: Mapping[str, Any]) -> bool:
    """Say whether failed batches took time that is worth a word: a hundredth of what all took."""
    return bool(speed["retried_s"] > 0.01 * speed["busy_s"])


def _slowest(run: Run, slices: pd.DataFrame) -> str:
    """Return the slowest slices among those with as many clips as the policy wants for a verdict."""
    floor = int(mapping(run.facts["policy"])["min_utterances"])
    enough = slices[(slices["n_recognised"] >= floor) & (slices["dimension"] != OVERALL)]
    slowest = enough[enough["rtfx"].notna()].sort_values("rtfx", kind="stable").head(N_SLOWEST)
    if slowest.empty:
        return ""
    rows = [
        (
            row["dimension"],
            row["slice"],
            figure(row["rtfx"]),
            row["n_recognised"],
            figure(row["audio_s"]),
            *(figure(row[name]) for name in ("latency_p50_s", "latency_p95_s")),
        )
        for row in slowest.to_dict("records")
    ]
    return (
        f"The slowest slices with at least {floor} clips recognised; differences of speed are not tested, and clips "
        f"differ in length and batch. Every slice: {SPEED}.\n\n"
        + table(("dimension", "slice", "RTFx", "clips", "audio s", "latency p50 s", "latency p95 s"), rows)
    )
