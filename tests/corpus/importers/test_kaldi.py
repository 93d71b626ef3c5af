"""A Kaldi data folder gives a record for each line of `text`; nothing in it is run, and nothing is lost unsaid."""

import random
import shutil
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError, ManifestError, UsageError
from tests.corpus.builders import problems_of, self_reported, write_datasheet
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "kaldi/s5"
DATA = RELEASE / "data/test"
FILES = ("text", "segments", "wav.scp", "utt2spk", "utt2lang", "utt2mood")


@pytest.fixture
def data(tmp_path):
    shutil.copytree(RELEASE, tmp_path / "s5")
    return tmp_path / "s5/data/test"


def folder_of(path: Path, **files: str) -> Path:
    """Write files; a name is that of a file with `_` for `.`, since Kaldi has only `wav.scp` with one."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return path


def test_segments_stay_segments_of_their_recordings():
    found = rows_of("kaldi", DATA)
    assert [(each.utterance_id, each.offset, each.duration, each.audio) for each in found.records] == [
        ("anna-call1-0000010-0000253", 0.1, 2.43, "corpus/call one.wav"),
        ("anna-call1-0000300-0000412", 3.0, 1.12, "corpus/call one.wav"),
        ("ben-call1-0000253-0000300", 2.53, 0.47, "corpus/call one.wav"),
        ("ben-call2-0000000-0000150", 0.0, 1.5, None),
    ]
    assert [each.text for each in found.records] == [
        "turn that kettle off",
        "[noise] oh it is <unk>",
        "",
        "nobody told me",
    ]
    assert found.corpus.audio_root == RELEASE


def test_files_about_people_and_utterances_are_attributes():
    found = rows_of("kaldi", DATA)
    assert [each.speaker_id for each in found.records] == ["anna", "anna", "ben", "ben"]
    assert [dict(each.attributes) for each in found.records] == [
        {"accent": "south of the river", "gender": "f"},
        {"accent": "south of the river", "gender": "f"},
        {"gender": "m"},
        {"gender": "m", "mood": "tired", "language_name": "a language of his own"},
    ]
    assert [each.language for each in found.records] == ["en", "en-GB", "en", None]


def test_an_import_is_a_manifest_with_attributes_declared_as_annotated(tmp_path):
    manifest = imported("kaldi", DATA, tmp_path, language="en")
    assert {each.name: each.provenance.value for each in manifest.attributes} == dict.fromkeys(
        ("accent", "gender", "mood", "language_name"), "annotated"
    )
    assert manifest.frame["language"].tolist() == ["en", "en-GB", "en", "en"]
    assert manifest.frame["mood"].tolist() == ["undeclared", "undeclared", "undeclared", "tired"]


def test_a_segment_without_text_is_left_out_and_said_so(tmp_path):
    found = written("kaldi", DATA, tmp_path)
    assert found.n_left_out == {"has no line in text: nothing says what was said": 1}
    assert (tmp_path / "left_out.tsv").read_text().startswith("segments:5\t")
    assert found.n_utterances == 4


@pytest.mark.parametrize("command", ["touch run |", "| touch run", "-", "sox x -t wav - | cat |", "$(touch run) |"])
def test_commands_are_never_run_and_counted(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    data = folder_of(tmp_path / "data", text="a hm\nb so\n", wav_scp=f"a {command}\nb b.wav\n")
    (data / "b.wav").touch()
    found = rows_of("kaldi", data)
    assert [each.audio for each in found.records] == [None, "b.wav"]
    assert any("1 of 2 entries of wav.scp are commands" in each for each in found.ledger.remarks)
    assert not list(tmp_path.rglob("run"))


@pytest.mark.parametrize("entry", ["raw.ark:4711", "raw.ark", "/data/raw.ark:9[0:5]", "a:12"])
def test_recordings_in_archives_are_refused_with_words(tmp_path, entry):
    data = folder_of(tmp_path / "data", text="a hm\n", wav_scp=f"a {entry}\n")
    (problem,) = problems_of(lambda: written("kaldi", data, tmp_path / "out"))
    assert problem.startswith(f"wav.scp:1: names '{entry}', a place in an archive")
    assert "remove wav.scp to score transcripts without them" in problem


def test_absolute_paths_start_from_the_folder_they_share(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "corpus" / name).mkdir(parents=True)
    root = tmp_path / "corpus"
    data = folder_of(tmp_path / "data", text="a hm\nb so\n", wav_scp=f"a {root}/one/a.wav\nb {root}/two/../two/b.wav\n")
    found = rows_of("kaldi", data)
    assert [each.audio for each in found.records] == ["one/a.wav", "two/b.wav"]
    assert found.corpus.audio_root == root


def test_relative_paths_do_not_lead_out_of_the_audio_root(tmp_path):
    data = folder_of(tmp_path / "data", text="a hm\n", wav_scp="a ../../secret.wav\n")
    (problem,) = problems_of(lambda: written("kaldi", data, tmp_path / "out"))
    assert "expected a recording inside the source" in problem


def test_without_recordings_transcripts_can_still_be_scored(data):
    (data / "wav.scp").unlink()
    found = rows_of("kaldi", data)
    assert {each.audio for each in found.records} == {None}
    assert "no wav.scp: transcripts made elsewhere can be scored, no recording is named" in found.ledger.remarks


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_lines_changes_nothing(data, seed):
    expected = {each.utterance_id: each for each in rows_of("kaldi", DATA).records}
    shuffled = random.Random(seed)
    for name in FILES:
        lines = (data / name).read_text().splitlines(keepends=True)
        shuffled.shuffle(lines)
        (data / name).write_text("".join(lines))
    found = rows_of("kaldi", data)
    assert len(found.records) == len(expected)
    for record in found.records:
        same = expected[record.utterance_id]
        assert (record.text, record.speaker_id, record.offset, record.duration, record.audio, record.attributes) == (
            same.text,
            same.speaker_id,
            same.offset,
            same.duration,
            same.audio,
            same.attributes,
        )
    assert found.ledger.n_left_out == {"has no line in text: nothing says what was said": 1}


@pytest.mark.parametrize(
    ("utt2spk", "speakers"),
    [
        pytest.param("a a\nb b\n", [None, None], id="every-utterance-its-own-speaker"),
        pytest.param("a a\nb x\n", ["a", "x"], id="one-of-them-is"),
        pytest.param("b x\n", [None, "x"], id="one-has-none"),
    ],
)
def test_nobody_is_made_up_where_nobody_is_known(tmp_path, utt2spk, speakers):
    data = folder_of(tmp_path / "data", text="a hm\nb so\n", utt2spk=utt2spk)
    assert [each.speaker_id for each in rows_of("kaldi", data).records] == speakers


def test_who_spoke_is_read_from_either_list(data):
    (data / "utt2spk").unlink()
    assert [each.speaker_id for each in rows_of("kaldi", data).records] == ["anna", "anna", "ben", "ben"]
    (data / "spk2utt").unlink()
    found = rows_of("kaldi", data)
    assert {each.speaker_id for each in found.records} == {None}
    assert "no utt2spk: nobody knows who spoke" in found.ledger.remarks


@pytest.mark.parametrize("name", ["utt2dur", "reco2dur"])
def test_without_segments_recordings_are_utterances(tmp_path, name):
    data = folder_of(tmp_path / "data", text="a hm\nb so\n", wav_scp="a a.wav\nb b.wav\n", **{name: "a 1.25\n"})
    found = rows_of("kaldi", data)
    assert [(each.audio, each.offset, each.duration) for each in found.records] == [
        ("a.wav", 0.0, 1.25),
        ("b.wav", 0.0, None),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("r 1.5 -1", (1.5, None), id="to-the-end"),
        pytest.param("r 1.5 -1.00", (1.5, None), id="to-the-end-with-decimals"),
        pytest.param("r\t1.5\t2.75", (1.5, 1.25), id="tabs"),
        pytest.param("r 0.1 0.3", (0.1, 0.2), id="no-rounding"),
        pytest.param("r 1e-1 3E-1", (0.1, 0.2), id="powers-of-ten"),
    ],
)
def test_times_are_read_exactly(tmp_path, line, expected):
    data = folder_of(tmp_path / "data", text="a hm\n", segments=f"a {line}\n", wav_scp="r r.wav\n")
    (record,) = rows_of("kaldi", data).records
    assert (record.offset, record.duration) == expected


@pytest.mark.parametrize(
    "line",
    ["r 1", "r 2 1", "r -1 2", "r one 2", "r 1 2 3 4", "r nan 2", "r 0 inf", "r 1 -10", "r 0 1e999", "r 1,5 2,5"],
)
def test_a_segment_that_says_nothing_usable_is_refused_by_name(tmp_path, line):
    data = folder_of(tmp_path / "data", text="a hm\n", segments=f"a {line}\n", wav_scp="r r.wav\n")
    (problem,) = problems_of(lambda: written("kaldi", data, tmp_path / "out"))
    assert problem.startswith("text:1: utterance 'a' has ")


def test_a_segment_of_no_length_is_left_out(tmp_path):
    data = folder_of(tmp_path / "data", text="a hm\nb so\n", segments="a r 1 1.0\nb r 1 2\n", wav_scp="r r.wav\n")
    found = rows_of("kaldi", data)
    assert [each.utterance_id for each in found.records] == ["b"]
    assert found.ledger.n_left_out == {"its segment ends where it begins": 1}


def test_one_channel_of_several_is_not_heard_as_all_of_them(tmp_path):
    data = folder_of(tmp_path / "data", text="a hm\n", segments="a r 1 2 1\n", wav_scp="r r.wav\n")
    found = rows_of("kaldi", data)
    assert [(each.audio, each.attributes) for each in found.records] == [(None, {"channel": "1"})]
    assert any("all channels would be heard at once" in each for each in found.ledger.remarks)


@pytest.mark.parametrize("name", ["text", "utt2spk", "segments", "utt2mood"])
def test_two_lines_of_one_utterance_are_refused(data, tmp_path, name):
    first = (data / name).read_text().splitlines(keepends=True)[0]
    (data / name).write_text(first + (data / name).read_text())
    (problem,) = problems_of(lambda: written("kaldi", data, tmp_path / "out"))
    assert problem.startswith(f"{name}:2: ")


def test_lines_of_utterances_that_text_does_not_have_are_counted(data):
    with (data / "utt2mood").open("a") as file:
        file.write("nobody-1 glad\nnobody-2 sad\n")
    assert "utt2mood: 2 lines are of utterances that text does not have" in rows_of("kaldi", data).ledger.remarks


def test_files_that_can_be_no_attribute_are_named(data):
    (data / "utt2text").write_text("anna-call1-0000010-0000253 x\n")
    found = rows_of("kaldi", data)
    assert any(each.startswith("utt2text or spk2text, not used: attribute 'text'") for each in found.ledger.remarks)
    assert all("text" not in each.attributes for each in found.records)


def test_a_datasheet_in_the_folder_says_what_attributes_are(data, tmp_path):
    write_datasheet(data, {"accent": self_reported("accent"), "never said": self_reported()}, license="CC0-1.0")
    manifest = imported("kaldi", data, tmp_path)
    assert {each.name: each.provenance.value for each in manifest.attributes} == {
        "accent": "self_reported",
        "never said": "self_reported",
        "gender": "annotated",
        "mood": "annotated",
        "language_name": "annotated",
    }
    assert manifest.datasheet.license == "CC0-1.0"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"key": "a", "written": {"text": "so"}, "exact": {"text": "s o"}}', id="text-was-corrected"),
        pytest.param('{"key": "c", "written": {}, "exact": {"text": "s o"}}', id="utterance-is-gone"),
        pytest.param('{"key": "a", "written": {}, "exact": {"audio": "/etc/passwd"}}', id="a-field-of-no-export"),
        pytest.param('{"key": "a", "written": {}, "exact": {"attributes": {"x": {"y": 1}}}}', id="a-nested-value"),
        pytest.param('{"key": "a", "written": {}, "exact": {"text": null}}', id="no-text"),
        pytest.param('{"key": 1}', id="no-line-of-an-export"),
        pytest.param("[" * 100_000, id="nested-too-deeply"),
        pytest.param("{", id="torn"),
    ],
)
def test_what_an_export_put_beside_is_used_only_where_it_fits(tmp_path, line):
    data = folder_of(tmp_path / "data", text="a hm\n", exact_jsonl=f"{line}\n")
    with pytest.raises(ManifestError, match=r"exact\.jsonl:1: "):
        written("kaldi", data, tmp_path / "out")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"segments": "a r 0 1\n"}, "no file text in it; expected a Kaldi data folder"),
        ({"test/text": "a hm\n"}, "Name one of its folders: test"),
    ],
)
def test_another_folder_is_refused_with_words(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        rows_of("kaldi", tmp_path)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(FILES),
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode), st.just(b"\x1f\x8b\x08\x00cut off")),
)
def test_any_bytes_are_read_or_refused_with_the_file(tmp_path, name, content):
    data = tmp_path / "s5/data/test"
    shutil.copytree(RELEASE, tmp_path / "s5", dirs_exist_ok=True)
    (data / name).write_bytes(content)
    try:
        said = "" if written("kaldi", data, tmp_path / "out").n_utterances else "nothing was read"
    except DataError as error:
        said = str(error)
    assert not said or any(each in said for each in (name, "text:", "no utterance was found"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("שלום {עולם}", id="right-to-left"),
        pytest.param("e\u0301te\u0301 👩🏽‍⚕️ 𝔸", id="combining-marks-and-emoji"),
        pytest.param("w " * 50_000 + "end", id="100000-characters"),
        pytest.param("\"quoted\" 'twice'", id="quotation-marks"),
        pytest.param("a\tb", id="tab"),
        pytest.param("a\u2028b\x85c", id="other-line-breaks"),
    ],
)
def test_any_text_of_one_line_stays_as_it_is(tmp_path, text):
    data = folder_of(tmp_path / "data", text=f"\ufeffa {text}\r\nb  {text} \n")
    assert [(each.utterance_id, each.text) for each in rows_of("kaldi", data).records] == [("a", text), ("b", text)]


def test_a_folder_in_order_is_read_from_little_memory(tmp_path):
    n_rows = 20_000
    names = [f"speaker{number // 100:04d}-{number:08d}" for number in range(n_rows)]
    data = folder_of(
        tmp_path / "data",
        text="".join(f"{name} what was said\n" for name in names),
        wav_scp="".join(f"{name} audio/{name}.wav\n" for name in names),
        utt2spk="".join(f"{name} {name[:11]}\n" for name in names),
        utt2accent="".join(f"{name} scottish\n" for name in names[::3]),
    )
    tracemalloc.start()
    try:
        found = written("kaldi", data, tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.n_utterances == n_rows
    assert peak < 3_000_000  # bytes; the four files are 3.4 MB, and as Python's objects 10 MB
