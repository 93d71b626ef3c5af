"""The columns that the tests of predicates ask, one of each kind of trouble."""

from harness.predicates import Column, ColumnKind


def text(name, *values):
    return Column(name, ColumnKind.text, values)


def number(name):
    return Column(name, ColumnKind.number)


COLUMNS = {
    column.name: column
    for column in (
        text("accent", "indian", "scottish", "undeclared"),
        text("first language"),
        text("tags"),  # several at once
        text("género"),
        number("snr_db"),
        number("in"),
        number("2nd take"),
    )
}
