"""A customer's folder becomes a manifest, or every question and every problem is put at once, and none twice."""

import json
import unicodedata

import openpyxl
import pytest
import yaml

from harness.audio import audio_duration_s
from harness.corpus import Manifest, Provenance
from harness.corpus.kit import BadRows, EmptyText, KitOptions, read_kit, write_kit
from harness.errors import ManifestError, StorageError, UsageError
from tests.corpus.kit.builders import HEADER, ROWS, csv_kit, recordings, saved, table, workbook


def noted(kit, words):
    return [note for note in kit.notes if words in note]


def problems(folder, **options):
    with pytest.raises(ManifestError) as caught:
        read_kit(folder, KitOptions(**options))
    return caught.value.problems


def question(folder, **options):
    with pytest.raises(UsageError) as caught:
        read_kit(folder, KitOptions(**options))
    return str(caught.value)


def test_a_folder_and_a_spreadsheet_become_a_manifest(tmp_path):
    kit = read_kit(csv_kit(tmp_path / "ward"))
    manifest = write_kit(kit, tmp_path / "kit")
    assert manifest.name == "ward"
    assert manifest.frame["text"].tolist() == [row[1] for row in ROWS]
    assert manifest.frame["speaker_id"].tolist() == ["p1", "p1", "p2"]
    assert manifest.frame["utterance_id"].tolist() == ["a1", "a2", "b1"]
    assert [attribute.name for attribute in manifest.attributes] == ["Accent"]
    again = Manifest.load(tmp_path / "kit" / "manifest.jsonl", audio_root=tmp_path / "ward")
    assert again.digest == manifest.digest


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("Datei", "Was wurde gesagt", "Pflegekraft", "Akzent"), id="german"),
        pytest.param(("FILE_NAME", "WhatWasSaid", "Nurse ID", "Accent"), id="english"),
        pytest.param(("Enregistrement", "Ce qui a été dit", "Locuteur", "Accent"), id="french"),
        pytest.param(("Grabación", "Transcripción", "Hablante", "Acento"), id="spanish"),
        pytest.param(("Bestandsnaam", "Wat gezegd is", "Spreker", "Accent"), id="dutch"),
        pytest.param(("audio_filepath", "text", "speaker_id", "accent"), id="this-harness"),
        pytest.param(("clip", "sentence", "client_id", "accents"), id="common-voice"),
        pytest.param(("x", "Original transcript", "Speaker no.", "y"), id="files-by-their-cells"),
    ],
)
def test_columns_are_known_by_names_that_people_give(tmp_path, header):
    kit = read_kit(csv_kit(tmp_path, header=header))
    assert kit.columns == {"audio_filepath": header[0], "text": header[1], "speaker_id": header[2]}


def test_the_column_whose_cells_name_recordings_is_that_of_the_files_whatever_its_name(tmp_path):
    rows = [(row[0], row[1], row[2], f"session {n}") for n, row in enumerate(ROWS)]
    kit = read_kit(csv_kit(tmp_path, rows, ("Transcript id", "Text", "Speaker", "File")))
    assert kit.columns["audio_filepath"] == "Transcript id"
    assert noted(kit, "names the recordings, by its cells")


def test_every_question_is_put_at_once_with_its_answers(tmp_path):
    csv_kit(tmp_path, [(*row, "x") for row in ROWS], ("f", "Text", "Sentence", "Speaker", "Person"))
    asked = question(tmp_path)
    assert "\"kit.columns.text='Text'\" or \"kit.columns.text='Sentence'\"" in asked
    assert "\"kit.columns.speaker_id='Speaker'\" or \"kit.columns.speaker_id='Person'\"" in asked
    assert "\"kit.columns.speaker_id=''\" for none of them" in asked
    kit = read_kit(tmp_path, KitOptions(columns={"text": "Sentence", "speaker_id": ""}))
    assert kit.columns == {"audio_filepath": "f", "text": "Sentence"}


def test_a_column_that_nobody_knows_is_asked_for_among_those_left(tmp_path):
    csv_kit(tmp_path, header=("File", "Remarks", "Speaker", "Accent"))
    assert "which column holds what was said? Add to the command: \"kit.columns.text='Remarks'\"" in question(tmp_path)


