"""What holds for every corpus whose release is a list: any text comes through, any length fits, no bad bytes do."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus.importers import ImportOptions, Ledger, reader
from harness.errors import DataError, UsageError
from tests.corpus.importers.builders import rows_of, written

N_MANY = 30_000


def separated(row: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()


@dataclass(frozen=True)
class Listed:
    """Is a format whose release is one list: its file, what stands before, between and after rows, and a row."""

    file: str
    row: Callable[[int, str], str]
    header: str = ""
    footer: str = ""
    any_text: bool = False  # whether a cell can hold tabs and line ends

    def write(self, root: Path, texts: Iterable[str], *, start: bytes = b"", line_end: str = "\n") -> Path:
        path = root / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(start + self.header.replace("\n", line_end).encode())
            for number, text in enumerate(texts):
                file.write(self.row(number, text).removesuffix("\n").encode() + line_end.encode())
            file.write(self.footer.encode())
        return root


LISTS = {
    "afrispeech": Listed(
        "transcripts/zulu/test.csv",
        lambda n, text: separated([f"u{n % 9}", "zulu", text, f"/A/test/r{n}/c{n}.wav", "1.5"]),
        header="user_ids,accent,transcript,audio_paths,duration\n",
        any_text=True,
    ),
    "voxpopuli": Listed(
        "en/asr_test.tsv",
        lambda n, text: f"2013-{n}\t\t{text}\t{n % 9}\ttest\tmale",
        header="id\traw_text\tnormalized_text\tspeaker_id\tsplit\tgender\n",
    ),
    "fleurs": Listed("cy_gb/test.tsv", lambda n, text: f"{n // 3}\t{n}.wav\t{text}\tx\tx |\t16000\tMALE"),
    "fair_speech": Listed(
        "list.tsv",
        lambda n, text: f"{n:032x}\t{text}\t18 - 22\tfemale",
        header="hash_name\ttranscription\tage\tgender\n",
    ),
    "casual_conversations": Listed(
        "CasualConversations_transcriptions.json",
        lambda n, text: (
            json.dumps(
                {"video_path": f"A/{n}/{n}_00.MP4", "age": "35", "gender": "Male", "transcription": text},
                ensure_ascii=False,
            )
            + ","
        ),
        header="[",
        footer='{"video_path": "A/last.MP4", "age": "35", "gender": "Male", "transcription": "last"}]',
        any_text=True,
    ),
}
MARKS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="[]<>%=")
TEXTS = st.text(MARKS, min_size=1, max_size=40).filter(str.strip)

HOSTILE = [
    pytest.param('"quoted" and "never closed', id="quotes"),
    pytest.param('"', id="one-quote"),
    pytest.param("=1+2|x;y,z", id="separators-of-others"),
    pytest.param("مرحبا يا عالم", id="right-to-left"),
    pytest.param("e\u0301a\u0308o\u0302", id="combining-marks"),
    pytest.param("👩‍👩‍👧 🇿🇦", id="emoji"),
    pytest.param("a\u2028b", id="another-line-end"),
    pytest.param("\ufeffmark", id="a-mark-inside"),
    pytest.param("word " * 20_000 + "end", id="100000-characters"),
]


@pytest.fixture(params=LISTS)
def format_(request):
    return request.param


def texts_of(format_, source):
    read = rows_of(format_, source)
    assert read.ledger.problems == []
    texts = [each.text for each in read.records]
    return texts[:-1] if format_ == "casual_conversations" else texts


def expected(format_, text):
    """Return what is to come out: without spaces around it, and where marks were dropped, with single ones inside."""
    return " ".join(text.split()) if format_ == "casual_conversations" else text.strip()


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_comes_through(format_, tmp_path, texts):
    source = LISTS[format_].write(tmp_path, texts)
    assert texts_of(format_, source) == [expected(format_, text) for text in texts]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_through(format_, tmp_path, text):
    source = LISTS[format_].write(tmp_path, ["first", text, "last"])
    if format_ == "casual_conversations":
        text = text.replace("=", "")
    assert texts_of(format_, source) == ["first", expected(format_, text), "last"]


@pytest.mark.parametrize("format_", [name for name, each in LISTS.items() if each.any_text])
@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\r\nb"])
def test_tabs_and_line_ends_in_cells_tear_no_row(format_, tmp_path, text):
    source = LISTS[format_].write(tmp_path, [text, "next"])
    assert [each.split() for each in texts_of(format_, source)] == [["a", "b"], ["next"]]


def test_a_tab_in_a_cell_of_a_list_with_tabs_is_refused_with_its_line(tmp_path):
    for name in ("voxpopuli", "fleurs", "fair_speech"):
        listed = LISTS[name]
        read = rows_of(name, listed.write(tmp_path / name, ["first", "a\tb", "last"]))
        assert [each.text for each in read.records] == ["first", "last"]
        line = 2 + listed.header.count("\n")
        assert f"{Path(listed.file).name}:{line}: has " in read.ledger.problems[0]


def test_marks_of_utf_8_and_other_line_ends_change_nothing(format_, tmp_path):
    plain = LISTS[format_].write(tmp_path / "plain", ["first", "second"])
    marked = LISTS[format_].write(tmp_path / "marked", ["first", "second"], start=b"\xef\xbb\xbf", line_end="\r\n")
    assert texts_of(format_, plain) == texts_of(format_, marked) == ["first", "second"]
    assert [each.line for each in rows_of(format_, plain).records] == [
        each.line for each in rows_of(format_, marked).records
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfeh\x00", id="utf-16"),
        pytest.param(b"PK\x03\x04rest", id="a-zip"),
        pytest.param(b"\x1f\x8b\x08\x00cut", id="a-torn-gzip"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(b"caf\xe9,\t\n" * 3, id="latin-1"),
    ],
)
def test_what_is_no_list_is_refused_and_named(format_, tmp_path, content):
    source = LISTS[format_].write(tmp_path, [])
    (source / LISTS[format_].file).write_bytes(content)
    with pytest.raises((DataError, UsageError)) as caught:
        written(format_, source, tmp_path / "out")
    assert Path(LISTS[format_].file).name in str(caught.value) or "no utterance was found" in str(caught.value)


def test_a_list_of_any_length_is_read_in_little_memory(format_, tmp_path):
    source = LISTS[format_].write(tmp_path, (f"a sentence of some words {n}" for n in range(N_MANY)))
    corpus = reader(format_)(source, ImportOptions(), Ledger())
    tracemalloc.start()
    n_read = sum(1 for _ in corpus.records)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_read >= N_MANY
    assert peak < 6_000_000  # bytes: 200 a row; all rows held at once take more than 20 million
