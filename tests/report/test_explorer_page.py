"""In a real browser the explorer filters, sorts, searches, pages and plays, and runs nothing that comes from data."""

import json
import shutil
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml

from harness.corpus import Manifest
from harness.report import explorer, pages
from harness.report.explorer import explorer_data
from tests.builders import tone_corpus, tone_rows
from tests.report.explorer_builders import Redact, large_scores, run_of, scores_of

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
HOSTILE = "<img/src=x/onerror=alert(1)> </script><script>alert(1)</script>"
FRAME = (
    '{% extends "base.html.j2" %}{% block content %}<h1>A run</h1><section aria-labelledby="title">'
    '<h2 id="title">Utterances</h2>{% include "explorer.html.j2" %}</section>{% endblock %}'
)
CONTRAST = """(selector) => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = channels(colour).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return channels(colour)[3] === 0 ? behind(node.parentElement) : colour;
  };
  return [...document.querySelectorAll(selector)].map((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a function that writes the page of a run beside it and returns its address."""
    templates = tmp_path_factory.mktemp("page") / "templates"
    shutil.copytree(pages.TEMPLATES, templates)
    (templates / "alone.html.j2").write_text(FRAME, encoding="utf-8")

    def write(run, *redact):
        with mock.patch.object(pages, "TEMPLATES", templates):
            data = {"utterances": explorer_data(run, Redact(redact))}
            html = pages.page("alone", title="Utterances", data=data, scripts=["explorer.js"])
        (run.path / "report.html").write_text(html, encoding="utf-8")
        return (run.path / "report.html").as_uri()

    return write


@pytest.fixture
def opened(browser):
    """Return a function that opens a page; whatever the browser complains of fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    complaints = []

    def opening(address, **media):
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        tab.emulate_media(**media)
        tab.goto(address)
        tab.wait_for_selector("#explorer [role=status]")
        return tab

    yield opening
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def measured(tmp_path_factory, written):
    """Return scores of 120 utterances with recordings below the run, some of them gone, and the page's address."""
    rows = tone_rows(("north", "south", HOSTILE), n_speakers=5, n_utterances=4)
    folder = tmp_path_factory.mktemp("measured")
    manifest = Manifest.load(tone_corpus(folder / "corpus", [row | {"duration": 0.5} for row in rows]))
    said = [str(row["text"]) for row in rows]
    heard = [
        text.replace(text.split()[place % 5], ("", "Wrong", HOSTILE)[place % 3]) for place, text in enumerate(said)
    ]
    heard[7] = None
    both = pd.concat(
        [
            scores_of(
                said,
                texts,
                utterance_id=[row["utterance_id"] for row in rows],
                speaker_id=[row["speaker_id"] for row in rows],
                condition=[condition] * len(rows),
                accent=[row["accent"] for row in rows],
                __proto__=["odd", "even"] * (len(rows) // 2),
            )
            for condition, texts in (("clean", heard), ("noise_5db", [text and f"{text} uh uh" for text in heard]))
        ],
        ignore_index=True,
    )
    run = run_of(folder, both, ["accent", "__proto__"])
    facts = run.facts
    facts["manifest"]["digest"] = manifest.digest
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump({"manifest": {"path": str(manifest.path)}}), encoding="utf-8")
    address = written(run)
    Path(manifest.frame["audio_filepath"][0]).unlink()  # after the report was made
    return both, address


def status(tab):
    return tab.inner_text("#explorer [role=status]")


def ids(tab):
    return tab.locator(".explorer-list > li .explorer-about > .mono").all_inner_texts()


def choose(tab, name, label):
    tab.get_by_label(name, exact=True).select_option(label=label)


def search(tab, name, text):
    before = status(tab)
    tab.get_by_label(name, exact=True).fill(text)
    tab.wait_for_function(
        "(before) => document.querySelector('#explorer [role=status]').textContent !== before", arg=before
    )


def by_errors(scores):
    """Return the scores in the order that a reader sees first."""
    errors = scores["substitutions"] + scores["deletions"] + scores["insertions"]
    words = scores["hits"] + scores["substitutions"] + scores["deletions"]
    told = scores.assign(errors=errors, rate=errors / words, words=words, place=range(len(scores)))
    return told.sort_values(["failed", "errors", "rate", "place"], ascending=[True, False, False, True])


