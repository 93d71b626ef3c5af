"""An attribute's name, kind and provenance, as texts, in; why it is refused, or what its reader should ask, out.

What a program guesses about a person from a voice is refused (DESIGN, principle 8), an accent and a dialect as well as
a gender: a guesser errs most for the people whom a recogniser errs for, so that the gap would be its own, and nobody
said of themselves what it says of them. What is guessed about a recording or about what was said is no such thing.
"""

import re
from enum import Enum

from harness.corpus.cells import shown

INFERRED = "inferred"
ADVICE = (
    "attributes of people are what they said of themselves or what an instrument measured, never guessed from a voice. "
    "Remove the attribute, or declare how it was really collected."
)
_OF_RECORDINGS = frozenset({"acoustic", "content"})  # kinds
_OF_PEOPLE = frozenset(  # words of a name that leave no doubt, whatever its kind is said to be
    """
    accent accents dialect dialects age ages gender genders sex ethnicity ethnicities ethnic race races nationality
    nationalities native religion disability
    """.split()  # noqa: SIM905 (a list would be one name a line)
)
_GUESSED = frozenset(
    """
    inferred predicted guessed estimated imputed classified detected pred prediction guess
    """.split()  # noqa: SIM905
)
_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def refusal(name: str, kind: object, provenance: object) -> str:
    """Returns why an attribute is refused, after its name; empty where it is not.

    Args:
        name: A column's; `gender_guess` is of people whatever its kind.
        kind: As a datasheet or a run.json says it; one that is not known is taken to be of people.
        provenance: Likewise; capitals, spaces and hyphens do not matter.

    >>> refusal("gender", "demographic", " Inferred")[:49]
    'is of kind demographic and its provenance is infe'
    >>> refusal("topic", "content", "inferred"), refusal("gender", "demographic", "self_reported")
    ('', '')
    """
    source, told = _folded(provenance), _folded(kind)
    if source not in _GUESSED or (told in _OF_RECORDINGS and not _is_of_people(name)):
        return ""
    what = f"is of kind {told}" if told not in _OF_RECORDINGS else f"is of people by its name, of kind {told},"
    return f"{what} and its provenance is {source}, which is refused: {ADVICE}"


def doubt(name: str, kind: object, provenance: object) -> str:
    """Returns what whoever declared an attribute of people should look at again; empty where nothing speaks for it.

    A name can be wrong and a datasheet too; which of them is, nobody can know from here.

    >>> doubt("predicted_gender", "demographic", "self_reported")[:61]
    "attribute 'predicted_gender' is declared self-reported, and i"
    """
    words = set(_words(name)) & _GUESSED
    if not words or not (_is_of_people(name) or _folded(kind) not in _OF_RECORDINGS):
        return ""
    return (
        f"attribute {shown(name)} is declared {_folded(provenance).replace('_', '-')}, and its name says that it was "
        f"{_participle(words)}: if so, remove it, for what a program guesses about people is refused; if not, rename it"
    )


def _is_of_people(name: str) -> bool:
    return not _OF_PEOPLE.isdisjoint(_words(name))


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(_HUMP.sub(" ", name))]


def _participle(words: set[str]) -> str:
    told = min(words)
    return {"pred": "predicted", "prediction": "predicted", "guess": "guessed"}.get(told, told)


def _folded(told: object) -> str:
    """Returns a choice as datasheets write it; of none that it has none."""
    text = told.value if isinstance(told, Enum) else told
    return re.sub(r"[\s_-]+", "_", str(text).strip()).casefold() if text else "none"
