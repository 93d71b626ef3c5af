"""A corpus's ledger of releases in, whether one more may be made out; what it costs is on the disk before it is drawn.

A corpus has one ledger and one budget, for all its runs. Every private release spends of it (basic composition: what is
lost adds up, Dwork et al. 2006), which holds where all hide the same of a person: the first says what. A corpus has
private releases or exact tables, never both: beside exact numbers noise protects nobody.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path

from harness.errors import StorageError, UsageError
from harness.fairness.privacy import Spent
from harness.fairness.privacy.options import LARGEST_EPSILON
from harness.results.ledger import Entry, HeldLedger, Ledger, LedgerError

FILE = "releases.jsonl"  # beside the manifest
OPENED, SPENT, WRITTEN, EXACT = "opened", "spent", "written", "exact"
_KINDS = (OPENED, SPENT, WRITTEN, EXACT)
LARGEST_DELTA = 1e-4  # of a corpus in all: the chance that a promise does not hold; of 10,000 people one
SMALLEST_EPSILON = 0.001  # of a corpus in all: with less no table says anything
_NOTHING = Spent(0.0, 0.0)
_ELSEWHERE_ADVICE = (
    "Keep the ledger where it stays and can be written: release.ledger=FILE, the same file for every release of the "
    "corpus."
)


class BudgetError(UsageError):
    """Says why a corpus's budget or its earlier publications do not let a release be made."""


class Hides(Enum):
    """What of a person a private release hides: which corpora are neighbours (Dwork & Roth 2014, definition 2.4)."""

    presence = "presence"  # whether they took part, and all they said
    errors = "errors"  # how they were heard; who took part and what they read is published


@dataclass(frozen=True, slots=True)
class Account:
    """Says what a ledger does.

    Attributes:
        corpus: What it calls the corpus; None: nothing was written yet.
        total: The budget; None: none was chosen.
        spent: Of it, by all releases.
        private: Entries of private releases.
        exact: Entries of exact publications; those with `min_speakers` hid small slices.
        unfinished: Those of the private releases that were begun and never written: what they spent is spent.
    """

    corpus: str | None = None
    total: Spent | None = None
    spent: Spent = _NOTHING
    private: tuple[Entry, ...] = ()
    exact: tuple[Entry, ...] = ()
    unfinished: tuple[Entry, ...] = ()

    @property
    def left(self) -> Spent | None:
        """Return what can be spent yet; None where no budget was chosen."""
        if self.total is None:
            return None
        return Spent(_less(self.total.epsilon, self.spent.epsilon), _less(self.total.delta, self.spent.delta))


