"""The bytes of an untrusted XLSX file in, its visible sheets out.

Read with the standard library alone: only values are taken, streamed, in memory that the limits below bound. Nothing is
calculated, no macro, link or entity is followed, and a merged block is never blown up to its million cells.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.corpus.cells import shown
from harness.corpus.kit.number_formats import BUILT_IN
from harness.corpus.kit.sheets import Sheet
from harness.corpus.kit.worksheet import SheetReader, Values, unescaped
from harness.corpus.kit.xml_events import PartError, PartReader, read_part
from harness.errors import ManifestError

MOST_PARTS = 5_000  # files in the archive; a workbook has a few dozen
LARGEST_PART = 200_000_000  # bytes once unpacked; about a million rows
LARGEST_TEXTS = 100_000_000  # characters of all different texts
_ENCRYPTED = b"\xd0\xcf\x11\xe0"  # the container of passwords, and of files before 2007


def read_workbook(data: bytes, file: str) -> list[Sheet]:
    """Read the visible sheets in the order of their tabs; hidden ones are named in the first sheet's notes.

    Raises:
        ManifestError: The file is damaged, encrypted, no XLSX, or more than fits into bounded memory.
    """
    if data.startswith(_ENCRYPTED):
        raise ManifestError(
            [f"{file}: is locked with a password, or of the format before 2007. Save it as XLSX without a password."]
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _Package(archive).sheets()
    except PartError as error:
        raise ManifestError([f"{file}: {error}. Open and save it again, or save it as CSV."]) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ManifestError([f"{file}: is not a readable XLSX file: {reason}. Save it again, or as CSV."]) from error


@dataclass(slots=True)
class _Workbook:
    """Collects tabs: name, relation, whether it is shown."""

    tabs: list[tuple[str, str, bool]] = field(default_factory=list)
    from_1904: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            is_shown = attributes.get("state", "visible") == "visible"
            self.tabs.append((attributes.get("name", ""), attributes.get("id", ""), is_shown))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in ("1", "true")

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


@dataclass(slots=True)
class _Relations:
    """Collects targets inside the package, by relation."""

    targets: dict[str, str] = field(default_factory=dict)
    by_kind: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            target = attributes.get("Target", "")
            self.targets[attributes.get("Id", "")] = target
            self.by_kind.setdefault(attributes.get("Type", "").rpartition("/")[2], target)

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


@dataclass(slots=True)
class _Texts:
    """Collects the workbook's different texts; how they are pronounced (rPh) is no part of them."""

    texts: list[str] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _takes: bool = False
    _aside: int = 0
    _n_characters: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 (the protocol's)
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._aside += 1
        self._takes = name == "t" and not self._aside

    def end(self, name: str) -> None:
        self._takes = False
        if name == "rPh":
            self._aside -= 1
        elif name == "si":
            self.texts.append(unescaped("".join(self._parts)))

    def text(self, text: str) -> None:
        if self._takes:
            self._n_characters += len(text)
            if self._n_characters > LARGEST_TEXTS:
                raise PartError(f"holds more than {LARGEST_TEXTS:,} characters of text; split it")
            self._parts.append(text)


@dataclass(slots=True)
class _Styles:
    """Collects the number format of each cell style."""

    codes: dict[int, str] = field(default_factory=lambda: dict(BUILT_IN))
    formats: list[int] = field(default_factory=list)
    _in_cell_styles: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt":
            self.codes[_number(attributes, "numFmtId")] = attributes.get("formatCode", "")[:1_000]
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            self.formats.append(_number(attributes, "numFmtId"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False

    def text(self, text: str) -> None:
        pass


class _Package:
    """Finds and reads the parts of a workbook."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts = {info.filename.lstrip("/"): info for info in archive.infolist()}
        if len(archive.infolist()) > MOST_PARTS:
            raise PartError(f"is an archive of {len(archive.infolist()):,} files; expected at most {MOST_PARTS:,}")

    def sheets(self) -> list[Sheet]:
        """Read the visible sheets."""
        package = self._relations("_rels/.rels")
        main = package.by_kind.get("officeDocument", "xl/workbook.xml").lstrip("/")
        folder, name = posixpath.split(main)
        relations = self._relations(f"{folder}/_rels/{name}.rels")
        workbook = _Workbook()
        self._read(main, workbook)
        values = self._values(relations, folder, from_1904=workbook.from_1904)
        hidden = [name for name, _, is_shown in workbook.tabs if not is_shown]
        sheets = []
        for name, relation, is_shown in workbook.tabs:
            part = _inside(folder, relations.targets.get(relation, ""))
            if is_shown and "worksheet" in part:  # a chart sheet has no cells
                sheets.append(self._sheet(name, part, values))
        if not sheets:
            raise PartError("has no sheet that is shown")
        if hidden:
            note = f"hidden sheets, not used: {', '.join(map(shown, hidden))}"
            sheets = [replace(sheet, notes=(*sheet.notes, note)) for sheet in sheets]
        return sheets

    def _sheet(self, name: str, part: str, values: Values) -> Sheet:
        reader = SheetReader(values)
        try:
            self._read(part, reader)
        except PartError as error:
            raise PartError(f"its sheet {shown(name)} {error}") from error
        return reader.sheet(name)

    def _values(self, relations: _Relations, folder: str, *, from_1904: bool) -> Values:
        texts, styles = _Texts(), _Styles()
        for kind, reader in (("sharedStrings", texts), ("styles", styles)):
            if kind in relations.by_kind:
                self._read(_inside(folder, relations.by_kind[kind]), reader)
        codes = [styles.codes.get(number) for number in styles.formats]
        return Values(texts.texts, codes, from_1904=from_1904)

    def _relations(self, part: str) -> _Relations:
        relations = _Relations()
        if part in self._parts:
            self._read(part, relations)
        return relations

    def _read(self, part: str, reader: PartReader) -> None:
        info = self._parts.get(part)
        if info is None:
            raise PartError(f"is no workbook: it has no part {shown(part)}")
        if info.file_size > LARGEST_PART:
            raise PartError(f"unpacks to {info.file_size:,} bytes; expected at most {LARGEST_PART:,} in one part")
        with self._archive.open(info) as stream:
            read_part(stream, reader, n_bytes=info.file_size)


def _inside(folder: str, target: str) -> str:
    """Return a part's name in the archive; one that leads out of it is simply not there."""
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _number(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name, "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
