"""Every table on screen fits the terminal it is on, whatever people call their accents, and no number is cut."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from harness.report import screens
from harness.report.grids import LONGEST, Column, grid
from harness.results import Run
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows

ACCENTS = (
    "Standard Southern British English as spoken in the south-east",
    "粤语（香港特别行政区）",
    "👩🏽‍🚀🇬🇧",
    "x" * 60,
    "north",
)
PEOPLE = ("a very long value " * 3, "日本語" * 9, "short")
OTHER = "a_rather_long_name_of_an_attribute_of_people"
DECLARED = {"accent": "accent", OTHER: "demographic"}
ALWAYS = {  # what is never left out
    "before": ("dimension", "slice", "people", "WER", "gap", "verdict"),
    "compare": ("dimension", "measure or slice", "baseline", "candidate", "difference", "verdict"),
    "discover": ("dimension", "slice", "people", "WER", "gap", "confirmed"),
    "plan": ("dimension", "slice", "people", "gap found", "chance", "needed"),
    "audit_invariance": ("setting", "against", "changed", "share", "WER", "difference"),
}
TABLE = "┏┃┡│└├"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a run of each pipeline that shows a table, over names that are hard to show."""
    folder = tmp_path_factory.mktemp("screens")
    rows = [
        row | {OTHER: PEOPLE[number // 3 % 3]}
        for number, row in enumerate(tone_rows(ACCENTS, n_speakers=8, n_utterances=3))
    ]
    kinds = {name: {"kind": kind, "provenance": "self_reported"} for name, kind in DECLARED.items()}
    corpus = tone_corpus(folder / "corpus", rows, attributes=kinds)
    for name, deaf in (("before", ACCENTS[1]), ("after", ACCENTS[0])):
        texts = ["" if row["accent"] == deaf else row["text"] for row in rows]
        lines = ["utterance_id,text", *(f"{row['utterance_id']},{text}" for row, text in zip(rows, texts, strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        source = (f"hypotheses={name}.csv", f"manifest.path={corpus}", "normalizer=verbatim")
        made(folder, "rescore", *source, "slices.intersections=2", to=name)
    made(folder, "compare", "baseline=before", "candidate=after", to="compare")
    few = ("discovery.min_speakers=4", "policy.min_speakers=2", "policy.min_words=1", "policy.min_utterances=1")
    made(folder, "discover", "run=before", *few, to="discover")
    made(folder, "plan", "run=before", to="plan")
    audit = ("backend=tones", "audit.batch_sizes=[1,4]", "audit.workers=[0]", "audit.orders=[longest_first]")
    made(folder, "audit_invariance", f"manifest.path={corpus}", *audit, to="audit_invariance")
    return folder


def made(folder, pipeline, *overrides, to):
    ended = harness(pipeline, *overrides, *FEW_RESAMPLES, f"run_dir={to}", cwd=folder)
    assert ended.exit_status in (0, 3), ended.err


def on_screen(folder, name, monkeypatch, *, columns):
    for variable, value in {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(variable, value)
    out = Terminal()
    screens.show({"before": "rescore"}.get(name, name), Run(folder / name), out)
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


@pytest.mark.parametrize("columns", [80, 100, 140])
@pytest.mark.parametrize("name", ALWAYS)
def test_a_table_fits_and_cuts_nothing(folder, monkeypatch, name, columns):
    screen = on_screen(folder, name, monkeypatch, columns=columns)
    table = [line for line in screen.splitlines() if line[:1] in TABLE and line]
    assert table, screen
    assert max(map(cell_len, table)) <= columns
    assert not [line for line in table if "…" in line]
    assert {name for name in ALWAYS[name] if name not in header_of(table)} == set()


def header_of(table):
    """Return the names of the columns, parts on several lines put together."""
    lines = [line.strip("┃").split("┃") for line in table if line[0] == "┃"]
    return {" ".join(filter(None, map(str.strip, parts))) for parts in zip(*lines, strict=True)}


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        pytest.param(140, {"95 % interval", "p adj.", "against"}, id="piped"),
        pytest.param(100, {"95 % interval", "p adj."}, id="wide"),
        pytest.param(80, set(), id="narrow"),
    ],
)
def test_what_is_missed_least_is_left_out_first(folder, monkeypatch, columns, shown):
    screen = on_screen(folder, "before", monkeypatch, columns=columns)
    header = header_of([line for line in screen.splitlines() if line[:1] in TABLE and line])
    assert header - set(ALWAYS["before"]) == shown


NAMES_AND_NUMBER = (Column("name", is_name=True), Column("number"), Column("more", missed=1))


def drawn(rows, *, width):
    out = io.StringIO()
    Console(file=out, width=width).print(grid("Title", NAMES_AND_NUMBER, rows, width=width))
    return [line for line in out.getvalue().splitlines() if line[:1] in TABLE and line]


@pytest.mark.parametrize("width", range(24, 70))
@pytest.mark.parametrize("name", ["short", "word " * 12, "x" * 60, "日本語" * 15, "e\u0301" * 50])
def test_a_name_is_broken_and_never_a_number(name, width):
    lines = drawn([(name.strip(), "1,234.5 %", "2")], width=width)
    assert max(map(cell_len, lines)) <= width
    assert sum("1,234.5 %" in line for line in lines) == 1
    told = "".join(line.strip("│").split("│")[0].strip() for line in lines if line[0] == "│")
    assert told.replace(" ", "") == name.replace(" ", "")


def test_a_name_that_nobody_reads_to_its_end_is_shortened():
    lines = drawn([("x" * 300, "1", "2")], width=80)
    told = "".join(line.strip("│").split("│")[0].strip() for line in lines if line[0] == "│")
    assert told == "x" * (LONGEST - 1) + "…"


def test_a_table_without_rows_has_its_header():
    assert header_of(drawn([], width=60)) == {"name", "number", "more"}