@dataclass(frozen=True, slots=True)
class Budget:
    """Is the budget of a corpus.

    Attributes:
        path: Its ledger, which need not be there yet.
        corpus: What the ledger calls the corpus; None: whatever it does, where it is only read.
    """

    path: Path
    corpus: str | None = None

    @property
    def no_budget(self) -> str:
        """Return what is said where no budget was chosen yet."""
        return (
            f"{self.path}: corpus {self.corpus!r} has no budget yet, and it is chosen once, for all releases of all "
            "its runs. Give release.total_epsilon=…, such as 4 for four releases of release.epsilon=1."
        )

    def account(self) -> Account:
        """Return what the ledger says.

        Raises:
            LedgerError: It was changed or cut, or a line is none of a ledger of releases; the message names the line.
            BudgetError: It is the ledger of another corpus.
        """
        return self._account(Ledger(self.path).entries())

    def check_spend(self, cost: Spent, *, hides: Hides, total: Spent | None) -> None:
        """Refuse what could not be spent, before anything is done.

        Raises:
            BudgetError: As `spend` does.
        """
        self._checked(self.account(), cost, hides, total)

    def spend(self, cost: Spent, what: Mapping[str, object], *, hides: Hides, total: Spent | None = None) -> Entry:
        """Write down that a private release is made; it is on the disk when this returns, and cannot be taken back.

        Args:
            cost: Of the release.
            what: Method, dimensions, digests.
            hides: What of a person; the first release decides it for all of the corpus.
            total: The budget of the corpus, which the first release chooses; None: as the ledger says.

        Returns:
            Its entry, whose digest tells nothing of what it says: a secret number is in it.

        Raises:
            BudgetError: There is not so much left, no budget was chosen or another one, exact tables are published, or
                earlier releases hide something else.
            LedgerError: The ledger was changed or cut.
            StorageError: It cannot be written.
        """
        said = {"epsilon": cost.epsilon, "delta": cost.delta, "hides": hides.value, **what}
        said["secret"] = secrets.token_hex(16)
        with self._held() as held:
            account = self._account(held.entries)
            chosen = self._checked(account, cost, hides, total)
            if account.corpus is None:
                held.append(OPENED, {"corpus": self.corpus, "epsilon": chosen.epsilon, "delta": chosen.delta})
            return held.append(SPENT, said)

    def finish(self, entry: Entry) -> None:
        """Write down that the release of an entry is whole in its folder."""
        with self._held() as held:
            held.append(WRITTEN, {"release": entry.n})

    def check_publish(self) -> None:
        """Refuse exact tables of a corpus that has private releases.

        Raises:
            BudgetError: It has.
        """
        self._check_exact(self.account())

    def publish(self, what: Mapping[str, object]) -> Entry:
        """Write down that exact tables are published.

        Raises:
            BudgetError: The corpus has a private release.
            LedgerError: The ledger was changed or cut.
            StorageError: It cannot be written.
        """
        with self._held() as held:
            account = self._account(held.entries)
            self._check_exact(account)
            if account.corpus is None:
                held.append(OPENED, {"corpus": self.corpus, "epsilon": None, "delta": None})
            return held.append(EXACT, {**what, "secret": secrets.token_hex(16)})

    def _checked(self, account: Account, cost: Spent, hides: Hides, total: Spent | None) -> Spent:
        """Return the budget of the corpus."""
        if account.exact:
            entry = account.exact[0]
            tables = all("dimensions" in each.content for each in account.exact)  # others hold a row an utterance
            raise BudgetError(
                f"{self.path}:{entry.n}: exact numbers of corpus {account.corpus!r} were published on {day_of(entry)} "
                f"({entry.content.get('method')}). Noise beside them protects nobody: who has both subtracts one from "
                "the other, so an ε would be a promise that is already broken. "
                + ("Go on with exact tables (release.method=suppression)." if tables else "That was the release.")
            )
        self._check_hides(account, hides)
        chosen = self._chosen(account, total)
        left = Account(total=chosen, spent=account.spent).left or chosen
        if _more(cost.epsilon, left.epsilon) or _more(cost.delta, left.delta):
            raise BudgetError(self._overspent(account, chosen, cost))
        return chosen

    def _check_hides(self, account: Account, hides: Hides) -> None:
        """Refuse to hide something else than every earlier release does: their costs would add up to no promise."""
        other = [entry for entry in account.private if entry.content.get("hides") != hides.value]
        if not other:
            return
        known = [each for each in Hides if each.value == other[0].content.get("hides")]
        begins = f"{self.path}:{other[0].n}: the private release of {day_of(other[0])} "
        if not known:
            raise BudgetError(
                f"{begins}does not say what of a person it hides, so that nobody can tell what it and another promise "
                "together. Make no other private release of this corpus."
            )
        raise BudgetError(
            f"{begins}hides {_HIDES[known[0]]}; this one would hide {_HIDES[hides]}. All releases of a corpus hide the "
            f"same, as the first chose, for else one publishes what another hides. {_HOW_TO_HIDE[known[0]]} Nothing "
            "was spent."
        )

    def _chosen(self, account: Account, total: Spent | None) -> Spent:
        if account.total is None:
            if total is None:
                raise BudgetError(self.no_budget)
            _check_total(total)
            return total
        if total is not None and total != account.total:
            raise BudgetError(
                f"{self.path}:1: the budget of corpus {self.corpus!r} is {_said(account.total)}, found {_said(total)} "
                "asked for. It was promised to the people in it and cannot be changed later: what is out cannot be "
                "called back, and a limit that is raised when it is reached is none. Leave release.total_epsilon and "
                "release.total_delta out."
            )
        return account.total

    def _overspent(self, account: Account, total: Spent, cost: Spent) -> str:
        left = Account(total=total, spent=account.spent).left or total
        n, begun = len(account.private), len(account.unfinished)
        releases = f"{n} release{'' if n == 1 else 's'}"
        lost = f"; {begun} of these {'was' if begun == 1 else 'were'} begun and never written" if begun else ""
        return (
            f"{self.path}: {_said(left)} is left for corpus {self.corpus!r}, found {_said(cost)} asked for. The budget "
            f"is {_said(total)}, of which {releases} spent {_said(account.spent)}{lost}. Ask for less; nothing was "
            "drawn."
        )

    def _check_exact(self, account: Account) -> None:
        if account.private:
            entry, n = account.private[0], len(account.private)
            raise BudgetError(
                f"{self.path}:{entry.n}: corpus {account.corpus!r} has {n} private release{'' if n == 1 else 's'}, the "
                f"first of {day_of(entry)}. Exact numbers of it cannot be published any more: who has both subtracts "
                "one from the other, and the promise to the people in it is broken. Make a private release "
                "(release.method=laplace), or a card from one: harness service_card release=FOLDER."
            )

    @contextmanager
    def _held(self) -> Iterator[HeldLedger]:
        """Hold the ledger alone, so that two releases at once cannot both spend the last of it."""
        if not self.path.parent.is_dir():
            raise StorageError(f"{self.path}: there is no such folder; nothing was spent. {_ELSEWHERE_ADVICE}")
        try:
            with Ledger(self.path).held() as held:
                yield held
        except StorageError as error:
            raise StorageError(f"{error} Nothing is released that is not written down. {_ELSEWHERE_ADVICE}") from error

    def _account(self, entries: Sequence[Entry]) -> Account:
        if not entries:
            return Account()
        for entry in entries:
            if entry.kind not in _KINDS or (entry.kind == OPENED) != (entry.n == 1):
                raise LedgerError(f"{self.path}:{entry.n}: {entry.kind!r} is no line of a ledger of releases here.")
        opened = entries[0]
        corpus = opened.content.get("corpus")
        if self.corpus is not None and corpus != self.corpus:
            raise BudgetError(
                f"{self.path}: is the ledger of corpus {corpus!r}; the run is of {self.corpus!r}. Where the people are "
                f"the same or some of them (another manifest, a part, a version), say release.corpus='{corpus}': they "
                "have one budget. Where they are others, give these a ledger of their own: release.ledger=FILE."
            )
        private = tuple(entry for entry in entries if entry.kind == SPENT)
        written = {entry.content.get("release") for entry in entries if entry.kind == WRITTEN}
        costs = [self._cost(entry) for entry in private]
        return Account(
            corpus=str(corpus),
            total=None if opened.content.get("epsilon") is None else self._cost(opened),
            spent=Spent(_sum([cost.epsilon for cost in costs]), _sum([cost.delta for cost in costs])),
            private=private,
            exact=tuple(entry for entry in entries if entry.kind == EXACT),
            unfinished=tuple(entry for entry in private if entry.n not in written),
        )

    def _cost(self, entry: Entry) -> Spent:
        epsilon, delta = entry.content.get("epsilon"), entry.content.get("delta")
        for name, value in (("epsilon", epsilon), ("delta", delta)):
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
                raise LedgerError(f"{self.path}:{entry.n}: has {name}={value!r}; expected a number >= 0.")
        return Spent(float(str(epsilon)), float(str(delta)))


