"""CORAAL's interviews stay whole and give a record for each line of who was interviewed; all else is counted."""

import shutil

import pytest

from harness.errors import UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of

RELEASE = RELEASES / "coraal"
TEXTS = "DCB_textfiles_2018.10.06"


def without_recordings(folder):
    shutil.copytree(RELEASE, folder, ignore=shutil.ignore_patterns("*.wav"))
    return folder


def test_lines_of_the_interviewee_are_places_in_the_recording():
    found = rows_of("coraal", RELEASE)
    assert [(record.utterance_id, record.offset, record.duration) for record in found.records] == [
        ("DCB_se1_ag1_f_01_1_2", 1.5, 1.7057),
        ("DCB_se1_ag1_f_01_1_4", 3.7357, 3.5143),
        ("DCB_se1_ag1_f_01_1_6", 3601.125, 1.375),
    ]
    assert {record.audio for record in found.records} == {"DCB_audio_part01_2018.10.06/DCB_se1_ag1_f_01_1.wav"}
    assert [record.text for record in found.records] == [
        "[Right] by the river.",
        "My aunt /RD-NAME-2/ had a boat, <laugh> an old one.",
        'It "leaked".',
    ]
    assert {record.speaker_id for record in found.records} == {"DCB_se1_ag1_f_01"}
    assert [record.attributes["overlap"] for record in found.records] == ["yes", "no", "no"]


def test_every_line_is_used_or_left_out_with_its_reason():
    found = rows_of("coraal", RELEASE)
    assert found.ledger.n_left_out == {
        "is said by an interviewer or by somebody whom the metadata do not describe": 2,
        "is a pause": 1,
        "ends before it begins, or where it begins": 1,
        "is of a recording that is not in the source, though others are": 1,
    }
    assert len(found.records) + sum(found.ledger.n_left_out.values()) == 8


def test_the_metadata_of_the_interviewee_are_kept_as_they_are(tmp_path):
    first = rows_of("coraal", RELEASE).records[0]
    assert first.attributes == {
        "component": "DCB",
        "gender": "Female",
        "age": "15",
        "age_group": "-19",
        "year_of_birth": "2000",
        "year_of_interview": "2015",
        "socioeconomic_group": "1",
        "education_group": "1",
        "interviewer_gender": "Female",
        "overlap": "yes",
    }
    manifest = imported("coraal", without_recordings(tmp_path / "coraal"), tmp_path)
    assert list(manifest.frame["age"])[-1] == "undeclared"
    assert list(manifest.frame["age_group"])[-1] == "51+"


def test_everybody_is_read_when_asked_for():
    found = rows_of("coraal", RELEASE, split="everybody")
    speakers = [record.speaker_id for record in found.records]
    assert speakers == ["DCB_int_01", "DCB_se1_ag1_f_01", "DCB_se1_ag1_f_01", "DCB_misc_01", "DCB_se1_ag1_f_01"]
    assert found.records[0].attributes == {"overlap": "yes"}


def test_without_any_recording_all_interviews_are_read(tmp_path):
    found = rows_of("coraal", without_recordings(tmp_path / "coraal"))
    assert found.records[-1].utterance_id == "DCB_se2_ag4_m_02_1_1"
    assert found.corpus.audio_root is None
    assert any("none heard" in remark for remark in found.ledger.remarks)


def test_files_may_lie_in_one_folder(tmp_path):
    for path in RELEASE.rglob("*.*"):
        if path.is_file():
            shutil.copy(path, tmp_path)
    assert [record.audio for record in rows_of("coraal", tmp_path).records] == ["DCB_se1_ag1_f_01_1.wav"] * 3


def test_a_line_without_times_is_named(tmp_path):
    release = without_recordings(tmp_path / "coraal")
    path = release / TEXTS / "DCB_se2_ag4_m_02_1.txt"
    path.write_text(path.read_text() + "2\tDCB_se2_ag4_m_02\tsoon\tYes.\t5\n3\tDCB_se2_ag4_m_02\t-1\tNo.\t5\n4\tx\n")
    found = rows_of("coraal", release)
    assert [problem.split(": ")[0] for problem in found.ledger.problems] == [
        f"{path.name}:{line}" for line in (3, 4, 5)
    ]


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        pytest.param("*_metadata_*", "no metadata, DCB_metadata", id="no metadata"),
        pytest.param("DCB_se*.txt", "no transcripts such as", id="no transcripts"),
    ],
)
def test_half_a_component_is_refused(tmp_path, removed, said):
    shutil.copytree(RELEASE, tmp_path / "coraal", ignore=shutil.ignore_patterns(removed))
    with pytest.raises(UsageError, match=said):
        rows_of("coraal", tmp_path / "coraal")


def test_other_columns_and_other_splits_are_refused(tmp_path):
    release = without_recordings(tmp_path / "coraal")
    (release / TEXTS / "DCB_se2_ag4_m_02_1.txt").write_text("Line\tSpkr\tContent\n")
    with pytest.raises(UsageError, match=r"DCB_se2_ag4_m_02_1\.txt: no column StTime, EnTime"):
        rows_of("coraal", release)
    with pytest.raises(UsageError, match="expected everybody"):
        rows_of("coraal", RELEASE, split="test")
