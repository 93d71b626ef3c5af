"""A finished run directory from a table of accents, for the tests of what people read."""

from collections.abc import Sequence
from pathlib import Path

from harness.corpus import Manifest
from harness.fairness import Policy
from harness.pipelines.evaluation import Evaluation, SliceOptions, evaluate
from harness.results import Run, open_run_directory
from harness.scoring import Verbatim
from tests.builders import DECLARED, Row, tone_corpus, tone_rows
from tests.scoring.builders import hypotheses_of


def finished_run(
    folder: Path,
    accents: Sequence[str] = ("north", "south"),
    *,
    deaf_to: Sequence[str] = (),
    failed: Sequence[str] = (),
    attributes: object = DECLARED,
    **row_fields: object,
) -> Run:
    """Return a run in which each word of some accents was missed and some utterances failed."""
    rows: list[Row] = [row | row_fields for row in tone_rows(accents)]
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
            policy=Policy(n_resamples=200, n_permutations=200),
            slices=SliceOptions(),
            seed=0,
            facts={"backend": {"name": "tones", "version": 1}},
        )
        evaluate(run, hypotheses_of(texts), job)
        return run
