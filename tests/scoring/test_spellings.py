import csv
import doctest
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.scoring import ByLanguage, LowercaseNoPunctuation, Verbatim, WhisperEnglish, score, spellings
from harness.scoring.spellings import (
    COLUMNS,
    DIALECT_SPELLINGS,
    Spellings,
    WithSpellings,
    read_spellings,
    with_spellings,
)
from tests.scoring.builders import hypotheses_of, manifest_of
from tests.shared import REPOSITORY

TABLE = read_spellings()
HEADER = ",".join(COLUMNS)


def table_of(folder, *rows):
    path = folder / "own.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


# The table of the package


def test_the_table_is_part_of_the_package_and_says_where_every_spelling_is_attested():
    assert DIALECT_SPELLINGS.is_relative_to(REPOSITORY / "harness")
    with DIALECT_SPELLINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(TABLE.standard) >= 30
    assert all(row[column].strip() for row in rows for column in COLUMNS)


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        pytest.param(
            "finna tryna ima lemme hafta aks",
            "fixing to trying to i am going to let me have to ask",
            id="what-the-english-rules-leave",
        ),
        pytest.param("gonna gotta wanna y'all", "going to got to want to you all", id="what-they-unify"),
        pytest.param("I cannae see, I dinnae ken", "i can not see i do not ken", id="scots"),
    ],
)
def test_spellings_meet_the_english_rules_in_the_same_words(text, standard):
    assert with_spellings(WhisperEnglish(), TABLE)(text) == standard


def test_what_a_spelling_stands_for_holds_no_spelling_so_that_twice_is_once():
    once = WithSpellings(LowercaseNoPunctuation(), TABLE)
    for spelling in TABLE.standard:
        assert once(once(spelling)) == once(spelling) != spelling


def test_off_by_default_and_alike_for_reference_and_hypothesis(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "She finna go", "b": "She is fixing to go"})
    heard = hypotheses_of({"a": "She fixing to go.", "b": "She is finna go"})
    plain, spelled = LowercaseNoPunctuation(), with_spellings(LowercaseNoPunctuation(), TABLE)
    wrong = ["substitutions", "deletions", "insertions"]
    assert score(manifest, heard, plain)[wrong].to_numpy().sum() == 4
    assert score(manifest, heard, spelled)[wrong].to_numpy().sum() == 0


# What is replaced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("FINNA, finna! Finna", "Fixing to, fixing to! Fixing to", id="any-case"),
        pytest.param("Finnair finnan definna finna's", "Finnair finnan definna finna's", id="whole-tokens-only"),
        pytest.param("‘finna’ “finna” (finna)", "‘fixing to’ “fixing to” (fixing to)", id="quoted"),
        pytest.param("gonna-go", "going to-go", id="a-hyphen-separates"),
        pytest.param("I’ma I'ma IʼMA", "I'm going to I'm going to I'm going to", id="any-apostrophe"),
        pytest.param("get 'em them em", "get them them em", id="an-apostrophe-that-is-part-of-it"),
        pytest.param("akſ ASK aks", "akſ ASK ask", id="no-letter-that-only-resembles-one"),
        pytest.param("finna_go finna2", "finna_go finna2", id="no-part-of-an-identifier"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_whole_tokens_are_replaced_in_any_case(text, expected):
    assert with_spellings(Verbatim(), TABLE)(text) == expected


def test_the_longest_spelling_that_is_there_is_the_one_replaced():
    rules = WithSpellings(Verbatim(), Spellings({"i'm": "i am", "i'ma": "i am going to"}))
    assert rules("i'ma say i'm") == "i am going to say i am"


PIECES = [*TABLE.standard, "go", "Finnair", "em", "a's", "I", "they're", "3"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", ", ", ". ", " - "])), max_size=8))
def test_it_is_word_by_word_replacement(pairs):
    text = "".join(piece + separator for piece, separator in pairs)
    words = [re.fullmatch(r"(.*?)([,.]?)", word).groups() for word in text.split()]
    expected = " ".join(TABLE.standard.get(word, word) + mark for word, mark in words)
    assert with_spellings(Verbatim(), TABLE)(text).lower() == expected.lower()


def test_of_rules_by_language_only_those_for_english_read_the_table():
    rules = with_spellings(ByLanguage(), TABLE)
    assert isinstance(rules, ByLanguage)
    assert rules.for_language("en-GB")("tryna") == "trying to"
    assert rules.for_language("fi")("tryna") == rules.for_language(None)("tryna") == "tryna"


# Identity


def test_the_id_names_the_other_rules_and_what_is_replaced(tmp_path):
    first = read_spellings(table_of(tmp_path, "finna,fixing to,AAE,one book"))
    second = read_spellings(table_of(tmp_path, "Finna,fixing to,Southern US,another book"))
    third = read_spellings(table_of(tmp_path, "finna,going to,AAE,one book"))
    plain, ids = Verbatim(), [with_spellings(Verbatim(), table).id for table in (first, second, third)]
    assert ids[0] == ids[1] == f"{plain.id}+spellings@{first.digest[:8]}"
    assert ids[0] != ids[2]
    assert with_spellings(ByLanguage(), first).id == f"{ByLanguage().id}+spellings@{first.digest[:8]}"


# A table of one's own


def test_a_table_of_ones_own_is_read_with_any_apostrophe_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "own.csv"
    rows = 'spelling,standard,variety,source,remark\nYe’ll, you  will ,Scots,"me, 2026",x\n'
    path.write_text(rows, encoding="utf-8-sig")
    assert read_spellings(path) == Spellings({"ye'll": "you will"})


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        pytest.param(["finna,,AAE,book"], [":2: spelling 'finna' has no standard; fill in"], id="blank"),
        pytest.param(["finna,fixing to"], [":2: spelling 'finna' has no variety, no source"], id="torn"),
        pytest.param(["no way,never,x,y"], [":2: spelling 'no way' is not one word"], id="two-words"),
        pytest.param(["a,b,c,d,e"], [":2: spelling 'a' has more cells than there are columns"], id="too-many-cells"),
        pytest.param(
            ["ima,i am,x,y", "go,went,x,y", "IMA,me,x,y"],
            [":4: spelling 'ima' is on line 2 already; keep one"],
            id="twice",
        ),
        pytest.param(
            ["ima,Imma go,x,y", "imma,i am,x,y"],
            [":2: standard 'Imma go' has 'imma', a spelling itself; write what it stands for"],
            id="chained",
        ),
        pytest.param([",b,x,y", "ok,fine,x,"], [":2: spelling '' has no spelling", ":3: spelling 'ok' has"], id="all"),
    ],
)
def test_bad_rows_are_all_named_with_their_lines(tmp_path, rows, problems):
    path = table_of(tmp_path, *rows)
    with pytest.raises(DataError) as raised:
        read_spellings(path)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(problems)
    for line, problem in zip(lines, problems, strict=True):
        assert line.startswith(f"{path}{problem}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no such file; give a CSV file with the columns spelling, standard", id="absent"),
        pytest.param(b"", "no column spelling, standard, variety, source among none", id="empty"),
        pytest.param(b"spelling,standard\na,b\n", "no column variety, source among spelling, standard", id="columns"),
        pytest.param(HEADER.encode() + b"\n", "holds no spelling", id="no-rows"),
        pytest.param(HEADER.encode() + b"\n\xff,b,c,d\n", "cannot be read as CSV in UTF-8", id="latin-1"),
    ],
)
def test_what_is_no_such_table_is_wrong_usage(tmp_path, content, message):
    path = tmp_path / "own.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_spellings(path)


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(spellings).failed == 0
