"""A spreadsheet file in, its sheets out: CSV in any dialect, or XLSX."""

from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.kit.separated import read_separated
from harness.corpus.kit.sheets import Sheet
from harness.corpus.kit.workbook import read_workbook
from harness.errors import ManifestError, UsageError

SPREADSHEETS = (".csv", ".tsv", ".xlsx", ".xlsm")
NOT_READ = (".xls", ".xlsb", ".ods", ".numbers", ".gsheet")  # known to be spreadsheets; each can be saved as another
LARGEST_FILE = 200_000_000  # bytes


def read_sheets(path: Path) -> list[Sheet]:
    """Read every sheet that the spreadsheet program shows, in its order.

    Raises:
        UsageError: The file is of another format, too large, or not to be opened.
        ManifestError: It is damaged, or is not what its suffix says.
    """
    suffix = path.suffix.lower()
    if suffix not in SPREADSHEETS:
        raise UsageError(f"{path.name}: expected a spreadsheet in {', '.join(SPREADSHEETS)}; save it as one of these.")
    data = _bytes_of(path)
    if not data.strip():
        raise ManifestError([f"{path.name}: is empty; expected a row of column names and a row a recording."])
    sheets = read_workbook(data, path.name) if suffix in (".xlsx", ".xlsm") else [read_separated(data, path.name)]
    if not any(sheet.lines for sheet in sheets):
        raise ManifestError([f"{path.name}: has no filled cell; expected a row of column names and a row a recording."])
    return sheets


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(f"{shown(str(path))}: no such file. Name the spreadsheet with kit.spreadsheet.")
        n_bytes = path.stat().st_size
        if n_bytes > LARGEST_FILE:
            raise UsageError(
                f"{path.name}: has {n_bytes:,} bytes; expected at most {LARGEST_FILE:,}. Split it, or save it as CSV."
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read ({error.strerror}). Close it elsewhere, or copy it.") from error
