"""Every page that is made opens from a file without a network: it is drawn, it fits, all can use it, no text is run."""

import re
from dataclasses import fields

import pytest

from tests.browser.conftest import Pages
from tests.browser.opened import EMPTY_CHARTS, HOSTILE, TOO_WIDE, violations

EVERY_PAGE = [each.name for each in fields(Pages)]
every_page = pytest.mark.parametrize("name", EVERY_PAGE)


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_without_a_complaint_and_every_chart_is_drawn(pages, opened, name, scheme):
    tab = opened(getattr(pages, name), scheme=scheme)
    assert tab.locator("figure.chart").count() > 0
    assert tab.evaluate(EMPTY_CHARTS) == []
    assert tab.locator("h1").count() == 1


@every_page
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(pages, opened, name, width):
    tab = opened(getattr(pages, name), width=width)
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert tab.evaluate(TOO_WIDE) == []


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(pages, opened, name, scheme):
    tab = opened(getattr(pages, name), scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert violations(tab) == []


@every_page
def test_no_text_from_data_is_markup(pages, opened, name):
    tab = opened(getattr(pages, name))
    assert tab.locator("img").count() == 0
    assert tab.locator("[onerror]").count() == 0
    assert HOSTILE in re.sub(r"\s+", " ", tab.evaluate("document.body.textContent"))


@every_page
def test_the_keyboard_reaches_every_control_that_can_be_seen(pages, opened, name):
    tab = opened(getattr(pages, name))
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    wanted = tab.evaluate(CONTROLS)
    reached, last = set(), None
    for _ in range(wanted + 400):  # links and regions that scroll are reached as well
        tab.keyboard.press("Tab")
        last = tab.evaluate(FOCUSED)
        if last is None:
            break
        reached.add(last)
    assert len([each for each in reached if each >= 0]) == wanted


CONTROLS = """() => {
  window.controls = [...document.querySelectorAll("main button, main select, main input, main summary")]
    .filter((node) => node.checkVisibility() && !node.disabled);
  return window.controls.length;
}"""
FOCUSED = "() => document.activeElement === document.body ? null : window.controls.indexOf(document.activeElement)"


@every_page
def test_what_has_the_focus_is_outlined(pages, opened, name):
    tab = opened(getattr(pages, name))
    for _ in range(12):
        tab.keyboard.press("Tab")
        outline = tab.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.boxShadow]; })()"
        )
        assert outline[0] != "none" or outline[1] != "none"


@every_page
def test_paper_has_no_controls_and_shows_what_is_folded(pages, opened, name):
    tab = opened(getattr(pages, name))
    tab.emulate_media(media="print")
    for selector in (".rail", ".skip", ".screen-only", "main select", "main input"):
        assert [each for each in tab.locator(selector).all() if each.is_visible()] == [], selector
    assert tab.pdf().startswith(b"%PDF")
    assert tab.locator("details[open]").count() == 0, "folded again after printing"


@pytest.mark.parametrize("name", ["card", "board"])
def test_no_table_is_wider_than_a_sheet_of_a4(pages, opened, name):
    tab = opened(getattr(pages, name), width=688)  # 210 mm less two margins of 14 mm, at 96 dots an inch
    tab.emulate_media(media="print")
    assert tab.evaluate("[...document.querySelectorAll('table')].filter((each) => each.clientWidth > 689).length") == 0
