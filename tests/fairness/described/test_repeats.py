"""What is there twice is found as a loop over all groups would find it, and what differs in copies is told."""

import dataclasses

from hypothesis import given, settings

from harness.fairness.described import DUPLICATE_COLUMNS, coded, duplicates, duplicates_by_kind
from harness.fairness.described.coded import with_contents
from harness.fairness.described.recordings import Contents
from tests.fairness.described.builders import ROWS, fold, frame_of, row

BYTES = {"/a.wav": "one", "/b.wav": "one", "/c.wav": "other"}  # two files are the same


def naive(rows, kind):
    """Return the groups as sets of utterances."""
    groups = {}
    for number, cells in enumerate(rows):
        path, part = cells["audio_filepath"], (cells["offset"], str(cells["duration"]))
        keys = {
            "segment": path and (path, part),
            "audio": path and (BYTES[path], part),
            "text": cells["speaker_id"] and fold(cells["text"]) and (cells["speaker_id"], fold(cells["text"])),
        }
        if keys[kind]:
            groups.setdefault(keys[kind], []).append(number)
    found = [members for members in groups.values() if len(members) > 1]
    if kind == "audio":  # of each file the first: the others are repeats of the same file
        firsts = [{rows[number]["audio_filepath"]: number for number in reversed(members)} for members in found]
        found = [list(first.values()) for first in firsts if len(first) > 1]
    return {frozenset(f"u{number}" for number in members) for members in found}


@settings(deadline=None)
@given(ROWS)
def test_groups_are_those_that_a_loop_finds(rows):
    frame = frame_of(rows)
    them = with_contents(coded(frame), frame, Contents(BYTES, n_files=3, n_absent=0, n_read=2))
    table = duplicates(frame, them)
    assert tuple(table.columns) == DUPLICATE_COLUMNS
    for kind in ("segment", "audio", "text"):
        part = table[table["kind"] == kind]
        groups = [set(mine) for _, mine in part.groupby("group")["utterance_id"]]
        assert {frozenset(mine) for mine in groups} == naive(rows, kind)
        assert len(groups) == len(naive(rows, kind))
        for _, mine in part.groupby("group"):
            own = [rows[int(name[1:])] for name in mine["utterance_id"]]
            differs = [
                word
                for word, told in (("speaker", lambda cells: cells["speaker_id"]), ("text", lambda c: fold(c["text"])))
                if len({told(cells) for cells in own}) > 1
            ]
            assert set(mine["differs_in"]) == {" and ".join(differs)}
            assert set(mine["n_in_group"]) == {len(own)}


def test_repeats_are_utterances_beyond_the_first_of_a_group():
    rows = [row(audio_filepath="/a.wav", speaker_id=name, text=f"text {name}") for name in ("s1", "s1", "s2")]
    table = duplicates(frame_of(rows), coded(frame_of(rows)))
    kinds = duplicates_by_kind(table).set_index("kind")
    assert kinds.loc["segment"].tolist() == [1, 3, 2, 1]
    assert kinds.loc["text"].tolist() == [1, 2, 1, 0]
    assert kinds.loc["audio"].tolist() == [0, 0, 0, 0]
    assert set(table.loc[table["kind"] == "segment", "differs_in"]) == {"speaker and text"}


def test_a_repeat_of_the_same_file_is_no_repeat_under_another_name_too():
    rows = [row(audio_filepath=path) for path in ("/a.wav", "/a.wav", "/b.wav")]
    frame = frame_of(rows)
    table = duplicates(frame, with_contents(coded(frame), frame, Contents(BYTES, 2, 0, 2)))
    repeats = duplicates_by_kind(table).set_index("kind")["n_repeats"]
    assert (repeats["segment"], repeats["audio"]) == (1, 1)  # with these two removed one is left


def test_bytes_are_compared_only_where_they_were_looked_at():
    rows = [row(audio_filepath="/a.wav", text="one"), row(audio_filepath="/b.wav", text="two")]
    frame = frame_of(rows)
    assert duplicates(frame, coded(frame)).empty
    looked = with_contents(coded(frame), frame, Contents(BYTES, 2, 0, 2))
    assert duplicates(frame, looked)["kind"].tolist() == ["audio", "audio"]
    absent = dataclasses.replace(Contents({}, 2, 2, 0))
    assert duplicates(frame, with_contents(coded(frame), frame, absent)).empty