_HIDES = {
    Hides.presence: "whether a person took part, and all they said",
    Hides.errors: "how the recogniser heard a person, and not whether they took part (release.words_are_public)",
}
_HOW_TO_HIDE = {
    Hides.presence: "Leave release.words_are_public and release.statistic out.",
    Hides.errors: "Give release.words_are_public=true, and leave release.statistic out.",
}


def day_of(entry: Entry) -> str:
    """Return the day of an entry."""
    return entry.at[:10]


def _check_total(total: Spent) -> None:
    """Refuse a budget that is no promise, or too little for any table; NaN is neither in range nor out of it."""
    if not SMALLEST_EPSILON <= total.epsilon <= LARGEST_EPSILON:
        raise BudgetError(
            f"release.total_epsilon={total.epsilon!r}; expected {SMALLEST_EPSILON:g} to {LARGEST_EPSILON:g}. With less "
            "no table says anything; with more no person is protected, whatever the table says. 1 to 4 are usual."
        )
    if not 0 <= total.delta <= LARGEST_DELTA:
        raise BudgetError(
            f"release.total_delta={total.delta!r}; expected 0 to {LARGEST_DELTA:g}. It is the chance that the promise "
            "does not hold, and has to be far below one over the number of people."
        )


def _said(spent: Spent) -> str:
    return f"ε={spent.epsilon:g}, δ={spent.delta:g}"


def _exact(number: float) -> Fraction:
    """Return a number as it is written: three times 0.1 is 0.3."""
    return Fraction(repr(float(number)))


def _sum(numbers: Sequence[float]) -> float:
    return float(sum(map(_exact, numbers), Fraction(0)))


def _less(total: float, spent: float) -> float:
    return float(max(Fraction(0), _exact(total) - _exact(spent)))


def _more(asked: float, left: float) -> bool:
    return not _exact(asked) <= _exact(left)
