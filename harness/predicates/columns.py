"""What may be asked of utterances in, as columns with a kind and their values; no predicate names another."""

from dataclasses import dataclass
from enum import Enum


class ColumnKind(Enum):
    """Says what the cells of a column are."""

    text = "text"
    number = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """Declares a column that predicates may name.

    Attributes:
        name: As the frame has it.
        kind: Of its cells.
        values: What a text column's cells may be; any text where none is declared.
    """

    name: str
    kind: ColumnKind
    values: tuple[str, ...] = ()
