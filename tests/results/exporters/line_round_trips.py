"""Hostile manifests as hypothesis strategies; a manifest in, the same after an export to lines and an import, out."""

import math
import shutil
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.results.exporters.formats import ExportFormat, writer
from harness.results.exporters.table import ExportTable, export_table
from tests.corpus.builders import self_reported, write_datasheet, write_manifest
from tests.corpus.importers.builders import imported

SEVERAL = "Erst/sprache <% ü>"  # a name that no file can have
ATTRIBUTES = {
    "accent": self_reported("accent", description='own words, "as they are"\nof any length', order=["us", "a, b"]),
    "age": self_reported(bins=[30, 60]),
    "channel": {"kind": "acoustic", "provenance": "annotated"},
    "dur": {"kind": "content", "provenance": "measured"},
    SEVERAL: self_reported(multivalued=True),
    "never said": self_reported(),
}
SHEET = {"undeclared": ["", "NA"], "declined": ["prefer not to say"], "license": "CC0-1.0"}
ODD_WORDS = (
    *("a b", "O", "o", "<NA>", "<x>", ";;", "%20", "%", "a,b", "-1", "excluded_region", "unknown", "BZh91"),
    *("\ufeffx", "a\u200db", "א\u202eb", "e\u0301", "👩🏽‍⚕️", "\xa0x", "spk|"),
)
ODD_TEXTS = (
    *(
        "",
        "IGNORE_TIME_SEGMENT_IN_SCORING",
        "<NA>",
        "<o,f0> hm",
        "{ um / uh } so",
        "a } b {",
        "w" * 300,
        "\x00",
        "\u2028",
    ),
    *(" x\t y \r\n", "\xa0so\xa0", "\"quoted\" 'twice'", "שלום עולם", "हिन्दी", "\ufeff", ";; no comment"),
)
NO_CONTROLS = {"codec": "utf-8", "exclude_categories": ["Cc", "Zl", "Zp"]}

texts = st.one_of(st.text(max_size=30), st.sampled_from(ODD_TEXTS))
words = st.one_of(st.sampled_from(ODD_WORDS), st.text(st.characters(**NO_CONTROLS), min_size=1, max_size=12)).map(
    str.strip
)
ids = words.filter(bool)
values = st.one_of(st.none(), st.just(""), words, st.sampled_from(("prefer not to say", "NA", "us")))
seconds = st.floats(0, 1e6, allow_subnormal=False)


@st.composite
def manifests(draw) -> list[dict[str, object]]:
    """Draw rows of a manifest that nobody would want."""
    names = draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    return [
        {
            "utterance_id": name,
            "text": draw(texts),
            "speaker_id": draw(st.one_of(st.none(), ids, st.just(name))),
            "audio_filepath": draw(st.sampled_from((None, "a.wav", "b/a.wav", "b/é ü.flac", "c/1.wav"))),
            "offset": draw(st.one_of(st.just(0.0), seconds)),
            "duration": draw(st.floats(1e-6, 1e6)),
            "language": draw(st.sampled_from((None, "en", "en-GB", "hi"))),
            "accent": draw(values),
            "age": draw(st.sampled_from(("", 29, 30.5, "61"))),
            "channel": draw(st.one_of(st.just("1"), values)),
            "dur": draw(st.one_of(values, seconds, st.integers(-(10**20), 10**20))),
            SEVERAL: draw(st.one_of(st.none(), st.lists(words, max_size=3))),
            "never said": None,
        }
        for name in names
    ]


def without_some_durations(rows: list[dict[str, object]], places: set[int]) -> list[dict[str, object]]:
    """Return the rows, some of which end with their recording."""
    return [{**each, "duration": None} if place in places else each for place, each in enumerate(rows)]


def check_round_trip(chosen: str, rows: list[dict[str, object]], **sheet: object) -> None:
    """Export a manifest of these rows and import it: nothing is lost."""
    folder = Path(tempfile.mkdtemp())
    try:
        for name in ("audio/b", "audio/c", "manifest"):
            (folder / name).mkdir(parents=True)
        write_datasheet(folder / "manifest", ATTRIBUTES, **SHEET, **sheet)
        path = write_manifest(folder / "manifest", rows)
        before = Manifest.load(path, audio_root=folder / "audio", require_audio=False)
        written(chosen, export_table(before, {}, audio_root=folder / "audio"), folder / "out")
        check_same(before, imported(chosen, folder / "out", folder))
    finally:
        shutil.rmtree(folder)


def written(chosen: str, table: ExportTable, out: Path) -> list[Path]:
    """Export a table; what is said to be written is all that is there."""
    out.mkdir(exist_ok=True)
    paths = writer(ExportFormat[chosen])(table, out)
    assert sorted(paths) == sorted(path for path in out.iterdir() if path.is_file())
    return paths


def check_same(before: Manifest, after: Manifest) -> None:
    """Compare all that two manifests say; rows may stand in another order."""
    first, second = (_by_id(each.frame) for each in (before, after))
    assert list(first) == list(second)
    for name, cells in first.items():
        assert cells == second[name]
    described = [{each.name: each for each in manifest.attributes} for manifest in (before, after)]
    assert described[0] == described[1]
    sheets = [(each.datasheet.undeclared, each.datasheet.declined, each.datasheet.license) for each in (before, after)]
    assert sheets[0] == sheets[1]


def _by_id(frame: pd.DataFrame) -> dict[str, dict[str, object]]:
    records = frame.sort_values("utterance_id").to_dict("records")
    return {each["utterance_id"]: {name: _plain(cell) for name, cell in each.items()} for each in records}


def _plain(cell: object) -> object:
    return None if isinstance(cell, float) and math.isnan(cell) else cell
