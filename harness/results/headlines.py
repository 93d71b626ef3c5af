"""A folder with a run.json in; the headline of its run out, or why it is left out of the history."""

import csv
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from harness.provenance import digest_of_file
from harness.results.collected import refused
from harness.results.night_cells import names_of_night
from harness.results.run import FACTS, HTML, REPORT, SCORES, SUMMARY

TRACK = ("manifest", "condition", "system")  # whose runs stand on one trend
REPORTS = (HTML, REPORT)  # the better one first
_LARGEST = 64_000_000  # bytes of a file of facts or a table; more is no file of ours
_YEARS = range(1970, 2200)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")
_MEASURES = ("benchmark", "rescore")  # pipelines; others may measure, too
_MODEL = ("model", "checkpoint")  # which of them a backend's identity has


class Reason(Enum):
    """Names why a folder is left out."""

    unfinished = "unfinished"
    damaged = "damaged"
    older = "of an older version"
    foreign = "not of this harness"
    other = "without a measurement of its own"
    refused = "with an attribute of people that was guessed"
    copy = "a copy"
    unreadable = "unreadable"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Is a folder that is not in the history."""

    path: Path
    kind: Reason
    reason: str


class LeftOutError(Exception):
    """Says why a folder is left out; the history catches it."""

    def __init__(self, kind: Reason, reason: str) -> None:
        self.kind = kind
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Violation:
    """Is a slice that broke the policy of a run, and how."""

    dimension: str
    slice: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Is what run.json and summary.json say of a finished run.

    Attributes:
        path: Its folder.
        report: What to open, in that folder.
        facts_digest: Of the bytes of run.json, which no two runs share.
        finished: When.
        pipeline: Which made it; empty: none of the commands.
        manifest: Its name.
        sources: Its attributes, each with who says so, as its datasheet writes it; empty where that is not stated.
        is_synthetic: Whether voices of the manifest are no people's.
        manifest_digest: Of what was said by whom.
        system: What a night's matrix calls it; else backend and model, or the file of transcripts made elsewhere.
        normalizer: Its id.
        failures_count_as: Words deleted, or left out.
        reference_pattern: What is no word in references; empty: nothing.
        policy: Its name.
        min_speakers: Its floor, below which an intersection is of persons.
        held: Of the policy: held, violated, untested (nothing could be), judges_nothing.
        violations: Slices that broke it.
        too_many_failed: Whether more clips failed than allowed.
        n_utterances: Scored.
        n_speakers: With an id.
        n_failed: Of the utterances.
        wer: Over everybody, a fraction as all that follows; NaN where there is none.
        wer_low: Lower end of its interval.
        wer_high: Upper end.
        worst_dimension: Of the slice with the highest WER of those with enough people; empty: there is none.
        worst_slice: That slice.
        worst_wer: Its WER.
        worst_low: Lower end of its interval.
        worst_high: Upper end.
        gap_dimension: Of the largest gap of those; empty: there is none.
        gap_slice: Whose gap it is.
        gap: In WER.
        gap_low: Lower end of its interval.
        gap_high: Upper end.
        gap_verdict: Its verdict.
        rtfx: Audio seconds a processing second; NaN where nobody looked.
    """

    path: Path
    report: str
    facts_digest: str
    finished: datetime
    pipeline: str
    manifest: str
    sources: tuple[tuple[str, str], ...]
    is_synthetic: bool
    manifest_digest: str
    system: str
    normalizer: str
    failures_count_as: str
    reference_pattern: str
    policy: str
    min_speakers: int
    held: str
    violations: tuple[Violation, ...]
    too_many_failed: bool
    n_utterances: int
    n_speakers: int
    n_failed: int
    wer: float
    wer_low: float
    wer_high: float
    worst_dimension: str
    worst_slice: str
    worst_wer: float
    worst_low: float
    worst_high: float
    gap_dimension: str
    gap_slice: str
    gap: float
    gap_low: float
    gap_high: float
    gap_verdict: str
    rtfx: float


def headline(path: Path) -> Headline:
    """Read the headline of a run.

    Raises:
        LeftOutError: It has not ended, is damaged, or is none of this harness.
    """
    try:
        str(path).encode()
        facts = read_json(path / FACTS)
        _check_kind(path, facts)
        return _headline(path, facts, read_json(path / SUMMARY))
    except UnicodeEncodeError as error:
        raise LeftOutError(Reason.unreadable, "its path is no text; rename the folder") from error
    except OSError as error:
        raise LeftOutError(Reason.unreadable, f"cannot be read ({error.strerror})") from error
    except KeyError as error:
        raise LeftOutError(Reason.older, f"{FACTS} or {SUMMARY} does not say {error.args[0]!r}") from error
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise LeftOutError(Reason.damaged, f"{FACTS} or {SUMMARY}: {error}") from error