def test_two_columns_of_different_recordings_are_asked_about(tmp_path):
    recordings(tmp_path, ["a.wav", "b.wav", "c.wav", "d.wav"])
    table(tmp_path / "x.csv", [("a.wav", "c.wav", "hi"), ("b.wav", "d.wav", "ho")], ("near", "far", "text"))
    assert "Several columns name recordings of the folder." in question(tmp_path)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"text": "Transcrpt"}, "no such column; found 'File', 'Transcript'", id="typo"),
        pytest.param({"txet": "Transcript"}, "kit.columns.txet: expected one of audio_filepath, text", id="meaning"),
        pytest.param({"text": "File", "audio_filepath": "File"}, "another meaning already", id="twice"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(tmp_path, told, said):
    csv_kit(tmp_path)
    assert said in question(tmp_path, columns=told)


def test_a_letter_names_a_column_too(tmp_path):
    kit = read_kit(
        csv_kit(tmp_path, header=("File", "", "Speaker", "Accent")), KitOptions(columns={"text": "column B"})
    )
    assert kit.columns["text"] == "column B"


def test_several_spreadsheets_are_asked_about_and_one_at_the_top_counts_more_than_those_below(tmp_path):
    csv_kit(tmp_path)
    (tmp_path / "old").mkdir()
    table(tmp_path / "old" / "list.csv", ROWS)
    assert read_kit(tmp_path).spreadsheet == "list.csv"
    table(tmp_path / "new list.csv", ROWS)
    assert "\"kit.spreadsheet='list.csv'\"" in question(tmp_path)
    assert read_kit(tmp_path, KitOptions(spreadsheet="new list.csv")).spreadsheet == "new list.csv"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("list.ods", "Save 'list.ods' as XLSX or CSV", id="another-format"),
        pytest.param("notes.txt", "holds no spreadsheet", id="none"),
    ],
)
def test_a_folder_without_a_spreadsheet_says_what_to_do(tmp_path, name, said):
    recordings(tmp_path)
    (tmp_path / name).touch()
    assert said in question(tmp_path)


def test_a_folder_of_recordings_that_cannot_be_decoded_says_so(tmp_path):
    table(tmp_path / "list.csv", ROWS)
    (tmp_path / "a.m4a").touch()
    assert "Convert its 1 files in formats that cannot be, such as 'a.m4a'" in question(tmp_path)


def test_every_problem_of_every_row_is_named_by_its_number(tmp_path):
    bad = [("a1.wav", "again"), ("gone.wav", "x"), ("", "x"), ("c.wav", ""), ("d.wav", "=A1")]
    rows = [*ROWS, *((*row, "p1", "") for row in bad)]
    csv_kit(tmp_path, [row for row in rows if row[0]])
    table(tmp_path / "list.csv", rows)
    (tmp_path / "gone.wav").unlink()
    found = problems(tmp_path)
    assert [line.partition(": row ")[0] for line in found[:-1]] == [f"list.csv:row {n}" for n in (5, 6, 7, 8, 9)]
    said = ["as row 2 does, with other values", "not in the folder", "names no recording", "no transcript", "a formula"]
    assert all(words in line for words, line in zip(said, found[:-1], strict=True))
    assert "5 rows cannot be used, 3 can. Mend them, or add kit.bad_rows=leave_out" in found[-1]


def test_rows_left_out_are_counted_and_listed(tmp_path):
    csv_kit(tmp_path / "in", [*ROWS, ("c.wav", "", "p2", "irish")])
    kit = read_kit(tmp_path / "in", KitOptions(bad_rows=BadRows.leave_out))
    assert (kit.n_rows, len(kit.records), len(kit.left_out)) == (4, 3, 1)
    assert kit.without_row == ("c.wav",)
    manifest = write_kit(kit, tmp_path / "kit")
    assert manifest.notes[0] == "1 of 4 rows of the spreadsheet are left out: kit.yaml lists them"
    assert "has no transcript" in yaml.safe_load((tmp_path / "kit" / "kit.yaml").read_text())["made"]["left_out"][0]


