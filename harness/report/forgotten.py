"""What is kept of people, or was, in; a table of places and sentences on screen out, without anybody's name."""

from collections.abc import Iterator
from typing import IO

from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.wording import how_many, plain
from harness.results.forgetting.answer import Forgotten, Row, State
from harness.results.forgetting.kinds import TREATMENTS

MOST_SHOWN = 200  # places; of more, those that are left come first
_HEADER = ("place", "is", "keeps", "utterances", "corpus", "becomes")
_MISSED = {"corpus": 1, "keeps": 2, "utterances": 3}  # on a narrow terminal, least first
_ORDER = (State.left, State.found, State.done, State.remains)


def show_forgotten(answer: Forgotten, out: IO[str]) -> None:
    """Print every place, what it keeps and what becomes of it, and then what is to be done."""
    console = console_on(out)
    rows = sorted(answer.rows, key=lambda row: _ORDER.index(row.state))
    if rows:
        columns = [
            Column(name, is_name=name not in ("utterances",), missed=_MISSED.get(name), least=12) for name in _HEADER
        ]
        title = "What was kept" if answer.is_applied else "What is kept"
        console.print(grid(title, columns, [_cells(row) for row in rows[:MOST_SHOWN]], width=console.width))
    if len(rows) > MOST_SHOWN:
        say(console, f"{how_many(len(rows) - MOST_SHOWN, 'more place')}.")
    for row in rows[:MOST_SHOWN]:
        if row.note:
            say(console, plain(f"{row.path}: {row.note}"))
    for remark in answer.remarks:
        say(console, plain(f"Note: {remark}"))
    for sentence in sentences(answer):
        say(console, plain(sentence))


def sentences(answer: Forgotten) -> Iterator[str]:
    """Yield who was looked for, what was found and what is left to be done."""
    people = how_many(answer.n_speakers, "person", "people")
    kept = how_many(len(answer.rows), "place keeps something of them or was", "places keep something of them or were")
    corpora = f" in {', '.join(answer.corpora)}" if answer.corpora else ""
    yield f"Looked for {people}{corpora}; {kept} made with it."
    if answer.n_absent:
        nobody = "1 of them is" if answer.n_absent == 1 else f"{answer.n_absent} of them are"
        yield (
            f"{nobody} nobody here, by their ids. Ids are as a corpus has them; where they were hashed, "
            "HARNESS_SPEAKER_SALT finds them."
        )
    if answer.n_near:
        differ = "differs" if answer.n_near == 1 else "differ"
        yield f"{answer.n_near} of them {differ} from people in capitals, blanks or quotes alone: give ids as they are."
    if not answer.is_applied:
        if n := answer.n(State.found):
            yield f"Nothing was changed. apply=true clears {_places(n)}; {_remaining(answer)}"
        return
    if n := answer.n(State.done):
        yield f"{_places(n)} cleared; {_remaining(answer)}"
    if n := answer.n(State.left):
        yield f"NOT ALL IS GONE: {_places(n)} could not be cleared. Give the same command again."
    if answer.ledger is not None:
        yield f"Written down, without names: {answer.ledger}"


def _remaining(answer: Forgotten) -> str:
    n = answer.n(State.remains)
    return f"{how_many(n, 'place remains', 'places remain')} for you to decide." if n else "nothing else was found."


def _places(number: int) -> str:
    return how_many(number, "place")


def _cells(row: Row) -> tuple[str, ...]:
    told = TREATMENTS[row.kind]
    return (
        plain(str(row.path)),
        told.what,
        told.keeps,
        f"{row.n_utterances:,}" if row.n_utterances else "–",
        plain(row.corpus) or "–",
        f"{'' if row.state is State.found else f'{row.state.value.upper()}: '}{told.done}",
    )
