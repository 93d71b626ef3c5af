"""A run whose rows of some people are gone in; its tables and pages, made anew from what remains, out.

They are made with the run's own configuration. Where its manifest is still what was scored, they are what `harness
rescore` would make of it without these people; where it is not, the scores that are there are all that is used, and
what needs the texts as they were written is left out and named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.corpus.attributes import Attribute, AttributeKind, Provenance
from harness.corpus.datasheet import absent_datasheet
from harness.errors import HarnessError, RunDirectoryError
from harness.fairness import Policy
from harness.fairness.conditions import HarmScale
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.evidence import EvidenceOptions
from harness.pipelines.job import AnyNormalizer, Beyond, Evaluation, SliceOptions
from harness.pipelines.last_mile import Told, evaluate_conditions
from harness.report.html import ReportOptions
from harness.results import Run
from harness.results.run import FACTS, HTML, LEVELS, NORMALIZERS, SCORES, TERMS
from harness.scoring.terms import TermList
from harness.transcription.store import CLEAN

_KEYS = ["utterance_id", "condition"]
_MADE_ANEW = (  # facts that an evaluation tells; of all others those of the run as it was made are kept
    *("fingerprint", "manifest", "sliced_by", "policy", "normalizer", "terms", "seed"),
    *("n_rows_in", "n_scored", "n_failed", "speed"),
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Holds what a run was made with, as its config.yaml says.

    Attributes:
        manifest: With the ids that were compared; None: it is not there any more, or cannot be read.
        missing: Why not; empty where it is there.
        recordings: Digest of its recordings; None: it has none, or they are not there.
        normalizer: Rules applied to references and hypotheses alike.
        policy: What was promised.
        slices: What to slice by.
        evidence: Which further tables are made.
        report: What report.html holds.
        seed: Of everything that is drawn.
        reference_pattern: What is not words in references; None: nothing.
        allow_missing: Whether utterances without a transcript counted as failed.
        terms: Words that matter; None: none, or their list is not there any more.
        wer: Of a last-mile test, as its job has it.
        scale: Likewise.
        beside: Likewise; None: none, or it is not there any more.
    """

    manifest: Manifest | None
    missing: str
    recordings: str | None
    normalizer: AnyNormalizer
    policy: Policy
    slices: SliceOptions
    evidence: EvidenceOptions
    report: ReportOptions
    seed: int
    reference_pattern: str | None
    allow_missing: bool
    terms: TermList | None
    wer: float
    scale: HarmScale
    beside: Run | None


Recall: TypeAlias = Callable[[Path], Recorded]  # reads what a run was made with; HarnessError: that cannot be told


@dataclass(frozen=True, slots=True)
class Notes:
    """Says what is told of the people who are gone.

    Attributes:
        told: Sentences for the face of the run.
        facts: For run.json: `forgotten`, and the counts of the manifest's people who withdrew.
        n_withdrawn: People who withdrew, and their utterances, in all.
        had: Files that the run had.
        redact: What its page left out, beside what its configuration says.
        hides: Says whether a text names one of them.
    """

    told: tuple[str, ...]
    facts: Mapping[str, object]
    n_withdrawn: tuple[int, int]
    had: frozenset[str]
    redact: tuple[str, ...] = ()
    hides: Callable[[str], bool] = field(default=lambda _: False)


def made_anew(
    run: Run, facts: Mapping[str, object], notes_before: Sequence[str], recorded: Recorded, notes: Notes
) -> None:
    """Write every table and page of a run from the scores and hypotheses that it has now.

    Args:
        run: Its scores.parquet and hypotheses have nobody in them who is forgotten.
        facts: Its run.json, as it was.
        notes_before: What its summary said on its face.
        recorded: What it was made with.
        notes: What is told of those who are gone.

    Raises:
        HarnessError: What remains cannot be judged by the run's own rules; the message says why.
    """
    kept = run.scores
    has_texts = bool(run.hypotheses.files)
    hypotheses = run.hypotheses.frame() if has_texts else _from_scores(kept)
    recorded = recorded if has_texts else _of_copy(recorded)
    job, scores, lost = _as_recorded(kept, hypotheses, facts, recorded, notes)
    told = [*_still_true(notes_before, job.manifest.notes, notes.hides), *job.manifest.notes, *notes.told, *lost]
    manifest = replace(job.manifest, notes=tuple(dict.fromkeys(told)))
    job = replace(job, manifest=manifest, facts=_facts(facts, manifest, hypotheses, notes))
    _write_fingerprint(run, facts, manifest, recorded)
    if facts.get("pipeline") == "last_mile":
        _evaluate_conditions(run, scores, hypotheses, job, recorded)
    else:
        evaluate(run, scores, hypotheses, job)