def test_where_no_row_is_left_nothing_is_made(tmp_path):
    csv_kit(tmp_path, [("a.wav", "", "p", "x")])
    assert "no row is left to use" in problems(tmp_path, bad_rows=BadRows.leave_out)[-1]


def test_an_empty_transcript_is_asked_about_and_two_quotation_marks_say_silence(tmp_path):
    csv_kit(tmp_path, [("a.wav", '""""""', "p", "x"), ("b.wav", "", "p", "x")])
    assert [line for line in problems(tmp_path) if "row 2" in line] == []
    kit = read_kit(tmp_path, KitOptions(empty_text=EmptyText.silence))
    assert [record.fields["text"] for record in kit.records] == ["", ""]


def test_a_recording_that_cannot_be_decoded_is_a_problem_of_its_row(tmp_path):
    csv_kit(tmp_path)
    (tmp_path / "a2.wav").write_bytes(b"RIFF, and no more")
    with pytest.raises(ManifestError, match=r"row 3: row names 'a2.wav': cannot be decoded"):
        read_kit(tmp_path, duration_of=audio_duration_s)


def test_nothing_is_asked_twice(tmp_path):
    rows = [(*row, str(40 + n)) for n, row in enumerate(ROWS * 4)]
    rows = [(f"{n}.wav", *row[1:]) for n, row in enumerate(rows)]
    csv_kit(tmp_path / "in", rows, ("f", "Remarks", "Who", "Accent", "Age"))
    table(tmp_path / "in" / "other.csv", ROWS)
    told = KitOptions(
        spreadsheet="list.csv",
        columns={"text": "Remarks", "speaker_id": "Who"},
        provenance={"Accent": "self_reported"},
        bins={"Age": [45, 48]},
        language="en",
        empty_text=EmptyText.silence,
    )
    first = write_kit(read_kit(tmp_path / "in", told, out=tmp_path / "kit"), tmp_path / "kit")
    kit = read_kit(tmp_path / "in", out=tmp_path / "kit")
    again = write_kit(kit, tmp_path / "kit")
    assert again.frame.equals(first.frame)
    assert again.digest == first.digest
    assert kit.options.empty_text is EmptyText.silence
    assert {each.name: each.provenance for each in again.attributes}["Accent"] is Provenance.self_reported
    assert again.frame["Age"].unique().tolist() == ["<45", "45-48", ">=48"]


def test_what_was_corrected_in_the_datasheet_by_hand_stays(tmp_path):
    csv_kit(tmp_path / "in")
    write_kit(read_kit(tmp_path / "in"), tmp_path / "kit")
    path = tmp_path / "kit" / "datasheet.yaml"
    sheet = yaml.safe_load(path.read_text())
    sheet["license"] = "ours"
    sheet["attributes"]["Accent"] |= {"provenance": "self_reported", "description": "asked on a form"}
    path.write_text(yaml.safe_dump(sheet))
    manifest = write_kit(read_kit(tmp_path / "in", out=tmp_path / "kit"), tmp_path / "kit")
    accent = manifest.attributes[0]
    assert manifest.datasheet.license == "ours"
    assert (accent.provenance, accent.description) == (Provenance.self_reported, "asked on a form")


def test_a_renamed_column_is_found_anew_and_what_is_said_now_counts_more(tmp_path):
    csv_kit(tmp_path / "in")
    write_kit(read_kit(tmp_path / "in"), tmp_path / "kit")
    table(tmp_path / "in" / "list.csv", ROWS, ("File", "Sentence", "Speaker", "Accent"))
    assert read_kit(tmp_path / "in", out=tmp_path / "kit").columns["text"] == "Sentence"
    told = KitOptions(columns={"text": "Accent"})
    assert read_kit(tmp_path / "in", told, out=tmp_path / "kit").columns["text"] == "Accent"


@pytest.mark.parametrize(
    "content", ["answers: 5\n", "answers: {columns: [1]}\n", "answers: {bad_rows: maybe}\n", "a: [\n"]
)
def test_answers_that_are_damaged_are_named(tmp_path, content):
    csv_kit(tmp_path / "in")
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "kit.yaml").write_text(content)
    with pytest.raises(ManifestError, match=r"kit\.yaml"):
        read_kit(tmp_path / "in", out=tmp_path / "kit")


