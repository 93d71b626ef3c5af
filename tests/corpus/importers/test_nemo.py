"""NeMo manifests, plain and sharded, are read as NeMo lays them out; hostile lines are refused by file and line."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.importers import ImportOptions, Ledger, reader
from harness.errors import DataError, ManifestError, TextFileError, UsageError
from tests.corpus.importers.builders import imported, rows_of, written

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)
LINE = {"audio_filepath": "wavs/a.wav", "duration": 1.5, "text": "go on"}


def line(**cells):
    return {**LINE, **cells}


def manifest(folder, *lines, name="manifest.json"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    path.write_text("".join(f"{each}\n" for each in texts), encoding="utf-8")
    return path


def test_a_line_becomes_an_utterance_and_every_further_key_an_attribute(tmp_path):
    source = manifest(
        tmp_path,
        line(speaker="s1", lang="en-GB", offset=2.5, accent="scottish", age=34, devices=["phone", "headset"], snr=None),
        line(audio_filepath="wavs/b.flac", duration=None, text="", speaker=7),
    )
    read = rows_of("nemo", source)
    first, second = read.records
    assert (first.utterance_id, first.audio, first.text) == ("wavs/a#2.5", "wavs/a.wav", "go on")
    assert (first.speaker_id, first.language, first.offset, first.duration) == ("s1", "en-GB", 2.5, 1.5)
    assert first.attributes == {"accent": "scottish", "age": 34, "devices": ["phone", "headset"], "snr": None}
    assert (second.utterance_id, second.text, second.speaker_id, second.duration) == ("wavs/b", "", "7", None)
    assert read.corpus.audio_root == tmp_path
    assert second.place == "manifest.json:2"


def test_what_a_recogniser_returned_is_no_attribute_and_a_remark_names_it(tmp_path):
    source = manifest(tmp_path, line(pred_text="go un", pred_text_large="go on", wer=0.5, hits=1, accent="us"))
    read = rows_of("nemo", source)
    assert read.records[0].attributes == {"accent": "us"}
    assert "'pred_text', 'pred_text_large', 'wer', 'hits'" in read.ledger.remarks[-1]


def test_nested_values_are_left_out_and_a_remark_names_their_key(tmp_path):
    read = rows_of("nemo", manifest(tmp_path, line(about={"a": 1}, spans=[["go", 0.1]], tags=["x", 2, None, True])))
    assert read.records[0].attributes == {"tags": ["x", "2", "", "true"]}
    assert "'about', 'spans'" in read.ledger.remarks[-1]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param({"lang": "en"}, "en", id="lang"),
        pytest.param({"source_lang": "de", "target_lang": "de"}, "de", id="source-and-target"),
        pytest.param({"language": "sw", "lang": "en"}, "sw", id="the-contract's-own-name-first"),
        pytest.param({"lang": "English"}, "en", id="a-name-for-a-tag"),
        pytest.param({"lang": "en_us"}, "en-us", id="an-underscore"),
        pytest.param({"lang": None}, None, id="null"),
    ],
)
def test_the_language_is_found_under_any_of_its_keys(tmp_path, cells, expected):
    assert rows_of("nemo", manifest(tmp_path, line(**cells))).records[0].language == expected


def test_a_language_that_is_no_tag_is_kept_as_an_attribute(tmp_path):
    record = rows_of("nemo", manifest(tmp_path, line(lang="Singlish"))).records[0]
    assert (record.language, record.attributes) == (None, {"language_name": "Singlish"})


def test_a_translation_is_no_reference(tmp_path):
    source = manifest(tmp_path, line(), line(source_lang="en", target_lang="de", text="geh weiter"))
    read = rows_of("nemo", source)
    assert len(read.records) == 1
    assert list(read.ledger.n_left_out) == ["its text is a translation: source_lang and target_lang differ"]


def test_several_files_for_one_line_and_skipped_lines_are_left_out(tmp_path):
    read = rows_of("nemo", manifest(tmp_path, line(), line(audio_filepath=["l.wav", "r.wav"]), line(_skipme=True)))
    assert len(read.records) == 1
    assert sum(read.ledger.n_left_out.values()) == 2


@pytest.mark.parametrize(
    ("cells", "columns", "expected"),
    [
        pytest.param({"text": "a", "normalized_text": "b"}, {}, "a", id="text-first"),
        pytest.param({"normalized_text": "b", "answer": "c"}, {}, "b", id="then-normalized"),
        pytest.param({"answer": "c"}, {}, "c", id="then-answer"),
        pytest.param({"text": "a", "raw": "d"}, {"text": "raw"}, "d", id="as-columns-say"),
        pytest.param({"text": 7}, {}, "7", id="a-number"),
    ],
)
def test_the_text_is_found_under_any_of_its_keys(tmp_path, cells, columns, expected):
    source = manifest(tmp_path, {"audio_filepath": "a.wav", "duration": 1, **cells})
    assert rows_of("nemo", source, columns=columns).records[0].text == expected


def test_absolute_paths_start_from_the_folder_they_have_in_common(tmp_path):
    (tmp_path / "c").mkdir()
    both = (line(audio_filepath=f"{tmp_path}/c/{path}") for path in ("x/a.wav", "y/b.wav"))
    read = rows_of("nemo", manifest(tmp_path / "manifests", *both))
    assert read.corpus.audio_root == tmp_path / "c"
    assert [each.audio for each in read.records] == ["x/a.wav", "y/b.wav"]
    assert [each.utterance_id for each in read.records] == ["x/a", "y/b"]


def test_absolute_paths_of_another_machine_are_kept_for_a_folder_that_is_named_later(tmp_path):
    both = (line(audio_filepath=f"/data/c/{path}") for path in ("x/a.wav", "y/b.wav"))
    read = rows_of("nemo", manifest(tmp_path, *both))
    assert read.corpus.audio_root is None
    assert [each.audio for each in read.records] == ["x/a.wav", "y/b.wav"]
    assert "all are in '/data/c', which is not there" in read.ledger.remarks[0]


def test_absolute_paths_beside_the_manifest_start_from_its_folder_as_in_a_manifest_read_directly(tmp_path):
    source = manifest(tmp_path, line(audio_filepath=str(tmp_path / "wavs" / "a.wav")))
    read = rows_of("nemo", source)
    assert (read.corpus.audio_root, read.records[0].utterance_id) == (tmp_path, "wavs/a")


def test_paths_with_nothing_in_common_name_no_recording(tmp_path):
    source = manifest(tmp_path, line(audio_filepath="/data/a.wav"), line(audio_filepath="/etc/passwd"))
    read = rows_of("nemo", source)
    assert read.corpus.audio_root is None
    assert [(each.utterance_id, each.audio) for each in read.records] == [("data/a", None), ("etc/passwd", None)]


def test_relative_paths_may_start_above_the_manifest(tmp_path):
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "a.wav").touch()
    read = rows_of("nemo", manifest(tmp_path / "data" / "manifests", LINE))
    assert read.corpus.audio_root == tmp_path


@pytest.mark.parametrize("path", ["s3://bucket/a.wav", "https://x.org/a.wav", "ais://b/a.wav", "sox a.wav -t wav - |"])
def test_addresses_and_commands_are_neither_fetched_nor_run(tmp_path, path):
    read = rows_of("nemo", manifest(tmp_path, line(audio_filepath=path, utterance_id="u")))
    assert read.records[0].audio is None
    assert "not fetched" in read.ledger.remarks[0]


@pytest.mark.parametrize(
    "name",
    ["manifest__OP_0..2_CL_.json", "manifest_{0..2}.json", "manifest_[0..2].json", "manifest_(0..2).json"],
)
def test_shards_are_read_under_nemos_names(tmp_path, name):
    for n in range(3):
        shard = [line(audio_filepath=f"a{n}.wav", shard_id=n)]
        manifest(tmp_path / "sharded_manifests", *shard, name=f"manifest_{n}.json")
    read = rows_of("nemo", tmp_path / "sharded_manifests" / name)
    assert [each.place for each in read.records] == [f"manifest_{n}.json:1" for n in range(3)]
    assert [each.attributes["shard_id"] for each in read.records] == [0, 1, 2]


def test_a_folder_of_shards_is_read_in_the_order_of_their_numbers(tmp_path):
    for n in range(12):
        manifest(tmp_path, line(audio_filepath=f"a{n}.wav"), name=f"manifest_{n}.json")
    assert [each.utterance_id for each in rows_of("nemo", tmp_path).records] == [f"a{n}" for n in range(12)]


def test_a_missing_shard_is_named(tmp_path):
    manifest(tmp_path, LINE, name="manifest_000.json")
    with pytest.raises(UsageError, match=r"manifest_001\.json"):
        rows_of("nemo", tmp_path / "manifest_{000..001}.json")


def test_a_million_shards_in_a_name_are_no_million_paths(tmp_path):
    with pytest.raises(UsageError, match="at most"):
        rows_of("nemo", tmp_path / "manifest_{0..999999999999}.json")


def test_of_several_manifests_in_a_folder_one_is_to_be_named(tmp_path):
    manifest(tmp_path, LINE, name="train_manifest.json")
    manifest(tmp_path, LINE, name="test_manifest.json")
    with pytest.raises(UsageError, match=r"test_manifest\.json, train_manifest\.json"):
        rows_of("nemo", tmp_path)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        pytest.param({"text": "a", "path": "a.wav"}, "columns.audio_filepath", id="no-audio"),
        pytest.param({"audio_filepath": "a.wav", "words": "a"}, "columns.text", id="no-text"),
        pytest.param("[1]", "no line of it is a JSON object", id="no-object"),
        pytest.param("", "no line of it is a JSON object", id="empty"),
    ],
)
def test_what_is_no_manifest_is_refused_at_once(tmp_path, first, words):
    with pytest.raises(UsageError, match=words):
        reader("nemo")(manifest(tmp_path, first), ImportOptions(), Ledger())


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param('{"audio_filepath": ', "is not JSON", id="cut-off"),
        pytest.param('{"a":' * 50_000, "is not JSON", id="nested-deeply"),
        pytest.param("[1, 2]", "expected one JSON object", id="a-list"),
        pytest.param(line(audio_filepath=5), "has audio_filepath=5", id="a-path-that-is-a-number"),
        pytest.param(line(audio_filepath={"a": 1}), "has audio_filepath=a mapping", id="a-path-that-is-a-mapping"),
        pytest.param(line(audio_filepath=""), "neither utterance_id nor the path", id="no-path-no-id"),
        pytest.param(line(audio_filepath="a\x00.wav"), "has audio_filepath=", id="nul-in-a-path"),
        pytest.param(line(text=None), "has text=None", id="no-text"),
        pytest.param(line(text=["go"]), "has text=a list", id="a-list-of-words"),
        pytest.param(line(text=True), "has text=True", id="a-yes"),
        pytest.param({"audio_filepath": "a.wav", "duration": 1}, "has text=None", id="no-key-of-a-text"),
        pytest.param('{"audio_filepath": "b.wav", "text": "a\\ud800"}', "valid UTF-8", id="half-a-character"),
        pytest.param('{"audio_filepath": "b.wav", "text": "a", "duration": NaN}', "has duration=nan", id="nan"),
        pytest.param('{"audio_filepath": "b.wav", "text": "a", "duration": 1e999}', "has duration=inf", id="infinite"),
        pytest.param(line(duration=-1), "has duration=-1", id="a-negative-duration"),
        pytest.param(line(duration=[1]), "has duration=a list", id="a-list-of-durations"),
        pytest.param(line(offset=-0.5), "has offset=-0.5", id="a-negative-offset"),
        pytest.param(line(offset="soon"), "has offset='soon'", id="an-offset-in-words"),
        pytest.param(line(speaker=True), "has speaker=True", id="a-speaker-that-is-yes"),
        pytest.param(line(speaker={"name": "x"}), "has speaker=a mapping", id="a-speaker-that-is-a-mapping"),
        pytest.param(line(lang=5), "has lang=5", id="a-language-that-is-a-number"),
        pytest.param('{"audio_filepath": "b.wav", "text": "a", "snr": Infinity}', "'snr'=inf", id="infinite-value"),
        pytest.param(line(**{"a & b": 1}), "has the key 'a & b'", id="a-name-of-an-intersection"),
        pytest.param(line(**{" ": 1}), "has the key ' '", id="a-blank-name"),
        pytest.param(line(Text="a"), "has the key 'Text'", id="a-contract-column-in-capitals"),
        pytest.param(line(accent="x", Accent="y"), "differs from 'accent' in capitals", id="twice-in-other-capitals"),
        pytest.param('{"audio_filepath": "b.wav", "text": "a", "\\ud800": 1}', "has the key", id="half-a-name"),
        pytest.param(line(**{f"k{n}": n for n in range(1_001)}), "expected the same few", id="a-thousand-keys"),
    ],
)
def test_a_hostile_line_is_refused_by_file_and_line(tmp_path, bad, words):
    read = rows_of("nemo", manifest(tmp_path, LINE, bad))
    assert len(read.records) == 1
    [problem] = read.ledger.problems
    assert problem.startswith("manifest.json:2: ")
    assert words in problem


@pytest.mark.parametrize("path", ["../../etc/passwd", "a/../../b.wav"])
def test_a_relative_path_out_of_the_source_stops_the_import(tmp_path, path):
    with pytest.raises(ManifestError, match=r"manifest\.json:1: .*inside the source"):
        written("nemo", manifest(tmp_path, line(audio_filepath=path, utterance_id="u")), tmp_path / "out")


def test_an_absolute_path_among_relative_ones_stops_the_import(tmp_path):
    source = manifest(tmp_path, LINE, line(audio_filepath="/etc/passwd"))
    read = rows_of("nemo", source)
    assert read.ledger.problems[0].startswith("manifest.json:2: has audio_filepath='/etc/passwd'")


def test_ids_that_are_there_twice_are_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"manifest\.json:2: has the id 'wavs/a'"):
        written("nemo", manifest(tmp_path, LINE, LINE), tmp_path / "out")


def test_a_truncated_gzip_is_refused_by_file_and_line(tmp_path):
    path = tmp_path / "manifest.json.gz"
    data = gzip.compress("".join(json.dumps(line(audio_filepath=f"{n}.wav")) + "\n" for n in range(9_999)).encode())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(TextFileError, match=r"manifest\.json\.gz:\d+: .*cut off or damaged"):
        rows_of("nemo", path)


def test_a_long_transcript_in_any_writing_is_kept(tmp_path):
    text = "नमस्ते\u202eשלום e\u0301 👩🏽‍🚀\t\u2028" * 5_000
    source = tmp_path / "manifest.json"
    source.write_bytes("\ufeff".encode() + json.dumps(line(text=text), ensure_ascii=False).encode() + b"\r\n")
    assert imported("nemo", source, tmp_path).frame["text"].tolist() == [text]


def test_the_datasheet_beside_a_manifest_says_what_attributes_are(tmp_path):
    source = manifest(tmp_path, line(age=34))
    (tmp_path / "datasheet.yaml").write_text(
        "name: toy\nlicense: CC0-1.0\nattributes:\n  age: {kind: demographic, provenance: self_reported, bins: [30]}\n"
    )
    found = imported("nemo", source, tmp_path)
    assert found.datasheet.license == "CC0-1.0"
    assert found.frame["age"].tolist() == [">=30"]


@given(text=ANY_TEXT, value=ANY_TEXT)
def test_any_text_is_kept_as_it_is(tmp_path_factory, text, value):
    folder = tmp_path_factory.mktemp("nemo")
    record = rows_of("nemo", manifest(folder, line(text=text, note_=value))).records[0]
    assert (record.text, record.attributes["note_"]) == (text, value)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("nemo") / "manifest.json"
    path.write_bytes(json.dumps(LINE).encode() + b"\n" + data)
    found = []
    try:
        found += rows_of("nemo", path).ledger.problems
    except DataError as error:
        found.append(str(error))
    assert all(problem.startswith("manifest.json:") for problem in found)