def _evaluate_conditions(
    run: Run, scores: pd.DataFrame, hypotheses: pd.DataFrame, job: Evaluation, recorded: Recorded
) -> None:
    """Write a last-mile test anew; a baseline's copy of one has no levels, and nobody reads its conditions."""
    levels = run.optional(LEVELS)
    if levels is not None:
        levels = levels.fillna(dict.fromkeys(("sweep", "parameter", "digest"), ""))
        told = Told(levels, recorded.wer, recorded.scale, recorded.beside)
        evaluate_conditions(run, scores, hypotheses, job, told=told)
        return
    clean, heard_clean = (each[each["condition"] == CLEAN].reset_index(drop=True) for each in (scores, hypotheses))
    beyond = Beyond(scores, hypotheses, {}, {}, kept=True, too_many_failed=False)
    evaluate(run, clean, heard_clean, job, beyond=beyond)


def _as_recorded(
    kept: pd.DataFrame, hypotheses: pd.DataFrame, facts: Mapping[str, object], recorded: Recorded, notes: Notes
) -> tuple[Evaluation, pd.DataFrame, list[str]]:
    """Return the evaluation, the scores it begins with, and what could not be made without the manifest."""
    why = recorded.missing
    if recorded.manifest is not None:
        manifest = _of_rows(recorded.manifest, kept)
        job = _evaluation(recorded, manifest, notes=notes)
        try:
            scores = scored(hypotheses, job)
        except HarnessError:  # its words may name people who withdrew and are in this run yet
            scores = kept.head(0)
        if _are_same(kept, scores):
            return job, scores, _lost_terms(recorded, notes)
        why = "its manifest, or the rules of its normaliser, are not what they were"
    manifest = _manifest_of(kept, facts)
    job = _evaluation(replace(recorded, terms=None), manifest, notes=notes)
    job = replace(job, evidence=replace(recorded.evidence, sensitivity=False))
    gone = [name for name in (NORMALIZERS, TERMS) if name in notes.had]
    lost = [f"{' and '.join(gone)} could not be made anew and are gone: {why}"] if gone else []
    return job, _as_scored(kept), lost


def _of_copy(recorded: Recorded) -> Recorded:
    """Return what a baseline is made with: it has no texts as they were heard, and no evidence beside its verdicts."""
    evidence = replace(
        recorded.evidence, sensitivity=False, adjusted=False, metrics=False, match_on=[], match_exactly=[]
    )
    return replace(recorded, manifest=None, terms=None, evidence=evidence)


def _lost_terms(recorded: Recorded, notes: Notes) -> list[str]:
    if recorded.terms is None and TERMS in notes.had:
        return ["the tables of terms could not be made anew and are gone: their list is not where it was"]
    return []


def _evaluation(recorded: Recorded, manifest: Manifest, *, notes: Notes) -> Evaluation:
    redact = list(dict.fromkeys([*recorded.report.redact, *notes.redact]))
    return Evaluation(
        manifest=manifest,
        normalizer=recorded.normalizer,
        policy=recorded.policy,
        slices=recorded.slices,
        evidence=recorded.evidence,
        report=replace(recorded.report, html=HTML in notes.had, redact=redact),
        seed=recorded.seed,
        allow_missing=recorded.allow_missing,
        reference_pattern=recorded.reference_pattern,
        terms=recorded.terms,
    )


def _of_rows(manifest: Manifest, scores: pd.DataFrame) -> Manifest:
    """Return the manifest with the utterances that are in the scores; an audit or a change may have left others out."""
    kept = manifest.frame["utterance_id"].isin(scores["utterance_id"])
    return replace(manifest, frame=manifest.frame[kept].reset_index(drop=True))


def _are_same(kept: pd.DataFrame, scores: pd.DataFrame) -> bool:
    """Say whether scores that are made anew say what those of the run say."""
    if len(kept) != len(scores) or list(kept.columns) != list(scores.columns):
        return False
    first, second = (frame.set_index(pd.MultiIndex.from_frame(frame[_KEYS])).sort_index() for frame in (kept, scores))
    return all(_plain(first[name]) == _plain(second[name]) for name in kept.columns)


def _plain(column: pd.Series) -> list[object]:
    """Return the cells as values that compare: several values as a tuple, what is missing as None."""
    if column.dtype.kind in "iub":
        return list(column)
    return [_cell(cell) for cell in column]


