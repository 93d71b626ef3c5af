"""A finished run directory from a table of accents, for the tests of what people read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness.corpus import Manifest
from harness.fairness import Policy
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.job import Evaluation, SliceOptions
from harness.results import Run, open_run_directory
from harness.scoring import Verbatim
from tests.builders import DECLARED, Row, tone_corpus, tone_rows
from tests.scoring.builders import hypotheses_of

DEAF = "RuntimeError: deaf"  # why a failed utterance failed


def finished_run(
    folder: Path,
    accents: Sequence[str] = ("north", "south"),
    *,
    deaf_to: Sequence[str] = (),
    failed: Sequence[str] = (),
    few: Sequence[str] = (),
    attributes: object = DECLARED,
    policy: Policy | None = None,
    slices: SliceOptions | None = None,
    by_speaker: Mapping[str, Mapping[str, str]] | None = None,
    **row_fields: object,
) -> Run:
    """Return a run in which each word of some accents was missed and some utterances failed.

    Args:
        folder: Where the corpus and the run are made.
        accents: With five speakers each, enough for a verdict.
        deaf_to: Accents of which nothing is heard.
        failed: Ids of the utterances that failed.
        few: Accents with two speakers, too few for a verdict.
        attributes: Of the datasheet.
        policy: What is promised; None: the default.
        slices: What to slice by; None: the default.
        by_speaker: More attributes, by speaker id.
        row_fields: What every row of the manifest has beside, or instead.
    """
    rows: list[Row] = [
        row | row_fields | {name: told[str(row["speaker_id"])] for name, told in (by_speaker or {}).items()}
        for row in tone_rows(accents)
        if row["accent"] not in few or str(row["speaker_id"])[-1] in ("0", "1")
    ]
    manifest = Manifest.load(tone_corpus(folder / "corpus", rows, attributes=attributes), name="tones")
    texts = {
        row["utterance_id"]: None if row["utterance_id"] in failed else "" if row["accent"] in deaf_to else row["text"]
        for row in rows
    }
    with open_run_directory(
        str(folder / "run"), pipeline="rescore", name="tones", config_yaml="{}\n", fingerprint={}
    ) as run:
        job = Evaluation(
            manifest=manifest,
            normalizer=Verbatim(),
            policy=policy or promising(),
            slices=slices or SliceOptions(),
            seed=0,
            facts={"backend": {"name": "tones", "version": 1}},
        )
        errors = [DEAF if text is None else None for text in texts.values()]
        hypotheses = hypotheses_of(texts, error=pd.Series(errors, dtype=object))
        evaluate(run, scored(hypotheses, job), hypotheses, job)
        return run


def promising(**options: object) -> Policy:
    """Return a policy that is tested fast."""
    return Policy(n_resamples=200, n_permutations=200, **options)  # type: ignore[arg-type]
