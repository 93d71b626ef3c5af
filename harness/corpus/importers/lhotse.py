"""A CutSet of Lhotse in, or its recordings and supervisions; a record for each supervision with a transcript out.

Objects are made by lhotse itself (the extra `lhotse`), one at a time; no audio is loaded, and nothing that a manifest
says is run. Times are those of the recording: that of the cut and that in the cut together. A supervision's `custom`
fields, its cut's and `gender` are attributes; alignments and features are not read.

Utterances are called as their supervisions are. A recording table is kept in a file, not in memory, so that two million
recordings pass through a little of it.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from harness.corpus import cells
from harness.corpus.cells import CellError
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet, read_datasheet
from harness.corpus.importers.audio_roots import found_root
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import open_datasheet
from harness.corpus.importers.lhotse_files import WITHOUT_RECORDINGS, Item, Part, Refuse, found_parts, items, kind_of
from harness.corpus.importers.lhotse_items import Utterances, heard
from harness.corpus.importers.lhotse_objects import MIXED, cut_of, lhotse, recording_of, sources_of, supervision_of
from harness.corpus.importers.lhotse_recordings import RecordingTable
from harness.corpus.importers.open_attributes import read_cell
from harness.errors import DataError

if TYPE_CHECKING:
    from lhotse import MonoCut, MultiCut

NOBODY_SPEAKS = "nobody speaks in the cut: it has no supervision"


def read_lhotse(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads manifests that lhotse wrote; `split` chooses one of several parts in a folder.

    Raises:
        UsageError: There are none, of several corpora, or lhotse is not installed.
    """
    parts = found_parts(source, options.split)
    lhotse()
    folder = source if source.is_dir() else source.parent
    root = found_root(partial(_paths, parts), folder, ledger)
    utterances = Utterances(root, ledger)
    n_named = len({part.name for part in parts} - {WITHOUT_RECORDINGS})
    records = (_records(part, utterances, ledger, more={"split": part.name} if n_named > 1 else {}) for part in parts)
    return Corpus(_datasheet(folder, source, options), _all(records, utterances), root.found)


def cut_records(
    cut: "MonoCut | MultiCut", utterances: Utterances, *, place: tuple[str, int], more: dict[str, object]
) -> Iterator[Record]:
    """Yields a record for each supervision of a cut that has a transcript.

    Raises:
        CellError: It says something unusable; the message names it.
    """
    recording = None if cut.recording is None else heard(cut.recording)
    start_s = read_cell("start", cut.start, cells.offset_s)
    custom = cut.custom if isinstance(cut.custom, dict) else {}
    for supervision in cut.supervisions:
        record = utterances.record(supervision, recording, place=place, start_s=start_s, more={**more, **custom})
        if record is not None:
            yield record


def _all(parts: Iterable[Iterator[Record]], utterances: Utterances) -> Iterator[Record]:
    yield from chain.from_iterable(parts)
    utterances.tell()


def _datasheet(folder: Path, source: Path, options: ImportOptions) -> Datasheet:
    """Returns the datasheet beside the manifests, as an export writes it; else one that declares nothing."""
    beside = folder / DATASHEET_FILE
    name = source.name.split(".")[0] if source.is_file() else source.resolve().name
    sheet = read_datasheet(beside) if beside.is_file() else open_datasheet(name)
    return replace(sheet, language=options.language) if options.language else sheet


def _paths(parts: list[Part]) -> Iterator[str]:
    """Yields the paths of all recordings; what cannot be read is told later."""
    for part in parts:
        try:
            for _, item in items(part.recordings or part.utterances, lambda *_: None):
                yield from sources_of(item)
        except DataError:
            return


def _records(part: Part, utterances: Utterances, ledger: Ledger, *, more: dict[str, object]) -> Iterator[Record]:
    with closing(RecordingTable()) as recordings:
        if part.recordings is not None:
            _fill(recordings, part.recordings, ledger)
        for line, item in items(part.utterances, _refuse_in(part.utterances, ledger)):
            place = (part.utterances.name, line)
            try:
                if kind_of(item) == "cuts":
                    yield from _of_cut(item, utterances, ledger, place=place, more=more)
                else:
                    supervision = supervision_of(item)
                    known = recordings.get(supervision.recording_id)
                    record = utterances.record(supervision, known, place=place, more=more)
                    if record is not None:
                        yield record
            except CellError as error:
                ledger.refuse(f"{place[0]}:{line}", str(error))


def _of_cut(
    item: Item, utterances: Utterances, ledger: Ledger, *, place: tuple[str, int], more: dict[str, object]
) -> Iterator[Record]:
    cut = cut_of(item)
    if cut is None or not cut.supervisions:
        ledger.leave_out(f"{place[0]}:{place[1]}", MIXED if cut is None else NOBODY_SPEAKS)
        return
    yield from cut_records(cut, utterances, place=place, more=more)


def _fill(recordings: RecordingTable, file: Path, ledger: Ledger) -> None:
    for line, item in items(file, _refuse_in(file, ledger)):
        try:
            recording = recording_of(item)
            recordings.add(read_cell("id", recording.id, cells.identifier), heard(recording))
        except CellError as error:
            ledger.refuse(f"{file.name}:{line}", str(error))


def _refuse_in(file: Path, ledger: Ledger) -> Refuse:
    return lambda line, problem: ledger.refuse(f"{file.name}:{line}", problem)