@pytest.mark.parametrize("name", ["manifest.jsonl", "datasheet.yaml"])
def test_what_no_kit_wrote_is_not_overwritten(tmp_path, name):
    kit = read_kit(csv_kit(tmp_path / "in"))
    (tmp_path / "in" / name).write_text("mine")
    with pytest.raises(UsageError, match="is of no kit"):
        write_kit(kit, tmp_path / "in")
    assert (tmp_path / "in" / name).read_text() == "mine"


def test_a_kit_may_lie_among_the_recordings_and_is_not_taken_for_them(tmp_path):
    csv_kit(tmp_path)
    write_kit(read_kit(tmp_path, out=tmp_path), tmp_path)
    assert len(read_kit(tmp_path, out=tmp_path).records) == 3
    assert len(Manifest.load(tmp_path / "manifest.jsonl")) == 3


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    kit = read_kit(csv_kit(tmp_path / "in"))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        write_kit(kit, tmp_path / "file" / "kit")


def test_a_workbook_as_people_make_them(tmp_path):
    names = [unicodedata.normalize("NFD", "Müller 1.wav"), "b 2.WAV", "c.wav"]
    recordings(tmp_path / "in" / "Ton", names)
    book = workbook(["Please fill in"], title="Read me")
    sheet = book.create_sheet("Liste")
    for row in (
        ["Recordings of ward 3"], [], [None, "Datei", "Transkript", "Sprecher", "Schicht", "Dosis", None],
        [None, "Müller 1.wav", "zwei Ampullen", "P1", "Nacht", 7, None], [None, "b 2.wav", "nein", "P2", None, 8, None],
        [], [None, "C.wav", "ja", "P1", "Tag", 9, "?"],
    ):  # fmt: skip
        sheet.append(row)
    sheet.merge_cells("B1:F1")
    sheet.merge_cells("E4:E5")
    sheet.row_dimensions[7].hidden = True
    sheet["F4"].number_format = "000"
    saved(book, tmp_path / "in" / "Liste.xlsx")
    kit = read_kit(tmp_path / "in")
    manifest = write_kit(kit, tmp_path / "kit")
    assert manifest.frame["Schicht"].tolist() == ["Nacht", "Nacht", "Tag"]
    assert manifest.frame["Dosis"].tolist() == ["007", "8", "9"]
    assert [record.number for record in kit.records] == [4, 5, 7]
    for words in (
        "sheet 'Liste' is used; not used: 'Read me'",
        "row 1 above the header in row 3",
        "row 7: hidden in",
        "a merged cell above counts for row 5",
        "column 'column G' is not sliced on: it has no header",
    ):
        assert noted(kit, words), words


def test_a_transcript_in_a_cell_merged_over_two_rows_is_nobody_s(tmp_path):
    recordings(tmp_path)
    book = workbook(HEADER, *ROWS)
    book.active.merge_cells("B2:B3")
    saved(book, tmp_path / "list.xlsx")
    assert "row 3: row shares a merged cell of column 'Transcript'" in problems(tmp_path)[0]


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    recordings(tmp_path)
    book = workbook(HEADER, *ROWS, title="a")
    second = book.create_sheet("b")
    for row in (HEADER, ROWS[0]):
        second.append(list(row))
    saved(book, tmp_path / "list.xlsx")
    assert (read_kit(tmp_path).n_rows, read_kit(tmp_path, KitOptions(sheet="b")).n_rows) == (3, 1)
    assert "found 'a', 'b'" in question(tmp_path, sheet="c")


def test_a_table_without_column_names_says_so(tmp_path):
    recordings(tmp_path)
    table(tmp_path / "list.csv", ROWS[1:], ROWS[0])
    assert "no row of column names found above the data" in problems(tmp_path)[0]


def test_the_first_missing_recording_does_not_make_its_row_the_header(tmp_path):
    csv_kit(tmp_path, header=("aa", "bb", "cc", "dd"))
    (tmp_path / "a1.wav").unlink()
    kit_problems = problems(tmp_path, columns={"text": "bb", "speaker_id": "cc"})
    assert "row 2: row names 'a1.wav'" in kit_problems[0]


