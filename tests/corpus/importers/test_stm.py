"""STM files give a record for each segment that is to be scored, labels as attributes, and references as written."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.scoring import LowercaseNoPunctuation, WhisperBasic
from harness.scoring.score import without_pattern
from tests.corpus.builders import problems_of, self_reported, write_datasheet
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written

RELEASE = RELEASES / "stm"


def stm(folder: Path, *lines: str, name: str = "a.stm") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder / name


def test_segments_stay_segments_of_their_recordings():
    found = rows_of("stm", RELEASE)
    assert [(each.utterance_id, each.offset, each.duration, each.text) for each in found.records] == [
        ("line_77_A_line_77_A_0.5-1.25", 0.5, 0.75, "hello who is it"),
        ("line_77_B_line_77_B_1.25-2", 1.25, 0.75, "it is me"),
        ("talk_2031_1_Rosa_Field_15.71-18.28", 15.71, 2.57, "i 've { um / uh / @ } kept <unk> bees"),
        ("talk_2031_1_Rosa_Field_18.28-21.03", 18.28, 2.75, "(%hesitation) for forty ye- years (yes)"),
        ("talk_2031_1_Tom_Reed_21.03-24.5", 21.03, 3.47, "have you"),
        ("talk_2031_1_Tom_Reed_31.1-32", 31.1, 0.9, ""),
    ]
    assert [each.speaker_id for each in found.records[2:]] == ["Rosa_Field", "Rosa_Field", "Tom_Reed", "Tom_Reed"]


def test_every_place_of_a_label_is_an_attribute_but_the_one_of_all_segments():
    found = rows_of("stm", RELEASE)
    assert [each.attributes for each in found.records[:3]] == [
        {"channel": "A", "Hub4 Focus Conditions": "SW"},
        {"channel": "B"},
        {"channel": "1", "Hub4 Focus Conditions": "f0", "Speaker Sex": "female"},
    ]
    described = {each.name: each.description for each in found.corpus.datasheet.attributes}
    assert described["Hub4 Focus Conditions"].endswith(
        "F0 (Baseline Broadcast Speech); F4 (Speech Under Degraded Acoustic Conditions)"
    )


def test_labels_without_categories_are_numbered(tmp_path):
    path = stm(tmp_path, "a 1 s 0 1 <F0_M> so", "a 1 s 1 2 <o,,unknown,x> hm", ';; CATEGORY "3" "text" ""')
    assert [each.attributes for each in rows_of("stm", path).records] == [
        {"channel": "1", "label_0": "F0_M"},
        {"channel": "1", "label_1": "", "label_2": "unknown", "label_3": "x"},
    ]


def test_what_is_not_to_be_scored_is_left_out_with_its_reason(tmp_path):
    found = written("stm", RELEASE, tmp_path / "out")
    assert found.n_left_out == {
        "not to be scored: IGNORE_TIME_SEGMENT_IN_SCORING": 1,
        "it ends where it begins": 1,
        "between segments: inter_segment_gap, excluded_region": 1,
        "not transcribed: <NA>": 1,
    }
    assert (tmp_path / "out/left_out.tsv").read_text().splitlines()[0] == (
        "stm/talk_2031.stm:11\tnot to be scored: IGNORE_TIME_SEGMENT_IN_SCORING"
    )


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("i 've { um / uh / @ } kept", "1 references have alternatives { a / b }: the words of all are counted"),
        ("(%hesitation) yes", "1 references have hesitations such as (%hesitation)"),
        ("well (yes) no", "1 references have words in brackets, optionally deletable for sclite -D"),
        ("the wor- word", "1 references have fragments such as wor-: they are counted as words"),
        ("the -ord word", "1 references have fragments such as wor-: they are counted as words"),
        ("so <unk> it", "1 references have tags such as <unk>"),
        ("so @ it", "1 references have the word @, which stands for none"),
        ("re-open the x-ray - now, and/or (", None),
    ],
)
def test_remarks_say_what_references_hold_beside_words(tmp_path, text, remark):
    found = rows_of("stm", stm(tmp_path, f"a 1 s 0 1 <O> {text}"))
    assert found.records[0].text == text
    said = [each for each in found.ledger.remarks if "references have" in each]
    assert any(each.startswith(remark) for each in said) if remark else not said


def test_the_pattern_that_a_remark_gives_keeps_the_first_alternative(tmp_path):
    found = rows_of("stm", stm(tmp_path, "a 1 s 0 1 <O> i 've { um / uh / @ } kept bees and/or { a bee / b } so"))
    (remark,) = [each for each in found.ledger.remarks if "alternatives" in each]
    pattern = remark.split("reference_pattern='")[1].split("'")[0]
    (kept,) = without_pattern(pattern, [found.records[0].text])
    assert kept.split() == ["i", "'ve", "um", "kept", "bees", "and/or", "a", "bee", "so"]


@pytest.mark.parametrize(
    ("text", "whisper", "other"),
    [
        ("so { um / uh } it", 4, 4),
        ("so (%hesitation) it", 2, 3),
        ("so (yes) it", 2, 3),
        ("so wor- it", 3, 3),
        ("so <unk> [noise] it", 2, 4),
    ],
)
def test_normalisers_do_what_the_remarks_say(text, whisper, other):
    assert len(WhisperBasic()(text).split()) == whisper
    assert len(LowercaseNoPunctuation()(text).split()) == other


def test_recordings_are_found_beside_the_file_whatever_their_extension():
    assert {each.audio for each in rows_of("stm", RELEASE).records} == {None, "sph/talk_2031.sph"}
    one = rows_of("stm", RELEASE / "stm/talk_2031.stm")
    assert one.corpus.audio_root == RELEASE
    assert {each.audio for each in one.records} == {"sph/talk_2031.sph"}


def test_two_channels_of_a_recording_are_not_heard_at_once():
    found = rows_of("stm", RELEASE)
    assert [each.audio for each in found.records[:2]] == [None, None]
    assert any(each.startswith("1 recordings have segments on several channels") for each in found.ledger.remarks)


def test_a_recording_that_is_there_twice_is_nobody_s(tmp_path):
    path = stm(tmp_path, "a 1 s 0 1 <O> so")
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.flac").touch()
    found = rows_of("stm", path)
    assert [each.audio for each in found.records] == [None]
    assert any(each.startswith("1 recordings are there several times") for each in found.ledger.remarks)


def test_without_recordings_transcripts_can_still_be_scored(tmp_path):
    found = rows_of("stm", stm(tmp_path, "a 1 s 0 1 <O> so", "b 1 s 0 1 hm"))
    assert found.corpus.audio_root is None
    assert "2 of 2 recordings are not beside the file: they are not heard" in found.ledger.remarks


def test_a_list_of_recordings_comes_first_and_runs_nothing(tmp_path):
    path = stm(tmp_path / "stm", "a 1 s 0 1 <O> so", "b 1 s 0 1 <O> hm")
    (tmp_path / "stm/wav.scp").write_text("a touch run |\nb x/other.wav\n")
    assert [each.audio for each in rows_of("stm", path).records] == [None, "x/other.wav"]
    assert not list(tmp_path.rglob("run"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a 1 s 0", "a.stm:2: has 4 words; expected recording, channel, speaker, begin, end and what was said."),
        ("a 1 s 2 1 so", "a.stm:2: has times='2 1'; expected a begin of at least 0 and an end after it"),
        ("a 1 s zero 1 so", "a.stm:2: has times='zero 1'; expected seconds written like 12.5"),
        ("a 1 s 0 1 <O so", "a.stm:2: has the label '<O so'; expected <a,b,c> without blanks"),
        ("a 1 s 0 1 <O, F0> so", "a.stm:2: has the label '<O, F0'; expected <a,b,c> without blanks"),
        ("a 1 s 0 1 <" + "," * 100 + "> so", "a.stm:2: has the label "),
    ],
)
def test_a_line_that_is_no_segment_is_refused_by_number(tmp_path, line, problem):
    path = stm(tmp_path, "a 1 s 0 1 so", line)
    (found,) = problems_of(lambda: written("stm", path, tmp_path / "out"))
    assert found.startswith(problem)


def test_two_segments_at_one_place_are_refused(tmp_path):
    path = stm(tmp_path, "a 1 s 0 1 so", "a 1 s 0.0 1.00 hm")
    (problem,) = problems_of(lambda: written("stm", path, tmp_path / "out"))
    assert problem.startswith("a.stm:2: has the id 'a_1_s_0-1' of a.stm:1")


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        pytest.param("שלום {עולם}", "שלום {עולם}", id="right-to-left"),
        pytest.param("<O>  e\u0301te\u0301 👩🏽‍⚕️\t𝔸 ", "e\u0301te\u0301 👩🏽‍⚕️\t𝔸", id="combining-marks-emoji-tab"),
        pytest.param('<O,"x"> "quoted" \'so\'', "\"quoted\" 'so'", id="quotation-marks"),
        pytest.param("<O>" + "w " * 50_000 + "end", "w " * 50_000 + "end", id="100000-characters"),
        pytest.param("<O>" + "{/" * 50_000, "{/" * 50_000, id="50000-begins-of-alternatives"),
        pytest.param("<O>{" + "/" * 100_000, "{" + "/" * 100_000, id="100000-slashes"),
        pytest.param("<O> " + "a-" * 50_000 + "b", "a-" * 50_000 + "b", id="50000-hyphens"),
        pytest.param("", "", id="nothing-was-said"),
        pytest.param("so\r", "so", id="CRLF"),
    ],
)
def test_any_text_of_one_line_stays_as_it_is(tmp_path, rest, text):
    path = stm(tmp_path, f"\ufeffa 1 s 0 1 {rest}")
    assert [each.text for each in rows_of("stm", path).records] == [text]


def test_of_a_folder_with_a_reference_only_that_is_read(tmp_path):
    stm(tmp_path, "a 1 s 0 1 <O> so", name="ref.stm")
    stm(tmp_path, "a 1 s 0 1 <O> show", name="hyp.stm")
    assert [each.text for each in rows_of("stm", tmp_path).records] == ["so"]


def test_a_datasheet_beside_says_what_attributes_are(tmp_path):
    path = stm(tmp_path / "x", ';; CATEGORY "1" "accent" ""', "a 1 s 0 1 <O,scottish> so")
    write_datasheet(tmp_path / "x", {"accent": self_reported("accent")})
    manifest = imported("stm", path, tmp_path)
    assert [(each.name, each.provenance.value) for each in manifest.attributes] == [("accent", "self_reported")]
    assert manifest.frame["accent"].tolist() == ["scottish"]


def test_another_folder_is_refused_with_words(tmp_path):
    with pytest.raises(UsageError, match=r"no \.stm file in it"):
        rows_of("stm", tmp_path)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode), st.just(b"\x1f\x8b\x08\x00cut off")))
def test_any_bytes_are_read_or_refused_with_the_file(tmp_path, content):
    path = stm(tmp_path / "x", "b 1 s 0 1 so")
    path.write_bytes(b"b 1 s 0 1 so\n" + content if not content.startswith(b"\x1f\x8b") else content)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    try:
        said = "" if written("stm", path, tmp_path / "out").n_utterances else "nothing was read"
    except DataError as error:
        said = str(error)
    assert not said or "a.stm:" in said
