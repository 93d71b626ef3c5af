"""Common Voice is read as it was released, from the first version to spontaneous speech, and as studies pass it on."""

import csv
import gzip
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.corpus.importers import Ledger
from harness.corpus.importers.clip_durations import read_clip_durations
from harness.corpus.importers.folding import read_folding
from harness.errors import ManifestError, TextFileError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written
from tests.shared import DATA, needs_data

RELEASE = RELEASES / "common_voice"
NEWEST, OLDEST = RELEASE / "cv-corpus-20.0-2024-12-06", RELEASE / "cv-corpus-1"
SEVENTH, FIFTEENTH = RELEASE / "cv-corpus-7.0-2021-07-21", RELEASE / "cv-corpus-15.0-2023-09-08"
SPONTANEOUS = RELEASE / "sps-corpus-3.0-2026-03-09-pt"
EXTRACT = RELEASES / "common_voice_extract" / "manifest.tsv"
HEADER = "client_id\tpath\tsentence\tage\tgender\taccents\n"


def saved(folder, *rows, header=HEADER):
    (folder / "test.tsv").write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def test_a_newest_release_is_read_row_by_row():
    found = rows_of("common_voice", NEWEST)
    assert [record.utterance_id for record in found.records] == [f"common_voice_en_4000000{n}" for n in (1, 2, 3, 4)]
    first, second, third, last = found.records
    assert first.audio == "clips/common_voice_en_40000001.mp3"
    assert first.speaker_id == "a1" * 64
    assert first.attributes == {
        "age": "twenties",
        "gender": "female_feminine",
        "accents": "United States English,wolof",
        "variant": "",
        "sentence_domain": "",
    }
    assert [record.duration for record in found.records] == [3.456, None, None, None]
    assert second.text == "“Nobody came,” said Ida’s aunt."
    assert third.text == '"An open quote'
    assert last.text == "שלום and é, 👩‍🚀."
    assert found.corpus.datasheet.language == "en"
    assert found.corpus.datasheet.version == "20.0-2024-12-06"
    assert found.corpus.audio_root == NEWEST / "en"
    assert not found.ledger.problems
    assert not found.ledger.remarks


def test_a_newest_release_becomes_a_manifest_whose_recordings_are_there(tmp_path):
    manifest = imported("common_voice", NEWEST, tmp_path)
    assert list(manifest.frame["gender"]) == ["female_feminine", "male_masculine", "declined", "undeclared"]
    assert list(manifest.frame["language"].unique()) == ["en"]
    assert (NEWEST / "en" / "clips" / "common_voice_en_40000001.mp3").samefile(manifest.frame["audio_filepath"][0])


@pytest.mark.parametrize(
    ("source", "language", "audio", "text", "attributes", "duration"),
    [
        pytest.param(
            OLDEST, None, f"clips/{'0f' * 32}.mp3", "Ar gador a zo torret.",
            {"age": "", "gender": "", "accents": ""}, None, id="1, without a suffix",
        ),
        pytest.param(
            SEVENTH, "ga-IE", "clips/common_voice_ga-IE_17550001.mp3", '"""Tar isteach,"" ar sise."',
            {"age": "teens", "gender": "other", "accents": "mumhan"}, None, id="7, with one accent",
        ),
        pytest.param(
            FIFTEENTH, "cy", None, "Mae hi'n braf.",
            {"age": "", "gender": "", "accents": "", "variant": "Welsh (north)"}, 4.321, id="15, with times.txt",
        ),
    ],
)  # fmt: skip
def test_older_releases_are_read_as_they_were(source, language, audio, text, attributes, duration):
    found = rows_of("common_voice", source)
    (record,) = found.records
    assert (record.text, record.attributes, record.duration) == (text, attributes, duration)
    assert found.corpus.datasheet.language == language
    assert found.corpus.audio_root is None if audio is None else record.audio == audio


@pytest.mark.parametrize(
    ("split", "n"),
    [
        pytest.param("train", 1, id="train"),
        pytest.param("validated", 4, id="validated"),
        pytest.param("dev", 0, id="empty"),
    ],
)
def test_another_list_is_read_when_it_is_named(split, n):
    assert len(rows_of("common_voice", NEWEST, split=split).records) == n


def test_the_list_itself_may_be_the_source_and_may_be_packed(tmp_path):
    packed = tmp_path / "test.tsv.gz"
    packed.write_bytes(gzip.compress((NEWEST / "en" / "test.tsv").read_bytes()))
    assert len(rows_of("common_voice", packed).records) == len(
        rows_of("common_voice", NEWEST / "en" / "test.tsv").records
    )


