"""A run in, the ledger of its corpus out: beside its manifest, or where the owner says; then the folder says so, too.

What is one corpus is the owner's to say where the harness cannot see it: everything in one folder is, and so is what
names one ledger. A copy of a manifest elsewhere is not known to be of the same people.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml

from harness.errors import StorageError, UsageError
from harness.results.ledger import HEAD, Ledger
from harness.results.releases.budget import FILE, Budget, BudgetError
from harness.results.releases.record import run_digest
from harness.results.run import CONFIG, Run

_ELSEWHERE = "elsewhere"  # the one entry of a ledger that says where the ledger is


def budget_of(run: Run, *, ledger: Path | None = None, name: str | None = None) -> Budget:
    """Return the budget of a run's corpus.

    Args:
        run: Any of the corpus.
        ledger: Its ledger, where it is not beside the manifest.
        name: What the ledger calls the corpus; None: as the run does.

    Raises:
        UsageError: Nobody knows where the ledger is, or the corpus has another.
        LedgerError: What says where it is was changed.
    """
    return Budget(_ledger(_folder(run), ledger, run), name or str(_mapping(run.facts.get("manifest")).get("name")))


def known_budget(run: Run) -> Budget | None:
    """Return the budget of a run's corpus to be read only; None where the corpus has no ledger that can be found."""
    folder = _folder(run)
    if folder is None or not _is_there(folder / FILE):
        return None
    return Budget(_pointed(folder / FILE))


def has_known_corpus(run: Run) -> bool:
    """Say whether a run's manifest is still there, so that a ledger beside it would be seen."""
    return _folder(run) is not None


def budget_beside(manifest: Path, name: str) -> Budget:
    """Return the budget of a manifest's folder, whatever its ledger calls the corpus; a new one calls it by its name.

    Raises:
        LedgerError: The ledger was changed or cut.
    """
    path = _pointed(_folder_of(manifest) / FILE)
    return Budget(path, Budget(path).account().corpus or name)


def point_to(budget: Budget, run: Run) -> None:
    """Say in the manifest's folder where its ledger is, when that is elsewhere; not where nothing can be written.

    So nobody has to remember it, and no second ledger is begun there.
    """
    folder = _folder(run)
    if folder is None or _is_there(folder / FILE) or budget.path.resolve() == folder / FILE:
        return
    with suppress(StorageError):
        Ledger(folder / FILE).append(_ELSEWHERE, {"ledger": str(budget.path.resolve())})


def check_made_from(release: Run, run: Run) -> None:
    """Refuse a release that was not made from a run, by what the ledger of the run's corpus says.

    Raises:
        UsageError: It was made from another run, or there is no ledger to ask.
        LedgerError: The ledger was changed or cut, or has no such release.
    """
    budget = known_budget(run)
    if budget is None:
        raise UsageError(
            f"run={run.path}: the ledger of its corpus is not beside its manifest, so that nobody can tell whether "
            f"{release.path} was made from it. Leave run= out: the card is the release's."
        )
    entry = Ledger(budget.path).check_contains(str(release.facts["receipt"]))
    if entry.content.get("run") != run_digest(run):
        raise UsageError(
            f"{release.path}: was released from another run than {run.path}. Give that, or leave run= out."
        )


def _ledger(folder: Path | None, given: Path | None, run: Run) -> Path:
    if folder is not None and _is_there(folder / FILE):
        known = _pointed(folder / FILE)
        if given is not None and given.resolve() != known.resolve():
            raise BudgetError(
                f"release.ledger={given}: the corpus has its ledger at {known}. Two ledgers would be two budgets for "
                "the same people. Leave release.ledger out."
            )
        return known
    if given is not None:
        return given
    if folder is None:
        raise UsageError(
            f"{run.path}: its manifest is not where the run found it, and the ledger of its releases lies beside it. "
            "Say where that is: release.ledger=FILE, the same file for every release of the corpus, a new one only "
            "for the first."
        )
    return folder / FILE


def _pointed(own: Path) -> Path:
    """Return a ledger, or the one that it says is in its place."""
    entries = Ledger(own).entries()
    if len(entries) != 1 or entries[0].kind != _ELSEWHERE:
        return own
    there = Path(str(entries[0].content.get("ledger")))
    if not _is_there(there):
        raise BudgetError(f"{own}: the ledger of this corpus is at {there}, it says, and is not. Bring it back.")
    return there


def _is_there(ledger: Path) -> bool:
    """Say whether there is a ledger, or was one: its head alone is a reason to stop."""
    return ledger.exists() or ledger.with_name(ledger.name + HEAD).exists()


def _folder(run: Run) -> Path | None:
    """Return the folder of the manifest that a run was made of; None where that is not there any more.

    A path that was given as `corpus.csv` is meant from where the run was made, which may be another place than this:
    it is looked for above the run, too, and one with a ledger beside it comes first. Else who calls from elsewhere
    would find no ledger, and publish past it.
    """
    try:
        written = _mapping(yaml.safe_load((run.path / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    path = _mapping(written.get("manifest")).get("path")
    if not isinstance(path, str) or "\0" in path:
        return None
    places = [*run.path.resolve().parents, Path.cwd()]
    found = [_folder_of(place / path) for place in places if (place / path).exists()]
    return next((folder for folder in found if _is_there(folder / FILE)), next(iter(found), None))


def _folder_of(manifest: Path) -> Path:
    """Return the folder that a manifest really lies in; of a folder of recordings itself."""
    real = manifest.resolve()
    return real if real.is_dir() else real.parent


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
