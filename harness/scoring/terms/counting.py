"""Scores, a list of terms and the run's normaliser go in; what became of every term, number and negation comes out.

Words are aligned as the word error rate aligns them, and only where something that matters was said or heard.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from harness.scoring.alignment import EQUAL, WordRun, word_runs
from harness.scoring.beside import in_shares
from harness.scoring.normalization import ByLanguage, Normalizer
from harness.scoring.terms.critical_words import critical_words
from harness.scoring.terms.lexicon import lexicons, primary_language
from harness.scoring.terms.pairs import COUNTS, Outcome, Rules, Tagged, counts_of, judged, outcomes, tagged
from harness.scoring.terms.term_list import TermList

log = logging.getLogger(__name__)

SPAN_COLUMNS = (
    "utterance_id", "speaker_id", "condition", "failed", "what", "position", "term", "said", "heard", "outcome",
)  # fmt: skip
_WORD_COUNTS = ("hits", "substitutions", "deletions", "insertions")
_NEEDED = ("utterance_id", "speaker_id", "condition", "reference", "hypothesis", *_WORD_COUNTS)
_PAIRS_AT_ONCE = 500  # alignments alive together: more slow Python's cycle collector


@dataclass(frozen=True, slots=True)
class TermCounts:
    """Holds what became of what matters.

    Attributes:
        scores: One row an utterance and condition, in the order of the scores: utterance_id, condition and int64
            COUNTS.
        spans: One row for everything that was said and everything that was heard and not said, with SPAN_COLUMNS:
            `what` is term, number or negation; `position` is the term's in the list, -1 for numbers and negations;
            `term` its canonical form; `said` and `heard` the words, empty where there are none; `outcome` hit, missed
            or spurious.
    """

    scores: pd.DataFrame
    spans: pd.DataFrame


def count_terms(
    scores: pd.DataFrame,
    terms: TermList,
    normalizer: Normalizer | ByLanguage,
    *,
    languages: Mapping[str, str | None] | None = None,
    undeclared_language: str | None = None,
) -> TermCounts:
    """Count terms, numbers and negations in every utterance under every condition.

    Args:
        scores: As `score` makes them, under `normalizer`.
        terms: What must be heard right; an empty list leaves numbers and negations.
        normalizer: The rules that the scores were made with.
        languages: The language of each utterance by its id, as the manifest declares it; None: none is declared.
        undeclared_language: That of utterances without one; None leaves them the terms of every language and numerals
            in digits, except under English rules, which read every utterance as English.

    Returns:
        Counts and spans. The counts of an utterance (COUNTS):

        - `term_spans`, `term_hits`: terms in the reference, and those heard: all words in a row, or a variant as a
          whole. `term_hypothesis_spans`, `term_spurious`: terms in the hypothesis, and those that were not said there.
        - `keyword_words`: reference words inside spans; `keyword_hits`, `keyword_substitutions`, `keyword_deletions`
          add up to them, words of a hit are all hits. `keyword_insertions`: inserted words that are a word of the
          list (the biased WER of Le et al. 2021); of a term of several words each counts, its `of` among them.
        - `weighted_hits`, `weighted_substitutions`, `weighted_deletions`, `weighted_insertions`: all words, those
          of a term counted as often as its weight says; the word counts themselves where every weight is 1.
        - `number_spans`, `number_hits`, `number_hypothesis_spans`, `number_spurious`: numbers with their units;
          `dose_spans`, `dose_hits`: those that have one. A number must be whole and have its unit.
        - `negations`, `negations_lost`, `negations_added`: words that say no.

    Raises:
        UsageError: The scores lack a column.
        DataError: Terms cannot be used under the normaliser; all are named.
    """
    started_s = time.perf_counter()
    if missing := [name for name in _NEEDED if name not in scores]:
        raise UsageError(f"the scores lack {', '.join(missing)}; give the frame that `score` makes")
    spoken = _languages(scores, normalizer, languages, undeclared_language)
    rules = _rules(terms, normalizer, set(spoken))
    columns = (range(len(scores)), scores["reference"].tolist(), scores["hypothesis"].tolist(), spoken)
    words = scores[list(_WORD_COUNTS)].to_numpy(np.int64)  # (n_rows, 4)
    shares = in_shares(partial(_count_share, rules), *columns, words)
    found = TermCounts(
        pd.concat(
            [scores[["utterance_id", "condition"]].reset_index(drop=True), _counts_frame(shares)], axis="columns"
        ),
        _spans_frame(scores, terms, [each for share in shares for each in share.outcomes]),
    )
    totals = found.scores[["term_spans", "number_spans", "negations"]].sum().tolist()
    elapsed_s = time.perf_counter() - started_s
    log.info("found %d terms, %d numbers, %d negations in %d rows in %.1f s", *totals, len(scores), elapsed_s)
    return found


def term_scores(
    scores: pd.DataFrame,
    terms: TermList,
    normalizer: Normalizer | ByLanguage,
    *,
    languages: Mapping[str, str | None] | None = None,
    undeclared_language: str | None = None,
) -> pd.DataFrame:
    """Return the counts of `count_terms` alone."""
    return count_terms(scores, terms, normalizer, languages=languages, undeclared_language=undeclared_language).scores


class _Texts(NamedTuple):
    """Is a pair of texts, and the row of a share that it stands in."""

    place: int
    rules: Rules
    said: Tagged
    heard: Tagged


@dataclass(frozen=True, slots=True)
class _Share:
    """Is what was counted in consecutive rows."""

    counts: npt.NDArray[np.int64]  # (n_rows, n_counts)
    outcomes: list[tuple[int, Outcome]]  # with the row


def _languages(
    scores: pd.DataFrame,
    normalizer: Normalizer | ByLanguage,
    languages: Mapping[str, str | None] | None,
    undeclared: str | None,
) -> list[str | None]:
    """Return the primary language of every row."""
    if undeclared is None and normalizer.id.startswith("whisper_english"):
        undeclared = "en"
    otherwise = primary_language(undeclared)
    primary = {utterance_id: primary_language(tag) or otherwise for utterance_id, tag in (languages or {}).items()}
    return [primary.get(utterance_id, otherwise) for utterance_id in scores["utterance_id"]]


def _rules(
    terms: TermList, normalizer: Normalizer | ByLanguage, languages: Collection[str | None]
) -> dict[str | None, Rules]:
    found = lexicons(terms, normalizer, languages)
    return {language: Rules(found[language], critical_words(language)) for language in languages}


def _count_share(
    rules: Mapping[str | None, Rules],
    rows: Sequence[int],
    references: Sequence[str],
    hypotheses: Sequence[str],
    languages: Sequence[str | None],
    words: npt.NDArray[np.int64],
) -> _Share:
    counts = np.zeros((len(rows), len(COUNTS)), dtype=np.int64)
    counts[:, [COUNTS.index(f"weighted_{name}") for name in _WORD_COUNTS]] = words
    found: list[tuple[int, Outcome]] = []
    places: list[int] = []
    counted: list[tuple[int, ...]] = []
    for texts in _in_batches(_worth_aligning(rules, references, hypotheses, languages, words[:, -1])):
        for (place, here, said, heard), runs in zip(texts, _alignments(texts), strict=True):
            pair = judged(here, said, heard, runs)
            places.append(place)
            counted.append(counts_of(pair))
            found.extend((rows[place], each) for each in outcomes(pair))
    if places:
        counts[places] += np.array(counted, dtype=np.int64)
    return _Share(counts, found)


def _worth_aligning(
    rules: Mapping[str | None, Rules],
    references: Sequence[str],
    hypotheses: Sequence[str],
    languages: Sequence[str | None],
    insertions: npt.NDArray[np.int64],
) -> Iterator[_Texts]:
    """Yield the pairs of texts in which something that matters was said or heard, if only a word of a term."""
    texts = zip(references, hypotheses, languages, insertions.tolist(), strict=True)
    for place, (reference, hypothesis, language, n_inserted) in enumerate(texts):
        here = rules[language]
        said = tagged(here, reference)
        heard = said if reference == hypothesis else tagged(here, hypothesis)
        if said.matters or heard.matters or (n_inserted and not here.lexicon.words.isdisjoint(heard.words)):
            yield _Texts(place, here, said, heard)


def _in_batches(texts: Iterator[_Texts]) -> Iterator[list[_Texts]]:
    while batch := list(islice(texts, _PAIRS_AT_ONCE)):
        yield batch


def _alignments(texts: Sequence[_Texts]) -> Iterator[Sequence[WordRun]]:
    """Yield the alignment of each pair; equal texts need none."""
    differing = [each for each in texts if each.said is not each.heard]
    runs = iter(word_runs([each.said.text for each in differing], [each.heard.text for each in differing]))
    for each in texts:
        yield [(EQUAL, len(each.said.words))] if each.said is each.heard else next(runs)


def _counts_frame(shares: Sequence[_Share]) -> pd.DataFrame:
    return pd.DataFrame(np.concatenate([share.counts for share in shares]), columns=list(COUNTS))


def _spans_frame(scores: pd.DataFrame, terms: TermList, found: Sequence[tuple[int, Outcome]]) -> pd.DataFrame:
    rows = np.array([row for row, _ in found], dtype=np.intp)
    whose = scores.iloc[rows].reset_index(drop=True)
    position = np.array([outcome.position for _, outcome in found], dtype=np.int64)
    names = np.array([*(term.term for term in terms.terms), ""], dtype=object)  # the last one is found at -1
    texts = {
        name: pd.Series([getattr(outcome, name) for _, outcome in found], dtype=object)
        for name in ("what", "said", "heard", "outcome")
    }
    failed = whose["failed"].to_numpy(bool) if "failed" in whose else np.zeros(len(rows), dtype=bool)
    return whose[["utterance_id", "speaker_id", "condition"]].assign(
        failed=failed, position=position, term=names[position], **texts
    )[list(SPAN_COLUMNS)]
