import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest, Utterance
from harness.errors import UsageError
from tests.corpus.builders import FORMATS, load, problems_of, row, self_reported, write_datasheet, write_manifest
from tests.shared import DATA, needs_data

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
WORD = st.text("abcé中 ", min_size=1, max_size=4).map(str.strip).filter(bool)
SECONDS = st.none() | st.floats(0.01, 1e6)
ROW = st.fixed_dictionaries(
    {
        "text": TEXT,
        "speaker_id": st.none() | WORD | st.sampled_from(["NA", "None", "nan", "null", "007"]),
        "duration": SECONDS,
        "offset": SECONDS,
        "accent": st.none() | WORD | st.sampled_from(["NA", "None", "nan", "Prefer not to say", ""]),
        "age": st.none() | st.integers(-5, 99) | st.floats(-5, 99),
        "devices": st.none() | st.lists(WORD, max_size=3),
        "language": st.sampled_from([None, "en", "pt-BR"]),
    }
)
DECLARED = {
    "accent": self_reported("accent"),
    "age": self_reported(bins=[30, 60]),
    "devices": self_reported("acoustic", multivalued=True),
}

NO_SPEAKERS = (
    "no speaker ids: intervals and tests cannot resample speakers; "
    "map a column of them with manifest.columns.speaker_id=ITS_NAME"
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_the_four_formats_give_the_same_frame(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    write_datasheet(tmp_path, DECLARED, undeclared=["NA"], declined=["prefer not to say"])
    numbered = [{"utterance_id": f"u{n}", **cells} for n, cells in enumerate(rows)]
    frames = [load(write_manifest(tmp_path, numbered, suffix=suffix)).frame for suffix in FORMATS]
    assert list(frames[0]["text"]) == [cells["text"] for cells in rows]
    assert len(frames[0]) == len(rows)
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])


def test_the_frame_has_its_columns_in_order_and_absence_is_none(tmp_path: Path) -> None:
    write_datasheet(tmp_path, {"accent": self_reported("accent")}, language="de")
    path = write_manifest(tmp_path, [{"utterance_id": "u1", "text": "hallo", "accent": ""}])
    frame = load(path).frame
    columns = ["utterance_id", "audio_filepath", "offset", "duration", "text", "speaker_id", "language", "accent"]
    assert list(frame.columns) == columns
    assert frame.drop(columns="duration").to_numpy().tolist() == [["u1", None, 0.0, "hallo", None, "de", "undeclared"]]
    assert frame["duration"].isna().all()
    assert {str(frame[name].dtype) for name in ("offset", "duration")} == {"float64"}


@pytest.mark.parametrize(
    ("cell", "argument", "declared", "language"),
    [
        pytest.param("fr", "en", "de", "fr", id="the-row-first"),
        pytest.param(None, "en", "de", "en", id="then-the-argument"),
        pytest.param("", None, "de", "de", id="then-the-datasheet"),
        pytest.param(None, None, None, None, id="else-unknown"),
    ],
)
def test_language_comes_from_the_nearest_place(
    tmp_path: Path, cell: str | None, argument: str | None, declared: str | None, language: str | None
) -> None:
    write_datasheet(tmp_path, language=declared)
    (utterance,) = load(write_manifest(tmp_path, [row(language=cell)]), language=argument).utterances()
    assert utterance.language == language


def test_utterances_say_where_each_is_to_be_heard(tmp_path: Path) -> None:
    (tmp_path / "long.wav").touch()
    segments = [
        row("a", audio_filepath="long.wav"),
        row("b", audio_filepath="long.wav", offset=2.5, duration=1.5, language="en"),
    ]
    manifest = Manifest.load(write_manifest(tmp_path, segments))
    audio = tmp_path / "long.wav"
    assert list(manifest.utterances()) == [
        Utterance("a", audio, 0.0, None, None),
        Utterance("b", audio, 2.5, 1.5, "en"),
    ]
    assert len(manifest) == 2


def test_rows_stay_in_file_order_and_none_is_lost(tmp_path: Path) -> None:
    ids = ["z", "a", "m", "B", "10", "9"]
    assert list(load(write_manifest(tmp_path, [row(name) for name in ids])).frame["utterance_id"]) == ids


def test_the_digest_covers_manifest_and_datasheet(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, [row()])
    alone = load(path).digest
    sheet = write_datasheet(tmp_path)
    both = load(path).digest
    assert alone == hashlib.sha256(path.read_bytes() + b"\0").hexdigest()
    assert both == hashlib.sha256(path.read_bytes() + b"\0" + sheet.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("given_name", "has_datasheet", "expected"),
    [
        pytest.param("mine", True, "mine", id="argument"),
        pytest.param(None, True, "toy corpus", id="datasheet"),
        pytest.param(None, False, "toy", id="file"),
    ],
)
def test_the_name_comes_from_the_nearest_place(
    tmp_path: Path, given_name: str | None, has_datasheet: bool, expected: str
) -> None:
    if has_datasheet:
        write_datasheet(tmp_path)
    assert load(write_manifest(tmp_path, [row()]), name=given_name).name == expected