def test_a_list_with_a_header_alone_says_that_nobody_is_in_it(tmp_path):
    with pytest.raises(ManifestError, match="no utterance was found in the source"):
        written("common_voice", NEWEST, tmp_path / "out", split="dev")


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        pytest.param(RELEASE, {}, "has read and spontaneous speech", id="several releases"),
        pytest.param(
            NEWEST, {"split": "gold"}, "found dev, invalidated, other, test, train, validated", id="no such list"
        ),
        pytest.param(NEWEST / "en" / "reported.tsv", {}, "none of the columns path or id", id="reports"),
        pytest.param(NEWEST / "en" / "clip_durations.tsv", {}, "none of the columns path or id", id="durations"),
        pytest.param(RELEASES / "fsdd", {}, "found no list", id="another corpus"),
    ],
)
def test_what_is_no_list_of_clips_is_refused_and_said_why(source, options, said):
    with pytest.raises(UsageError, match=said):
        rows_of("common_voice", source, **options)


def test_a_release_of_several_languages_is_refused_with_their_names(tmp_path):
    for language in ("cy", "en"):
        shutil.copytree(NEWEST / "en", tmp_path / language)
    with pytest.raises(UsageError, match=r"has test\.tsv for several languages: cy, en"):
        rows_of("common_voice", tmp_path)
    for language in ("cy", "pt"):
        shutil.copytree(SPONTANEOUS, tmp_path / "sps" / language)
    with pytest.raises(UsageError, match="spontaneous speech of several languages: cy, pt"):
        rows_of("common_voice", tmp_path / "sps")


def test_the_language_is_that_of_the_option_the_row_the_clip_or_the_release_and_no_guess(tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    assert rows_of("common_voice", saved(folder, "a\tx.mp3\tb\t\t\t")).corpus.datasheet.language is None
    assert rows_of("common_voice", folder, language="cy").corpus.datasheet.language == "cy"
    saved(folder, "a\tcommon_voice_zh-CN_1.mp3\tb\t\t\t")
    assert rows_of("common_voice", folder).corpus.datasheet.language == "zh-CN"
    release = tmp_path / "cv-corpus-3" / "br"
    release.mkdir(parents=True)
    assert rows_of("common_voice", saved(release, "a\tx.mp3\tb\t\t\t")).corpus.datasheet.language == "br"


def test_without_clips_the_transcripts_can_be_scored_all_the_same(tmp_path):
    found = rows_of("common_voice", saved(tmp_path, "a\tcommon_voice_en_1.mp3\tb\t\t\t"))
    assert found.corpus.audio_root is None
    assert any("no clip heard" in remark for remark in found.ledger.remarks)


def test_a_row_with_too_few_cells_is_named_and_a_cut_list_is_refused(tmp_path):
    found = rows_of("common_voice", saved(tmp_path, "a\tx.mp3\tb", "a\ty.mp3\tb\t\t\t"))
    assert [record.line for record in found.records] == [3]
    assert found.ledger.problems == ["test.tsv:2: has 3 cells; expected 6 as in the header, with '\\t' between them."]
    (tmp_path / "test.tsv").write_bytes(HEADER.encode() + b"a\tx.mp3\tcaf\xe9\t\t\t\n")
    with pytest.raises(TextFileError, match=r"test\.tsv:2: its bytes are not UTF-8"):
        rows_of("common_voice", tmp_path)


def test_a_clip_above_the_release_is_refused(tmp_path):
    saved(tmp_path, "a\t../../../etc/passwd\tb\t\t\t")
    (tmp_path / "clips").mkdir()
    with pytest.raises(ManifestError, match="expected a recording inside the source"):
        written("common_voice", tmp_path, tmp_path / "out")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=15)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_sentences_and_accents_stay_as_the_release_has_them(tmp_path, rows, end):
    lines = [HEADER.rstrip("\n"), *(f"s{n}\tc{n}.mp3\t{text}\t\t\t{said}" for n, (text, said) in enumerate(rows))]
    (tmp_path / "test.tsv").write_bytes(b"\xef\xbb\xbf" + "".join(line + end for line in lines).encode())
    found = rows_of("common_voice", tmp_path)
    assert [(record.text, record.attributes["accents"]) for record in found.records] == rows


def test_folded_accents_and_genders_stand_beside_the_corpus_s_own_words(tmp_path):
    manifest = imported_folded("common_voice_accents", tmp_path / "a")
    assert list(manifest.frame["accent_group"])[:2] == [
        ("United States English", "wolof"),
        ("India and South Asia (India, Pakistan, Sri Lanka)",),
    ]
    assert manifest.frame["accents"][0] == "United States English,wolof"
    genders = imported_folded("common_voice_genders", tmp_path / "b")
    assert list(genders.frame["gender_group"]) == ["female", "male", "declined", "undeclared"]


def imported_folded(name, out):
    found = written("common_voice", NEWEST, out, folding=read_folding(name))
    return Manifest.load(found.path / "manifest.jsonl", require_audio=False)


