"""Scores and a list of terms in, the tables of what became of the words that matter out."""

import numpy as np
import pandas as pd

from harness.fairness.terms import term_examples, term_table, term_values, worst_terms
from harness.pipelines.job import Evaluation
from harness.results.run import TERM_COUNTS, TERM_EXAMPLES, TERM_LIST, TERM_SPANS, TERM_VALUES, TERMS
from harness.scoring.terms import count_terms
from harness.transcription.progress import stage


def term_tables(scores: pd.DataFrame, job: Evaluation) -> dict[str, pd.DataFrame]:
    """Return the tables by file name; none where no list of terms was given.

    Raises:
        DataError: A term cannot be used under the normaliser; all are named.
    """
    if job.terms is None:
        return {}
    by, policy, orders, frame = job.by, job.policy, job.orders, job.manifest.frame
    with stage("looking for terms", n_rows=len(scores)):
        languages = dict(zip(frame["utterance_id"], frame["language"], strict=True))
        counted = count_terms(scores, job.terms, job.normalizer, languages=languages)
        spans = counted.spans
        rates = term_table(scores, counted.scores, by, policy, np.random.default_rng(job.seed), orders=orders)
    return {
        TERMS: rates,
        TERM_COUNTS: counted.scores,
        TERM_SPANS: spans,
        TERM_LIST: worst_terms(scores, spans, job.terms, by, policy, orders=orders),
        TERM_EXAMPLES: term_examples(scores, spans),
        TERM_VALUES: term_values(scores, spans, by, policy, orders=orders),
    }
