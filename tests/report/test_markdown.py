"""The report shows the run's numbers and lets no text from data become markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.markdown import render, write_report
from harness.report.tables import escape
from harness.report.wording import policy_sentence, promise_sentence
from tests.report.builders import DEAF, finished_run

HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="html"),
    pytest.param("a | b | c", id="table-cells"),
    pytest.param("[click](javascript:alert)", id="link"),
    pytest.param("![](http://x/y.png)", id="image"),
    pytest.param("**bold** _it_ `code` ~~no~~", id="emphasis"),
    pytest.param("&lt;script&gt;", id="entity"),
    pytest.param("back\\|slash", id="escaped-already"),
]


def rows_of(markdown):
    return [line for line in markdown.splitlines() if line.startswith("|")]


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def section(markdown, heading):
    """Return the rows of all tables between one heading of the second level and the next."""
    return [cells(row) for row in rows_of(markdown.partition(f"## {heading}\n")[2].partition("\n## ")[0])]


def tables_of(markdown):
    """Return every table as the rows of it."""
    blocks = re.split(r"\n\n", markdown)
    return [[cells(row) for row in rows_of(block)] for block in blocks if block.startswith("|")]


def sections_of(markdown):
    """Return the slices under each heading of the third level, in their order."""
    found = {}
    for line in markdown.partition("## Verdicts")[2].partition("\n## ")[0].splitlines():
        if line.startswith("### "):
            found[line] = []
        elif line.startswith("|") and cells(line)[0] not in ("dimension", "---"):
            found[list(found)[-1]].append((cells(line)[1], cells(line)[7]))
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_slice_s_name_stays_a_name(tmp_path, name):
    report = render(finished_run(tmp_path, [name, "south"]))
    assert "<" not in report.replace("&lt;", "")
    tables = tables_of(report)
    assert len(tables) >= 4
    assert all(len({len(row) for row in table}) == 1 for table in tables)
    assert escape(name) in [row[1] for table in tables for row in table]


@given(st.text())
def test_escaped_text_has_no_bare_markup(text):
    escaped = escape(text)
    assert not re.search(r"[<>]", escaped)
    assert not re.search(r"&(?!amp;|lt;|gt;)", escaped)
    assert not re.search(r"[`*_\[\]|#~]", re.sub(r"\\.", "", escaped))
    assert "\n" not in escaped


def test_every_slice_and_every_verdict_is_in_the_report(tmp_path):
    run = finished_run(tmp_path, ["north", "south", "undeclared"], deaf_to=["south"])
    verdicts = [tuple(row[:2]) for row in section(render(run), "Verdicts")]
    slices = [tuple(row[:2]) for row in section(render(run), "Slices")]
    assert verdicts[2:] == [("accent", "south"), ("accent", "north")]  # worst first
    assert verdicts[:2] == [("dimension", "slice"), ("---", "---")]  # what was found is in one table
    assert slices[2:] == [("overall", "all"), ("accent", "north"), ("accent", "south"), ("accent", "undeclared")]


def test_a_verdict_stands_beside_its_numbers_and_its_reason(tmp_path):
    run = finished_run(tmp_path, deaf_to=["south"])
    (row,) = [row for row in section(render(run), "Verdicts") if row[1] == "south"]
    assert row[2:5] == ["100.0 %", "rest 0.0 %", "+100.0"]
    assert row[7] == "disparity"
    assert row[8] == escape(run.disparities.set_index("slice")["reason"]["south"])


def test_what_was_found_comes_first_and_those_with_too_few_people_last(tmp_path):
    accents = ["east", "few", "north", "south"]
    run = finished_run(tmp_path, accents, deaf_to=["south"], few=["few"])
    sections = sections_of(render(run))
    assert list(sections) == [
        f"### {title}" for title in ("Found", "Tested", "Too few to say") if f"### {title}" in sections
    ]
    assert sections["### Found"][0] == ("south", "disparity")
    assert sections["### Too few to say"] == [("few", "insufficient")]
    assert sorted(name for rows in sections.values() for name, _ in rows) == accents
    belongs = {"disparity": "Found", "advantage": "Found", "inconclusive": "Tested", "within margin": "Tested"}
    for heading, rows in sections.items():
        assert {f"### {belongs.get(verdict, 'Too few to say')}" for _, verdict in rows} == {heading}


def test_a_heading_without_slices_is_left_out(tmp_path):
    sections = sections_of(render(finished_run(tmp_path)))
    assert list(sections) == ["### Tested"]
    assert {name for name, _ in sections["### Tested"]} == {"north", "south"}


def test_the_promise_and_whether_it_held_are_in_the_report(tmp_path):
    run = finished_run(tmp_path, deaf_to=["south"])
    report = render(run)
    assert f"**{escape(policy_sentence(run))}**" in report
    assert escape(promise_sentence(run)) in report


def test_intervals_are_called_what_they_are(tmp_path):
    run = finished_run(tmp_path)
    assert "\n95 % intervals, speaker-clustered.\n" in render(run)
    run.write_json("summary.json", run.summary | {"confidence": 0.9})
    assert "\n90 % intervals, speaker-clustered.\n" in render(run)


def test_why_clips_failed_is_in_the_report(tmp_path):
    assert f"\n- 1 clips failed with {DEAF}\n" in render(finished_run(tmp_path, failed=["00-0"]))


def test_writing_the_report_finishes_the_run(tmp_path):
    run = finished_run(tmp_path)
    (run.path / "report.md").unlink()
    assert not run.finished
    write_report(run)
    assert run.finished
    assert (run.path / "report.md").read_text(encoding="utf-8") == render(run)


def test_the_report_says_what_was_measured_with_what(tmp_path):
    run = finished_run(tmp_path)
    report = render(run)
    facts = run.facts
    assert f"made: {escape(facts['finished'])} on " in report
    assert f"harness: {escape(facts['versions']['asr-fairness-harness'])}, commit " in report
    assert report.startswith("# tones through tones\n")
    assert str(run.facts["manifest"]["digest"])[:16] in report
    assert "accent (accent, self-reported)" in report
    assert "normaliser: verbatim" in report
    assert "seed 0" in report


def test_a_corpus_without_attributes_says_that_nothing_could_be_compared(tmp_path):
    report = render(finished_run(tmp_path, attributes={}))
    assert "No slice could be compared" in report
    assert "attributes: none" in report
    assert "not declared in the datasheet" in report


def test_the_same_run_gives_the_same_report(tmp_path):
    run = finished_run(tmp_path)
    assert render(run) == render(run)
