"""The board in a browser: runs are filtered and sorted, trends are those of what is chosen, links lead to reports."""

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from tests.browser.conftest import SYSTEMS
from tests.browser.opened import EMPTY_CHARTS, in_order, sorted_by_its_header, until


def test_runs_are_filtered(pages, opened):
    tab = opened(pages.board)
    rows = tab.locator("#run-table tbody tr:visible")
    assert rows.count() == len(SYSTEMS) + 1
    tab.get_by_label("Contains").fill(SYSTEMS[1])
    assert rows.count() == 1
    assert SYSTEMS[1] in rows.first.inner_text()
    assert tab.inner_text("#run-count").startswith("1 of ")
    tab.get_by_label("Contains").fill("")
    tab.get_by_label("Policy").select_option("violated")
    assert all("violated" in text for text in rows.all_inner_texts())


def test_runs_are_sorted_by_every_column(pages, opened):
    tab = opened(pages.board)
    table = tab.locator("#run-table table")
    for column, header in enumerate(table.locator("thead th").all()):
        first, second = sorted_by_its_header(table, column)
        if header.get_attribute("class") == "n":
            assert in_order(first)
            assert in_order(second)


def test_trends_are_those_of_the_system_and_measure_that_are_chosen(pages, opened):
    tab = opened(pages.board)
    caption = tab.inner_text("#trend-caption")
    before = tab.locator("#trend-drawing svg").evaluate("(svg) => svg.outerHTML")
    tab.get_by_label("Measure").select_option("wer")
    assert tab.inner_text("#trend-caption") != caption
    tab.locator("#trends summary").click()
    assert tab.locator("#trend-table tbody tr").count() > 0
    tab.get_by_label("System").first.select_option(index=1)
    assert until(tab, lambda: tab.locator("#trend-drawing svg").evaluate("(svg) => svg.outerHTML") != before)
    assert until(tab, lambda: tab.evaluate(EMPTY_CHARTS) == [])


def test_links_lead_to_reports_that_are_there(pages, opened):
    tab = opened(pages.board)
    addresses = tab.eval_on_selector_all("main a[href]", "(links) => links.map((link) => link.getAttribute('href'))")
    files = [urlsplit(urljoin(pages.board.as_uri(), address)) for address in addresses if not address.startswith("#")]
    assert files
    assert {file.scheme for file in files} == {"file"}
    assert [file.path for file in files if not Path(unquote(file.path)).exists()] == []


def test_a_link_opens_the_report_of_a_run(pages, opened):
    tab = opened(pages.board)
    tab.locator("#run-table tbody tr", has_text=SYSTEMS[0]).locator("a").first.click()
    tab.wait_for_selector("#explorer [role=status]")
    assert SYSTEMS[0] in tab.title()
