"""The words that matter, as people read them: rates of the files, the terms missed most, examples unless left out."""

import re
from unittest import mock

import pandas as pd
import pytest

from harness.report.html import ReportOptions, render_html
from harness.report.markdown import render
from harness.report.terms import WordsThatMatter, marked, opening, words_that_matter
from harness.report.wording import percent
from harness.scoring.terms import read_terms
from tests.report.html_builders import rows, section, without_scripts
from tests.report.last_mile_builders import HOSTILE, count_terms_of, last_mile_run, on_screen


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terms")
    with mock.patch("harness.pipelines.evaluation.write_html"):
        found = last_mile_run(folder)
    said = sorted(set(" ".join(found.scores["reference"]).split()))[:2]
    (folder / "terms.csv").write_text("term,kind\n" + "".join(f"{word},tone\n" for word in said), encoding="utf-8")
    count_terms_of(found, read_terms(folder / "terms.csv"))
    return found


@pytest.fixture(scope="module")
def page(run):
    return render_html(run, ReportOptions())


def test_every_slice_has_the_rates_of_the_file(run, page):
    rates = run.optional("terms.csv").query("measure == 'missed_term_rate'")
    shown = {tuple(row[:3]): row for row in rows(page, "terms") if len(row) == 6}
    assert len(shown) == len(rates)
    for row in rates.to_dict("records"):
        name = "everybody" if row["dimension"] == "overall" else row["slice"]
        told = shown[row["condition"], row["dimension"], name][3]
        assert told.startswith(percent(row["rate"]).replace(" ", " "))
        assert told.endswith(f"of {row['n_spans']}")


def test_the_terms_missed_most_come_first_with_what_was_heard_instead(run, page):
    listed = run.optional("term_list.csv")
    shown = [row for row in rows(page, "terms") if len(row) == 11]
    counts = [int(row[3]) for row in shown]
    assert counts == sorted(listed[listed["n_missed"] > 0]["n_missed"], reverse=True)


def test_the_opening_says_clean_and_the_worst_condition(run):
    found = words_that_matter(run)
    said = opening(found)
    assert said.startswith("Terms missed: clean 0.0 %")
    assert "at most under kitchen_0db" in said
    assert said in section(render_html(run, ReportOptions()), "terms").replace("\u00a0", " ")
    assert f"Words that matter: {said}" in on_screen(run)
    assert "## Words that matter" in render(run)


@pytest.mark.parametrize("redact", [["transcripts"], ["speakers"]])
def test_terms_and_examples_are_the_customers_own_words_and_left_out_with_either(run, page, redact):
    words = set(run.optional("term_list.csv")["term"])
    assert all(re.search(rf"\b{word}\b", section(page, "terms")) for word in words)
    assert "Examples" in section(page, "terms")
    html = render_html(run, ReportOptions(redact=redact))
    assert "The list of terms is left out of this file." in section(html, "terms")
    assert "Examples" not in section(html, "terms")
    assert not [word for word in words if re.search(rf"\b{word}\b", section(html, "terms"))]
    assert "Terms missed: clean" in section(html, "terms")


@pytest.mark.parametrize(
    ("said", "heard", "shown"),
    [
        pytest.param("a b c", "a b c", "a b c", id="equal"),
        pytest.param("do not go", "do go", "do [not →] go", id="lost"),
        pytest.param("go", "do not go", "[→ do not] go", id="made-up"),
        pytest.param("ten mg", "two mg", "[ten → two] mg", id="other"),
        pytest.param("a b", "", "[a b →]", id="nothing-heard"),
        pytest.param("", "", "", id="silence"),
    ],
)
def test_an_example_is_one_text_with_what_differs_in_brackets(said, heard, shown):
    assert marked(said, heard) == shown


def test_texts_of_terms_are_shown_as_texts(run):
    files = {name: run.optional(f"{name}.csv") for name in ("terms", "term_list", "term_examples")}
    files["term_list"]["term"] = HOSTILE
    files["term_list"]["heard_instead"] = HOSTILE
    files["term_examples"]["reference"] = HOSTILE
    with mock.patch.object(type(run), "optional", lambda _, name: files.get(name.removesuffix(".csv"))):
        html = render_html(run, ReportOptions())
    assert "<img" not in without_scripts(html)
    assert "<img src=x" in section(html, "terms")


def test_a_run_of_which_nothing_that_matters_was_said_says_so():
    nothing = pd.DataFrame({"measure": ["missed_term_rate"], "condition": ["clean"], "dimension": ["overall"],
                            "slice": ["all"], "rate": [float("nan")]})  # fmt: skip
    assert opening(WordsThatMatter(nothing, pd.DataFrame(), pd.DataFrame())) == "Nothing that matters was said."
