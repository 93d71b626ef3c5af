"""What a transcript cache holds, or what was done to it, in; its table and a sentence on screen out."""

from collections.abc import Sequence
from typing import IO, TypeAlias

from rich.table import Table
from rich.text import Text

from harness.report.grids import Column, console_on, grid
from harness.report.wording import plain
from harness.transcription.caching.contents import CacheContents, CachedIdentity, Pruned
from harness.transcription.caching.export import Exported

CacheAnswer: TypeAlias = CacheContents | Pruned | Exported

_DIGEST = 12  # characters shown; four or more name an identity
_LONGEST = 60  # characters of a name in a cell
_HEADER = ("identity", "backend", "package", "model", "transcripts", "audio", "size", "first made", "last used")
_NUMBERS = ("transcripts", "audio", "size")
_MISSED = {"first made": 1, "package": 2, "audio": 3}  # on a narrow terminal, least first
_UNITS = ("B", "kB", "MB", "GB", "TB")


def show_cache(answer: CacheAnswer, out: IO[str]) -> None:
    """Print the answer of `harness cache`; every name is somebody's text."""
    console = console_on(out)
    if not isinstance(answer, Exported) and answer.identities:
        console.print(_table(answer.identities, title=_title(answer), width=console.width))
    console.print(Text(plain(cache_sentence(answer))), soft_wrap=True)


def cache_sentence(answer: CacheAnswer) -> str:
    """Say in one sentence what the cache holds or what was done."""
    if isinstance(answer, Exported):
        left_out = f"; {answer.n_damaged} damaged ones were left out" if answer.n_damaged else ""
        return f"{_transcripts(answer.n_transcripts)} written to {answer.out}{left_out}."
    total = _transcripts(sum(each.n_transcripts for each in answer.identities))
    if isinstance(answer, CacheContents):
        size = f", {_size(answer.n_bytes)} on disk" if answer.n_bytes else ""
        return f"{total}, {_hours(sum(each.audio_s for each in answer.identities))} of audio{size}: {answer.path}"
    if answer.dry_run:
        return f"{total} would be removed from {answer.path}; without dry_run=true they are."
    return f"{total} removed; {answer.path} now takes {_size(answer.n_bytes)}."


def _title(answer: CacheContents | Pruned) -> str:
    if isinstance(answer, CacheContents):
        return "Transcripts kept, by backend identity"
    return "To be removed" if answer.dry_run else "Removed"


def _table(identities: Sequence[CachedIdentity], *, title: str, width: int) -> Table:
    names = ("backend", "package", "model")
    columns = [
        Column(name, is_name=name in names, is_word=name not in (*names, *_NUMBERS), missed=_MISSED.get(name))
        for name in _HEADER
    ]
    return grid(title, columns, [_cells(each) for each in identities], width=width)


def _cells(each: CachedIdentity) -> tuple[str, ...]:
    identity = each.identity
    return (
        each.digest[:_DIGEST] or "–",
        _name(identity.get("backend")),
        _name(identity.get("package", identity.get("version"))),
        _name(identity.get("model")),
        f"{each.n_transcripts:,}",
        _hours(each.audio_s),
        _size(each.n_bytes),
        plain(each.first_made) or "–",
        plain(each.last_used) or "–",
    )


def _name(value: object) -> str:
    name = plain(value) if value is not None else "–"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _transcripts(number: int) -> str:
    return "1 transcript" if number == 1 else f"{number:,} transcripts"


def _hours(seconds: float) -> str:
    """Write seconds as hours, or as minutes below one.

    >>> _hours(1800), _hours(5400)
    ('30.0 min', '1.5 h')
    """
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _size(n_bytes: float) -> str:
    """Write bytes in the unit that keeps them below a thousand.

    >>> _size(48_291_840)
    '48.3 MB'
    """
    unit = 0
    while n_bytes >= 1000 and unit + 1 < len(_UNITS):
        n_bytes, unit = n_bytes / 1000, unit + 1
    return f"{n_bytes:.1f} {_UNITS[unit]}" if unit else f"{n_bytes:.0f} B"
