"""Every claim is what its file says at the row and column that it names, read by another reader."""

import json

import pytest

from harness.errors import RunDirectoryError
from harness.report.cards.evidence import AT_LEAST, KEYS, WITHOUT, Evidence, Ledger, pointer
from harness.report.cards.units import shown
from harness.results.run import DISPARITIES, SLICES
from tests.report.cards.builders import copy_of, rows


def matches(row, conditions):
    """Say whether a row of text meets conditions, told independently of how the harness does."""
    for column, wanted in conditions.items():
        if isinstance(wanted, dict):
            if AT_LEAST in wanted and float(row[column]) < wanted[AT_LEAST]:
                return False
            if WITHOUT in wanted and any(part in wanted[WITHOUT] for part in row[column].split(" & ")):
                return False
        elif row[column] not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def at(tree, where):
    for part in where.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]
    return tree


def as_value(text):
    try:
        number = float(text)
    except ValueError:
        return text or None
    return int(number) if number.is_integer() else number


def said(run, claim):
    """Return what the file of a claim says, with csv and json alone."""
    if claim.file not in KEYS:
        found = [at(json.loads((run.path / claim.file).read_text()), where) for where in claim.columns]
        return [", ".join(map(str, value)) if isinstance(value, list) else value for value in found]
    chosen = (
        [row for row in rows(run, claim.file) if matches(row, {"comparator": [""], **claim.row})]
        if (claim.file == "metrics.csv")
        else [row for row in rows(run, claim.file) if matches(row, claim.row)]
    )
    if claim.how == "rows":
        return [len(chosen)]
    if claim.how == "sum":
        return [sum(int(row[column]) for row in chosen) for column in claim.columns]
    assert len(chosen) == 1
    return [as_value(chosen[0][column]) for column in claim.columns]


def test_every_claim_of_a_card_is_what_its_file_says(run, card):
    claims = card.document.claims()
    wrong = [claim for claim in claims if list(claim.values) != said(run, claim)]
    assert wrong == []
    assert len(claims) > 100
    assert {claim.how for claim in claims} == {"value", "rows", "sum"}


def test_what_is_shown_follows_from_the_values(card):
    assert [claim for claim in card.document.claims() if claim.text != shown(claim.values, claim.unit)] == []


def test_a_claim_is_made_once(run):
    ledger, evidence = Ledger(), Evidence("a", run, "run")
    row = {"dimension": "accent", "slice": "south"}
    assert ledger.cite(evidence, SLICES, "wer", "percent", row=row) is ledger.cite(
        evidence, SLICES, "wer", "percent", row=row
    )
    assert ledger.cite(evidence, SLICES, "cer", "percent", row=row).id == "c2"


@pytest.mark.parametrize(
    ("file", "row", "column"),
    [
        pytest.param(SLICES, {"dimension": "accent", "slice": "nowhere"}, "wer", id="row"),
        pytest.param(SLICES, {"dimension": "accent", "slice": "south"}, "wear", id="column"),
        pytest.param("run.json", {}, "/policy/nothing", id="pointer"),
        pytest.param("summary.json", {}, "/violations/99", id="place"),
    ],
)
def test_what_is_not_in_a_file_cannot_be_claimed(run, file, row, column):
    with pytest.raises(RunDirectoryError, match=r"no row|nothing at"):
        Evidence("a", run, "run").values(file, row, [column])


def test_a_run_without_a_table_has_no_rows_of_it(run, tmp_path):
    changed = copy_of(run, tmp_path / "run")
    (changed.path / "metrics.csv").unlink()
    assert Evidence("a", changed, "run").table("metrics.csv").empty


def test_the_digest_is_of_the_tables_and_not_of_the_timings(run, tmp_path):
    changed = copy_of(run, tmp_path / "run")
    before = Evidence("a", run, "run").digest
    facts = json.loads((changed.path / "run.json").read_text())
    (changed.path / "run.json").write_text(json.dumps(facts | {"timings_s": {"evaluation": 1e9}}))
    assert Evidence("a", changed, "run").digest == before
    table = (changed.path / DISPARITIES).read_text()
    (changed.path / DISPARITIES).write_text(table.replace("disparity", "advantage", 1))
    assert Evidence("a", changed, "run").digest != before


def test_a_pointer_finds_any_name():
    assert at({"a": {"x/y~z": [1, 2]}}, pointer("a", "x/y~z", "1")) == 2