def test_personal_data_is_not_sliced_on_unless_it_is_named(tmp_path):
    rows = [(*row, f"{row[2]}@example.org") for row in ROWS]
    csv_kit(tmp_path, rows, (*HEADER, "E-mail"))
    kit = read_kit(tmp_path)
    assert [each.name for each in kit.datasheet.attributes] == ["Accent"]
    assert noted(kit, "column 'E-mail' is not sliced on: it looks like personal data (e-mail addresses)")
    named = read_kit(tmp_path, KitOptions(attributes=["E-mail"]))
    assert [each.name for each in named.datasheet.attributes] == ["E-mail"]
    assert noted(named, "not used: 'Accent'")


def test_speakers_called_by_their_names_get_numbers(tmp_path):
    people = {"p1": "Anna Schmidt", "p2": "Jan Kowalski"}
    csv_kit(
        tmp_path / "in",
        [(row[0], row[1], people[row[2]], row[3]) for row in ROWS],
        ("File", "Text", "Speaker name", "Accent"),
    )
    kit = read_kit(tmp_path / "in")
    write_kit(kit, tmp_path / "kit")
    assert [record.fields["speaker_id"] for record in kit.records] == ["speaker-001", "speaker-001", "speaker-002"]
    written = "".join(path.read_text() for path in (tmp_path / "kit").iterdir())
    assert "Anna" not in written
    assert "Kowalski" not in written


def test_columns_that_cannot_be_compared_are_not_sliced_on_and_say_why(tmp_path):
    rows = [(f"{n}.wav", "x", f"p{n % 6}", str(50 + n), f"remark {n}", f"card {n % 6}", "ward") for n in range(12)]
    csv_kit(tmp_path, rows, ("File", "Text", "Speaker", "Age", "Remarks", "Badge", "Place"))
    kit = read_kit(tmp_path)
    assert [each.name for each in kit.datasheet.attributes] == ["Place"]
    for words in (
        "12 different numbers; make ranges",
        "12 different values in 12 rows",
        "each of its values is one person's",
    ):
        assert noted(kit, words), words


def test_an_attribute_s_kind_follows_its_name_and_its_provenance_is_not_guessed(tmp_path):
    csv_kit(tmp_path, [(*row, "x", "y") for row in ROWS], (*HEADER, "Geschlecht", "Room"))
    told = {each.name: (each.kind.value, each.provenance.value) for each in read_kit(tmp_path).datasheet.attributes}
    assert told == {
        "Accent": ("accent", "annotated"),
        "Geschlecht": ("demographic", "annotated"),
        "Room": ("acoustic", "annotated"),
    }


