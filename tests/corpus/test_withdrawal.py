"""People who withdrew are in no row of a manifest, whoever reads it, and outputs say how many they are."""

import math

import pytest

from harness.corpus.people import SALT, hashed
from harness.errors import UsageError
from tests.corpus.builders import FORMATS, load, problems_of, row, self_reported, write_datasheet, write_manifest

ROWS = [row("u1", speaker_id="anna"), row("u2", speaker_id="bela"), row("u3", speaker_id="anna"), row("u4")]
SALTED = "a salt that nobody guesses"


def withdrawn(folder, *names, file="withdrawn.txt"):
    path = folder / file
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_list_beside_the_manifest_leaves_people_out_and_says_how_many(tmp_path, suffix):
    path = write_manifest(tmp_path, ROWS, suffix=suffix)
    withdrawn(tmp_path, "anna")
    manifest = load(path)
    assert manifest.frame["utterance_id"].tolist() == ["u2", "u4"]
    assert manifest.left_out.utterance_ids == {"u1", "u3"}
    assert manifest.left_out.n_speakers == 1
    assert manifest.notes[0] == "1 person withdrew consent: 2 utterances are left out"


def test_a_list_elsewhere_adds_to_that_beside_the_manifest(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "anna")
    (tmp_path / "office").mkdir()
    manifest = load(path, withdrawn=withdrawn(tmp_path / "office", "bela"))
    assert manifest.frame["utterance_id"].tolist() == ["u4"]
    assert manifest.left_out.n_speakers == 2