def _cell(cell: object) -> object:
    if isinstance(cell, list | tuple | np.ndarray):
        return tuple(cell)
    return None if cell is None or cell != cell else cell


def _as_scored(kept: pd.DataFrame) -> pd.DataFrame:
    """Return scores as they were before they were written: texts as objects, several values as tuples."""
    texts = {name: pd.Series(_plain(kept[name]), dtype=object) for name in kept if kept[name].dtype.kind not in "iubf"}
    return kept.reset_index(drop=True).assign(**{str(name): column for name, column in texts.items()})


def _from_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Return hypotheses as far as scores tell them, for a copy that has no others."""
    failed = scores["failed"].to_numpy(bool)
    texts = [None if is_failed else text for text, is_failed in zip(scores["hypothesis"], failed, strict=True)]
    return scores[[*_KEYS, "audio_s", "processing_s"]].assign(text=pd.Series(texts, dtype=object), error=None)


def _manifest_of(scores: pd.DataFrame, facts: Mapping[str, object]) -> Manifest:
    """Return the manifest that scores are of: its texts are the normalised ones.

    Raises:
        RunDirectoryError: The facts do not tell its attributes.
    """
    try:
        about = cast("Mapping[str, object]", facts["manifest"])
        declared = cast("Mapping[str, Mapping[str, object]]", about["attributes"])
        attributes = tuple(_attribute(name, told) for name, told in declared.items())
        name, digest = str(about["name"]), str(about["digest"])
        rows = _as_scored(scores.drop_duplicates("utterance_id"))
        frame = rows[["utterance_id", "speaker_id", *declared]]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunDirectoryError(f"its {FACTS} is damaged ({error!r:.100})") from error
    nothing = pd.Series([None] * len(rows), dtype=object)
    frame = frame.assign(audio_filepath=nothing, text=rows["reference"], language=nothing, offset=0.0, duration=np.nan)
    return Manifest(name, Path(SCORES), replace(absent_datasheet(name), attributes=attributes), frame, digest, ())


def _attribute(name: str, told: Mapping[str, object]) -> Attribute:
    order = tuple(cast("Sequence[str]", told.get("order") or ()))
    return Attribute(
        name=name, kind=AttributeKind(told["kind"]), provenance=Provenance(told["provenance"]), order=order
    )


def _still_true(before: Sequence[str], now: Sequence[str], hides: Callable[[str], bool]) -> list[str]:
    """Return the notes of before that the manifest does not say anew, with other numbers, and that name nobody."""
    said = {_without_numbers(note) for note in now}
    return [
        note
        for note in before
        if _without_numbers(note) not in said and " withdrew consent: " not in note and not hides(note)
    ]


def _without_numbers(note: str) -> str:
    return "".join(letter for letter in note if not letter.isdigit() and letter != ",")


def _facts(
    facts: Mapping[str, object], manifest: Manifest, hypotheses: pd.DataFrame, notes: Notes
) -> dict[str, object]:
    """Return what run.json says that no evaluation tells: how the run was made stays, whose it was does not."""
    kept = {key: value for key, value in facts.items() if key not in _MADE_ANEW}
    if "n_cached" in kept and "cached" in hypotheses:
        kept["n_cached"] = int(hypotheses["cached"].eq(True).sum())
    if isinstance(before := kept.get("n_transcribed_before"), int):
        kept["n_transcribed_before"] = min(before, len(hypotheses))
    about = facts.get("manifest")
    n_speakers, n_utterances = notes.n_withdrawn
    told = dict(about) if isinstance(about, Mapping) else {}
    told |= {"digest": manifest.digest, "withdrawn": {"n_speakers": n_speakers, "n_utterances": n_utterances}}
    return kept | {"manifest": told} | dict(notes.facts)


def _write_fingerprint(run: Run, facts: Mapping[str, object], manifest: Manifest, recorded: Recorded) -> None:
    """Say of which manifest the run is now, so that the command that made it goes on with it."""
    fingerprint = dict(cast("Mapping[str, object]", facts["fingerprint"]))
    if "manifest_digest" in fingerprint:
        fingerprint["manifest_digest"] = f'"{manifest.digest}"'
    if "recordings_digest" in fingerprint and recorded.recordings is not None:
        fingerprint["recordings_digest"] = f'"{recorded.recordings}"'
    run.write_json(FACTS, dict(facts) | {"fingerprint": fingerprint})