@pytest.mark.parametrize(
    ("speakers", "note"),
    [
        pytest.param([None, ""], NO_SPEAKERS, id="none"),
        pytest.param(["s1", None], "1 of 2 utterances have no speaker id", id="some"),
        pytest.param(["NA", "None"], None, id="speakers-with-odd-names"),
    ],
)
def test_missing_speakers_are_said(tmp_path: Path, speakers: list[str | None], note: str | None) -> None:
    write_datasheet(tmp_path)
    path = write_manifest(tmp_path, [row(f"u{n}", speaker_id=speaker) for n, speaker in enumerate(speakers)])
    assert load(path).notes == (() if note is None else (note,))


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        pytest.param("gone.jsonl", {}, "the manifest cannot be read: No such file", id="no-such-file"),
        pytest.param("toy.txt", {}, "expected one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet", id="suffix"),
        pytest.param("toy.jsonl", {"audio_root": "gone"}, "audio_root=gone: no such folder", id="audio-root"),
        pytest.param("toy.jsonl", {"language": "english"}, "expected a BCP 47 tag", id="language"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(
    tmp_path: Path, file: str, options: dict[str, object], expected: str
) -> None:
    write_manifest(tmp_path, [row()])
    with pytest.raises(UsageError) as caught:
        load(tmp_path / file, **options)
    assert expected in str(caught.value)


def test_a_datasheet_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "datasheet.yaml").mkdir()
    with pytest.raises(UsageError, match=r"datasheet\.yaml: expected a file in the manifest's folder"):
        load(write_manifest(tmp_path, [row()]))


