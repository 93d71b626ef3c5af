"""A record becomes a line only when reading the manifest will accept it; all others are named with their place."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.importers import Corpus, Ledger, Record, checked
from harness.corpus.importers.checked import Changes, Seen, checked_lines, repeated_ids
from harness.corpus.importers.datasheets import open_datasheet
from harness.corpus.importers.embedded import Recordings
from harness.corpus.people import Withdrawn, hashed

SECRET = b"sixteen or longer"
NOTHING = Changes(None, Withdrawn(frozenset()), None)


def record(line: int = 1, **changes) -> Record:
    return Record(**{"file": "a.tsv", "line": line, "utterance_id": f"u{line}", "text": "some words"} | changes)


def lines(records: Sequence[Record], changes: Changes, tmp_path) -> tuple[list[dict[str, object]], Ledger, Seen]:
    ledger, seen = Ledger(), Seen()
    corpus = Corpus(open_datasheet("x"), iter(records), None)
    written = checked_lines(corpus, changes, ledger, seen=seen, recordings=Recordings(tmp_path, tmp_path))
    return [json.loads(line) for line in written], ledger, seen


def test_a_record_becomes_the_line_it_says(tmp_path):
    full = record(
        audio="clips/a b.mp3",
        speaker_id="ann",
        offset=1.5,
        duration=2.25,
        language="en-GB",
        attributes={"age": "teens", "tags": ["a", "b"], "score": 3},
    )
    found, ledger, seen = lines([full, record(2)], NOTHING, tmp_path)
    assert found == [
        {
            "utterance_id": "u1",
            "audio_filepath": "clips/a b.mp3",
            "text": "some words",
            "speaker_id": "ann",
            "offset": 1.5,
            "duration": 2.25,
            "language": "en-GB",
            "age": "teens",
            "tags": ["a", "b"],
            "score": 3,
        },
        {"utterance_id": "u2", "text": "some words", "speaker_id": None},
    ]
    assert (seen.n_records, seen.n_speakers, seen.n_without_speaker) == (2, 1, 1)
    assert seen.values == {"age": {"teens"}, "tags": {"a", "b"}, "score": {"3"}}
    assert not ledger.problems


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"utterance_id": ""}, id="no id"),
        pytest.param({"utterance_id": " u"}, id="a space before the id"),
        pytest.param({"utterance_id": "u\x00"}, id="NUL in the id"),
        pytest.param({"utterance_id": "u\udc80"}, id="a surrogate in the id"),
        pytest.param({"text": "caf\udce9"}, id="a surrogate in the text"),
        pytest.param({"speaker_id": "a\nb"}, id="a speaker on two lines"),
        pytest.param({"audio": "../../etc/passwd"}, id="a recording above the source"),
        pytest.param({"audio": "/etc/passwd"}, id="an absolute path"),
        pytest.param({"audio": "a/../../b"}, id="a path that leaves on its way"),
        pytest.param({"audio": ""}, id="an empty path"),
        pytest.param({"audio": "a\x1b[2J.wav"}, id="a path that drives a terminal"),
        pytest.param({"offset": -1.0}, id="an offset below zero"),
        pytest.param({"offset": float("inf")}, id="an endless offset"),
        pytest.param({"duration": 0.0}, id="no length"),
        pytest.param({"duration": float("inf")}, id="endless"),
        pytest.param({"language": "../x"}, id="a language that is none"),
        pytest.param({"attributes": {"age": "two\nlines"}}, id="a value on two lines"),
        pytest.param({"attributes": {"age": ["a", "b\x00"]}}, id="a value of several with NUL"),
        pytest.param({"attributes": {"text": "x"}}, id="an attribute called text"),
    ],
)
def test_a_record_that_reading_would_refuse_is_refused_with_its_place(tmp_path, changes):
    found, ledger, seen = lines([record(7, **changes), record(8)], NOTHING, tmp_path)
    assert [each["utterance_id"] for each in found] == ["u8"]
    assert len(ledger.problems) == 1
    assert ledger.problems[0].startswith("a.tsv:7: utterance ")
    assert seen.n_records == 1


@given(
    text=st.text(st.characters(codec="utf-8")),
    value=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
)
def test_any_text_and_value_come_back_as_they_were(tmp_path_factory, text, value):
    found, _, _ = lines([record(text=text, attributes={"a": value})], NOTHING, tmp_path_factory.mktemp("a"))
    assert (found[0]["text"], found[0]["a"]) == (text, value)


def test_hashed_speakers_stay_one_person_each_and_ids_that_still_name_them_are_counted(tmp_path):
    records = [record(1, speaker_id="ann", utterance_id="ann_1"), record(2, speaker_id="ann", audio="ann/2.wav")]
    records += [record(3, speaker_id="bob"), record(4)]
    found, _, seen = lines(records, Changes(SECRET, Withdrawn(frozenset()), None), tmp_path)
    ann, bob = hashed("ann", SECRET), hashed("bob", SECRET)
    assert [each["speaker_id"] for each in found] == [ann, ann, bob, None]
    assert (seen.n_named_ids, seen.n_speakers, seen.n_without_speaker) == (2, 2, 1)


@pytest.mark.parametrize("listed", ["ann", hashed("ann", SECRET)])
def test_people_who_withdrew_are_left_out_and_counted(tmp_path, listed):
    records = [record(1, speaker_id="ann"), record(2, speaker_id="bob"), record(3, speaker_id="ann", text="\udc80")]
    found, ledger, seen = lines(records, Changes(SECRET, Withdrawn(frozenset({listed})), None), tmp_path)
    assert [each["utterance_id"] for each in found] == ["u2"]
    assert list(seen.n_withdrawn.values()) == [2]
    assert not ledger.problems


def test_an_id_that_is_there_twice_is_found_and_both_places_are_named(tmp_path):
    records = [record(1), record(2, utterance_id="u1"), record(3), record(4, utterance_id="u1")]
    _, _, seen = lines(records, NOTHING, tmp_path)
    assert seen.repeated_ids() == {hash("u1")}
    problems = repeated_ids(iter(records), seen)
    assert [problem.split(": ")[0] for problem in problems] == ["a.tsv:2", "a.tsv:4"]
    assert all("a.tsv:1" in problem for problem in problems)


def test_ids_that_are_all_different_are_repeated_nowhere(tmp_path):
    assert lines([record(line) for line in range(1, 200)], NOTHING, tmp_path)[2].repeated_ids() == frozenset()
    assert Seen().repeated_ids() == frozenset()


def test_values_are_kept_for_slicing_until_they_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(checked, "MOST_VALUES", 150)
    records = [record(line, attributes={"free": f"own words {line}", "age": "teens"}) for line in range(1, 1_000)]
    _, ledger, seen = lines(records, NOTHING, tmp_path)
    assert len(seen.values["free"]) == 150
    assert seen.is_free_text("free")
    assert not seen.is_free_text("age")
    assert not seen.is_free_text("absent")
    assert not ledger.problems


def test_two_records_at_one_place_with_one_id_are_both_named():
    seen, twice = Seen(), [Record(file="a.wav", line=0, utterance_id="u", text="x")] * 2
    for record in twice:
        seen.ids.append(hash(record.utterance_id))
    assert repeated_ids(iter(twice), seen) == ["a.wav: has the id 'u' of a.wav. Give each its own id."]
