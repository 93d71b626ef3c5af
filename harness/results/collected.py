"""What a run's files say of it in; whether they are whole, and why an attribute that it was sliced by is refused, out.

A manifest's attributes are checked where they are read. A run can come from elsewhere: its run.json is checked here.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.corpus.inferred import refusal
from harness.errors import RunDirectoryError


def check_facts(path: Path, facts: Mapping[str, object], summary: Mapping[str, object]) -> None:
    """Refuse a run whose facts are not those that later pipelines begin with, or whose attributes were guessed.

    Args:
        path: Of the run.
        facts: Its run.json.
        summary: Its summary.json.

    Raises:
        RunDirectoryError: The files are damaged, or an attribute of people was inferred; all of these are named.
    """
    manifest = facts.get("manifest")
    is_whole = (
        isinstance(manifest, dict)
        and isinstance(manifest.get("attributes"), dict)
        and isinstance(facts.get("sliced_by"), list)
        and isinstance(facts.get("normalizer"), str)
        and isinstance(summary.get("notes"), list)
    )
    if not is_whole:
        raise RunDirectoryError(f"{path}: run.json or summary.json is damaged. Make the run again.")
    if problems := refused(facts):
        raise RunDirectoryError("\n".join(f"{path / 'run.json'}: {problem}" for problem in problems))


def refused(facts: Mapping[str, object]) -> list[str]:
    """Return why attributes of a run are refused, a sentence each; nothing where none is."""
    manifest = facts.get("manifest")
    attributes = manifest.get("attributes") if isinstance(manifest, Mapping) else None
    return [
        f"attribute {name!r} {reason}"
        for name, told in (attributes if isinstance(attributes, Mapping) else {}).items()
        if isinstance(told, Mapping) and (reason := refusal(str(name), told.get("kind"), told.get("provenance")))
    ]