def test_another_list_is_another_manifest_and_a_list_of_nobody_is_the_same(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    before = load(path).digest
    withdrawn(tmp_path, "# nobody yet")
    assert load(path).digest == before
    withdrawn(tmp_path, "somebody of another corpus")
    assert load(path).digest != before


def test_a_hashed_id_is_found_by_the_name_with_the_salt_and_a_name_by_its_hash(tmp_path, monkeypatch):
    hidden = hashed("anna", SALTED.encode())
    path = write_manifest(tmp_path, [row("u1", speaker_id=hidden), row("u2", speaker_id="bela")])
    withdrawn(tmp_path, "anna")
    assert len(load(path)) == 2
    monkeypatch.setenv(SALT, SALTED)
    assert load(path).frame["utterance_id"].tolist() == ["u2"]
    withdrawn(tmp_path, hashed("bela", SALTED.encode()))
    assert load(path).frame["utterance_id"].tolist() == ["u1"]


def test_a_withdrawn_person_s_recording_need_not_exist_any_more_and_their_row_may_be_wrong(tmp_path):
    (tmp_path / "b.wav").write_bytes(b"")
    rows = [
        row("u1", speaker_id="anna", audio_filepath="gone.wav", duration=-1.0),
        row("u2", speaker_id="bela", audio_filepath="b.wav", duration=1.0),
    ]
    path = write_manifest(tmp_path, rows)
    withdrawn(tmp_path, "anna")
    assert load(path, require_audio=True).frame["utterance_id"].tolist() == ["u2"]


def test_ids_that_are_made_of_audio_paths_are_known_too(tmp_path):
    rows = [
        {"audio_filepath": "a/1.wav", "offset": 2.5, "text": "x", "speaker_id": "anna"},
        {"audio_filepath": "b/1.wav", "text": "x", "speaker_id": "bela"},
    ]
    path = write_manifest(tmp_path, rows)
    withdrawn(tmp_path, "anna")
    assert load(path).left_out.utterance_ids == {"a/1#2.5"}


def test_where_their_utterances_are_in_recordings_is_known_and_a_wrong_duration_is_none(tmp_path):
    rows = [
        row("u1", speaker_id="anna", audio_filepath="a.wav", offset=1.5, duration=2, channel="A"),
        row("u2", speaker_id="bela", audio_filepath="a.wav", channel="B"),
        row("u3", speaker_id="anna", audio_filepath="a.wav", duration=-1, channel=""),
    ]
    path = write_manifest(tmp_path, rows)
    withdrawn(tmp_path, "anna")
    manifest = load(path)
    theirs = manifest.left_out.utterances
    assert theirs["utterance_id"].tolist() == ["u1", "u3"]
    assert set(theirs["audio_filepath"]) == set(manifest.frame["audio_filepath"])
    assert theirs[["offset", "duration", "channel"]].iloc[0].tolist() == [1.5, 2.0, "A"]
    assert math.isnan(theirs["duration"].iloc[1])
    assert theirs["channel"].iloc[1] == "undeclared"


def test_a_bad_row_of_somebody_else_is_still_named_by_its_line(tmp_path):
    path = write_manifest(tmp_path, [row("u1", speaker_id="anna"), row("u2", speaker_id="bela", offset=-1)])
    withdrawn(tmp_path, "anna")
    assert problems_of(lambda: load(path))[0].startswith("toy.jsonl:2: utterance 'u2'")


def test_when_everybody_withdrew_nothing_is_measured(tmp_path):
    path = write_manifest(tmp_path, [row("u1", speaker_id="anna")])
    withdrawn(tmp_path, "anna")
    assert "everybody in it withdrew" in problems_of(lambda: load(path))[0]


def test_a_manifest_that_does_not_say_who_speaks_cannot_honour_a_list(tmp_path):
    path = write_manifest(tmp_path, [{"utterance_id": "u1", "text": "x"}])
    withdrawn(tmp_path, "anna")
    with pytest.raises(UsageError, match="no column says who speaks"):
        load(path)


def test_a_mapped_column_of_speakers_is_honoured(tmp_path):
    path = write_manifest(tmp_path, [{"utterance_id": "u1", "text": "x", "who": "anna"}, row("u2") | {"who": "bela"}])
    write_datasheet(tmp_path, {"who": self_reported()})
    withdrawn(tmp_path, "anna")
    manifest = load(path, columns={"speaker_id": "who"})
    assert manifest.frame["utterance_id"].tolist() == ["u2"]


def test_a_list_that_is_not_there_is_not_taken_for_nobody(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    with pytest.raises(UsageError, match="no such list of people who withdrew"):
        load(path, withdrawn=tmp_path / "nowhere.txt")


def test_a_line_that_is_no_id_is_named(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "anna", "be\x00la")
    assert problems_of(lambda: load(path))[0].startswith("withdrawn.txt:2:")


def test_people_of_the_list_who_are_nobody_here_are_said(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "anna", "zoe", "yves")
    assert load(path).notes[1].startswith("2 of the list of those who withdrew are not in this manifest")


def test_a_slip_of_spelling_on_the_list_stops_the_run_and_keeps_nobody_in(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "Anna")
    assert "names 'Anna', who is nobody here; 'anna' differs in capitals" in problems_of(lambda: load(path))[0]


def test_a_manifest_whose_speakers_are_all_unknown_cannot_honour_a_list(tmp_path):
    path = write_manifest(tmp_path, [row("u1", speaker_id=None), row("u2", speaker_id="")])
    withdrawn(tmp_path, "anna")
    with pytest.raises(UsageError, match="no column says who speaks"):
        load(path)


@pytest.mark.parametrize("name", ["Withdrawn.txt", "withdrawn.csv", "withdrawn"])
def test_a_list_whose_name_nobody_would_find_is_said(tmp_path, name):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "anna", file=name)
    if (tmp_path / "withdrawn.txt").exists():
        pytest.skip("this file system does not tell capitals apart")
    with pytest.raises(UsageError, match=r"Rename it to withdrawn\.txt"):
        load(path)


def test_a_list_that_is_a_link_to_nothing_is_not_taken_for_nobody(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    (tmp_path / "withdrawn.txt").symlink_to(tmp_path / "gone.txt")
    with pytest.raises(UsageError, match="no such list of people who withdrew"):
        load(path)


def test_a_link_to_a_manifest_does_not_lead_past_its_list(tmp_path):
    path = write_manifest(tmp_path, ROWS)
    withdrawn(tmp_path, "anna")
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / path.name
    link.symlink_to(path)
    assert load(link).frame["utterance_id"].tolist() == ["u2", "u4"]


def test_a_list_of_names_for_hashed_ids_needs_the_salt_and_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv(SALT, raising=False)
    path = write_manifest(
        tmp_path, [row(f"u{n}", speaker_id=hashed(name, SALTED.encode())) for n, name in enumerate(("anna", "bela"))]
    )
    withdrawn(tmp_path, "anna")
    with pytest.raises(UsageError, match=SALT):
        load(path)
    monkeypatch.setenv(SALT, SALTED)
    assert load(path).frame["utterance_id"].tolist() == ["u1"]
    monkeypatch.delenv(SALT)
    withdrawn(tmp_path, hashed("bela", SALTED.encode()))
    assert load(path).frame["utterance_id"].tolist() == ["u0"]
