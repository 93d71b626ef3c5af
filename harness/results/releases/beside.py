"""A corpus's ledger in, what exact numbers would give away beside those that are out already out, in words.

None of it is refused: no promise that can be proven is broken, and what is made may go to somebody who may see it all.
"""

from collections.abc import Callable, Iterable, Mapping

from harness.results.ledger import Entry
from harness.results.releases.budget import Budget, day_of
from harness.results.releases.corpus import known_budget
from harness.results.run import Run

BOUNTY, SHARE = "bounty", "last_mile share"


def given_away(budget: Budget) -> tuple[str, ...]:
    """Return what exact numbers of a corpus give away of what earlier ones hid or sealed; the first of each kind.

    Raises:
        LedgerError: The ledger was changed or cut.
        BudgetError: It is the ledger of another corpus.
    """
    return _each_kind(budget, _told_by_all)


def given_away_by(runs: Iterable[Run]) -> tuple[str, ...]:
    """Return the same of exact numbers of runs, once no corpus of theirs is known to have a private release.

    Raises:
        BudgetError: One has.
        LedgerError: A ledger was changed or cut.
    """
    found: list[str] = []
    for run in runs:
        if (budget := known_budget(run)) is not None:
            budget.check_publish()
            found += given_away(budget)
    return tuple(dict.fromkeys(found))


def not_hidden(budget: Budget, rule: Mapping[str, object]) -> tuple[str, ...]:
    """Return why small slices that are hidden now can be known, from what is out already; the first of each kind.

    Args:
        budget: Of the corpus.
        rule: By which `last_mile` shares now: fewest people of a slice that is shown, digest of the manifest.

    Raises:
        LedgerError: The ledger was changed or cut.
        BudgetError: It is the ledger of another corpus.
    """
    same = {"method": SHARE, **rule}
    return _each_kind(budget, lambda entry: "" if _has(entry, same) else _told_by_some(entry))


def _has(entry: Entry, content: Mapping[str, object]) -> bool:
    return all(entry.content.get(name) == value for name, value in content.items())


def _each_kind(budget: Budget, told: Callable[[Entry], str]) -> tuple[str, ...]:
    found: dict[object, str] = {}
    for entry in budget.account().exact:
        if text := told(entry):
            found.setdefault(entry.content.get("method"), f"{budget.path}:{entry.n}: {text}")
    return tuple(found.values())


def _told_by_all(entry: Entry) -> str:
    """Say what everybody's numbers give away beside an earlier publication; nothing where that hid nothing."""
    method, least = entry.content.get("method"), entry.content.get("min_speakers")
    if method == BOUNTY:
        return (
            f"a bounty was opened on {day_of(entry)}. While it is open, exact numbers of everybody less its published "
            "half are those of its sealed half: show them to no hunter."
        )
    if least is None:
        return ""
    return (
        f"slices of fewer than {least} people were hidden on {day_of(entry)} ({method}). Whoever gets both that and "
        "this can read what was hidden there, or a part of it: give this to nobody who may not know it."
    )


def _told_by_some(entry: Entry) -> str:
    """Say what an earlier publication gives away of slices that are hidden now."""
    method = entry.content.get("method")
    if method == BOUNTY:
        return _told_by_all(entry)
    what = "by another rule" if "min_speakers" in entry.content else "with nothing hidden"
    return (
        f"exact numbers of these people were published on {day_of(entry)} ({method}), {what}. Whoever gets both that "
        "and this may read what is hidden here."
    )