def columns_of(path: Path, needed: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a CSV table.

    Raises:
        LeftOutError: There is no such table, it is torn, or it has not the columns that are needed.
    """
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise LeftOutError(Reason.damaged, f"{path.name}: no file of at most {_LARGEST // 1_000_000} MB")
        content = path.read_bytes()
        first, _, _ = content.partition(b"\n")
        columns = tuple(next(csv.reader([first.decode("utf-8-sig").rstrip("\r")]), ()))
    except OSError as error:
        raise LeftOutError(Reason.unreadable, f"{path.name}: cannot be read ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise LeftOutError(Reason.damaged, f"{path.name}: {error}") from error
    missing = [name for name in needed if name not in columns]
    if not content.endswith(b"\n") or content.count(b'"') % 2:  # DuckDB drops such a row without a word
        raise LeftOutError(Reason.damaged, f"{path.name}: its last row has no end")
    if missing or len(set(columns)) < len(columns):
        told = f"has no column {', '.join(missing)}" if missing else "has a column twice"
        raise LeftOutError(Reason.older if columns and missing else Reason.damaged, f"{path.name} {told}")
    return columns


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    Raises:
        ValueError: It is no JSON, or too large.
        TypeError: It is no object.
    """
    if path.is_file() and path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name} has more than {_LARGEST // 1_000_000} MB")
    try:
        content = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    if not isinstance(content, dict):
        raise TypeError(f"{path.name} is no JSON object")
    return content


def moment(written: object) -> datetime:
    """Return when a run ended; a zone that nobody knows is taken for UTC.

    >>> moment("2026-11-22 14:27:20 +02").isoformat()
    '2026-11-22T12:27:20+00:00'
    """
    text = _text(written)
    clock, zone = datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S"), text[19:].strip()
    if clock.year not in _YEARS:
        raise ValueError(f"finished is {text!r}")
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        east = timedelta(hours=hours % 24, minutes=minutes % 60) * (1 if offset[1] == "+" else -1)
        return clock.replace(tzinfo=timezone(east)).astimezone(UTC)
    is_local = zone in time.tzname and zone != "UTC"
    return clock.astimezone(UTC) if is_local else clock.replace(tzinfo=UTC)


def _check_kind(path: Path, facts: Mapping[str, Any]) -> None:
    """Refuse a folder of something else, or of a run that has not ended."""
    if not isinstance(facts.get("fingerprint"), dict):
        raise LeftOutError(Reason.foreign, f"its {FACTS} has no fingerprint")
    if problems := refused(facts):
        raise LeftOutError(Reason.refused, problems[0])
    if facts.get("pipeline", _MEASURES[0]) not in _MEASURES and not (path / SCORES).is_file():
        raise LeftOutError(Reason.other, f"a run of harness {facts['pipeline']}")
    if "finished" not in facts or not (path / REPORT).is_file() or not (path / SUMMARY).is_file():
        raise LeftOutError(Reason.unfinished, "has not ended; the command that made it finishes it")
    if not (path / SCORES).is_file():
        raise LeftOutError(Reason.damaged, f"{SCORES} missing")


def _headline(path: Path, facts: Mapping[str, Any], summary: Mapping[str, Any]) -> Headline:
    manifest, worst, gap = facts["manifest"], summary["worst_slice"] or {}, summary["max_gap"] or {}
    return Headline(
        path=path,
        report=next((name for name in REPORTS if (path / name).is_file()), ""),
        facts_digest=digest_of_file(path / FACTS),
        finished=moment(facts["finished"]),
        pipeline=_text(facts.get("pipeline", "")),
        manifest=_text(manifest["name"]),
        sources=tuple((str(name), _text(about["provenance"])) for name, about in manifest["attributes"].items()),
        is_synthetic=any(about["provenance"] == "synthetic" for about in manifest["attributes"].values()),
        manifest_digest=_text(manifest["digest"]),
        system=names_of_night(path)["system"] or _system(facts),
        normalizer=_text(facts["normalizer"]),
        failures_count_as=_text(summary["failures_count_as"]),
        reference_pattern=_reference_pattern(facts["fingerprint"]),
        policy=_text(summary["policy"]),
        min_speakers=int(_number(facts["policy"]["min_speakers"])),
        held=_held(facts["policy"], summary),
        violations=tuple(
            Violation(*(_text(each[name]) for name in Violation.__dataclass_fields__)) for each in summary["violations"]
        ),
        too_many_failed=bool(summary["max_failed_exceeded"]),
        n_utterances=int(_number(summary["n_utterances"])),
        n_speakers=int(_number(summary["n_speakers"])),
        n_failed=int(_number(summary["n_failed"])),
        wer=_number(summary["wer"]),
        wer_low=_number(summary["wer_low"]),
        wer_high=_number(summary["wer_high"]),
        worst_dimension=_text(worst.get("dimension", "")),
        worst_slice=_text(worst.get("slice", "")),
        worst_wer=_number(worst.get("wer")),
        worst_low=_number(worst.get("wer_low")),
        worst_high=_number(worst.get("wer_high")),
        gap_dimension=_text(gap.get("dimension", "")),
        gap_slice=_text(gap.get("slice", "")),
        gap=_number(gap.get("gap")),
        gap_low=_number(gap.get("gap_low")),
        gap_high=_number(gap.get("gap_high")),
        gap_verdict=_text(gap.get("verdict", "")),
        rtfx=_number((facts.get("speed") or {}).get("model_rtfx")),
    )


def _system(facts: Mapping[str, Any]) -> str:
    """Name what heard: the backend, with its model where it names one; a file where nobody knows."""
    backend = facts.get("backend")
    if backend is None:
        return _text(facts["hypotheses"]["file"])
    name = _text(backend["name"])
    model = next((_text(backend[key]) for key in _MODEL if backend.get(key)), "")
    return f"{name} {model}" if model and model != name else name


def _held(policy: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """Say whether the policy held; a policy that fails nothing was not kept either."""
    if not isinstance(summary["passed"], bool):
        raise TypeError(f"passed is {summary['passed']!r}")
    if not summary["passed"]:
        return "violated"
    if not summary["n_tested"]:
        return "untested"
    of_dimensions = (policy.get("dimensions") or {}).values()
    return "held" if policy["fail_on"] or any(each.get("fail_on") for each in of_dimensions) else "judges_nothing"


def _reference_pattern(fingerprint: Mapping[str, Any]) -> str:
    written = _text(fingerprint.get("config.reference_pattern", "null"))
    return "" if written == "null" else written


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.80}")
    return value


def _number(value: object) -> float:
    """Return a number as a float; NaN for JSON's null."""
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, found {value!r:.80}")
    return float(value)
