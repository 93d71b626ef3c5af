"""A bounty that is over in; the same without what tells of single people, and with a line that says so, out.

Its answers rest on all of its people together, so that none could be computed again without one of them: the rows of
all go, and what was published of groups stays.
"""

import shutil
from pathlib import Path

from harness.errors import DataError, HarnessError, StorageError, UsageError
from harness.report.bounties.page import render_page
from harness.report.bounties.seen import seen_again
from harness.results.bounties.folder import FORGOT, PAGE, BountyFolder, write_whole
from harness.results.bounties.rules import read_rules
from harness.results.bounties.sealing import speakers_and_utterances
from harness.results.bounties.standing import Standing, standing_of
from harness.results.ledger import HeldLedger, LedgerError


def forget_bounty(path: Path) -> str:
    """Remove what tells of single people from a bounty; return what became of it.

    The line comes first, so that a command that is stopped leaves a bounty whose `verify` names what is there yet. A
    copy that has the line is cleared without the sealed half.

    Raises:
        UsageError: It is open yet, or another process has it.
        DataError: Its ledger is damaged, or who is in it cannot be read.
        StorageError: Something cannot be removed; all else is.
    """
    folder = BountyFolder.open(path)
    try:
        with folder.alone(), folder.ledger.held() as held:
            told = _page_anew(folder, _with_line(folder, held))
            _clear(folder)
    except LedgerError as error:
        raise DataError(f"{error} Put the ledger back as it was, or delete {path}; nothing was removed.") from error
    return (
        "what tells of single people is gone; the answers stand and cannot be computed again. What hunters copied of "
        f"public/ is not here{told}"
    )


def _with_line(folder: BountyFolder, held: HeldLedger) -> Standing:
    """Write the line that people are forgotten, where there is none; return where the bounty stands with it."""
    where = str(folder.ledger.path)
    standing = standing_of(held.entries, where)
    if standing.closed is None:
        raise UsageError(
            f"{folder.path}: is open. Close it (harness bounty close bounty={folder.path}), then forget again."
        )
    if standing.forgot is None:
        if speakers_and_utterances(folder).empty:  # on no guess who is in what cannot be read
            raise UsageError(f"{folder.sealed}: whose rows these are is not here; only who opened the bounty forgets.")
        held.append(FORGOT, {})
    return standing_of(held.entries, where)


def _page_anew(folder: BountyFolder, standing: Standing) -> str:
    """Write the page anew; what is damaged keeps nobody from being forgotten."""
    try:
        seen = seen_again(folder, read_rules(folder.rules), standing)
        write_whole(folder.public / PAGE, render_page(seen).encode())
    except HarnessError as error:
        return f"; {PAGE} could not be made anew ({error})"
    return ""


def _clear(folder: BountyFolder) -> None:
    """Remove what can be removed.

    Raises:
        StorageError: Something cannot; the message names the first.
    """
    problems = [problem for path in folder.of_people if (problem := _removed(folder, path))]
    if problems:
        more = f" And {len(problems) - 1} more of it." if len(problems) > 1 else ""
        raise StorageError(f"{problems[0]}{more}")


def _removed(folder: BountyFolder, path: Path) -> str:
    """Remove a file or a folder; say why where that cannot be, else nothing."""
    if folder.is_behind_link(path):
        return f"{path}: is a link or behind one, and none is followed. Delete it, and what it leads to, yourself."
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        return f"{path}: cannot be removed ({error.strerror or error})."
    return ""
