"""A run whose terms were counted in, what became of the words that matter, in sentences and rows, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.conditions import Row, rows_of
from harness.report.wording import gap_interval, percent, plain, points, rate_interval
from harness.results import Run
from harness.results.run import TERM_EXAMPLES, TERM_LIST, TERMS
from harness.scoring.alignment import DELETED, EQUAL, INSERTED, word_runs
from harness.transcription.store import CLEAN

CALLED: Mapping[str, str] = {  # measures of terms.csv, in a reader's order
    "missed_term_rate": "terms missed",
    "number_error_rate": "numbers wrong",
    "dose_error_rate": "numbers with a unit wrong",
    "negation_error_rate": "negations lost or added",
    "spurious_term_rate": "terms heard, not said",
    "keyword_wer": "WER of words of terms",
    "weighted_wer": "WER, words weighted",
}
FIRST = ("missed_term_rate", "number_error_rate", "negation_error_rate")  # told of every slice
MOST_WORDS = 60  # of an example
_TEXTS = (
    "measure", "condition", "comparator", "verdict", "reason", "note", "term", "kind", "heard_instead", "said", "heard",
    "worst_dimension", "worst_slice", "what", "utterance_id", "reference", "hypothesis",
)  # fmt: skip


@dataclass(frozen=True)
class WordsThatMatter:
    """Holds what a run says of its terms.

    Attributes:
        rates: terms.csv.
        terms: term_list.csv; empty where it may not be shown.
        examples: term_examples.csv; empty where they may not be shown.
    """

    rates: pd.DataFrame
    terms: pd.DataFrame
    examples: pd.DataFrame

    def rate(self, measure: str, condition: str, key: tuple[str, str]) -> Row | None:
        """Return the row of a measure, a condition and a dimension's slice; None where there is none."""
        return self._by_key.get((measure, condition, *key))

    @cached_property
    def _by_key(self) -> dict[tuple[str, str, str, str], Row]:
        names = [self.rates[name].map(str) for name in ("measure", "condition", "dimension", "slice")]
        return dict(zip(zip(*names, strict=True), rows_of(self.rates), strict=True))

    @property
    def conditions(self) -> list[str]:
        """Name the conditions, clean first."""
        return sorted((str(name) for name in self.rates["condition"].unique()), key=lambda name: name != CLEAN)

    @property
    def found(self) -> list[Row]:
        """Return the rates that are shown to be worse for a slice, the largest gap first."""
        rows = self.rates[self.rates["verdict"] == "disparity"].sort_values("gap", ascending=False, kind="stable")
        return rows_of(rows)


def words_that_matter(run: Run) -> WordsThatMatter | None:
    """Return what a run says of its terms; None where none were counted."""
    rates = run.optional(TERMS)
    if rates is None or rates.empty:
        return None
    return WordsThatMatter(_typed(rates), *(_typed(run.optional(name)) for name in (TERM_LIST, TERM_EXAMPLES)))


def opening(found: WordsThatMatter) -> str:
    """Say of everybody, clean and under the worst condition, how much of what matters was lost."""
    told = [_of_everybody(found, measure) for measure in FIRST]
    said = "; ".join(each for each in told if each)
    return f"{said[0].upper()}{said[1:]}." if said else "Nothing that matters was said."


def finding_text(row: Row) -> str:
    """Say what is shown of a slice, after its name."""
    what = CALLED.get(row["measure"], str(row["measure"]).replace("_", " "))
    interval = gap_interval(row["gap_low"], row["gap_high"])
    return (
        f"({plain(row['dimension'])}), {plain(row['condition'])}: {what} {percent(row['rate'])} against "
        f"{percent(row['comparator_rate'])} of {plain(row['comparator'])}, {points(row['gap'])} points"
        f"{'' if interval == '–' else f' ({interval})'}; {int(row['n_spans']):,} said."
    )


def rate_cell(row: Row | None) -> str:
    """Write a rate with its interval and of how many it is."""
    if row is None or row["rate"] != row["rate"]:
        return "–"
    interval = rate_interval(row["low"], row["high"]).removesuffix(" %")
    return f"{percent(row['rate'])}{'' if interval == '–' else f' ({interval})'} of {int(row['n_spans']):,}"


def marked(reference: str, hypothesis: str) -> str:
    """Write a pair of texts as one, what differs in brackets: what was said, and what was heard instead.

    >>> marked("do not give ten drops", "do give two drops")
    'do [not →] give [ten → two] drops'
    """
    said, heard = (text.split()[:MOST_WORDS] for text in (reference, hypothesis))
    parts, at_said, at_heard = [], 0, 0
    for kind, n_words in word_runs([" ".join(said)], [" ".join(heard)])[0]:
        lost = [] if kind == INSERTED else said[at_said : at_said + n_words]
        made = [] if kind == DELETED else heard[at_heard : at_heard + n_words]
        at_said, at_heard = at_said + len(lost), at_heard + len(made)
        between = f"[{' '.join([*lost, '→', *made])}]"
        parts.append(" ".join(lost) if kind == EQUAL else between)
    return " ".join(parts)


def _of_everybody(found: WordsThatMatter, measure: str) -> str:
    rows = [(name, found.rate(measure, name, (OVERALL, EVERYBODY))) for name in found.conditions]
    known = [(name, row) for name, row in rows if row is not None and row["rate"] == row["rate"]]
    if not known:
        return ""
    worst, row = max(known, key=lambda pair: float(pair[1]["rate"]))
    clean = next((told for name, told in known if name == CLEAN), None)
    first = f"clean {rate_cell(clean)}" if clean is not None else ""
    most = f"{plain(worst)} {rate_cell(row)}" if worst != CLEAN else ""
    return f"{CALLED[measure]}: {', at most under '.join(part for part in (first, most) if part)}"


def _typed(table: pd.DataFrame | None) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame()
    texts = {
        name: table[name].astype(object).where(table[name].notna(), "").map(str) for name in _TEXTS if name in table
    }
    return table.assign(**texts)


def example_rows(found: WordsThatMatter, most: int) -> Sequence[tuple[str, str, str]]:
    """Return examples: what went wrong, under which condition, and the texts as one; as many of each kind."""
    if found.examples.empty:
        return []
    kinds = found.examples.groupby("what", sort=False)
    shown = kinds.head(most // kinds.ngroups)
    return [
        (plain(row["what"]), plain(row["condition"]), plain(marked(row["reference"], row["hypothesis"])))
        for row in shown.to_dict("records")
    ]
