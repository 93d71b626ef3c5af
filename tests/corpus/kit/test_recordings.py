"""A cell names the recording that its writer meant, or none: never another one."""

import unicodedata

import pytest

from harness.corpus.kit.recordings import Recordings
from harness.errors import UsageError
from tests.corpus.kit.builders import recordings


def found(folder, cell):
    return Recordings(folder).find(cell).path


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_an_umlaut_is_the_same_however_a_system_keeps_it(tmp_path, form, typed):
    recordings(tmp_path, [unicodedata.normalize(form, "Müller 01.wav")])
    assert found(tmp_path, unicodedata.normalize(typed, "Müller 01.wav")) == unicodedata.normalize(
        form, "Müller 01.wav"
    )


@pytest.mark.parametrize(
    "cell",
    ["night/a 1.wav", "./night/a 1.WAV", "night\\a 1.wav", "C:\\calls\\night\\a 1.wav", "/home/x/night/a 1.wav",
     "D:\\other\\a 1.wav", '"night/a 1.wav"', "file:///x/night/a 1.wav", "a 1.wav", "A 1", "NIGHT/A 1.wav"],
)  # fmt: skip
def test_a_path_of_another_system_names_the_recording_here(tmp_path, cell):
    recordings(tmp_path, ["night/a 1.wav"])
    assert found(tmp_path, cell) == "night/a 1.wav"


@pytest.mark.parametrize(
    "cell", ["", "day/a.wav", "a.flac", "../night/b.wav", "../../etc/passwd", "/etc/passwd", "a.wav/"[:0]]
)
def test_what_names_no_recording_names_none(tmp_path, cell):
    recordings(tmp_path, ["night/a.wav", "c.wav"])
    assert found(tmp_path, cell) is None


def test_two_recordings_of_one_name_are_told_apart_by_their_folders(tmp_path):
    recordings(tmp_path, ["day/a.wav", "night/a.wav"])
    assert found(tmp_path, "night/a.wav") == "night/a.wav"
    assert Recordings(tmp_path).find("a.wav").several == ("day/a.wav", "night/a.wav")


def test_capitals_count_where_they_alone_tell_recordings_apart(tmp_path):
    recordings(tmp_path, ["a.wav", "A.wav"])
    assert (found(tmp_path, "a.wav"), found(tmp_path, "A.wav")) == ("a.wav", "A.wav")


def test_what_other_systems_leave_behind_is_no_recording(tmp_path):
    recordings(tmp_path, ["a.wav", "._a.wav", "__MACOSX/b.wav", ".hidden/c.wav"])
    assert Recordings(tmp_path).paths == ("a.wav",)


def test_a_link_out_of_the_folder_is_no_recording(tmp_path):
    recordings(tmp_path / "mine", ["a.wav"])
    recordings(tmp_path / "secret", ["s.wav"])
    (tmp_path / "mine" / "s.wav").symlink_to(tmp_path / "secret" / "s.wav")
    (tmp_path / "mine" / "all").symlink_to(tmp_path / "secret")
    (tmp_path / "mine" / "again.wav").symlink_to(tmp_path / "mine" / "a.wav")
    assert Recordings(tmp_path / "mine").paths == ("a.wav", "again.wav")


def test_a_name_that_cannot_be_written_down_is_counted(tmp_path):
    recordings(tmp_path, ["a.wav"])
    (tmp_path / "b\n.wav").touch()
    assert Recordings(tmp_path).unusable == ("'b\\n.wav'",)


def test_what_is_missing_comes_with_what_may_be_meant(tmp_path):
    recordings(tmp_path, ["ward_a_001.wav"])
    (tmp_path / "memo.ds2").touch()
    known = Recordings(tmp_path)
    assert "Did you mean 'ward_a_001.wav'?" in known.missing("ward_a_01.wav")
    assert "cannot be decoded here. Convert it: ffmpeg" in known.missing("memo.ds2")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        Recordings(tmp_path / "none")
