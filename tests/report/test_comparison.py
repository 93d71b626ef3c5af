"""The report and the screen of a comparison show its table, and let no text from data become markup."""

import html
import io
import re

import pytest

from harness.pipelines.compare import compare
from harness.report.comparison import (
    MAX_ROWS,
    comparisons_of,
    regression_sentence,
    render_comparison,
    show_comparison,
)
from harness.report.tables import escape
from tests.fairness.builders import policy_of
from tests.pipelines.test_compare import job_of, run_of, scores_where


def comparison(folder, *, accents=("north", "south"), deaf_to=("south",), failed=(), names=("old", "new"), **options):
    """Return the comparison of a system that heard everybody with one that did not."""
    runs = [
        run_of(folder / kind, scores, backend={"name": name})
        for kind, name, scores in zip(
            ("baseline", "candidate"),
            names,
            (scores_where(accents=accents), scores_where(deaf_to, failed=failed, accents=accents)),
            strict=True,
        )
    ]
    policy = policy_of(**({"n_resamples": 200, "n_permutations": 200} | options))
    return compare(job_of(*runs, folder / "comparison", policy=policy)).run


def screen(run):
    out = io.StringIO()
    show_comparison(run, out)
    return out.getvalue()


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)[|│]", line)[1:-1]]


def rows_of(text):
    return [cells(line) for line in text.splitlines() if line.startswith(("|", "│"))]


def test_every_row_is_in_the_report_under_its_dimension(tmp_path):
    report = render_comparison(comparison(tmp_path))
    assert re.findall("^### .*", report, re.MULTILINE) == ["### Overall", "### By accent"]
    rows = {row[0]: row[1:] for row in rows_of(report)}
    assert rows["WER"][:4] == ["0.0 %", "50.0 %", "+50.0", rows["WER"][3]]
    assert rows["errors a segment (MAPSSWE)"][:3] == ["0.000", "5.000", "+5.000"]
    assert rows["errors a segment (MAPSSWE)"][5] == "not judged"
    assert rows["largest gap"][:3] == ["0.0", "100.0", "+100.0"]
    assert rows["largest gap"][5] == "worse"
    assert rows["WER of the worst slice"][:3] == ["0.0 %", "100.0 %", "+100.0"]
    assert rows["north"][:3] == ["0.0 %", "0.0 %", "+0.0"]
    assert all(row[-1] for row in rows.values()), "every verdict has its reason"


def test_the_screen_has_the_same_numbers_and_the_sentences(tmp_path):
    run = comparison(tmp_path)
    shown = screen(run)
    in_report = {
        tuple(row[:7]) for row in rows_of(html.unescape(render_comparison(run))) if row[0] not in ("measure", "---")
    }
    assert {tuple(row[1:]) for row in rows_of(shown)} == in_report
    for sentence in (*run.summary["headlines"], regression_sentence(run), f"Run directory: {run.path}"):
        assert sentence in shown


def test_of_many_slices_the_screen_shows_those_that_differ_most(tmp_path):
    accents = [f"a{number:02d}" for number in range(40)]
    run = comparison(tmp_path, accents=accents, deaf_to=["a33"])
    shown = rows_of(screen(run))
    assert len(shown) == MAX_ROWS
    assert "a33" in [row[1] for row in shown]
    assert f"… and {len(comparisons_of(run)) - MAX_ROWS} more slices" in screen(run)
    assert all(name in render_comparison(run) for name in accents)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "VIOLATED by 2 regressions of at least the margin", id="regressions"),
        pytest.param({"deaf_to": ()}, "held (", id="held"),
        pytest.param({"fail_on": []}, "fails on no regression", id="report-only"),
        pytest.param({"min_speakers": 50}, "not violated, but NOTHING COULD BE TESTED (5 insufficient", id="nothing"),
        pytest.param(
            {"deaf_to": (), "failed": ["00-0", "00-1", "00-2"], "margin": 0.5},
            "VIOLATED by 0 and 3 of 40 clips failed, more than allowed",
            id="failed",
        ),
    ],
)
def test_one_sentence_says_whether_the_policy_held(tmp_path, options, said):
    sentence = regression_sentence(comparison(tmp_path, **options))
    assert sentence.startswith(f"Policy default: {said}")
    assert "NaN" not in sentence


def test_a_policy_that_held_is_not_proof_of_no_regression(tmp_path):
    assert "no regression seen at this sample size is not the same as none" in regression_sentence(
        comparison(tmp_path, deaf_to=())
    )


def test_failures_are_told_with_what_they_count_as(tmp_path):
    run = comparison(tmp_path, failed=["00-0"], max_failed=1)
    for text in (render_comparison(run), screen(run)):
        assert "Clips that failed, counted as deletions: 0 and 1." in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a | b", "[x](javascript:y)", "**bold** `code`"])
def test_names_stay_names(tmp_path, name):
    run = comparison(tmp_path, accents=[name, "south"], names=(name, "new"))
    report = render_comparison(run)
    assert "<script" not in report
    assert {len(row) for row in rows_of(report)} == {8}
    assert escape(name) in [row[0] for row in rows_of(report)]
    assert report.startswith(f"# new against {escape(name)}\n")


def test_control_characters_reach_no_terminal(tmp_path):
    assert "\x1b" not in screen(comparison(tmp_path, accents=["no\x1b[31mrth", "south"], names=("o\x1bld", "new")))


def test_the_report_says_how_it_was_made(tmp_path):
    run = comparison(tmp_path)
    report = render_comparison(run)
    for name in ("baseline", "candidate"):
        assert f"- {name}: run {name}, scores {run.facts[name]['scores_digest'][:16]}" in report
    assert "normaliser: verbatim" in report
    assert "seed 0" in report


def test_rendering_twice_gives_the_same(tmp_path):
    run = comparison(tmp_path)
    assert render_comparison(run) == render_comparison(run)
