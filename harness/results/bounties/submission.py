"""A file that a hunter handed in and the rules in, a checked submission out, or every reason in words.

A submission is data: a predicate, an alternative and who says so. Nothing in it is run, and no name in it leads out of
the folder that it stands in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from harness.corpus.cells import shown
from harness.errors import UsageError
from harness.predicates import Predicate, parse
from harness.results.bounties.rules import PublicRules
from harness.results.bounties.untrusted import object_of, parsed, read_untrusted, text_of

LARGEST = 1_000_000  # bytes of a submission
LONGEST_NAME, LONGEST_WHY, LONGEST_OPTION = 200, 5_000, 2_000  # characters
MOST_OPTIONS = 50
Scalar: TypeAlias = str | int | float | bool | None
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PLACE = re.compile(r"\$\{|[\x00-\x1f\x7f]|\.\.[/\\]")  # refers to something, ends a line, or climbs
_FROM_ROOT = re.compile(r"[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|[A-Za-z][A-Za-z0-9+.-]*://|file:")


@dataclass(frozen=True, slots=True)
class OfferedSystem:
    """Is an alternative that the owner ran: its name."""

    system: str


@dataclass(frozen=True, slots=True)
class HeardElsewhere:
    """Is an alternative that the hunter ran: transcripts, and how they were made.

    Attributes:
        file: Name of the file of transcripts, beside the submission.
        provenance: What made them, and how; more where told.
    """

    file: str
    provenance: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ToBeRun:
    """Is an alternative that the owner is to run: a backend and options of it."""

    backend: str
    options: Mapping[str, Scalar] = field(default_factory=dict)


Alternative: TypeAlias = OfferedSystem | HeardElsewhere | ToBeRun


@dataclass(frozen=True, slots=True)
class Submission:
    """Is what a hunter claims: that an alternative serves a group better.

    Attributes:
        predicate: The group.
        alternative: What serves it better.
        by: Who says so; any name.
        why: Why they think so; may be empty.
    """

    predicate: Predicate
    alternative: Alternative
    by: str
    why: str

    def system(self, n: int) -> str:
        """Return what the alternative is called in the list, as submission number n."""
        return self.alternative.system if isinstance(self.alternative, OfferedSystem) else own_system(n)

    @property
    def told(self) -> str:
        """Say what the alternative is, in words for the ledger."""
        match self.alternative:
            case OfferedSystem(system):
                return system
            case HeardElsewhere():
                return "transcripts of the hunter's"
            case ToBeRun(backend, options):
                return " ".join([backend, *(f"{name}={value}" for name, value in options.items())])


def own_system(n: int) -> str:
    """Return the name of the system that submission n brings with it."""
    return f"submission {n:04d}"


def read_submission(path: Path, rules: PublicRules) -> Submission:
    """Read and check a submission; the transcripts that it names are not read.

    Raises:
        UsageError: It is not as the rules ask; the message says what to do.
    """
    what = path.name
    return parsed_submission(read_untrusted(path, most=LARGEST, what=what), rules, what=what)


def parsed_submission(data: bytes, rules: PublicRules, *, what: str) -> Submission:
    """Check the bytes of a submission.

    Raises:
        UsageError: As `read_submission` raises it.
    """
    told = object_of(
        parsed(data, what),
        what,
        needed=frozenset({"predicate", "alternative", "by"}),
        optional=frozenset({"why"}),
    )
    text = text_of(told["predicate"], f"{what}: predicate", most=LARGEST, empty=True)  # its own limit tells more
    try:
        predicate = parse(text, rules.predicate_columns)
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from error
    return Submission(
        predicate=predicate,
        alternative=_alternative(told["alternative"], rules, f"{what}: alternative"),
        by=text_of(told["by"], f"{what}: by", most=LONGEST_NAME),
        why=text_of(told.get("why", ""), f"{what}: why", most=LONGEST_WHY, empty=True),
    )


def _alternative(told: object, rules: PublicRules, what: str) -> Alternative:
    kinds: dict[str, Callable[[object, PublicRules, str], Alternative]] = {
        "system": _offered,
        "hypotheses": _heard,
        "backend": _to_be_run,
    }
    named = [name for name in kinds if isinstance(told, dict) and name in told]
    if len(named) != 1:
        found = f"names {' and '.join(named)}" if named else f"is {shown(told)}"
        raise UsageError(f"{what}: {found}; expected one of {_taken(rules)}.")
    return kinds[named[0]](told, rules, what)


def _taken(rules: PublicRules) -> str:
    offered = ", ".join(f'{{"system": "{name}"}}' for name in rules.systems)
    heard = '{"hypotheses": "FILE.jsonl", "provenance": {"system": "…", "how": "…"}}' if rules.hypotheses else ""
    run = '{"backend": "NAME", "options": {…}}' if rules.backends else ""
    return " or ".join(filter(None, (offered, heard, run)))


def _offered(told: object, rules: PublicRules, what: str) -> OfferedSystem:
    found = object_of(told, what, needed=frozenset({"system"}), optional=frozenset())
    system = text_of(found["system"], f"{what}.system", most=LONGEST_NAME)
    if system == rules.base:
        raise UsageError(f"{what}.system: {shown(system)} is the system that is to be improved; name another.")
    if system not in rules.systems:
        raise UsageError(f"{what}.system: {shown(system)} is not on offer; expected one of {list(rules.systems)}.")
    return OfferedSystem(system)


def _heard(told: object, rules: PublicRules, what: str) -> HeardElsewhere:
    if not rules.hypotheses:
        raise UsageError(
            f"{what}: this bounty takes no transcripts (rules.json: hypotheses); expected {_taken(rules)}."
        )
    found = object_of(told, what, needed=frozenset({"hypotheses", "provenance"}), optional=frozenset())
    file = text_of(found["hypotheses"], f"{what}.hypotheses", most=LARGEST)
    if not _FILE.fullmatch(file):
        raise UsageError(
            f"{what}.hypotheses: {shown(file)}; expected the plain name of a file beside the submission, of letters, "
            "digits, '.', '_' and '-'."
        )
    needed, further = frozenset({"system", "how"}), frozenset({"version", "settings", "date", "url"})
    provenance = object_of(found["provenance"], f"{what}.provenance", needed=needed, optional=further)
    texts = {name: text_of(value, f"{what}.provenance.{name}", most=LONGEST_WHY) for name, value in provenance.items()}
    return HeardElsewhere(file, texts)


def _to_be_run(told: object, rules: PublicRules, what: str) -> ToBeRun:
    if not rules.backends:
        raise UsageError(f"{what}: this bounty runs no backends (rules.json: backends); expected {_taken(rules)}.")
    found = object_of(told, what, needed=frozenset({"backend"}), optional=frozenset({"options"}))
    backend = text_of(found["backend"], f"{what}.backend", most=LONGEST_NAME)
    if backend not in rules.backends:
        raise UsageError(f"{what}.backend: {shown(backend)} is not on offer; expected one of {list(rules.backends)}.")
    options = found.get("options", {})
    if not isinstance(options, dict) or len(options) > MOST_OPTIONS:
        raise UsageError(f"{what}.options: is {shown(options)}; expected at most {MOST_OPTIONS} options by name.")
    known = rules.backends[backend]
    if unknown := [name for name in options if name not in known]:
        raise UsageError(
            f"{what}.options: {shown(unknown[0])} may not be set; of {backend}, hunters set {list(known) or 'nothing'}."
        )
    return ToBeRun(backend, {name: _scalar(value, f"{what}.options.{name}") for name, value in options.items()})


def _scalar(value: object, what: str) -> Scalar:
    """Return a number, a word or nothing; a text that is a place somewhere is refused."""
    if value is None or isinstance(value, bool | int | float):
        if isinstance(value, int) and abs(value) > 10**12:
            raise UsageError(f"{what}: {shown(value)} is too large.")
        return value
    if not isinstance(value, str):
        raise UsageError(f"{what}: is {shown(value)}; expected a number, a text, true, false or null.")
    text = text_of(value, what, most=LONGEST_OPTION, empty=True)
    if _PLACE.search(text) or _FROM_ROOT.match(text):
        raise UsageError(
            f"{what}: {shown(text)}; expected plain words, no place of a file and nothing that is resolved."
        )
    return text
