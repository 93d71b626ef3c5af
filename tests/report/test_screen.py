"""The screen shows the worst slices first, whether the policy held, and no text from data as markup or control."""

import io
import re

import pytest

from harness.fairness.policy import REST
from harness.pipelines.job import SliceOptions
from harness.report.screen import MAX_ROWS, show
from harness.report.wording import overall, policy_sentence, remarks
from tests.builders import DECLARED, tone_rows
from tests.report.builders import finished_run


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(run):
    out = io.StringIO()
    show(run, out)
    return out.getvalue()


@pytest.fixture
def on_terminal(monkeypatch):
    def show_on(run, *, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        out = Terminal()
        show(run, out)
        return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())

    return show_on


def header_of(screen):
    """Return the names of the columns, parts on several lines put together."""
    lines = screen[screen.index("┏") : screen.index("┡")].splitlines()[1:]
    parts = zip(*([cell.strip() for cell in line.strip("┃").split("┃")] for line in lines), strict=True)
    return [" ".join(filter(None, part)) for part in parts]


def slices_of(screen):
    """Return dimension and slice of each row."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in screen.splitlines() if line[:1] == "│"]
    return [tuple(row[:2]) for row in rows]


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
    assert "No slice could be compared" in screen
    assert "│" not in screen
    assert "NOTHING COULD BE TESTED" in screen


WIDE = ["dimension", "slice", "people", "WER", "gap", "95 % interval", "p adj.", "verdict", "against"]
NARROW = ["dimension", "slice", "people", "WER", "gap", "95 % interval", "verdict"]


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        pytest.param(200, WIDE, id="wide"),
        pytest.param(103, WIDE, id="just-wide-enough"),
        pytest.param(102, WIDE[:-1], id="just-too-narrow"),
        pytest.param(80, NARROW, id="narrow"),
        pytest.param(70, [name for name in NARROW if "interval" not in name], id="very-narrow"),
    ],
)
def test_a_narrow_terminal_leaves_columns_to_the_report_and_keeps_gaps_and_verdicts(
    tmp_path, on_terminal, columns, header
):
    screen = on_terminal(finished_run(tmp_path, deaf_to=["south"]), columns=columns)
    assert header_of(screen) == header
    (south,) = [line for line in screen.splitlines() if "│ south " in line]
    assert all(f" {value} │" in south for value in ("5", "100.0 %", "+100.0"))
    assert " disparity " in south
    assert (f"{REST} 0.0 %" in south) is (header == WIDE)
    table = [line for line in screen.splitlines() if line[:1] in "┏┃┡│└" and line]
    assert max(map(len, table)) <= columns


def test_what_is_piped_has_every_column(tmp_path):
    assert header_of(shown(finished_run(tmp_path))) == WIDE


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_sentence_is_broken_and_a_path_can_be_copied(tmp_path, on_terminal, columns):
    folder = tmp_path / "a folder with a name" / ("deep" * 30)
    run = finished_run(folder, deaf_to=["south"], failed=["00-0", "00-1"])
    lines = on_terminal(run, columns=columns).splitlines()
    assert lines[-1] == f"Run directory: {run.path} (begin with report.md)"
    assert lines[-2] == policy_sentence(run)
    assert [line for line in lines if line.startswith("Note: ")] == [f"Note: {remark}" for remark in remarks(run)]
    assert overall(run) in lines


TWO = DECLARED | {"home": {"kind": "demographic", "provenance": "self_reported"}}


def test_intersections_are_shown_only_where_a_gap_was_found(tmp_path):
    run = two_attributes(tmp_path, deaf_to=["south"])
    crossed = run.disparities[run.disparities["dimension"] == "accent & home"]
    found = crossed[crossed["verdict"].isin(["disparity", "advantage"])]
    assert 0 < len(found) < len(crossed)
    screen = shown(run)
    rows = slices_of(screen)
    assert {name for dimension, name in rows if dimension == "accent & home"} == set(found["slice"])
    assert {row for row in rows if row[0] != "accent & home"} == {
        ("accent", "east"), ("accent", "north"), ("accent", "south"), ("home", "farm"), ("home", "town"),
    }  # fmt: skip
    assert f"and {len(crossed) - len(found)} more slices in disparities.csv and report.md" in screen


def test_without_a_gap_only_single_attributes_are_shown_and_the_rest_is_counted(tmp_path):
    run = two_attributes(tmp_path)
    screen = shown(run)
    assert {dimension for dimension, _ in slices_of(screen)} == {"accent", "home"}
    assert f"and {len(run.disparities) - 5} more slices" in screen


def two_attributes(folder, **options):
    """Return a run by accent, home and both: southerners live in town, everybody else on farms."""
    accents = ("east", "north", "south")
    homes = {f"s{number}{speaker}": "town" if number == 2 else "farm" for number in range(3) for speaker in range(5)}
    return finished_run(
        folder, accents, attributes=TWO, slices=SliceOptions(intersections=2), by_speaker={"home": homes}, **options
    )
