from pathlib import Path

import pytest

from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus folder with recordings, links that stay and links that leave, and a secret outside it."""
    inside, outside = tmp_path / "corpus", tmp_path / "outside"
    (inside / "audio").mkdir(parents=True)
    outside.mkdir()
    (inside / "audio" / "a.wav").touch()
    (outside / "secret.wav").touch()
    (tmp_path / "corpus_two").mkdir()
    (tmp_path / "corpus_two" / "b.wav").touch()
    (inside / "link_inside.wav").symlink_to(inside / "audio" / "a.wav")
    (inside / "link_outside.wav").symlink_to(outside / "secret.wav")
    (inside / "folder_outside").symlink_to(outside)
    (inside / "link_to_nothing.wav").symlink_to(inside / "gone.wav")
    return inside


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("audio/a.wav", id="relative"),
        pytest.param("./audio//a.wav", id="untidy"),
        pytest.param("audio/../audio/a.wav", id="dots-that-stay-inside"),
        pytest.param("link_inside.wav", id="link-that-stays-inside"),
        pytest.param("{folder}/audio/a.wav", id="absolute-inside"),
    ],
)
def test_a_recording_inside_the_folder_is_found(folder: Path, written: str) -> None:
    audio = AudioFolder(folder, allow_outside=False, must_exist=True)
    found = Path(audio.absolute(written.format(folder=folder)))
    assert found.is_absolute()
    assert found.resolve() == folder / "audio" / "a.wav"


LEAVING = [
    pytest.param("../outside/secret.wav", id="dots"),
    pytest.param("audio/../../outside/secret.wav", id="dots-later"),
    pytest.param("{folder}/../outside/secret.wav", id="absolute-with-dots"),
    pytest.param("{folder}_two/b.wav", id="folder-whose-name-begins-alike"),
]
LEAVING_BY_LINK = [
    pytest.param("link_outside.wav", id="link"),
    pytest.param("folder_outside/secret.wav", id="link-on-the-way"),
]


@pytest.mark.parametrize("must_exist", [True, False])
@pytest.mark.parametrize("written", LEAVING)
def test_a_path_that_leaves_the_folder_is_refused(folder: Path, written: str, must_exist: bool) -> None:
    audio = AudioFolder(folder, allow_outside=False, must_exist=must_exist)
    with pytest.raises(CellError, match=r"a path inside .* manifest\.audio_root .* manifest\.allow_outside=true"):
        audio.absolute(written.format(folder=folder))


@pytest.mark.parametrize("written", LEAVING_BY_LINK)
def test_a_link_that_leaves_the_folder_is_refused(folder: Path, written: str) -> None:
    audio = AudioFolder(folder, allow_outside=False, must_exist=True)
    with pytest.raises(CellError, match="a path inside"):
        audio.absolute(written)


@pytest.mark.parametrize("written", [*LEAVING, *LEAVING_BY_LINK])
def test_a_path_may_leave_the_folder_when_that_is_allowed(folder: Path, written: str) -> None:
    audio = AudioFolder(folder, allow_outside=True, must_exist=True)
    assert Path(audio.absolute(written.format(folder=folder))).exists()


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    link = folder.parent / "linked"
    link.symlink_to(folder)
    audio = AudioFolder(link, allow_outside=False, must_exist=True)
    assert audio.absolute("audio/a.wav") == str(link / "audio" / "a.wav")
    assert audio.absolute(str(folder / "audio" / "a.wav")) == str(folder / "audio" / "a.wav")


def test_dots_after_a_link_in_the_folder_mean_what_the_file_system_says(folder: Path) -> None:
    link = folder.parent / "corpus_two" / "link"
    link.symlink_to(folder / "audio")
    audio = AudioFolder(link / "..", allow_outside=False, must_exist=True)
    assert audio.absolute("audio/a.wav") == str(folder / "audio" / "a.wav")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("gone.wav", "No such file", id="missing"),
        pytest.param("gone/a.wav", "No such file", id="missing-folder"),
        pytest.param("link_to_nothing.wav", "No such file", id="dangling-link"),
        pytest.param("audio/a.wav/b.wav", "Not a directory", id="below-a-file"),
        pytest.param("x" * 5_000, "too long", id="endless-name"),
        pytest.param("audio", "a regular file", id="a-folder"),
        pytest.param("a\0.wav", "control characters", id="nul"),
        pytest.param("a\udcff.wav", "UTF-8", id="lone-surrogate"),
        pytest.param("", "the path of a recording", id="empty"),
        pytest.param(None, "the path of a recording", id="null"),
        pytest.param(["a.wav"], "one value", id="list"),
        pytest.param("http://example.org/a.wav", "No such file", id="web-address"),
    ],
)
def test_a_path_that_leads_to_no_recording_is_refused(folder: Path, written: object, expected: str) -> None:
    audio = AudioFolder(folder, allow_outside=False, must_exist=True)
    with pytest.raises(CellError, match=expected):
        audio.absolute(written)


def test_a_device_is_no_recording() -> None:
    audio = AudioFolder(Path("/dev"), allow_outside=False, must_exist=True)
    with pytest.raises(CellError, match="a regular file"):
        audio.absolute("zero")
