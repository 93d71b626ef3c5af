"""Scores of pairs of texts, lists of terms, and a search for terms that shares nothing with the one it checks."""

from collections.abc import Iterable, Mapping, Sequence

import jiwer
import pandas as pd

from harness.scoring import LowercaseNoPunctuation, word_counts
from harness.scoring.terms import COUNTS, Term, TermCounts, TermList, count_terms

PLAIN = LowercaseNoPunctuation()


def list_of(*terms: str | Term) -> TermList:
    """Return a list of terms, given as such or as their one form."""
    return TermList(tuple(Term(each) if isinstance(each, str) else each for each in terms))


def pairs_of(*pairs: tuple[str, str], **columns: Sequence[object]) -> pd.DataFrame:
    """Return the scores of normalised references and hypotheses, each of a speaker of their own."""
    said, heard = [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    counts = word_counts(said, heard)
    return pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(len(pairs))],
            "speaker_id": [f"s{i:03d}" for i in range(len(pairs))],
            "condition": "clean",
            "reference": said,
            "hypothesis": heard,
            "hits": counts.hits,
            "substitutions": counts.substitutions,
            "deletions": counts.deletions,
            "insertions": counts.insertions,
            "failed": False,
        }
        | columns
    )


def counted(scores: pd.DataFrame, terms: TermList, **options: object) -> TermCounts:
    """Count in English texts that only case and punctuation were taken from."""
    return count_terms(scores, terms, PLAIN, **({"undeclared_language": "en"} | options))  # type: ignore[arg-type]


def totals(found: TermCounts) -> dict[str, int]:
    """Return the sums of all counts."""
    return {name: int(found.scores[name].sum()) for name in COUNTS}


def naive_recall(pairs: Iterable[tuple[str, str]], terms: Sequence[str]) -> tuple[int, int]:
    """Count terms said and heard by looking at every place for every term, longest first, along jiwer's alignment."""
    said = heard = 0
    for reference, hypothesis in pairs:
        places = _heard_at(reference, hypothesis)
        words, position = reference.split(), 0
        while position < len(words):
            here = [t.split() for t in terms if words[position : position + len(t.split())] == t.split()]
            length = max(map(len, here), default=0)
            if length:
                at = [places.get(i) for i in range(position, position + length)]
                said += 1
                heard += None not in at and at == list(range(at[0], at[0] + length))
            position += length or 1
    return said, heard


def _heard_at(reference: str, hypothesis: str) -> Mapping[int, int]:
    """Return where each right word of the reference stands in the hypothesis."""
    (chunks,) = jiwer.process_words([reference], [hypothesis]).alignments if reference else ([],)
    return {
        chunk.ref_start_idx + i: chunk.hyp_start_idx + i
        for chunk in chunks
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
    }