def test_the_worst_are_seen_first_fifty_at_a_time_and_failed_ones_last(measured, opened):
    scores, address = measured
    tab = opened(address)
    expected = by_errors(scores)
    assert status(tab) == "120 utterances; shown are 1 to 50."
    assert ids(tab) == expected["utterance_id"].tolist()[:50]
    assert tab.locator(".explorer-sum b").first.inner_text() == f"{expected['errors'].iloc[0]} errors"
    for _ in range(2):
        tab.get_by_role("button", name="Next").first.click()
    assert status(tab) == "120 utterances; shown are 101 to 120."
    assert tab.locator(".explorer-sum b").all_inner_texts()[-2:] == ["Failed", "Failed"]


def test_filters_combine(measured, opened):
    scores, address = measured
    tab = opened(address)
    part = scores[scores["accent"] == "south"]
    choose(tab, "accent", f"south ({len(part)})")
    assert status(tab) == f"{len(part)} of 120 utterances match."
    choose(tab, "condition", "noise_5db (60)")
    part = part[part["condition"] == "noise_5db"]
    assert sorted(ids(tab)) == sorted(part["utterance_id"])
    choose(tab, "__proto__", "odd (60)")
    part = part[part["__proto__"] == "odd"]
    assert sorted(ids(tab)) == sorted(part["utterance_id"])
    only = (part["insertions"] > 0) & (part["substitutions"] + part["deletions"] == 0) & ~part["failed"]
    tab.get_by_label("Kind", exact=True).select_option(index=6)
    assert sorted(ids(tab)) == sorted(part.loc[only, "utterance_id"])
    tab.get_by_role("button", name="Clear filters").click()
    assert status(tab) == "120 utterances; shown are 1 to 50."
    assert tab.get_by_label("accent", exact=True).input_value() == "-1"


@pytest.mark.parametrize("text", ["wrong", "  Wrong ", "uh uh", "no such words", "<img/src"])
def test_words_are_found_in_what_was_said_or_heard(measured, opened, text):
    scores, address = measured
    tab = opened(address)
    search(tab, "Words said or heard", text)
    wanted = text.strip().lower()
    found = [
        wanted in f"{said}\n{heard}".lower()
        for said, heard in zip(scores["reference"], scores["hypothesis"], strict=True)
    ]
    assert status(tab).startswith(f"{sum(found)} of 120 utterances match")


def test_an_utterance_and_a_speaker_are_found_by_name(measured, opened):
    scores, address = measured
    tab = opened(address)
    search(tab, "Utterance or speaker", "S03")
    assert set(ids(tab)) == set(scores.loc[scores["speaker_id"] == "s03", "utterance_id"])
    search(tab, "Utterance or speaker", "03-2")
    assert ids(tab) == ["03-2", "03-2"]


@pytest.mark.parametrize(
    ("name", "columns", "ascending"),
    [
        pytest.param("Most word errors", ["errors", "rate"], [False, False], id="errors"),
        pytest.param("Highest WER", ["rate", "errors"], [False, False], id="wer"),
        pytest.param("Longest reference", ["words"], [False], id="longest"),
        pytest.param("Shortest reference", ["words"], [True], id="shortest"),
        pytest.param("Order of the run", [], [], id="run"),
    ],
)
def test_rows_are_sorted_by_what_is_asked_for(measured, opened, name, columns, ascending):
    scores, address = measured
    tab = opened(address)
    choose(tab, "Sorted by", name)
    order = ["failed", *columns, "place"]
    expected = by_errors(scores).sort_values(order, ascending=[True, *ascending, True])
    assert ids(tab) == expected["utterance_id"].tolist()[:50]


def test_pages_are_turned_by_keyboard_and_keep_the_focus(measured, opened):
    _, address = measured
    tab = opened(address)
    focused = "document.activeElement.textContent"
    tab.get_by_role("button", name="Clear filters").focus()
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "Previous"
    tab.keyboard.press("Enter")  # there is none
    assert status(tab).endswith("1 to 50.")
    tab.keyboard.press("Tab")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for wanted in ("51 to 100.", "101 to 120.", "101 to 120."):
        tab.keyboard.press("Enter")
        assert status(tab).endswith(wanted)
        assert tab.evaluate(focused) == "Next"
    assert tab.get_by_role("button", name="Next").first.get_attribute("aria-disabled") == "true"


