"""The first rows of a table in; what its types do not say out: where recordings are, and what rows are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from harness.corpus.cells import LANGUAGE_TAG, scalar_text, shown
from harness.corpus.importers.arrow.cells import Held, cells
from harness.corpus.importers.arrow.shards import BatchAudio, Table, paths_of, stem
from harness.corpus.importers.audio_roots import REMOTE, AudioRoot, found_root
from harness.corpus.importers.corpus import Ledger

LOOKED_AT = 20  # rows


@dataclass(frozen=True, slots=True)
class Found:
    """Says where what is in no column comes from.

    Attributes:
        embedded: Whether recordings are bytes in the table.
        root: Where paths of recordings start from; None where the table holds them, or nobody here has them.
        has_stems: Whether ids are the names of recordings; else, without a column of ids, they are numbers of rows.
        has_tags: Whether the column of languages holds BCP 47 tags.
    """

    embedded: bool
    root: AudioRoot | None
    has_stems: bool
    has_tags: bool

    @property
    def has_audio(self) -> bool:
        """Returns whether there are recordings, as bytes or as files."""
        return self.embedded or (self.root is not None and self.root.folder is not None)


@dataclass(frozen=True, slots=True)
class _First:
    """Is what the first rows say of recordings."""

    paths: Sequence[str | None]
    has_bytes: bool


def look(table: Table, ledger: Ledger) -> Found:
    """Looks at the first rows and tells the ledger what outputs should say of them.

    Raises:
        ManifestError: The file is damaged there.
    """
    first = _first(table)
    embedded = table.columns.audio is Held.data or first.has_bytes
    if table.columns.audio is None:
        ledger.remark("no column of audio: transcripts made elsewhere can be scored, no clip heard")
    root = None if embedded else _root(table, first, ledger)
    return Found(embedded, root, _has_stems(table, first, ledger), _has_tags(table, ledger))


def _root(table: Table, first: _First, ledger: Ledger) -> AudioRoot | None:
    """Returns where paths start from; None where the first are of another machine, or addresses."""
    named = [path for path in first.paths if path]
    if any(not path.startswith("/") or _is_file(path) for path in named if not REMOTE.match(path)):
        return found_root(partial(paths_of, table), table.folder, ledger)
    if named:
        ledger.remark(
            f"recordings are named and not held, and such as {shown(named[0])} are not here: transcripts made "
            "elsewhere can be scored, no clip heard"
        )
    return None


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _first(table: Table) -> _First:
    if table.columns.audio is None or not table.shards:
        return _First((), has_bytes=False)
    paths: list[str | None] = []
    has_bytes = False
    for batch in table.shards[0].batches(table.audio_columns, 1):
        audio = BatchAudio(batch, table.columns)
        paths += [audio.path(row) for row in range(batch.num_rows)]
        has_bytes = has_bytes or any(audio.has_data(row) for row in range(batch.num_rows))
        if len(paths) >= LOOKED_AT:
            break
    return _First(paths, has_bytes)


def _has_stems(table: Table, first: _First, ledger: Ledger) -> bool:
    if "utterance_id" in table.columns.contract:
        return False
    stems = [stem(path) for path in first.paths]
    has_stems = None not in stems and 0 < len(stems) == len(set(stems))
    what = "the names of recordings" if has_stems else "the numbers of rows, from 0, as `dataset[0]` counts them"
    ledger.remark(f"no column of ids: ids are {what}")
    return has_stems


def _has_tags(table: Table, ledger: Ledger) -> bool:
    column = table.columns.contract.get("language")
    if column is None or not table.shards:
        return False
    batches = islice(table.shards[0].batches([column], LOOKED_AT), 1)
    stated = [scalar_text(cell) for batch in batches for cell in cells(batch.column(column))]
    strange = next((text for text in stated if text and not LANGUAGE_TAG.fullmatch(text)), None)
    if strange is None:
        return True
    ledger.remark(
        f"the column {column} holds {shown(strange)}, which is no BCP 47 tag, and is not used; state the language with "
        "language="
    )
    return False