def test_spontaneous_speech_gives_what_is_transcribed_of_one_part():
    found = rows_of("common_voice", SPONTANEOUS)
    assert [(record.utterance_id, record.text, record.duration) for record in found.records] == [
        ("spontaneous-speech-pt-1", "Fui [disfluency] ao mercado.", 5.1),
        ("spontaneous-speech-pt-5", "Choveu [noise] muito.", None),
    ]
    assert found.records[0].audio == "audios/spontaneous-speech-pt-1.mp3"
    assert found.ledger.n_left_out == {"is of another part than test": 2, "nobody has transcribed it yet": 1}
    assert found.corpus.datasheet.name == "common_voice_spontaneous"
    assert (found.corpus.datasheet.language, found.corpus.datasheet.version) == ("pt", "3.0-2026-03-09-pt")
    assert any("reference_pattern" in remark for remark in found.ledger.remarks)


def test_spontaneous_speech_becomes_a_manifest(tmp_path):
    manifest = imported("common_voice", SPONTANEOUS, tmp_path, split="train")
    assert list(manifest.frame["text"]) == ["Nada de novo."]
    assert manifest.datasheet.caveats


def test_a_study_s_extract_is_unquoted_as_csv_is():
    found = rows_of("common_voice", EXTRACT)
    assert [record.text for record in found.records] == ["It rained.", '"""I wasn\'t there."""', "Gone."]
    assert [record.attributes["accents"] for record in found.records] == [
        "",
        '"""Israeli\'s accent """',
        "India and South Asia (India, Pakistan, Sri Lanka)",
    ]
    assert {record.audio for record in found.records} == {None}


def test_durations_that_are_none_are_unknown_and_lines_that_are_none_are_named(tmp_path):
    rows = "clip\tduration[ms]\na\t1500\nb\t-3\nc\t0\nd\tundefined\ne\t99999999999999999999\nf\nb2\t7\nb2\t8\n"
    (tmp_path / "clip_durations.tsv").write_text(rows)
    ledger = Ledger()
    durations = read_clip_durations(tmp_path, ledger)
    assert [durations.seconds(clip) for clip in ("a", "b", "c", "d", "e", "f", "b2", "")] == [1.5, *[None] * 7]
    assert [problem.split(": ")[0] for problem in ledger.problems] == ["clip_durations.tsv:7"]


@given(lengths=st.dictionaries(st.text("abc0", min_size=1, max_size=6), st.integers(1, 2**31 - 1), max_size=60))
def test_every_clip_s_duration_is_found_again(tmp_path_factory, lengths):
    folder = tmp_path_factory.mktemp("durations")
    (folder / "times.txt").write_text("".join(f"{clip}\t{length}\n" for clip, length in lengths.items()))
    durations = read_clip_durations(folder, Ledger())
    assert {clip: durations.seconds(clip) for clip in lengths} == {clip: ms / 1_000 for clip, ms in lengths.items()}
    assert durations.seconds("z") is None


def test_without_a_file_of_durations_all_are_unknown(tmp_path):
    assert read_clip_durations(tmp_path, Ledger()).seconds("a") is None


@needs_data("commonvoice")
def test_the_real_extract_has_the_same_slices_as_its_file(tmp_path):
    table = DATA / "commonvoice" / "manifest.tsv"
    manifest = imported("common_voice", table, tmp_path)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(manifest.frame["utterance_id"]) == [row["id"] for row in rows]
    assert list(manifest.frame["text"]) == [row["text"] for row in rows]
    for name, column in (("age", "age"), ("gender", "gender"), ("accents", "accent")):
        counted = Counter(row[column].strip() or "undeclared" for row in rows)
        assert Counter(manifest.frame[name]) == counted


@needs_data("commonvoice")
def test_the_real_extract_loses_nobody_when_accents_are_folded(tmp_path):
    table = DATA / "commonvoice" / "manifest.tsv"
    found = written("common_voice", table, tmp_path / "out", folding=read_folding("common_voice_accents"))
    groups = Manifest.load(found.path / "manifest.jsonl", require_audio=False).frame["accent_group"]
    assert len(groups) == 16_335
    stated = Counter(group for row in groups for group in row)
    assert stated["undeclared"] == 14_741
    assert stated["India and South Asia (India, Pakistan, Sri Lanka)"] == 369
    assert not [
        group for group in stated if group.endswith(("Sri Lanka)", "Namibia)", "Trinidad)")) and "(" not in group
    ]


def test_a_release_without_the_folder_of_the_version_is_read_the_same(tmp_path):
    shutil.copytree(NEWEST / "en", tmp_path / "en")
    assert rows_of("common_voice", tmp_path / "en").records == rows_of("common_voice", NEWEST).records
