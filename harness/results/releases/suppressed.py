"""A run in, its exact table of slices with enough people out: what is hidden, and what else is so that it stays hidden.

No differential privacy: who knows all but one of a slice may still learn of that one. Two such tables of the same
people by different rules can be subtracted, so that a corpus has one rule for all of them.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.results.ledger import Entry
from harness.results.releases.budget import BudgetError, day_of
from harness.results.run import SLICES, Run
from harness.results.sharing.cells import SLICE, Key, cells_of
from harness.results.sharing.suppression import LEAST_SPEAKERS, Suppressed, suppressed
from harness.results.sharing.tables import shared_table

SUPPRESSED_COLUMNS = (
    "dimension", "slice", "n_speakers", "n_utterances", "reference_words", "wer", "wer_low", "wer_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SuppressedTable:
    """Holds an exact table of slices with enough people.

    Attributes:
        frame: SUPPRESSED_COLUMNS, rates as fractions with 3 digits; everybody first.
        n_hidden: Slices that are not in it, by dimension; why one is not is not said.
        rule: What all exact tables of the corpus must have in common, for the ledger.
        notes: What else was left out, in words.
    """

    frame: pd.DataFrame
    n_hidden: Mapping[str, int]
    rule: Mapping[str, object]
    notes: tuple[str, ...]


def suppressed_table(
    run: Run, scores: pd.DataFrame, by: Sequence[str], *, min_speakers: int, earlier: Sequence[Entry] = ()
) -> SuppressedTable:
    """Return the table.

    Args:
        run: Finished.
        scores: Of it, the rows that its slices are counted over.
        by: Dimensions that the run is sliced by.
        min_speakers: Fewest people of a slice that is shown, at least 5.
        earlier: Exact publications of the corpus, from its ledger; what these hide stays hidden.

    Raises:
        UsageError: The floor is too low, the run is not sliced so, or there are too few people to show anything.
        BudgetError: An earlier publication was by another rule.
    """
    if min_speakers < LEAST_SPEAKERS:
        raise UsageError(f"release.min_speakers={min_speakers}; expected at least {LEAST_SPEAKERS}, or 10 as usual.")
    table, wanted = run.slices, [name for name in by if name != OVERALL]
    missing = [name for name in wanted if name not in set(table["dimension"])]
    if missing:
        raise UsageError(
            f"{run.path}: is not sliced by {', '.join(map(repr, missing))}, and exact tables are read from runs. Make "
            "it again with slices.by and slices.intersections, or leave that out of release.by."
        )
    cells = cells_of(scores, wanted)
    allowed = suppressed(cells, min_speakers=min_speakers)
    rule = {"dimensions": wanted, "min_speakers": min_speakers, "manifest": run.facts["manifest"].get("digest")}
    allowed = _as_before(allowed, rule, earlier)
    shared = shared_table(SLICES, table[table["dimension"].isin([OVERALL, *wanted])], cells, allowed)
    frame = pd.read_csv(io.StringIO(shared.text), keep_default_na=False, na_values=[""], dtype={"slice": str})
    hidden = Counter(key.dimension for key in cells.keys if key.side == SLICE and key not in allowed.published)
    shown = [[key.dimension, key.slice_name] for key in cells.keys if key.side == SLICE and key in allowed.published]
    return SuppressedTable(
        frame[list(SUPPRESSED_COLUMNS)],
        {name: hidden[name] for name in wanted},
        {**rule, "published": shown},
        tuple(note for note in allowed.notes if "intersections" in note),  # no counts of rarer kinds are in the table
    )


def _as_before(allowed: Suppressed, rule: Mapping[str, object], earlier: Sequence[Entry]) -> Suppressed:
    """Keep what earlier tables of the same people show too: fewer cells tell less.

    Raises:
        BudgetError: One was by another rule, or by none, as a bundle is.
    """
    published = allowed.published
    for entry in earlier:
        if not rule.keys() <= entry.content.keys():
            raise BudgetError(
                f"exact numbers of this corpus were published on {day_of(entry)} ({entry.content.get('method')}), and "
                "beside them to hide small slices protects nobody. What was published is the release."
            )
        other = [f"{name}={entry.content[name]}" for name, value in rule.items() if entry.content[name] != value]
        if other:
            raise BudgetError(
                f"exact numbers of this corpus were published on {day_of(entry)} by another rule ({', '.join(other)}). "
                "Who has both tables subtracts one from the other and finds what each hides; where people joined or "
                "withdrew, these people. Release by the same rule."
            )
        rows = entry.content.get("published")
        pairs = [row for row in rows if isinstance(row, list) and len(row) == 2] if isinstance(rows, list) else []
        published &= {Key(str(dimension), str(name)) for dimension, name in pairs}
    return replace(allowed, published=frozenset(published))
