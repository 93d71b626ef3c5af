"""The lines that a card must have and those that were found in, every difference out, with the claim it is about.

Lines are compared without regard to how many spaces there are. A line of what the author stated is any line, unless it
is known what was stated.
"""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.report.cards.blocks import Claim

TAG_BEGINS, TAG_ENDS = "\x02", "\x03"  # around a tag: no text of a card has them, and no message shows what is between
MOST_QUOTED = 200  # characters of a line in a message
_TAG = re.compile(f"{TAG_BEGINS}[^{TAG_ENDS}]*{TAG_ENDS}")
_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")


@dataclass(frozen=True, slots=True)
class Piece:
    """Is a part of a line: wording, or a claim as it is shown."""

    text: str
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Is a line of a card.

    Attributes:
        pieces: What it consists of; the texts of a line that was found are one piece.
        stated: The field whose words it has; empty for a line that was measured.
        known: Whether the words of a stated line are those that it must have.
    """

    pieces: tuple[Piece, ...]
    stated: str = ""
    known: bool = True

    @property
    def raw(self) -> str:
        """Return the whole line as it stands in the file."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def text(self) -> str:
        """Return the whole line, its spaces as single ones."""
        return " ".join(self.raw.split())

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return the claims of the line."""
        return tuple(piece.claim for piece in self.pieces if piece.claim is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Is something that a card says and its run does not, or the other way round.

    Attributes:
        file: The file of the card.
        claim: The claim; None where the problem is with no claim.
        expected: What the run says.
        found: What the card says.
        message: What is wrong, where there is no claim.
    """

    file: str
    claim: Claim | None
    expected: str
    found: str
    message: str = ""

    def __str__(self) -> str:
        said = f"expected {self.expected}, found {self.found}"
        if self.claim is None:
            return (
                f"{self.file}: {self.message}: {said}"
                if self.expected or self.found
                else f"{self.file}: {self.message}"
            )
        return (
            f"{self.file}: claim {self.claim.id} ({self.claim.run}, {self.claim.place}): {said}{_because(self.message)}"
        )


def differences(file: str, expected: Sequence[Line], found: Sequence[Line]) -> list[Problem]:
    """Return what differs between the lines of a card and those it must have, in the order of the card."""
    unknown = {line.stated for line in expected if not line.known}
    names = [[_compared(line, unknown) for line in lines] for lines in (expected, found)]
    matcher = difflib.SequenceMatcher(None, names[0], names[1], autojunk=False)
    problems: list[Problem] = []
    for kind, first, last, start, stop in matcher.get_opcodes():
        if kind == "equal":
            continue
        wanted, given = expected[first:last], found[start:stop]
        same_number = len(wanted) == len(given)  # otherwise a line is gone or new: the others are paired by likeness
        pairs = [(place, place) for place in range(len(wanted))] if same_number else _alike(wanted, given)
        paired = dict(pairs)
        for place, line in enumerate(wanted):
            problems += _changed(file, line, given[paired[place]]) if place in paired else _gone(file, line)
        problems += [_new(file, line) for place, line in enumerate(given) if place not in paired.values()]
    return problems


def _compared(line: Line, unknown: Collection[str]) -> str:
    """Return what must be the same of two lines: of what was stated and is not known, only the field."""
    return f"\0{line.stated}\0{'' if line.stated in unknown else line.text}" if line.stated else line.text


def _alike(wanted: Sequence[Line], given: Sequence[Line]) -> list[tuple[int, int]]:
    """Pair lines in their order, each with the first one after the last pair that is more than half the same."""
    pairs, start = [], 0
    for place, line in enumerate(wanted):
        for other in range(start, len(given)):
            ratio = difflib.SequenceMatcher(
                None, line.text[:2_000], given[other].text[:2_000], autojunk=False
            ).quick_ratio()
            if line.stated == given[other].stated and ratio > 0.8:
                pairs.append((place, other))
                start = other + 1
                break
    return pairs


def _changed(file: str, wanted: Line, given: Line) -> list[Problem]:
    """Return the claims that read otherwise, or that the line's wording does."""
    if wanted.stated or given.stated:
        message = f"what the author stated ({wanted.stated or given.stated}) is not what service_card.json says"
        return [Problem(file, None, _quoted(wanted.text), _quoted(given.text), message)]
    wrong = _wrong_claims(_placed(wanted), given.text)
    if wrong is None:
        return [_reworded(file, wanted, given)]
    return [Problem(file, claim, _quoted(text), _quoted(found)) for claim, text, found in wrong]


