"""EdAcc's conversations stay whole and give a record a turn; references of audits are read as the audits have them."""

import json
import shutil
from collections import Counter

import pytest

from harness.corpus import Manifest
from harness.corpus.importers.folding import read_folding
from harness.errors import TextFileError, UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written
from tests.shared import DATA, needs_data

RELEASE = RELEASES / "edacc"
TRANSCRIPTS = RELEASES / "edacc_transcripts"


def test_turns_are_places_in_conversations_and_read_passages_are_left_out():
    found = rows_of("edacc", RELEASE)
    first, second, third = found.records
    assert (first.utterance_id, first.audio, first.speaker_id) == (
        "EDACC-C08-000000001",
        "data/EDACC-C08.wav",
        "EDACC-C08-A",
    )
    assert first.text == "WELL <LAUGH> IT'S RAINING HERE"
    assert [(record.offset, record.duration) for record in found.records] == [(0.0, 5.27), (5.27, 4.53), (3600.1, 0.9)]
    assert (second.text, third.text) == ("<OVERLAP>", "")
    assert found.ledger.n_left_out == {"is of the read passage, which the release says is not to be scored": 1}
    assert any("reference_pattern='<[^>]*>'" in remark for remark in found.ledger.remarks)
    assert found.corpus.audio_root == RELEASE / "edacc_v1.0"


def test_what_speakers_say_of_themselves_is_kept_word_for_word():
    first, second, _ = rows_of("edacc", RELEASE / "edacc_v1.0").records
    assert first.attributes == {
        "accent_in_own_words": "Lithuanian (eastern European)",
        "gender": "Female",
        "ethnicity": "White",
        "education": "Postgraduate",
        "year_of_birth": "1992",
        "year_of_first_english": "2001",
    }
    assert second.attributes["accent_in_own_words"] == "Glaswegian, not slang"


def test_a_speaker_without_answers_is_undeclared():
    (first, *_) = rows_of("edacc", RELEASE, split="dev").records
    assert (first.utterance_id, first.speaker_id, first.attributes) == ("EDACC-C35_P1-000000001", "EDACC-C35-A", {})


def test_a_release_becomes_a_manifest_with_hour_long_recordings_and_segments(tmp_path):
    manifest = imported("edacc", RELEASE, tmp_path)
    assert list(manifest.frame["offset"]) == [0.0, 5.27, 3600.1]
    assert set(manifest.frame["gender"]) == {"Female", "Male"}
    assert list(manifest.frame["year_of_first_english"]) == ["2001", "undeclared", "2001"]
    assert [attribute.provenance.value for attribute in manifest.datasheet.attributes] == ["self_reported"] * 6


def test_without_recordings_stm_and_background_the_turns_are_read_and_it_is_said(tmp_path):
    shutil.copytree(RELEASE / "edacc_v1.0" / "test", tmp_path / "test")
    (tmp_path / "test" / "stm").unlink()
    found = rows_of("edacc", tmp_path)
    assert len(found.records) == 4
    assert found.corpus.audio_root is None
    assert {record.audio for record in found.records} == {None}
    assert len(found.ledger.remarks) == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("X-1 X 0.00", "expected a turn, its conversation, start and end", id="no end"),
        pytest.param("X-1 X 5.0 4.0", "expected a turn", id="ends before it begins"),
        pytest.param("X-1 X -1 4.0", "expected a turn", id="begins before the recording"),
        pytest.param("X-1 ../../x 0 4.0", "expected a turn", id="a recording elsewhere"),
        pytest.param("X-1 X nan 4.0", "expected a turn", id="no number"),
        pytest.param("X-1 X 0 4.0", "which text does not have", id="no text"),
        pytest.param("", "expected a turn", id="blank"),
    ],
)
def test_a_segment_that_is_none_is_named(tmp_path, line, said):
    folder = shutil.copytree(RELEASE, tmp_path / "edacc") / "edacc_v1.0" / "test"
    (folder / "segments").write_text(f"{line}\n" + (folder / "segments").read_text())
    found = rows_of("edacc", tmp_path / "edacc")
    assert len(found.records) == 3
    assert len(found.ledger.problems) == 1
    assert found.ledger.problems[0].startswith("test/segments:1: ")
    assert said in found.ledger.problems[0]