def test_a_demographic_attribute_that_was_inferred_is_refused(tmp_path):
    csv_kit(tmp_path, [(*row, "f") for row in ROWS], (*HEADER, "Gender"))
    assert "inferred, which is refused" in problems(tmp_path, provenance={"Gender": "inferred"})[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            {"provenance": {"Accent": "guessed"}}, "kit.provenance.Accent=guessed; expected one of", id="provenance"
        ),
        pytest.param({"kinds": {"Accent": "x"}}, "kit.kinds.Accent=x; expected one of", id="kind"),
        pytest.param({"language": "English!"}, "kit.language='English!'", id="language"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(options, said):
    with pytest.raises(UsageError, match=said.replace("!", "!")):
        KitOptions(**options)


def test_an_attribute_that_is_no_column_is_named(tmp_path):
    csv_kit(tmp_path)
    assert "kit.attributes names the column 'Akzent', which is not in the spreadsheet" in question(
        tmp_path, attributes=["Akzent"]
    )


@pytest.mark.parametrize("header", ["Condition", "Note", "Slice", "Duration (s)"])
def test_a_column_named_as_the_results_are_keeps_its_values_under_another_name(tmp_path, header):
    csv_kit(tmp_path / "in", [(*row, "x") for row in ROWS], (*HEADER, header))
    manifest = write_kit(read_kit(tmp_path / "in"), tmp_path / "kit")
    assert manifest.frame.iloc[0, -1] == "x"


def test_segments_of_one_recording_are_rows_of_their_own(tmp_path):
    recordings(tmp_path / "in", ["shift.wav"])
    rows = [("shift.wav", "one", "0:00.05", "0:00.1"), ("shift.wav", "two", "0.12", '"0,2"')]
    table(tmp_path / "in" / "x.csv", rows, ("File", "Text", "Start", "End"))
    manifest = write_kit(read_kit(tmp_path / "in"), tmp_path / "kit")
    assert manifest.frame["offset"].tolist() == [0.05, 0.12]
    assert manifest.frame["duration"].tolist() == pytest.approx([0.05, 0.08])
    assert manifest.frame["utterance_id"].tolist() == ["shift#0.05", "shift#0.12"]


def test_a_segment_that_ends_before_it_begins_is_a_problem(tmp_path):
    recordings(tmp_path, ["shift.wav"])
    table(
        tmp_path / "x.csv",
        [("shift.wav", "a", "2", "1"), ("shift.wav", "b", "-1", "x")],
        ("File", "Text", "Start", "End"),
    )
    found = problems(tmp_path)
    assert "ends at 1 s, before it begins at 2 s" in found[0]
    assert "expected >= 0" in found[1]
    assert "expected a finite number" in found[2]


def test_a_rounded_length_does_not_cut_whole_recordings(tmp_path):
    csv_kit(tmp_path, [(*row, "1") for row in ROWS], (*HEADER, "Duration"))
    assert all("duration" not in record.fields for record in read_kit(tmp_path).records)


def test_languages_are_tags_whatever_they_are_called(tmp_path):
    csv_kit(
        tmp_path,
        [(*row, name) for row, name in zip(ROWS, ("Deutsch", "en_GB", ""), strict=True)],
        (*HEADER, "Language"),
    )
    assert [record.fields.get("language") for record in read_kit(tmp_path).records] == ["de", "en-GB", None]
    csv_kit(tmp_path, [(*row, "Klingon") for row in ROWS], (*HEADER, "Language"))
    assert "has 'Klingon' in column 'Language'; expected a BCP 47 tag" in problems(tmp_path)[0]


def test_recordings_of_the_same_bytes_are_noted(tmp_path):
    csv_kit(tmp_path)
    (tmp_path / "b1.wav").write_bytes((tmp_path / "a1.wav").read_bytes())
    assert noted(read_kit(tmp_path), "the same recording under several names: a1.wav, b1.wav")


def test_two_formats_of_one_name_are_two_utterances(tmp_path):
    csv_kit(tmp_path / "in", [("a.wav", "x", "p", "y"), ("a.flac", "x", "p", "y")])
    manifest = write_kit(read_kit(tmp_path / "in"), tmp_path / "kit")
    assert manifest.frame["utterance_id"].tolist() == ["a.wav", "a.flac"]


def test_no_speakers_is_said_with_the_remedy(tmp_path):
    kit = read_kit(csv_kit(tmp_path, header=("File", "Text", "Category", "Accent")))
    assert noted(kit, "no column of speakers: add \"kit.columns.speaker_id='ITS NAME'\"")


def test_the_written_rows_are_those_of_the_spreadsheet_and_nothing_more(tmp_path):
    write_kit(read_kit(csv_kit(tmp_path / "in")), tmp_path / "kit")
    lines = (tmp_path / "kit" / "manifest.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "utterance_id": "a1", "audio_filepath": "a1.wav", "text": ROWS[0][1], "speaker_id": "p1", "Accent": "scottish",
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "kit").iterdir()) == [
        "datasheet.yaml",
        "kit.yaml",
        "manifest.jsonl",
    ]


def test_a_spreadsheet_of_this_harness_s_own_reader_is_the_same_as_xlsx_and_csv(tmp_path):
    csv_kit(tmp_path / "csv")
    recordings(tmp_path / "xlsx")
    saved(workbook(HEADER, *ROWS), tmp_path / "xlsx" / "list.xlsx")
    ours, theirs = (read_kit(tmp_path / name).records for name in ("csv", "xlsx"))
    assert ours == theirs
    assert openpyxl.load_workbook(tmp_path / "xlsx" / "list.xlsx").active.max_row == len(ours) + 1
