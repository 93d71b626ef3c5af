"""A folder has a transcript a file, called as the file is; what else lies there is no transcript, and links stay in."""

import pytest

from harness.errors import HypothesesError, UsageError
from harness.scoring.transcripts import Format, read_hypotheses
from tests.scoring.transcripts.builders import service, texts_of, written


def test_texts_are_called_as_their_files_with_folders(tmp_path):
    written(tmp_path, "u1.txt", b"\xef\xbb\xbfturn it\r\noff\r\n")
    written(tmp_path, "calls/u2.wav.txt", "שלום 🙂\n")
    written(tmp_path, "u3.TXT", "")
    written(tmp_path, "u1.wav", b"RIFF")
    written(tmp_path, ".hidden.txt", "no")
    written(tmp_path, "._u1.txt", b"\x00\x05\x16\x07")
    frame = read_hypotheses(tmp_path)
    assert texts_of(frame) == {"calls/u2.wav": "שלום 🙂", "u1": "turn it off", "u3": ""}
    assert frame["file"].tolist() == [str(tmp_path / name) for name in ("calls/u2.wav.txt", "u1.txt", "u3.TXT")]


def test_documents_of_one_service_are_read_together(tmp_path):
    for name in ("deepgram", "deepgram_channels", "deepgram_refused"):
        written(tmp_path, f"{name}.json", service(name))
    frame = read_hypotheses(tmp_path)
    assert texts_of(frame) == {
        "deepgram": "The stairs are wet.", "deepgram_channels": "Did you call? Twice. Fine.", "deepgram_refused": None,
    }  # fmt: skip


def test_a_report_of_failures_beside_results_adds_the_failures(tmp_path):
    for name in ("azure_batch", "azure_report"):
        written(tmp_path, f"{name}.json", service(name))
    assert texts_of(read_hypotheses(tmp_path)) == {"round-12": "Close the window.", "round-13": None}


@pytest.mark.parametrize(
    ("files", "format", "problem"),
    [
        pytest.param({"a.pdf": "", "b.mp3": ""}, Format.auto, "one a recording. It has .mp3, .pdf", id="others"),
        pytest.param({}, Format.auto, "It has nothing", id="empty"),
        pytest.param({"a.txt": "a", "a.json": "{}"}, Format.auto, "has both .txt and .json files. Choose", id="both"),
        pytest.param({"a.csv": "a"}, Format.csv, "format=csv is of one file, and this is a folder", id="a-table"),
        pytest.param(
            {"a.json": service("deepgram"), "b.json": service("whisper")},
            Format.auto, "b.json: looks like the JSON of whisper, and a.json like that of deepgram", id="two-services",
        ),
        pytest.param(
            {"a.json": {"hi": 1}}, Format.auto, "cannot tell whose JSON this is: an object with 'hi'", id="unknown"
        ),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_told_says_why(tmp_path, files, format, problem):
    for name, content in files.items():
        written(tmp_path / "f", name, content)
    (tmp_path / "f").mkdir(exist_ok=True)
    with pytest.raises(UsageError) as raised:
        read_hypotheses(tmp_path / "f", format=format)
    assert problem in str(raised.value)


def test_both_kinds_are_read_where_one_is_chosen(tmp_path):
    written(tmp_path, "u1.txt", "as text")
    written(tmp_path, "u1.json", service("whisper"))
    assert texts_of(read_hypotheses(tmp_path, format=Format.text)) == {"u1": "as text"}
    assert texts_of(read_hypotheses(tmp_path, format=Format.whisper)) == {"u1": "Snow is forecast. Take the bus."}


def test_every_file_that_cannot_be_read_is_named(tmp_path):
    written(tmp_path, "a.json", service("deepgram"))
    written(tmp_path, "b.json", '{"results": ')
    written(tmp_path, "c.json", {"results": {"channels": [{"alternatives": [{}]}]}})
    written(tmp_path, "d.json", b"\xff")
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(tmp_path)
    assert sorted(problem.split(":")[0] for problem in raised.value.problems) == [
        str(tmp_path / name) for name in ("b.json", "c.json", "d.json")
    ]
    with pytest.raises(HypothesesError, match=r"u1.txt: cannot be read as text in UTF-8"):
        read_hypotheses(written(tmp_path / "texts", "u1.txt", b"caf\xe9").parent)


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_a_file(tmp_path):
    secret = written(tmp_path, "secret.txt", "secret")
    written(tmp_path, "f/u1.txt", "a")
    (tmp_path / "f" / "u2.txt").symlink_to(tmp_path / "f" / "u1.txt")
    assert texts_of(read_hypotheses(tmp_path / "f")) == {"u1": "a", "u2": "a"}
    (tmp_path / "f" / "u3.txt").symlink_to(secret)
    with pytest.raises(HypothesesError, match=r"u3.txt: is a link out of the folder"):
        read_hypotheses(tmp_path / "f")
    (tmp_path / "g").mkdir()
    written(tmp_path, "g/u1.txt", "a")
    (tmp_path / "g" / "below").symlink_to(tmp_path / "f")
    assert texts_of(read_hypotheses(tmp_path / "g")) == {"u1": "a"}


def test_columns_are_of_tables(tmp_path):
    written(tmp_path, "u1.txt", "a")
    with pytest.raises(UsageError, match="columns text are those of a table, and this is a folder; leave them out"):
        read_hypotheses(tmp_path, columns={"text": "a"})