def test_a_datasheet_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    write_datasheet(tmp_path).rename(tmp_path / "elsewhere.yaml")
    (tmp_path / "corpus" / "datasheet.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(UsageError, match="not a link out of it or a pipe"):
        load(write_manifest(tmp_path / "corpus", [row()]))


def test_audio_is_found_under_the_audio_root(tmp_path: Path) -> None:
    audio_root = tmp_path / "elsewhere"
    audio_root.mkdir()
    (audio_root / "a.wav").touch()
    path = write_manifest(tmp_path, [row(audio_filepath="a.wav")])
    assert list(Manifest.load(path, audio_root=audio_root).frame["audio_filepath"]) == [str(audio_root / "a.wav")]
    assert len(problems_of(lambda: Manifest.load(path))) == 1


def test_audio_outside_is_found_when_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (tmp_path / "a.wav").touch()
    path = write_manifest(folder, [row(audio_filepath="../a.wav")])
    assert len(problems_of(lambda: Manifest.load(path))) == 1
    assert list(Manifest.load(path, allow_outside=True).frame["audio_filepath"]) == [str(tmp_path / "a.wav")]


NEMO = [
    {"audio_filepath": "wavs/a.wav", "duration": 3.2, "text": "hello", "speaker": "s1", "lang": "en", "gender": "f"},
    {"audio_filepath": "{folder}/wavs/long.flac", "duration": 2, "text": "", "offset": 0, "speaker": "s2"},
    {"audio_filepath": "wavs/long.flac", "duration": 2.5, "text": "there", "offset": 2, "speaker": 3},
    {"audio_filepath": "./wavs/long.flac", "duration": 1.0, "text": "you", "offset": 4.5},
]


@pytest.fixture
def nemo(tmp_path: Path) -> Path:
    (tmp_path / "wavs").mkdir()
    for name in ("a.wav", "long.flac"):
        (tmp_path / "wavs" / name).touch()
    path = tmp_path / "test_manifest.json"
    rows = [{**cells, "audio_filepath": str(cells["audio_filepath"]).format(folder=tmp_path)} for cells in NEMO]
    path.write_text("".join(json.dumps(cells) + "\n" for cells in rows))
    return path


def test_a_nemo_manifest_reads_as_it_is(nemo: Path) -> None:
    frame = Manifest.load(nemo).frame
    assert list(frame["utterance_id"]) == ["wavs/a", "wavs/long", "wavs/long#2", "wavs/long#4.5"]
    assert list(frame["speaker_id"]) == ["s1", "s2", "3", None]
    assert list(frame["language"]) == ["en", None, None, None]
    assert list(frame["gender"]) == ["f", "undeclared", "undeclared", "undeclared"]
    assert list(frame["offset"]) == [0.0, 0.0, 2.0, 4.5]


def test_a_derived_id_does_not_depend_on_the_other_rows(nemo: Path) -> None:
    whole = list(Manifest.load(nemo).frame["utterance_id"])
    lines = nemo.read_text().splitlines()
    alone = []
    for line in lines:
        nemo.write_text(line)
        alone += list(Manifest.load(nemo).frame["utterance_id"])
    assert alone == whole


def test_derived_ids_that_collide_ask_for_a_column_of_ids(tmp_path: Path) -> None:
    rows = [{"audio_filepath": name, "text": "hi"} for name in ("a.wav", "a.flac")]
    (problem,) = problems_of(lambda: load(write_manifest(tmp_path, rows)))
    assert "toy.jsonl:2: utterance 'a' has the id of line 1" in problem
    assert "map a column of ids: manifest.columns.utterance_id=ITS_NAME" in problem


def test_a_derived_id_with_spaces_around_it_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(lambda: load(write_manifest(tmp_path, [{"audio_filepath": "a .wav", "text": "hi"}])))
    assert "gets its id from its audio path: 'a '; expected no spaces around it" in problem


def test_a_row_without_id_and_audio_is_refused(tmp_path: Path) -> None:
    rows = [{"audio_filepath": "a.wav", "text": "hi"}, {"audio_filepath": None, "text": "hi"}]
    (problem,) = problems_of(lambda: load(write_manifest(tmp_path, rows)))
    assert problem.startswith("toy.jsonl:2: row has audio_filepath=None; expected the path of a recording")


@needs_data("artie")
def test_artie_loads_with_mapped_columns_and_its_own_datasheet(tmp_path: Path) -> None:
    source = DATA / "artie" / "artie-bias-corpus.tsv"
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    declared = {"accent": self_reported("accent"), "gender": self_reported(), "age": self_reported()}
    write_datasheet(tmp_path, declared, undeclared=["", "NA"], language="en")
    columns = {"audio_filepath": "path", "text": "sentence", "speaker_id": "client_id"}
    frame = load(path, columns=columns).frame
    table = pd.read_csv(source, sep="\t", dtype=str, keep_default_na=False)
    assert (len(frame), frame["speaker_id"].nunique()) == (1_712, 969)
    assert list(frame["utterance_id"]) == list(table["path"].str.removesuffix(".mp3"))
    assert list(frame["text"]) == list(table["sentence"])
    assert list(frame["accent"]) == list(table["accent"].replace("NA", "undeclared"))
    assert (frame["accent"] == "undeclared").sum() > 0


@needs_data("edacc")
def test_edacc_loads_without_a_datasheet() -> None:
    path = DATA / "edacc" / "whisper-large-v3-turbo.jsonl"
    manifest = load(path, columns={"utterance_id": "utt_id", "text": "ref_raw"})
    table = pd.read_json(path, lines=True)
    assert (len(manifest), manifest.frame["speaker_id"].nunique()) == (9_177, 60)
    assert manifest.frame["accent"].value_counts().to_dict() == table["accent"].value_counts().to_dict()
    assert "columns with too many different values to slice on, not used: hyp_raw" in manifest.notes


@needs_data("commonvoice")
def test_common_voice_keeps_everyone_who_declared_nothing(tmp_path: Path) -> None:
    source = DATA / "commonvoice" / "manifest.tsv"
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    write_datasheet(tmp_path, {"accent": self_reported("accent"), "age": self_reported()})
    manifest = load(path, columns={"utterance_id": "id"})
    table = pd.read_csv(source, sep="\t", dtype=str, keep_default_na=False)
    assert len(manifest) == 16_335
    assert (manifest.frame["accent"] == "undeclared").sum() == (table["accent"] == "").sum()
    assert list(manifest.frame["text"]) == list(table["text"])
    assert NO_SPEAKERS in manifest.notes


def test_nothing_of_the_recognisers_or_audio_is_imported_with_the_corpus() -> None:
    code = "import sys, harness.corpus; sys.exit(any(m in sys.modules for m in ('torch', 'whisper', 'scipy', 'hydra')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_spellings_that_differ_only_in_case_and_silent_looking_groups_are_said(tmp_path):
    rows = "id,text,speaker_id,accent\na,one,Ann,Scottish\nb,two,ann,scottish\nc,three,bob,n/a\n"
    (tmp_path / "m.csv").write_text(rows.replace("id,", "utterance_id,", 1))
    notes = Manifest.load(tmp_path / "m.csv", require_audio=False).notes
    assert "speaker_id has values that differ only in case and count as different: Ann, ann" in notes
    assert "accent has values that differ only in case and count as different: Scottish, scottish" in notes
    assert "accent: n/a counts as a group; list it under declined or undeclared if it is none" in notes
