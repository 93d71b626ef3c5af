"""A page is one file that loads nothing, runs only its own scripts, and shows every text as text."""

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from harness.provenance import version
from harness.report import pages
from harness.report.charts.bundle import bundle
from harness.report.pages import embedded, page, verdict, visible

VEGA = "/* draws */"
HOSTILE = [
    pytest.param("<img src=x onerror=alert(1)>", id="image"),
    pytest.param("</script><script>alert(1)</script>", id="script-end"),
    pytest.param("</title><svg onload=alert(1)>", id="title-end"),
    pytest.param('" onmouseover="alert(1)', id="attribute-end"),
    pytest.param("<!--<script>", id="script-in-comment"),
    pytest.param("{{ 7 * 7 }}{% raw %}", id="template"),
    pytest.param("&lt;b&gt;", id="entity"),
    pytest.param("']]>\\u003c", id="escaped-already"),
]


class Read(HTMLParser):
    """Reads a page as a browser would: its elements, its scripts, its text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self._script = [], [], None
        self.scripts = []  # (attributes, content)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is not None:
            self.scripts.append((self._script, data))
        else:
            self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)

    @property
    def run(self):
        """Return the scripts that a browser would run."""
        return [content for attributes, content in self.scripts if "type" not in attributes]

    @property
    def blocks(self):
        """Return the data blocks by id."""
        return {attributes["id"]: json.loads(content) for attributes, content in self.scripts if "type" in attributes}

    @property
    def handlers(self):
        return [name for _, attributes in self.elements for name in attributes if name.startswith("on")]

    @property
    def loaded(self):
        """Return every address that a browser would fetch by itself."""
        named = [
            attributes.get(name) for _, attributes in self.elements for name in ("src", "srcset", "data", "poster")
        ]
        links = [attributes.get("href") for tag, attributes in self.elements if tag in ("link", "use", "image", "base")]
        return [address for address in (*named, *links) if address and not address.startswith("data:")]


@pytest.fixture
def template(monkeypatch, tmp_path):
    """Return a function that makes `body` the content of the template `it`."""
    for name in ("base.html.j2", "macros.html.j2", "style.css", "page.js"):
        shutil.copy(pages.TEMPLATES / name, tmp_path / name)
    monkeypatch.setattr(pages, "TEMPLATES", tmp_path)
    monkeypatch.setattr(pages, "bundle", lambda: VEGA)

    def made(body):
        head = '{% extends "base.html.j2" %}{% from "macros.html.j2" import sortable, verdict, facts %}'
        (tmp_path / "it.html.j2").write_text(f"{head}{{% block content %}}{body}{{% endblock %}}", encoding="utf-8")

    return made


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_shown_wherever_it_stands(template, text):
    template('<p title="{{ text }}">{{ text }}</p>{{ sortable([text], [(text,)], text) }}{{ facts([(text, text)]) }}')
    read = Read(page("it", title=text, description=text, text=text, data={"it": text}, sections=[("a", text)]))
    assert {tag for tag, _ in read.elements}.isdisjoint({"img", "b"})
    assert [attributes for tag, attributes in read.elements if tag == "svg"] == []
    assert read.handlers == []
    assert read.text.count(text) == 8  # title, paragraph, table, facts
    assert read.blocks == {"data-it": text}
    assert ("p", {"title": text}) in read.elements
    assert len(read.run) == 1


@given(st.text())
def test_data_survives_as_json_and_cannot_end_its_script(text):
    written = embedded({"it": text})
    assert "<" not in written
    assert json.loads(written)["it"] == re.sub("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]", "�", text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(float("nan"), "null", id="nan"),
        pytest.param([1.5, float("inf")], "[1.5,null]", id="infinite"),
        pytest.param({"n": np.int64(3)}, '{"n":3}', id="numpy-integer"),
        pytest.param({"n": np.float64("nan")}, '{"n":null}', id="numpy-nan"),
        pytest.param([np.float32(0.5), np.bool_(True)], "[0.5,true]", id="numpy-others"),
        pytest.param("\ud800", '"�"', id="lone-surrogate"),
        pytest.param("\x00", '"\\u0000"', id="nul"),
        pytest.param((1, "é"), '[1,"é"]', id="tuple"),
    ],
)
def test_data_is_json(value, written):
    assert str(embedded(value)) == written


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("a\nb\tc", "a\nb\tc", id="white-space"),
        pytest.param("a\x00b", "a␀b", id="nul"),
        pytest.param("a\x1b[31m", "a␛[31m", id="escape"),
        pytest.param("\u202eabc", "�abc", id="turned-round"),
        pytest.param("\ud83d", "�", id="lone-surrogate"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="joiners-are-letters"),
        pytest.param("é ü 日本", "é ü 日本", id="letters"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(template, text, seen):
    template("<p>{{ text }}</p>")
    assert visible(text) == seen
    html = page("it", title="t", text=text)
    assert f"<p>{seen}</p>" in html
    html.encode()  # a lone surrogate could not be written


def test_the_policy_names_the_scripts_of_the_page_and_no_others(template):
    template('{{ chart("it") }}')
    read = Read(page("it", title="t", charts={"it": {"mark": "point"}}))
    policy = next(a["content"] for tag, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in read.run]
    assert read.run[0] == VEGA
    assert directives["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert directives["default-src"] == "'none'"
    assert "connect-src" not in directives  # so none
    assert "eval" not in policy


def test_a_page_loads_nothing(template):
    template('{{ chart("it", caption="c", table="t") }}')
    read = Read(page("it", title="t", charts={"it": {"mark": "point"}}))
    assert read.loaded == []
    style = (pages.TEMPLATES / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_only_a_page_with_charts_carries_what_draws_them(template):
    template("<p></p>")
    assert VEGA not in page("it", title="t")
    assert VEGA in page("it", title="t", charts={"it": {"mark": "point"}})


def test_a_chart_says_what_it_shows_and_where_its_table_is(template):
    template('{{ chart("it", caption="Each dot <is> a slice.", table="numbers") }}')
    spec = {"description": 'WER by accent: highest "north" 12.3 %', "mark": "point"}
    read = Read(page("it", title="t", charts={"it": spec}))
    drawing = next(attributes for _, attributes in read.elements if attributes.get("role") == "img")
    assert drawing["aria-label"] == spec["description"]
    assert ("a", {"href": "#numbers"}) in read.elements
    assert "Each dot <is> a slice." in read.text
    assert read.blocks["chart-it"] == spec


def test_scripts_named_run_after_the_page_s_own(template):
    template("<p></p>")
    (pages.TEMPLATES / "more.js").write_text("'more'", encoding="utf-8")
    own = (pages.TEMPLATES / "page.js").read_text(encoding="utf-8")
    assert Read(page("it", title="t", scripts=["more.js"])).run == [own, "'more'"]


def test_a_name_that_a_template_lacks_is_an_error(template):
    template("{{ forgotten }}")
    with pytest.raises(UndefinedError, match="forgotten"):
        page("it", title="t")


def test_the_same_page_has_the_same_bytes(template):
    template("{{ sortable(['a'], [(1,)], 'c') }}")
    assert page("it", title="t", data={"a": {"b": 1}}) == page("it", title="t", data={"a": {"b": 1}})


def test_a_column_of_numbers_sorts_by_them_and_what_is_missing_comes_last(template):
    template("{{ sortable(['slice', 'WER', 'people'], rows, 'c') }}")
    rows = [("north", ("12.0 %", 0.12), 9177), ("south", ("–", float("nan")), None)]
    read = Read(page("it", title="t", rows=rows))
    headers = [attributes.get("class") for tag, attributes in read.elements if tag == "th"]
    cells = [(attributes.get("class"), attributes.get("data-sort")) for tag, attributes in read.elements if tag == "td"]
    assert headers == [None, "n", "n"]
    assert cells == [("s", None), ("n", "0.12"), ("n", "9177.0"), ("s", None), ("n", ""), ("n", "")]
    assert "9,177" in read.text
    assert sum(tag == "button" for tag, _ in read.elements) == 3


def test_a_text_of_ten_thousand_letters_is_cut_in_a_table(template):
    template("{{ sortable(['id'], [(text,)], 'c') }}")
    html = page("it", title="t", text="x" * 10_000)
    assert "x" * 300 + "…" in html
    assert "x" * 301 not in html


@pytest.mark.parametrize("name", ["disparity", "advantage", "within_margin", "inconclusive", "insufficient"])
def test_a_verdict_is_a_shape_and_words(name):
    read = Read(verdict(name))
    assert read.text == name.replace("_", " ")
    assert [tag for tag, _ in read.elements][:3] in (["span", "svg", "path"], ["span", "svg", "circle"])


def test_no_two_verdicts_have_one_shape():
    names = ("disparity", "advantage", "within_margin", "inconclusive", "insufficient")
    shapes = [re.search("<svg.*</svg>", verdict(name), re.DOTALL)[0] for name in names]
    assert len(set(shapes)) == len(names)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Return the cache folder and a list that grows with every script that is made."""
    made = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        "vl_convert.javascript_bundle", lambda snippet: made.append(snippet) or f"/* {len(made)} </script> é */"
    )
    bundle.cache_clear()
    yield tmp_path / "asr-fairness-harness", made
    bundle.cache_clear()


def afresh():
    bundle.cache_clear()
    return bundle()


def test_what_draws_charts_is_made_once_for_a_version(kept):
    folder, made = kept
    first = bundle()
    assert afresh() == first
    assert len(made) == 1
    assert [path.name for path in folder.iterdir()] == [f"vega-{version('vl-convert-python')}.js"]
    assert "</script" not in first


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="torn"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"alert(1)"), id="longer"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe\n\xff"), id="not-text"),
    ],
)
def test_a_damaged_script_is_made_again(kept, damage):
    folder, made = kept
    bundle()
    damage(next(folder.iterdir()))
    assert afresh() == "/* 2 <\\/script> é */"
    assert afresh() == "/* 2 <\\/script> é */"
    assert len(made) == 2


def test_a_folder_that_cannot_be_written_does_not_stop_a_page(kept):
    folder, made = kept
    folder.write_text("a file where the folder should be")
    assert bundle() == bundle()
    assert len(made) == 1
