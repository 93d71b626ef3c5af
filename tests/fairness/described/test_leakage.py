"""What two manifests share is what a loop over both finds, whichever of them is described."""

from collections import Counter

from hypothesis import given, settings

from harness.fairness.described import LEAKAGE_COLUMNS, coded
from harness.fairness.described.leakage import KINDS, Side, leakage, no_leaks
from tests.fairness.described.builders import ROWS, fold, frame_of, row


def side(rows, prefix="u"):
    frame = frame_of(rows)
    frame["utterance_id"] = [f"{prefix}{number}" for number in range(len(rows))]
    return Side(frame, coded(frame))


def told(cells, number, kind, prefix):
    """Return what a row has of a kind, None for nothing."""
    is_long = len(cells["text"].split()) >= 4
    return {
        "speaker": cells["speaker_id"],
        "utterance": f"{prefix}{number}",
        "recording": cells["audio_filepath"],
        "sentence": fold(cells["text"]) if is_long else None,
        "text": fold(cells["text"]) if not is_long else None,
    }[kind] or None


@settings(deadline=None)
@given(ROWS, ROWS)
def test_what_is_shared_is_what_a_loop_finds(here, there):
    found = leakage(side(here), side(there), "train")
    assert tuple(found.table.columns) == LEAKAGE_COLUMNS
    for kind in KINDS:
        own, other = (
            Counter(filter(None, (told(cells, number, kind, "u") for number, cells in enumerate(rows))))
            for rows in (here, there)
        )
        shared = own.keys() & other.keys()
        part = found.table[found.table["kind"] == kind]
        whats = [fold(what) if kind in ("sentence", "text") else what for what in part["what"]]
        assert {what: (n, m) for what, n, m in zip(whats, part["n_here"], part["n_there"], strict=True)} == {
            what: (own[what], other[what]) for what in shared
        }
        touched = [cells for number, cells in enumerate(here) if told(cells, number, kind, "u") in shared]
        (row_of,) = found.kinds[found.kinds["kind"] == kind].to_dict("records")
        people = {cells["speaker_id"] for cells in touched if cells["speaker_id"]}
        assert (row_of["n_shared"], row_of["n_utterances"], row_of["n_speakers"]) == (
            len(shared),
            len(touched),
            len(people),
        )


@settings(deadline=None)
@given(ROWS, ROWS)
def test_both_ways_share_the_same(here, there):
    forth, back = leakage(side(here), side(there), "x"), leakage(side(there), side(here), "x")
    assert forth.kinds["n_shared"].tolist() == back.kinds["n_shared"].tolist()


def test_the_first_utterance_on_either_side_is_named():
    here = side([row(speaker_id="a"), row(speaker_id="b"), row(speaker_id="b")], "h")
    there = side([row(speaker_id="c"), row(speaker_id="b")], "t")
    (shared,) = leakage(here, there, "train").table.query("kind == 'speaker'").to_dict("records")
    assert (shared["what"], shared["n_here"], shared["n_there"]) == ("b", 2, 1)
    assert (shared["first_here"], shared["first_there"]) == ("h1", "t1")
    assert shared["manifest"] == "train"


def test_nothing_is_shared_with_no_manifest():
    assert no_leaks().table.empty
    assert tuple(no_leaks().table.columns) == LEAKAGE_COLUMNS