def test_a_hostile_transcript_and_a_hostile_value_are_read_and_not_run(measured, opened):
    _, address = measured
    tab = opened(address)
    search(tab, "Words said or heard", "onerror")
    assert "<img/src=x/onerror=alert(1)>" in tab.inner_text(".explorer-list")
    assert f"accent: {HOSTILE}" in tab.inner_text(".explorer-list")
    assert tab.locator("#explorer img, #explorer script").count() == 0


def test_errors_are_marked_by_element_by_line_and_in_words(measured, opened):
    scores, address = measured
    tab = opened(address)
    assert "missed: " in tab.locator(".pairs .d del").first.text_content()
    assert "added: " in tab.locator(".pairs .i ins").first.text_content()
    assert tab.locator(".pairs .s .unseen").all_text_contents()[:2] == ["said: ", "heard: "]
    lines = {
        kind: tab.locator(f".pairs {kind}").first.evaluate("(node) => getComputedStyle(node).textDecoration")
        for kind in (".d del", ".s ins", ".i ins")
    }
    assert "line-through" in lines[".d del"]
    assert "wavy" in lines[".s ins"]
    assert "double" in lines[".i ins"]
    first = by_errors(scores).iloc[0]
    heard = "(node) => [...node.querySelectorAll('ins, .same')].map((word) => word.lastChild.textContent).join(' ')"
    assert tab.locator(".explorer-list .pairs").first.evaluate(heard) == first["hypothesis"]


def test_a_recording_is_loaded_only_when_it_is_asked_for_and_then_plays(measured, opened):
    _, address = measured
    tab = opened(address)
    search(tab, "Utterance or speaker", "01-1")
    assert tab.locator("audio").count() == 0
    toggle = tab.get_by_role("button", name="Listen to 01-1").first
    toggle.click()
    audio = tab.locator("audio")
    assert (audio.get_attribute("src"), audio.get_attribute("preload")) == ("corpus/audio/01-1.wav#t=0,0.5", "none")
    assert toggle.get_attribute("aria-expanded") == "true"
    waits = "node.ontimeupdate = () => done(true); setTimeout(done, 5000, node.currentTime > 0);"
    assert audio.evaluate(f"(node) => new Promise((done) => {{ {waits} }})")
    toggle.click()
    assert tab.locator("audio").count() == 0


def test_the_recording_of_a_condition_is_said_to_be_without_it(measured, opened):
    _, address = measured
    tab = opened(address)
    choose(tab, "condition", "noise_5db (60)")
    tab.get_by_role("button", name="Listen").first.click()
    assert "before the condition noise_5db" in tab.inner_text(".explorer-panel >> nth=0")


def test_a_recording_that_has_gone_since_says_so(browser, measured):
    _, address = measured
    context = browser.new_context()  # the browser itself reports the missing file on its console
    tab = context.new_page()
    tab.goto(address)
    search(tab, "Utterance or speaker", "00-0")
    tab.get_by_role("button", name="Listen").first.click()
    tab.wait_for_selector("text=This recording cannot be played here: corpus/audio/00-0.wav")
    context.close()


def test_paper_has_the_page_that_is_seen_and_no_controls(measured, opened):
    _, address = measured
    tab = opened(address, media="print")
    assert not tab.locator(".explorer-filters").is_visible()
    assert not tab.get_by_role("button", name="Next").first.is_visible()
    assert tab.locator(".explorer-list > li:visible").count() == 50
    assert tab.inner_text(".explorer-filtered") == "Sorted by most word errors"


def test_a_narrow_screen_scrolls_one_way(measured, opened):
    _, address = measured
    tab = opened(address)
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_have_the_contrast_of_aa(measured, opened, scheme):
    _, address = measured
    tab = opened(address, color_scheme=scheme)
    read = (
        ".pairs del, .pairs ins, .pairs .same, .pairs .gap, .explorer-about .sign, .explorer-sum span, .explorer label"
    )
    ratios = tab.evaluate(CONTRAST, read)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5


