"""Parts, names in any capitals and one-file transcripts, as importers of folders find them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus.importers.corpus import Ledger
from harness.corpus.importers.layouts import (
    LONGEST_TRANSCRIPT,
    child,
    children,
    files_by_stem,
    is_plain_name,
    parts,
    words_of,
)
from harness.errors import UsageError

KNOWN = ("train", "dev", "test")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(None, ("test",), id="the-usual-one"),
        pytest.param("TRAIN", ("train",), id="in-any-capitals"),
        pytest.param("all", KNOWN, id="all"),
    ],
)
def test_a_part_is_chosen_by_name(wanted, expected):
    assert parts(wanted, KNOWN, usual="test") == expected


def test_an_unknown_part_is_refused_with_those_there_are():
    with pytest.raises(
        UsageError, match=r"split=tset: is no part of this corpus; expected one of train, dev, test or all"
    ):
        parts("tset", KNOWN, usual="test")


def test_what_is_in_a_folder_is_found_in_any_capitals(tmp_path):
    (tmp_path / "WAV").mkdir()
    assert child(tmp_path, "wav").name in ("WAV", "wav")
    assert child(tmp_path, "txt") is None
    assert child(tmp_path / "nowhere", "txt") is None


def test_hidden_files_are_nobodys(tmp_path):
    for name in ("b.WAV", "a.wav", "._a.wav", "a.txt"):
        (tmp_path / name).touch()
    assert [each.name for each in children(tmp_path)] == sorted(["b.WAV", "a.wav", "a.txt"])
    assert files_by_stem(tmp_path, ".wav") == {"a": "a.wav", "b": "b.WAV"}
    assert files_by_stem(None, ".wav") == {}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "a\x00b", "a\nb", ".hidden"])
def test_a_name_that_leads_elsewhere_is_not_plain(name):
    assert not is_plain_name(name)


def test_words_are_joined_on_one_line(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffIt  rained,\r\nall day.\r\n".encode())
    assert words_of(tmp_path / "a.txt", "a.txt", Ledger()) == "It rained, all day."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"caf\xe9\n", "p/a.txt:1: its bytes are not UTF-8", id="not-utf-8"),
        pytest.param(b"a\n" * LONGEST_TRANSCRIPT, "is too long to be the words of one recording", id="endless"),
        pytest.param(b"PK\x03\x04", "p/a.txt: is a zip archive", id="an-archive"),
    ],
)
def test_what_is_no_transcript_is_refused_by_name(tmp_path, content, problem):
    (tmp_path / "a.txt").write_bytes(content)
    ledger = Ledger()
    assert words_of(tmp_path / "a.txt", "p/a.txt", ledger) is None
    assert problem in ledger.problems[0]


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_word_of_any_text_is_kept(tmp_path, text):
    (tmp_path / "a.txt").write_bytes(f"begin {text} end".encode())
    words = words_of(tmp_path / "a.txt", "a.txt", Ledger())
    assert words == " ".join(f"begin {text} end".split())
