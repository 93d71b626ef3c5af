"""A bounty that is over in; the same without a row about anybody, and with a line that says so, out.

Its answers rest on all of its people together, so that none could be computed again without one of them: the rows of
all go, and what was published of groups stays.
"""

import shutil
from pathlib import Path

from harness.errors import DataError, StorageError, UsageError
from harness.report.bounties.page import render_page
from harness.report.bounties.seen import seen_again
from harness.results.bounties.folder import FORGOT, PAGE, BountyFolder, write_whole
from harness.results.bounties.rules import read_rules
from harness.results.bounties.standing import Standing, standing_of


def forget_bounty(path: Path) -> str:
    """Remove every row about a person from a bounty; return what became of it.

    The line comes first, so that a command that is stopped leaves a bounty whose `verify` names what is there yet.

    Raises:
        UsageError: It is open yet, or another process has it.
        DataError: Its ledger is damaged.
        StorageError: Something cannot be removed.
    """
    folder = BountyFolder.open(path)
    folder.check_is_owner_s()
    with folder.alone(), folder.ledger.held() as held:
        where = str(folder.ledger.path)
        standing = standing_of(held.entries, where)
        if standing.closed is None:
            raise UsageError(f"{path}: is open. Close it (harness bounty close bounty={path}), then forget again.")
        if standing.forgot is None:
            held.append(FORGOT, {})
            standing = standing_of(held.entries, where)
        told = _page_anew(folder, standing)
        for each in folder.of_people:
            _remove(each)
    return f"every row about a person is gone; the answers stand and cannot be computed again{told}"


def _page_anew(folder: BountyFolder, standing: Standing) -> str:
    """Write the page anew; what is damaged keeps nobody from being forgotten."""
    try:
        seen = seen_again(folder, read_rules(folder.rules), standing)
        write_whole(folder.public / PAGE, render_page(seen).encode())
    except (DataError, UsageError, ValueError, KeyError, TypeError) as error:  # a table of somebody's may say anything
        return f"; {PAGE} could not be made anew ({error})"
    return ""


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise StorageError(f"{path}: cannot be removed ({error.strerror or error}).") from error
