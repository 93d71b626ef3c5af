"""What an importer is told and gives back: places, a ledger that forgets nothing, options that are not shared."""

import pytest

from harness.corpus.importers import ImportOptions, Ledger, Record
from harness.corpus.importers.corpus import MOST_PROBLEMS
from harness.errors import ManifestError


@pytest.mark.parametrize(
    ("line", "place"), [pytest.param(0, "a.wav", id="a file"), pytest.param(7, "a.wav:7", id="a line")]
)
def test_a_record_says_where_it_stands(line, place):
    assert Record("a.wav", line, "u", "").place == place


def test_options_of_one_import_are_not_those_of_another():
    ImportOptions().columns["text"] = "sentence"
    assert ImportOptions() == ImportOptions(split=None, language=None, recipe=None, columns={})


def test_a_ledger_keeps_every_problem_every_reason_and_each_remark_once():
    told = []
    ledger = Ledger(lambda *row: told.append(row))
    ledger.refuse("a:1", "is wrong.")
    ledger.refuse("a:2", "is wrong.")
    for line in range(3):
        ledger.leave_out(f"a:{line}", "is a pause")
    ledger.leave_out("a:9", "is silence")
    for _ in range(2):
        ledger.remark("no audio")
    assert ledger.problems == ["a:1: is wrong.", "a:2: is wrong."]
    assert ledger.n_left_out == {"is a pause": 3, "is silence": 1}
    assert told == [("a:0", "is a pause"), ("a:1", "is a pause"), ("a:2", "is a pause"), ("a:9", "is silence")]
    assert ledger.remarks == ["no audio"]


def test_a_source_of_another_format_is_given_up_after_a_thousand_problems():
    ledger = Ledger()
    for line in range(MOST_PROBLEMS - 1):
        ledger.refuse(f"a:{line}", "is wrong.")
    with pytest.raises(ManifestError) as caught:
        ledger.refuse("a:999", "is wrong.")
    assert len(caught.value.problems) == MOST_PROBLEMS + 1
    assert caught.value.problems[-1].startswith("and perhaps more")
