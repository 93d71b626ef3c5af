from pathlib import Path

import pytest

from harness.corpus import Attribute, AttributeKind, Provenance
from harness.corpus.datasheet import read_datasheet
from tests.corpus.builders import problems_of

FULL = """
name: toy
version: 1.0
license: CC0-1.0
language: en-GB
homepage: https://example.org
description: Read sentences.
undeclared: ["", NA]
declined: [prefer not to say]
attributes:
  accent: {kind: accent, provenance: self_reported, description: in their own words, order: [us, scottish]}
  age: {kind: demographic, provenance: self_reported, bins: [30, 60]}
  device: {kind: acoustic, provenance: annotated, multivalued: true}
"""


def _read(folder: Path, content: str | bytes) -> object:
    path = folder / "datasheet.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_datasheet(path)


def test_every_key_is_read(tmp_path: Path) -> None:
    path = tmp_path / "datasheet.yaml"
    path.write_text(FULL)
    sheet = read_datasheet(path)
    assert (sheet.name, sheet.version, sheet.license, sheet.language) == ("toy", "1", "CC0-1.0", "en-GB")
    assert (sheet.undeclared, sheet.declined, sheet.declared) == (("", "NA"), ("prefer not to say",), True)
    assert sheet.attributes == (
        Attribute("accent", AttributeKind.accent, Provenance.self_reported, "in their own words", ("us", "scottish")),
        Attribute(
            "age", AttributeKind.demographic, Provenance.self_reported, "", ("<30", "30-60", ">=60"), (30.0, 60.0)
        ),
        Attribute("device", AttributeKind.acoustic, Provenance.annotated, multivalued=True),
    )


def test_a_datasheet_may_be_short_and_takes_its_folder_as_name(tmp_path: Path) -> None:
    path = tmp_path / "datasheet.yaml"
    path.write_text("license: MIT\n")
    sheet = read_datasheet(path)
    assert (sheet.name, sheet.undeclared, sheet.declined, sheet.attributes) == (tmp_path.name, (), (), ())


ACCENT = "attributes: {accent: {kind: accent, provenance: self_reported"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("- a\n- b\n", "holds a list of 2; expected a mapping", id="a-list"),
        pytest.param("", "holds nothing; expected a mapping", id="empty"),
        pytest.param("just words", "expected a mapping", id="a-text"),
        pytest.param("name: [a\n", "datasheet.yaml:2: is not valid YAML", id="broken-yaml-names-the-line"),
        pytest.param("name: a\nname: b\n", "'name' stands twice", id="key-twice"),
        pytest.param(b"name: \xff\xfe", "not valid YAML in UTF-8", id="wrong-encoding"),
        pytest.param("name: \x00", "not valid YAML", id="nul"),
        pytest.param("name: !!python/object/apply:os.system [ls]", "not valid YAML", id="a-tag-that-would-run-code"),
        pytest.param("a: &a {b: c}\nd: {<<: *a}", "merging mappings", id="merge-keys"),
        pytest.param("version: 2024-13-45", "not valid YAML", id="impossible-date"),
        pytest.param("[" * 10_000, "not valid YAML", id="endless-nesting"),
        pytest.param("licence: MIT", "unknown key 'licence'. Did you mean license?", id="misspelt-key"),
        pytest.param("zzz: 1", "unknown key 'zzz'. Known keys: name", id="unknown-key"),
        pytest.param("language: no", "YAML reads yes, no, on and off so. Put it in quotes.", id="norwegian"),
        pytest.param("language: english", "expected a BCP 47 tag", id="language-in-words"),
        pytest.param("name: {a: b}", "has name=a mapping of 1", id="name-is-a-mapping"),
        pytest.param("undeclared: NA", "has undeclared='NA'; expected a list", id="undeclared-is-not-a-list"),
        pytest.param("declined: [no]", "has False in declined", id="declined-read-as-boolean"),
        pytest.param("undeclared: [NA]\ndeclined: [na]", "both in undeclared and in declined", id="in-both-lists"),
        pytest.param("declined: ['']", "an empty cell is always undeclared", id="empty-as-declined"),
        pytest.param("attributes: [accent]", "expected a mapping from each column", id="attributes-as-list"),
        pytest.param("attributes: {accent: self_reported}", "at least kind and provenance", id="attribute-as-text"),
        pytest.param("attributes: {1: {}}", "Put it in quotes", id="attribute-named-by-a-number"),
        pytest.param(
            "attributes: {accent: {kind: acent, provenance: self_reported}}",
            "has kind='acent'; expected one of accent, dialect, acoustic, demographic, content. Did you mean accent?",
            id="unknown-kind",
        ),
        pytest.param(
            "attributes: {accent: {kind: accent, provenance: guess}}",
            "has provenance='guess'; expected one of self_reported,",
            id="unknown-provenance",
        ),
        pytest.param("attributes: {accent: {kind: accent}}", "has no provenance", id="no-provenance"),
        pytest.param(
            f"{ACCENT}, colour: red}}}}", "attribute 'accent' has the unknown key 'colour'", id="unknown-below"
        ),
        pytest.param(f"{ACCENT}, bins: 30}}}}", "expected a list of numbers like [30, 60]", id="bins-not-a-list"),
        pytest.param(f"{ACCENT}, bins: [old]}}}}", "expected a list of numbers", id="bins-in-words"),
        pytest.param(f"{ACCENT}, bins: [60, 30]}}}}", "each larger than the one before", id="bins-falling"),
        pytest.param(f"{ACCENT}, multivalued: maybe}}}}", "expected true or false", id="multivalued-in-words"),
        pytest.param(f"{ACCENT}, order: [on]}}}}", "has True in order", id="order-read-as-boolean"),
        pytest.param(
            "attributes: {origin: {kind: demographic, provenance: inferred}}",
            "never guessed",
            id="inferred-demographic",
        ),
        pytest.param(
            "attributes: {age: {kind: content, provenance: annotated}, Age: {kind: content, provenance: annotated}}",
            "differs from 'age' in capitals only",
            id="names-that-differ-in-capitals",
        ),
    ],
)
def test_an_unusable_datasheet_is_refused_with_what_to_do(tmp_path: Path, content: str | bytes, expected: str) -> None:
    problems = problems_of(lambda: _read(tmp_path, content))
    assert any(expected in problem for problem in problems), problems
    assert all(problem.startswith("datasheet.yaml") for problem in problems)


def test_an_alias_bomb_is_refused_in_a_short_message(tmp_path: Path) -> None:
    levels = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 12))
    content = f"x0: &x0 [a]\n{levels}\nname: *x11\nattributes: {{a: {{kind: *x11, provenance: *x11, order: *x11}}}}"
    problems = problems_of(lambda: _read(tmp_path, content))
    assert max(map(len, problems)) < 300


def test_every_problem_of_a_datasheet_is_named(tmp_path: Path) -> None:
    content = "licence: MIT\nlanguage: klingon\nattributes: {wer: {kind: content, provenance: annotated}, b: {kind: x}}"
    assert len(problems_of(lambda: _read(tmp_path, content))) == 5