def test_references_of_transcripts_are_read_from_a_file_or_a_folder():
    found = rows_of("edacc", TRANSCRIPTS)
    assert [(record.utterance_id, record.text, record.speaker_id) for record in found.records] == [
        ("test-0", "WELL <LAUGH> YES", "EDACC-C08-A"),
        ("test-1", "<OVERLAP>", "EDACC-C08-B"),
    ]
    assert found.records == rows_of("edacc", TRANSCRIPTS / "system.jsonl").records
    assert found.corpus.audio_root is None


def test_a_line_of_transcripts_without_a_reference_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        (TRANSCRIPTS / "system.jsonl").read_text() + '{"utt_id": 3, "ref_raw": "A"}\n[]\n'
    )
    found = rows_of("edacc", tmp_path)
    assert len(found.records) == 2
    assert [problem.split(": ")[0] for problem in found.ledger.problems] == ["a.jsonl:3", "a.jsonl:4"]


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        pytest.param({}, {}, "no test/segments and no", id="nothing"),
        pytest.param(
            {"a.jsonl": '{"id": 1}\n'}, {}, "expected utt_id, speaker, accent, ref_raw", id="other transcripts"
        ),
        pytest.param({"a.jsonl": ""}, {}, "found no object", id="empty transcripts"),
        pytest.param({"test/segments": "x"}, {}, "has no text, utt2spk", id="half a part"),
        pytest.param({"test/segments": "x"}, {"split": "train"}, "train/ has no segments", id="no such part"),
    ],
)
def test_what_is_not_edacc_is_refused_and_said_why(tmp_path, files, options, said):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        rows_of("edacc", tmp_path, **options)


def test_a_background_of_other_columns_and_a_text_that_is_no_text_are_refused(tmp_path):
    release = shutil.copytree(RELEASE, tmp_path / "edacc") / "edacc_v1.0"
    (release / "test" / "text").write_bytes(b"EDACC-C08-000000001 CAF\xc9\n")
    with pytest.raises(TextFileError, match="text:1: its bytes are not UTF-8"):
        rows_of("edacc", release)
    (release / "linguistic_background.csv").write_text("PARTICIPANT_ID,x\na,b,c\n")
    shutil.copy(RELEASE / "edacc_v1.0" / "test" / "text", release / "test" / "text")
    assert rows_of("edacc", release).ledger.problems[0].startswith("linguistic_background.csv:2: has 3 cells")
    (release / "linguistic_background.csv").write_text("PARTICIPANT,x\na,b\n")
    with pytest.raises(UsageError, match="no column PARTICIPANT_ID"):
        rows_of("edacc", release)


def real_rows():
    return [json.loads(line) for line in (DATA / "edacc" / "canary-qwen-2.5b.jsonl").read_text().splitlines()]


@needs_data("edacc")
def test_the_real_references_have_the_same_slices_as_their_file(tmp_path):
    manifest = imported("edacc", DATA / "edacc", tmp_path)
    rows = real_rows()
    assert list(manifest.frame["utterance_id"]) == [row["utt_id"] for row in rows]
    assert list(manifest.frame["text"]) == [row["ref_raw"] for row in rows]
    assert Counter(manifest.frame["accent"]) == Counter(row["accent"] for row in rows)
    assert Counter(manifest.frame["speaker_id"]) == Counter(row["speaker"] for row in rows)


@needs_data("edacc")
def test_real_accents_are_folded_where_common_voice_has_the_same(tmp_path):
    found = written("edacc", DATA / "edacc", tmp_path / "out", folding=read_folding("edacc_accents"))
    groups = Counter(Manifest.load(found.path / "manifest.jsonl", require_audio=False).frame["accent_group"])
    counted = Counter(row["accent"] for row in real_rows())
    assert groups["United States English"] == counted["Mainstream US English"]
    assert groups["Nigerian English"] == counted["Nigerian English"]
    assert sum(groups.values()) == len(real_rows())
