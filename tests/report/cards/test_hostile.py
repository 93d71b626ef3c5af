"""Texts of authors and of data are shown in a card, never run, and hide nothing from its check."""

import csv
import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.errors import UsageError
from harness.report.cards import markdown
from harness.report.cards.card import MARKDOWN, PAGE, files, make_card, markdown_text
from harness.report.wording import plain
from tests.report.cards.builders import authored, checked, copy_of, written
from tests.report.cards.reading import elements, without_programs

HOSTILE = [
    pytest.param("<img src=x onerror=alert(1)>", id="html"),
    pytest.param("</script><script>alert(1)</script>", id="script"),
    pytest.param("--><!-- measured --><b>", id="comment"),
    pytest.param("| a | b |", id="cells"),
    pytest.param("[click](javascript:alert(1))", id="link"),
    pytest.param("![x](http://x/y.png)", id="image"),
    pytest.param("# heading **bold** `code`", id="markup"),
    pytest.param("- item", id="list"),
    pytest.param("1. item", id="numbered"),
    pytest.param("---", id="rule"),
    pytest.param("===", id="underline"),
    pytest.param("[^1]: note", id="footnote"),
    pytest.param("{{ 7 * 7 }} {wer}", id="template"),
    pytest.param("a\u202eb\u2066c\x00d\x1b[31m", id="controls"),
    pytest.param("&lt;b&gt; &#54;", id="entity"),
    pytest.param("x" * 10_000, id="long"),
    pytest.param('" onmouseover="alert(1)', id="attribute"),
]
TEXTS = [each.values[0] for each in HOSTILE]
HARMLESS = {
    "p",
    "ul",
    "li",
    "em",
    "strong",
    "h1",
    "h2",
    "h3",
    "blockquote",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


def rendered(text):
    """Return Markdown as another program renders it, without the comments that mark what was stated."""
    made = MarkdownIt("commonmark").enable("table").render(text)
    return re.sub(r"<!-- (harness service card .*?|stated: \w+|measured) -->", "", made)


def as_shown(text):
    """Return a text as every form of a card shows it."""
    return plain(text) or "–"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_an_author_states_is_text_in_markdown(run, text):
    configuration = {"name": text, "description": text}
    card = make_card(
        [run], authored({"service": text, "overview": text, "limitations": [text], "configurations": [configuration]})
    )
    made = rendered(markdown_text(card))
    assert set(re.findall(r"<(\w+)", made)) <= HARMLESS
    shown = html.unescape(re.sub(r"<[^>]*>", "", made))
    assert shown.count(plain(text)) >= 4


def test_what_an_author_states_is_text_in_the_page(run):
    card = make_card([run], authored({"service": TEXTS[0], "overview": "\n\n".join(TEXTS), "limitations": TEXTS}))
    found = elements(without_programs(files(card)[PAGE]))
    assert not {"img", "b", "iframe", "object"} & {tag for tag, _ in found}
    assert not [given for _, given in found if any(name.startswith("on") for name in given)]
    assert all(given.get("href", "#").startswith(("#", "data:,")) for _, given in found)


def test_a_hostile_author_s_card_is_checked_like_any_other(run, tmp_path):
    configuration = {"name": TEXTS[0], "description": TEXTS[1]}
    stated = {
        "service": TEXTS[2],
        "overview": "\n\n".join(TEXTS),
        "limitations": TEXTS,
        "configurations": [configuration],
    }
    card = written(tmp_path / "card", run, stated=stated)
    assert checked(card, run).exit_status == 0
    text = (card / MARKDOWN).read_text(encoding="utf-8")
    (card / MARKDOWN).write_text(text.replace("41.7 %", "41.8 %"), encoding="utf-8")
    assert checked(card / MARKDOWN, run).exit_status == 3


def test_a_lone_surrogate_of_an_author_is_refused(run, tmp_path):
    with pytest.raises(UsageError, match="service"):
        written(tmp_path / "card", run, stated={"service": "a \ud800"})


def renamed(run, folder, name):
    """Return a run whose group south is called otherwise, in every table and in the summary."""
    changed = copy_of(run, folder)
    for path in changed.path.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            table = list(csv.reader(lines))
        told = [[name.join(cell.split("south")) if cell.startswith("south") else cell for cell in row] for row in table]
        with path.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(told)
    summary = (changed.path / "summary.json").read_text(encoding="utf-8")
    (changed.path / "summary.json").write_text(
        summary.replace('"south', f'"{json.dumps(name)[1:-1]}'), encoding="utf-8"
    )
    return changed


@pytest.mark.parametrize("text", [each for each in HOSTILE if each.id != "controls"])
def test_a_group_s_name_is_text_in_markdown(run, tmp_path, text):
    made = rendered(markdown_text(make_card([renamed(run, tmp_path / "run", text)], authored({}))))
    assert set(re.findall(r"<(\w+)", made)) <= HARMLESS
    assert html.unescape(re.sub(r"<[^>]*>", "", made)).count(as_shown(text)) >= 3


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "--><!-- measured --><b>", "| a | b |", "x" * 10_000])
def test_a_hostile_group_is_checked_like_any_other(run, tmp_path, text):
    changed = renamed(run, tmp_path / "run", text)
    card = written(tmp_path / "card", changed)
    assert checked(card, changed).exit_status == 0
    found = elements(without_programs((card / PAGE).read_text(encoding="utf-8")))
    assert not {"img", "b"} & {tag for tag, _ in found}


@given(st.text(max_size=40))
def test_any_text_is_a_paragraph_or_an_address(text):
    made = MarkdownIt("commonmark").render(markdown.as_text(plain(text)))
    assert re.fullmatch(r"(<p>[^<]*(<a href=\"https?://[^<]*</a>)?</p>\n)?", made)
