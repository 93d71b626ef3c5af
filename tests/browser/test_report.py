"""The report in a browser: what it says can be sorted, filtered and followed, and every system is in it."""

import re

import pytest

from tests.browser.conftest import SYSTEMS
from tests.browser.opened import DANGLING, HOSTILE, in_order, sorted_by_its_header, until

MOST_BYTES = 3_000_000


@pytest.mark.parametrize("name", ["report", "hostile_report"])
def test_every_table_is_sorted_by_every_column_of_numbers_both_ways(pages, opened, name):
    tab = opened(getattr(pages, name))
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    tables = tab.locator("table.sortable").all()
    assert tables
    changed = 0
    for table in tables:
        headers = table.locator("thead th").all()
        for column, header in enumerate(headers):
            if header.get_attribute("class") != "n":
                continue
            before = table.locator("tbody tr").count()
            first, second = sorted_by_its_header(table, column)
            assert in_order(first)
            assert in_order(second)
            assert header.get_attribute("aria-sort") == "ascending"
            assert table.locator("tbody tr").count() == before
            assert table.locator("th[aria-sort]").count() == 1
            changed += first != second
    assert changed > 5


def test_names_are_sorted_as_people_sort_them(pages, opened):
    tab = opened(pages.report)
    table = next(each for each in tab.locator("table.sortable:visible").all() if each.locator("tbody tr").count() > 3)
    column = [name.lower() for name in table.locator("thead th").all_inner_texts()].index("slice")
    first, second = sorted_by_its_header(table, column)
    assert first == sorted(first, key=str.casefold)
    assert second == sorted(second, key=str.casefold, reverse=True)


def test_utterances_are_filtered_and_sorted(pages, opened):
    tab = opened(pages.report)
    status = tab.locator("#explorer [role=status]")
    before, rows = status.inner_text(), tab.locator(".explorer-list > li")
    first = rows.first.inner_text()
    tab.get_by_label("Sorted by", exact=True).select_option(label="Shortest reference")
    assert rows.first.inner_text() != first
    accents = tab.get_by_label("accent", exact=True)
    label = next(text for text in accents.locator("option").all_inner_texts() if HOSTILE in text)
    accents.select_option(label=label)
    assert status.inner_text() != before
    assert re.match(r"\d+ ", status.inner_text())
    assert all(f"accent: {HOSTILE}" in text for text in rows.all_inner_texts())
    tab.get_by_role("button", name="Clear filters").click()
    assert status.inner_text() == before


def test_a_hostile_transcript_is_read_word_by_word(pages, opened):
    tab = opened(pages.hostile_report)
    heard = {text.split()[-1] for text in tab.locator(".explorer-list .pairs ins").all_inner_texts()}
    assert set(HOSTILE.split()) <= heard


def test_every_link_within_the_page_leads_somewhere_and_no_other_leaves_the_folder(pages, opened):
    tab = opened(pages.report)
    addresses = tab.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.getAttribute('href'))")
    assert any(address.startswith("#") for address in addresses)
    assert tab.evaluate(DANGLING) == []
    assert [address for address in addresses if not address.startswith(("#", "https://"))] == []


def test_every_system_is_in_the_report(pages, opened):
    tab = opened(pages.report)
    text = tab.locator("#systems").inner_text()
    assert all(system in text for system in SYSTEMS)
    drawing = tab.locator("#systems figure.chart").first
    assert drawing.locator("svg .mark-symbol path").count() >= len(SYSTEMS)


def test_charts_are_drawn_again_for_the_dark_and_for_paper(pages, opened):
    tab = opened(pages.report)
    text = "document.querySelector('figure.chart svg text')"
    colour = f"{text} && getComputedStyle({text}).fill"
    light = tab.evaluate(colour)
    tab.emulate_media(color_scheme="dark")
    assert until(tab, lambda: tab.evaluate(colour) not in (None, light))
    tab.emulate_media(media="print")
    tab.wait_for_timeout(3_000)
    n_charts = tab.locator("figure[data-chart]").count()
    assert until(tab, lambda: tab.locator("figure.chart svg").count() == n_charts)


def test_a_report_without_audio_is_small(pages):
    assert pages.report.stat().st_size < MOST_BYTES
