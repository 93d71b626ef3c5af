"""The service card in a browser: every number says where it was read; what is stated is told from what is measured."""

from tests.browser.opened import DANGLING, HOSTILE, in_order, sorted_by_its_header


def test_the_groups_are_sorted_by_every_column_of_numbers(pages, opened):
    tab = opened(pages.card)
    for table in tab.locator("table.sortable").all():
        for column, header in enumerate(table.locator("thead th").all()):
            if header.get_attribute("class") == "n":
                assert all(map(in_order, sorted_by_its_header(table, column)))


def test_every_number_says_its_file_row_and_column(pages, opened):
    tab = opened(pages.card)
    claims = tab.locator(".claim")
    assert claims.count() > 50
    titles = claims.evaluate_all("(all) => all.map((each) => each.title)")
    assert all(".csv" in title or ".json" in title for title in titles)
    names = claims.evaluate_all("(all) => all.map((each) => each.dataset.claim)")
    assert all(names)


def test_every_source_that_is_noted_is_listed(pages, opened):
    tab = opened(pages.card)
    assert tab.locator("a.source").count() > 0
    assert tab.evaluate(DANGLING) == []


def test_what_the_author_says_is_set_apart_and_what_is_missing_is_named(pages, opened):
    tab = opened(pages.hostile_card)
    assert tab.locator("[data-stated=limitations]").inner_text().count(HOSTILE) == 1
    assert HOSTILE in tab.locator("h1").inner_text()
    assert "Not stated by the author" in tab.locator("[data-stated=not_stated]").inner_text()