def _placed(line: Line) -> list[Piece]:
    """Return the pieces of a line as they stand in its text, where spaces are single, wording between claims as one."""
    placed: list[Piece] = []
    text = ""
    for piece in line.pieces:
        grown = " ".join(f"{text}{piece.text}|".split())[:-1].lstrip()
        added, text = grown[len(text) :], grown
        if piece.claim is None and placed and placed[-1].claim is None:
            added = placed.pop().text + added
        placed.append(Piece(added, piece.claim))
    return placed


def _wrong_claims(pieces: Sequence[Piece], text: str) -> list[tuple[Claim, str, str]] | None:
    """Return each claim that reads otherwise, with what it should read and what it does; None: the wording does."""
    wanted = "".join(piece.text for piece in pieces).rstrip()
    start = _common(wanted, text)
    end = len(wanted) - min(_common(wanted[::-1], text[::-1]), min(len(wanted), len(text)) - start)
    position = 0
    for piece in pieces:
        last = position + len(piece.text)
        if piece.claim is not None and position <= start and end <= last:  # one change, inside one claim
            return [(piece.claim, piece.text, text[position : last + len(text) - len(wanted)])]
        position = last
    found = _several_wrong(pieces, text, edges="")
    return found or _several_wrong(pieces, text, edges=" ")


def _several_wrong(pieces: Sequence[Piece], text: str, *, edges: str) -> list[tuple[Claim, str, str]] | None:
    """Find the wording between claims, in its order; what stands between is what the claims read.

    `edges` are characters at the ends of the wording that need not be there: a claim that is gone takes a space along.
    """
    found: list[tuple[Claim, str, str]] = []
    position, waiting = 0, None
    for piece in [*pieces, Piece("")]:
        if piece.claim is not None:
            waiting = piece
            continue
        wording = piece.text.rstrip().strip(edges) if edges else piece.text.rstrip()
        place = text.find(wording, position) if wording else len(text) if not piece.text else position
        if place < 0 or (waiting is None and place != position):
            return None
        given = text[position:place].strip()
        if waiting is not None and waiting.claim is not None and given != waiting.text.strip():
            found.append((waiting.claim, waiting.text, given))
        position, waiting = place + len(wording), None
    return found or None


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _gone(file: str, line: Line) -> list[Problem]:
    if not line.claims:
        return [Problem(file, None, _quoted(line.text), "nothing", "a line is gone")]
    return [Problem(file, claim, _quoted(claim.text), "nothing", "its line is gone") for claim in line.claims]


def _new(file: str, line: Line) -> Problem:
    if line.stated:
        return Problem(file, None, "nothing", _quoted(line.text), f"stated words where there are none ({line.stated})")
    numbers = ", ".join(dict.fromkeys(_NUMBER.findall(line.text)))
    message = f"a line that no run backs, with the numbers {numbers}" if numbers else "a line that no run backs"
    return Problem(file, None, "nothing", _quoted(line.text), message)


def _reworded(file: str, wanted: Line, given: Line) -> Problem:
    texts = [_visible(line.text) for line in (wanted, given)]
    allowed = _NUMBER.findall(texts[0])
    added = [number for number in dict.fromkeys(_NUMBER.findall(texts[1])) if number not in allowed]
    claim = wanted.claims[0] if len(wanted.claims) == 1 else None
    if texts[0] == texts[1]:
        message = "a line reads otherwise behind its words: a tag, or where a number was read"
        return Problem(file, claim, _quoted(_behind(wanted.text)), _quoted(_behind(given.text)), message)
    message = f"a line has a number that no claim backs ({', '.join(added)})" if added else "a line reads otherwise"
    return Problem(file, claim, _quoted(texts[0]), _quoted(texts[1]), message)


def _visible(marked: str) -> str:
    return " ".join(_TAG.sub("", marked).split())


def _behind(marked: str) -> str:
    return marked.replace(TAG_BEGINS, "<").replace(TAG_ENDS, ">")


def _quoted(marked: str) -> str:
    text = _visible(marked) or _behind(marked)
    return f"“{text}”" if len(text) <= MOST_QUOTED else f"“{text[:MOST_QUOTED]}…”"


def _because(message: str) -> str:
    return f" ({message})" if message else ""
