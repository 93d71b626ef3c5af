"""The screen shows the worst slices first, whether the policy held, and no text from data as markup or control."""

import io

import pytest

from harness.report.screen import MAX_ROWS, show
from tests.builders import tone_rows
from tests.report.builders import finished_run


def shown(run):
    out = io.StringIO()
    show(run, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "on_screen"),
    [
        pytest.param("[bold]loud[/bold]", "[bold]loud[/bold]", id="rich-markup"),
        pytest.param("[/]", "[/]", id="rich-closing-tag"),
        pytest.param(":boom:", ":boom:", id="rich-emoji"),
        pytest.param("right\u202eleft", "rightleft", id="direction"),
        pytest.param("<script>", "<script>", id="html"),
    ],
)
def test_a_slice_s_name_is_shown_as_it_is(tmp_path, name, on_screen):
    screen = shown(finished_run(tmp_path, [name, "south"]))
    assert f"│ {on_screen} " in screen


def test_slices_are_ordered_by_gap(tmp_path):
    screen = shown(finished_run(tmp_path, ["a", "b", "c"], deaf_to=["b"]))
    assert screen.index("│ b ") < screen.index("│ a ")
    assert screen.index("│ b ") < screen.index("│ c ")


def test_the_last_lines_say_whether_the_policy_held_and_where_the_run_is(tmp_path):
    run = finished_run(tmp_path, deaf_to=["south"])
    lines = shown(run).splitlines()
    assert lines[-1] == f"Run directory: {run.path} (begin with report.md)"
    assert any(line.startswith("Policy default: VIOLATED") for line in lines)


def test_piped_output_has_no_colours(tmp_path):
    assert "\x1b" not in shown(finished_run(tmp_path, deaf_to=["south"]))


def test_slices_that_do_not_fit_are_counted(tmp_path):
    accents = [f"a{number:02d}" for number in range(MAX_ROWS + 3)]
    assert len(tone_rows(accents)) == 20 * len(accents)
    assert "and 3 more slices" in shown(finished_run(tmp_path, accents))


def test_a_run_without_any_comparison_is_shown(tmp_path):
    screen = shown(finished_run(tmp_path, attributes={}))
    assert "Overall WER 0.0 %" in screen
