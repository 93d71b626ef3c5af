"""Who declared what is counted as a loop over people would, and who said two things is named."""

from hypothesis import given, settings

from harness.fairness.described import coded, told
from tests.fairness.described.builders import ATTRIBUTES, ROWS, frame_of, row

SILENT = {"undeclared", "declined"}


def naive(rows, name):
    people = {}
    for cells in rows:
        if cells["speaker_id"]:
            people.setdefault(cells["speaker_id"], []).append(told_of(cells, name))
    n = dict.fromkeys(("declared", "declined", "undeclared", "several", "partly", "fillable"), 0)
    for said in people.values():
        declared = [cell for cell in said if cell not in SILENT]
        silent = [cell for cell in said if cell in SILENT]
        n["declared"] += bool(declared)
        n["declined"] += not declared and "declined" in silent
        n["undeclared"] += not declared and "declined" not in silent
        n["several"] += len(set(declared)) > 1
        n["partly"] += bool(declared) and bool(silent)
        n["fillable"] += len(silent) if len(set(declared)) == 1 else 0
    return n


def told_of(cells, name):
    """Return the cell, or what it is silent as."""
    cell = cells[name] if isinstance(cells[name], tuple) else (cells[name],)
    if set(cell) - SILENT:
        return cell
    return "declined" if "declined" in cell else "undeclared"


@settings(deadline=None)
@given(ROWS)
def test_people_and_utterances_are_counted_as_a_loop_would(rows):
    frame = frame_of(rows)
    found = told(frame, coded(frame), ATTRIBUTES)
    for cells in found.table.to_dict("records"):
        name = cells["attribute"]
        expected = naive(rows, name)
        people = ("declared", "declined", "undeclared", "several", "partly")
        assert {key: cells[f"n_speakers_{key}"] for key in people} == {key: expected[key] for key in people}
        assert cells["n_utterances_fillable"] == expected["fillable"]
        silent = [told_of(each, name) for each in rows]
        assert cells["n_utterances_declined"] == silent.count("declined")
        assert cells["n_utterances_undeclared"] == silent.count("undeclared")
        assert sum(cells[f"n_utterances_{key}"] for key in ("declared", "declined", "undeclared")) == len(rows)


@settings(deadline=None)
@given(ROWS)
def test_conflicts_are_every_value_of_who_has_several_of_an_attribute_that_describes_people(rows):
    frame = frame_of(rows)
    found = told(frame, coded(frame), ATTRIBUTES).conflicts
    expected = set()
    for name in ("accent", "gender"):  # devices change without a contradiction
        for speaker in ("s1", "s2", "s3"):
            mine = [cells[name] for cells in rows if cells["speaker_id"] == speaker and cells[name] not in SILENT]
            if len(set(mine)) > 1:
                expected |= {(speaker, name, value, mine.count(value)) for value in mine}
    assert set(found.itertuples(index=False, name=None)) == expected
    assert len(found) == len(expected)


def test_an_attribute_nobody_declared_is_a_row_that_says_so():
    frame = frame_of([row(accent="undeclared"), row(accent="declined", speaker_id="s2")])
    (accent,) = told(frame, coded(frame), ATTRIBUTES[:1]).table.to_dict("records")
    assert (accent["n_values"], accent["n_speakers_undeclared"], accent["n_speakers_declined"]) == (0, 1, 1)
    assert (accent["kind"], accent["provenance"]) == ("accent", "self_reported")
