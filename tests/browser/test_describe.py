"""The page of a corpus opens from a file: drawn, as wide as the window, for everybody, and no text of it is run."""

import json
from itertools import pairwise

import pytest
import yaml

from tests.browser.conftest import once, shared_folder
from tests.browser.opened import (
    DANGLING,
    EMPTY_CHARTS,
    HOSTILE,
    TOO_WIDE,
    in_order,
    installed,
    sorted_by_its_header,
    violations,
)
from tests.builders import harness

WIDTHS = pytest.mark.parametrize("width", [1280, 390])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    """Return the page of a corpus whose names mean harm, with something in every section."""
    installed()
    folder = shared_folder(tmp_path_factory) / "description"
    with once(folder):
        if not (folder / "out" / "describe.html").exists():
            make(folder)
    return folder / "out" / "describe.html"


def make(folder):
    accents = ("north", "south", "east", "a & b", HOSTILE, "x" * 200, "")
    rows = [
        {
            "utterance_id": f"u{person}-{number}",
            "audio_filepath": f"{person % 30}.wav",
            "speaker_id": f"secret{HOSTILE}{person}",
            "text": f"prompt {number} of {'all' if person % 7 else 'us'}",
            "accent": accents[person % len(accents)],
            "gender": ("female", "male", "no answer")[person % 3],
            "duration": 1 + number / 2,
        }
        for person in range(90)
        for number in range(4)
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    kind = {"kind": "demographic", "provenance": "self_reported"}
    sheet = {
        "name": HOSTILE,
        "declined": ["no answer"],
        "attributes": {"accent": kind, "gender": kind},
        "caveats": [HOSTILE],
    }
    (folder / "datasheet.yaml").write_text(yaml.safe_dump(sheet))
    ended = harness("describe", "manifest.path=corpus.jsonl", "against=[corpus.jsonl]", "run_dir=out", cwd=folder)
    assert ended.exit_status == 0, ended.err


def unfolded(tab):
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    return tab


@SCHEMES
def test_every_chart_is_drawn_and_every_link_leads_somewhere(description, opened, scheme):
    tab = opened(description, scheme=scheme)
    assert tab.locator("figure.chart").count() >= 8
    assert tab.evaluate(EMPTY_CHARTS) == []
    assert tab.evaluate(DANGLING) == []
    assert tab.locator("h1").count() == 1
    assert tab.locator("#next ol li").count() > 3


@WIDTHS
def test_nothing_is_wider_than_the_window(description, opened, width):
    assert unfolded(opened(description, width=width)).evaluate(TOO_WIDE) == []


@SCHEMES
def test_axe_finds_nothing_serious(description, opened, scheme):
    assert violations(unfolded(opened(description, scheme=scheme))) == []


def test_no_text_from_data_is_markup_and_nobody_s_id_is_there(description, opened):
    tab = opened(description)
    assert tab.locator("img").count() == 0
    assert tab.locator("[onerror]").count() == 0
    text = tab.evaluate("document.body.textContent")
    assert HOSTILE in text
    assert "secret" not in text


def test_steps_are_numbered_through_their_headings(description, opened):
    tab = opened(description)
    starts = tab.evaluate(
        "[...document.querySelectorAll('#next ol')].map((list) => [list.start, list.children.length])"
    )
    for (start, n_steps), (following, _) in pairwise(starts):
        assert following >= start + n_steps


def test_a_table_sorts_by_its_number_of_people(description, opened):
    tab = unfolded(opened(description))
    first, second = sorted_by_its_header(tab.locator("#people-table table"), 2)
    assert in_order(first)
    assert in_order(second)
    assert first != second


def test_paper_has_no_controls_and_shows_what_is_folded(description, opened):
    tab = opened(description)
    tab.emulate_media(media="print")
    for selector in (".rail", ".skip"):
        assert [each for each in tab.locator(selector).all() if each.is_visible()] == [], selector
    assert tab.pdf().startswith(b"%PDF")
