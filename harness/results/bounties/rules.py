"""What an owner declares in, `rules.json` out, and back: all that a hunter needs to know, and nothing of the holdout.

The file is read by hunters, who have it from somebody: it is checked as any other file of somebody's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from harness.corpus.attributes import AttributeKind, Provenance
from harness.errors import UsageError
from harness.fairness.bounty import Assumed, BountyRules
from harness.predicates import Column, ColumnKind
from harness.results.bounties.untrusted import object_of, parsed, read_untrusted

LARGEST = 16 * 1024**2  # bytes of rules.json: a column of a hundred thousand texts has a tenth of it
MOST_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """Is a column that predicates may name.

    Attributes:
        name: As predicates write it.
        kind: `text` or `number`.
        describes: What the attribute describes: accent, dialect, acoustic, demographic or content.
        provenance: Where its values come from.
        values: Of a text column, those of the development half, in order; of numbers none.
    """

    name: str
    kind: str
    describes: str
    provenance: str
    values: tuple[str, ...] = ()

    @property
    def column(self) -> Column:
        """Return it as predicates are checked against."""
        return Column(self.name, ColumnKind(self.kind), self.values)

    @property
    def is_measured(self) -> bool:
        """Say whether an instrument says it, so that it is known of whoever speaks next."""
        return self.provenance == Provenance.measured.value


@dataclass(frozen=True, slots=True)
class Half:
    """Counts who and what is in a half of the corpus."""

    n_speakers: int
    n_utterances: int
    n_words: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Counts the utterances that are in no half: of people without an id, and of people who withdrew since."""

    n_without_speaker: int
    n_withdrawn: int


@dataclass(frozen=True, slots=True)
class PublicRules:
    """Is all that is declared before the first question.

    Attributes:
        name: What the corpus is called.
        base: What the system is called that is to be improved.
        systems: The alternatives that were run on the same utterances.
        columns: What predicates may name.
        rules: How many questions and acceptances, and what they have to show.
        development: Counts of the published half.
        holdout: Counts of the sealed half.
        left_out: Counts of what is in neither.
        condition: That everything was heard under.
        normalizer: The profile that counts words; None: one that no profile has, so that no transcripts are taken.
        hypotheses: Whether hunters may hand in transcripts.
        backends: Options that hunters may set, by the backend that is run for them; none where it is empty.
        texts: Whether references and hypotheses of the development half are published.
        commitment: SHA-256 of the salt and the sealed files.
    """

    name: str
    base: str
    systems: tuple[str, ...]
    columns: tuple[DeclaredColumn, ...]
    rules: BountyRules
    development: Half
    holdout: Half
    left_out: LeftOut
    condition: str
    normalizer: str | None
    hypotheses: bool
    backends: Mapping[str, tuple[str, ...]]
    texts: bool
    commitment: str

    @property
    def predicate_columns(self) -> dict[str, Column]:
        """Return the columns by name, as `harness.predicates.parse` takes them."""
        return {each.name: each.column for each in self.columns}

    def provenance_of(self, name: str) -> str:
        """Return where the values of a column come from."""
        return next(each.provenance for each in self.columns if each.name == name)

    def to_dict(self) -> dict[str, object]:
        """Return the rules as JSON has them."""
        told = asdict(self)
        return told | {"rules": told["rules"] | {"assumed": self.rules.assumed.name}}


def read_rules(path: Path) -> PublicRules:
    """Read `rules.json`.

    Raises:
        UsageError: It is not as `harness bounty open` writes it.
    """
    what = str(path)
    names = frozenset(each.name for each in fields(PublicRules))
    told = object_of(parsed(read_untrusted(path, most=LARGEST, what=what), what), what, needed=names, optional=_NONE)
    try:
        rules = object_of(told["rules"], f"{what}: rules", needed=_names(BountyRules), optional=_NONE)
        return PublicRules(
            name=_text(told, "name"),
            base=_text(told, "base"),
            systems=_texts(told["systems"]),
            columns=_columns(told["columns"], what),
            rules=_rules(rules),
            development=Half(**_counts(told["development"], Half)),
            holdout=Half(**_counts(told["holdout"], Half)),
            left_out=LeftOut(**_counts(told["left_out"], LeftOut)),
            condition=_text(told, "condition"),
            normalizer=None if told["normalizer"] is None else _text(told, "normalizer"),
            hypotheses=_flag(told, "hypotheses"),
            backends=_backends(told["backends"]),
            texts=_flag(told, "texts"),
            commitment=_text(told, "commitment"),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"{what}: not as harness bounty open writes it ({error}). Get the file anew.") from error


_NONE: frozenset[str] = frozenset()


def _names(of: type) -> frozenset[str]:
    return frozenset(each.name for each in fields(of))


def _text(told: Mapping[str, object], name: str) -> str:
    found = told[name]
    if not isinstance(found, str):
        raise ValueError(f"{name} is no text")
    return found


def _flag(told: Mapping[str, object], name: str) -> bool:
    found = told[name]
    if not isinstance(found, bool):
        raise ValueError(f"{name} is neither true nor false")
    return found


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("a list of texts is none")
    return tuple(found)


def _columns(found: object, what: str) -> tuple[DeclaredColumn, ...]:
    if not isinstance(found, list) or len(found) > MOST_COLUMNS:
        raise ValueError(f"columns are no list of at most {MOST_COLUMNS}")
    told = [object_of(each, f"{what}: columns", needed=_names(DeclaredColumn), optional=_NONE) for each in found]
    return tuple(
        DeclaredColumn(
            name=_text(each, "name"),
            kind=ColumnKind(each["kind"]).value,
            describes=AttributeKind(each["describes"]).value,
            provenance=Provenance(each["provenance"]).value,
            values=_texts(each["values"]),
        )
        for each in told
    )


def _counts(found: object, of: type) -> dict[str, int]:
    if not isinstance(found, dict) or found.keys() != _names(of):
        raise ValueError(f"{of.__name__} has other counts")
    if not all(type(each) is int and each >= 0 for each in found.values()):
        raise ValueError("a count is none")
    return found


def _rules(told: Mapping[str, object]) -> BountyRules:
    """Return a bounty's rules, whose ranges they check themselves."""
    steps = told["gain_steps"]
    if not isinstance(steps, list):
        raise ValueError("gain_steps is no list")
    return BountyRules(
        n_submissions=_whole(told, "n_submissions"),
        n_acceptances=_whole(told, "n_acceptances"),
        alpha=_number(told["alpha"], "alpha"),
        min_gain=_number(told["min_gain"], "min_gain"),
        gain_steps=tuple(_number(step, "gain_steps") for step in steps),
        min_speakers=_whole(told, "min_speakers"),
        assumed=Assumed.__members__[_text(told, "assumed")],
    )


def _number(found: object, name: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"{name} is no number")
    return float(found)


def _whole(told: Mapping[str, object], name: str) -> int:
    found = told[name]
    if isinstance(found, bool) or not isinstance(found, int):
        raise ValueError(f"{name} is no whole number")
    return found


def _backends(found: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(found, dict):
        raise ValueError("backends are no mapping")
    return {str(name): _texts(options) for name, options in found.items()}