def test_a_sample_says_of_how_many_everywhere(tmp_path, written, opened):
    scores = large_scores(3_000)
    with mock.patch.object(explorer, "BUDGETS", (60_000, 60_000)):
        tab = opened(written(run_of(tmp_path, scores, ["accent", "gender"])))
    n_shown = int(status(tab).split()[0].replace(",", ""))
    assert n_shown < 500
    assert status(tab) == f"{n_shown} utterances in this file, of 3,000 in the run; shown are 1 to 50."
    told = tab.inner_text("#explorer p >> nth=0")
    assert told.startswith(f"{n_shown} of the run's 3,000 utterances are here. Among them are the ")
    assert "All utterances are in scores.parquet." in told
    is_north = scores["accent"] == "north"
    options = tab.get_by_label("accent", exact=True).locator("option").all_inner_texts()
    north = next(text for text in options if text.startswith("north"))
    assert north.endswith(f" of {int(is_north.sum()):,})")
    choose(tab, "accent", north)
    male = next(
        text
        for text in tab.get_by_label("gender", exact=True).locator("option").all_inner_texts()
        if "female" not in text and "male" in text
    )
    choose(tab, "gender", male)
    both = int((is_north & (scores["gender"] == "male")).sum())
    assert f"match, of {both} in the run" in status(tab)
    search(tab, "Words said or heard", "other")
    assert status(tab).endswith(
        f"Only what is in this file is searched, not all {both} that the run has with these filters."
    )


def test_a_long_utterance_begins_with_its_errors_and_is_opened_when_asked_for(tmp_path, written, opened):
    words = [f"{number}" for number in range(200)]
    scores = scores_of([" ".join(words)], [" ".join([*words[:150], "other", *words[151:]])])
    tab = opened(written(run_of(tmp_path, scores)))
    assert tab.locator(".explorer-list .x").all_inner_texts() == ["… 142 words alike …", "… 45 words alike …"]
    assert tab.locator(".explorer-list ins").count() == 1
    tab.get_by_role("button", name="Show more").click()
    assert tab.locator(".explorer-list .pair").count() == 201
    assert tab.get_by_role("button", name="Show more").count() == 0


def test_what_is_not_in_the_file_of_an_utterance_is_counted(tmp_path, written, opened):
    scores = scores_of(["one two " * 2_000], ["three four " * 1_500])
    tab = opened(written(run_of(tmp_path, scores)))
    assert "1 long utterance is shortened" in tab.inner_text("#explorer")
    tab.get_by_role("button", name="Show more").click()
    shown = tab.locator(".explorer-list .pair.s, .explorer-list .pair.d").count()
    assert f"… {4_000 - shown:,} more words of the reference and " in tab.inner_text(".explorer-list")


@pytest.mark.parametrize("redact", [("transcripts",), ("speakers",), ("speakers", "transcripts")])
def test_what_is_left_out_is_said(tmp_path, written, opened, redact):
    scores = scores_of(["turn it on", "play"], ["turn it off", None], accent=["north", "south"])
    tab = opened(written(run_of(tmp_path, scores, ["accent"]), *redact))
    assert f"Without {' and '.join(redact)}" in tab.inner_text("#explorer")
    assert ids(tab)[0] == "row 1 of scores.parquet"
    assert (tab.locator(".explorer-list .pairs").count() == 0) == ("transcripts" in redact)
    assert tab.locator(".explorer-sum b").all_inner_texts() == ["1 error", "Failed"]


@pytest.mark.parametrize(
    ("said", "heard", "shown"),
    [
        pytest.param("", "", "No words, neither said nor heard.", id="neither"),
        pytest.param("", "thank you", "where nothing was said", id="nothing-said"),
        pytest.param("one", "", "empty", id="nothing-heard"),
        pytest.param("one two", None, "Failed", id="failed"),
        pytest.param("مرحبا بالعالم", "مرحبا", "مرحبا", id="right-to-left"),
        pytest.param("a\u202eb", "a\x00b", "a\ufffdb", id="turned-round"),
    ],
)
def test_every_sort_of_utterance_is_shown(tmp_path, written, opened, said, heard, shown):
    scores = scores_of([said], [heard])
    scores = scores.assign(empty_output=True) if shown == "empty" else scores
    tab = opened(written(run_of(tmp_path, scores)))
    assert shown in tab.inner_text(".explorer-list")
    assert np.isfinite(tab.evaluate("document.documentElement.scrollHeight"))
