"""What is in a shared folder in, its README out: what it holds, what it does not, and what it does not protect from."""

from collections.abc import Mapping, Sequence

from harness.results.sharing.suppression import DOMINANT_SHARE
from harness.results.sharing.tables import DIGITS, SharedTable

_WHAT = {
    "slices.csv": "one row a slice: counts, word error rate, interval",
    "disparities.csv": "one row a slice against its comparator: gap, ratio, interval, verdict",
    "metrics.csv": "other rates of a slice, and their gaps",
    "normalizers.csv": "the same gaps under other normalisers",
    "speed.csv": "seconds of audio and of processing",
    "conditions.csv": "one row a condition and slice",
    "extra_harm.csv": "what a condition adds for a slice, and for its comparator",
    "crossings.csv": "the level at which a slice reaches a word error rate",
    "terms.csv": "errors in the words that matter",
    "run.json": "versions, digests, policy and counts of the run",
    "config.yaml": "numbers and choices of its configuration",
    "summary.json": "its headline",
    "hidden.csv": "how many slices of each dimension are hidden",
    "SHA256SUMS": "digests of all files but itself: `sha256sum -c SHA256SUMS`",
}
_TEXT = """\
# Aggregate results of a speech recogniser

Counts and rates over groups of people, made from one run for sharing. It holds **no audio, no transcripts, no ids of
speakers or utterances, no paths, and no text from the data but the names of dimensions and slices** ({n_published} of
{n_cells} cells are shown).

## What it holds

{files}

Rates are rounded to {digits} decimals, counts are exact. An empty cell is not zero: it is not shown, or there is no
such number.

Who says so of the attributes that slices are of: {sources}.

## What was left out

- Slices with fewer than **{min_speakers} speakers**, and slices of which one speaker said more than {dominant} of the
  words. Their names are left out too: a rare value can point at a person.
- Further slices and comparisons, so that the first cannot be worked out by subtraction: from totals, from other
  dimensions and intersections, or from what "everyone else" of a comparison is. Where only a comparison is hidden,
  its columns are empty and the verdict stays. `hidden.csv` counts the slices; which of them are small is not said.
- How many clips failed, or came from a cache, in each slice; it is told of everybody.
- Every table and column that is not listed for sharing: scores, hypotheses, lists of terms, examples, reports,
  speakers' extremes, reasons and notes in words, paths and descriptions in the configuration.
{more}
How it was checked: with all published counts taken as exact, and with the combinations of attributes that occur taken
as known, no count of a small slice follows by linear algebra, and what they allow for its speakers, utterances and
words is a range at least as wide as the count itself, reaching {min_speakers} speakers or more.

## What it does not protect from

- **This is not differential privacy.** There is no noise in it and no bound on what somebody with other knowledge can
  learn. Who knows all people of a slice but one can subtract them. Never publish a differentially private table of the
  same data beside it.
- **Several shares of changing data.** When a person joins or leaves between two runs, the difference of two shares is
  about that person. Share one, or share rarely.
- **Groups.** A published slice says how a group was served. A count of zero, or one near the whole, says it of each of
  its people.
- Intervals, p-values, verdicts, character error rates, means over speakers and seconds are computed from people's
  results, rounded, and not part of the check above.
- Names of slices and dimensions are shown as they were written. Read them before you pass the folder on.
"""


def readme(
    files: Sequence[str],
    tables: Mapping[str, SharedTable],
    *,
    n_published: int,
    n_cells: int,
    min_speakers: int,
    sources: Mapping[str, str],
    notes: Sequence[str],
) -> str:
    """Return the README of a shared folder.

    Args:
        files: Names of the files in it, in order.
        tables: Those of them that are tables.
        n_published: Cells that are shown.
        n_cells: Cells of the run.
        min_speakers: The floor.
        sources: Of each attribute that is shown where its values come from, as its datasheet writes it.
        notes: What else was left out.
    """
    lines = []
    for name in files:
        table = tables.get(name)
        counts = ""
        if table is not None:
            blank = f", {table.n_compared_left_out} without its comparison" if table.n_compared_left_out else ""
            counts = f" ({table.n_rows} rows, {table.n_rows_left_out} left out{blank})"
        lines.append(f"- `{name}`: {_WHAT[name]}{counts}")
    return _TEXT.format(
        files="\n".join(lines),
        digits=DIGITS,
        min_speakers=min_speakers,
        dominant=f"{DOMINANT_SHARE:.0%}",
        sources="; ".join(f"{name}: {told.replace('_', '-')}" for name, told in sources.items()) or "there are none",
        n_published=n_published,
        n_cells=n_cells,
        more="".join(f"- {note[0].upper()}{note[1:]}.\n" for note in notes),
    )
