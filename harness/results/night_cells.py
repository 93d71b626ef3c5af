"""The folder of a run in, the names out that a night's matrix gives to what it was and what it heard."""

import json
from pathlib import Path

CELL = ".cell.json"  # beside the run directory of a night's cell: CELLNAME.cell.json
NAMES = ("system", "manifest", "condition")


def names_of_night(run_dir: Path) -> dict[str, str]:
    """Return what the matrix calls system, manifest, condition; empty where no night made the run or it is no name."""
    path = run_dir.resolve()
    try:
        told = json.loads(path.with_name(f"{path.name}{CELL}").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        told = None
    found = {name: told.get(name) if isinstance(told, dict) else None for name in NAMES}
    return {name: value if isinstance(value, str) else "" for name, value in found.items()}
