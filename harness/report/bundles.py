"""What was bundled, or what a bundle was found to show, in; sentences on screen out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.wording import how_many, plain
from harness.results.bundles import Bundled, Compared, Difference, Ids

_SHOWN = 10  # differences on screen; the file has all
_LEAST = 1e-12  # a smaller difference is told as this
_WIDEST = 40  # characters of a cell on screen
_COUNTS = frozenset(
    """n_utterances n_speakers n_failed reference_words hits substitutions deletions insertions wer cer gap ratio
    comparator_wer speaker_mean_wer""".split()  # noqa: SIM905
)  # what no draw decides
_DRAWN = ("_low", "_high", "p_value", "p_adjusted")  # ends the names of what draws decide


@dataclass(frozen=True, slots=True)
class VersionDiffers:
    """Names a package, or Python, of another version here than the claim was made with."""

    name: str
    claimed: str
    here: str


@dataclass(frozen=True, slots=True)
class Reproduced:
    """Says what a bundle was found to show.

    Attributes:
        bundle: The archive.
        digest: Its SHA-256, in hexadecimal.
        path: The run directory that was made of it.
        system: What the claim is about: manifest and backend.
        compared: Every table that is claimed.
        versions: What is another version here.
        disagrees: Where the claim's own parts say different things, in words.
    """

    bundle: Path
    digest: str
    path: Path
    system: str
    compared: tuple[Compared, ...]
    versions: tuple[VersionDiffers, ...]
    disagrees: tuple[str, ...]

    @property
    def differences(self) -> list[Difference]:
        """Return every cell that is not as it was claimed."""
        return [each for table in self.compared for each in table.differences]

    @property
    def n_cells(self) -> int:
        """Return how many cells were compared."""
        return sum(table.n_cells for table in self.compared)

    @property
    def n_rounded(self) -> int:
        """Return how many of them differ in their last digits only."""
        return sum(table.n_rounded for table in self.compared)


def show_bundled(bundled: Bundled, out: IO[str]) -> None:
    """Print what was bundled, and how others check it."""
    console = console_on(out)
    say(console, plain(f"{bundled.path}: {bundled.n_files} files, {bundled.n_bytes:,} bytes"))
    say(console, f"SHA-256 {bundled.digest}")
    state = "are in it" if bundled.is_included else "are NOT in it"
    whose = how_many(bundled.n_utterances, "utterance")
    say(console, plain(f"References and attributes of {whose} {state}: {bundled.why}."))
    if not bundled.is_included:
        say(
            console,
            "Who checks it needs a copy of the corpus. references=include puts them in, if you may pass them on.",
        )
    if bundled.ids is Ids.coded:
        say(console, "Ids are codes: this hides names, not people. What was heard is nearly what was said.")
    say(console, "Its tables are exact: make no private release of this corpus beside it, which would protect nobody.")
    if bundled.small:
        say(console, bundled.small)
    for note in bundled.notes:
        say(console, plain(f"Note: {note}"))
    if bundled.ledger is not None:
        say(console, plain(f"Written down in {bundled.ledger}"))
    if bundled.unrecorded:
        say(console, plain(f"NOT WRITTEN DOWN that exact numbers are out: {bundled.unrecorded}"))
    say(console, plain(f"Check it: harness reproduce {bundled.path}"))


def show_reproduced(found: Reproduced, out: IO[str]) -> None:
    """Print whether the claim was reproduced; else which cells differ, and what may be the reason."""
    console = console_on(out)
    say(console, plain(f"{found.bundle}: {found.system}"))
    say(console, f"SHA-256 {found.digest}")
    columns = [Column("table", is_name=True), Column("cells"), Column("rounded"), Column("different")]
    rows = [
        (plain(each.file), f"{each.n_cells:,}", f"{each.n_rounded:,}", f"{len(each.differences):,}")
        for each in found.compared
    ]
    console.print(grid("Claimed tables, made anew", columns, rows, width=console.width))
    for each in found.differences[:_SHOWN]:
        say(console, plain(f"  {_sentence(each)}"))
    if len(found.differences) > _SHOWN:
        say(console, f"  and {len(found.differences) - _SHOWN:,} more: differences.csv of the run has all of them.")
    for sentence in _reasons(found):
        say(console, plain(sentence))
    say(console, plain(_verdict(found)))
    say(console, plain(f"The run that was made: {found.path}"))


def _verdict(found: Reproduced) -> str:
    if found.differences:
        files = ", ".join(each.file for each in found.compared if each.differences)
        return f"NOT REPRODUCED: {len(found.differences):,} of {found.n_cells:,} cells are not as claimed, in {files}."
    if found.n_rounded:
        furthest = max(_LEAST, *(each.furthest for each in found.compared))
        differ = "differs in its" if found.n_rounded == 1 else "differ in their"
        return (
            f"REPRODUCED: {found.n_cells:,} cells are as claimed; {found.n_rounded:,} of them {differ} last digits, by "
            f"{furthest:.1g} of the number at most, as other processors and versions round."
        )
    return f"REPRODUCED: all {found.n_cells:,} cells are identical to what is claimed."


def _sentence(difference: Difference) -> str:
    where = ", ".join(each for each in (difference.row, difference.column) if each)
    claimed, found = (text[:_WIDEST] or "(empty)" for text in (difference.claimed, difference.found))
    return f"{difference.file}{f': {where}' if where else ''}: claimed {claimed}, found {found}"


def _reasons(found: Reproduced) -> Iterator[str]:
    """Yield what may be why cells differ, and what is another version although none does."""
    yield from found.disagrees
    columns = {each.column for each in found.differences}
    if columns & _COUNTS:
        yield "Counts or rates differ: they are of other hypotheses, references or rules of normalising than are told."
    elif found.differences and any(name.endswith(_DRAWN) for name in columns):
        yield "Counts and rates are the same, intervals or p-values are not: another seed, or another number of draws."
    if found.versions:
        yield f"Other versions here: {_versions(found.versions)}."


def _versions(versions: Sequence[VersionDiffers]) -> str:
    return "; ".join(f"{each.name} {each.here} (claimed with {each.claimed})" for each in versions)
