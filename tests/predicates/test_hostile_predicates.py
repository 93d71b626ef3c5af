"""Whatever is written is a predicate over declared columns, or refused with its place and what to do; none is run."""

import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.predicates import Column, ColumnKind, PredicateError, named_columns, parse
from harness.predicates.tokens import tokens
from tests.predicates.columns import COLUMNS

REFUSED = [  # text, words, the character that is named (0: none)
    pytest.param('accent.__class__ == "x"', "no attribute access, calls or indices", 7, id="attribute"),
    pytest.param("accent.str.len() < 3", "no attribute access", 7, id="attribute-of-pandas"),
    pytest.param('__class__ == "x"', "no column is called '__class__'; declared are", 1, id="dunder"),
    pytest.param("__import__('os').system('touch MARK')", "no calls", 11, id="import"),
    pytest.param("@os.system('touch MARK')", "no arithmetic", 1, id="at-of-pandas"),
    pytest.param('accent["x"] == "y"', "no attribute access, calls or indices", 7, id="index"),
    pytest.param('len(accent) == "y"', "no calls", 4, id="call"),
    pytest.param("lambda: 0", "':' stands in no predicate", 7, id="lambda"),
    pytest.param("(lambda x: x)(1)", "found 'x'", 9, id="lambda-that-is-called"),
    pytest.param("f\"{__import__('os')}\" == 'x'", "expected ==, !=", 2, id="f-string"),
    pytest.param("[x for x in (1,)]", "no attribute access", 1, id="comprehension"),
    pytest.param("{} == 1", "'{' stands in no predicate", 1, id="braces"),
    pytest.param("snr_db := 3", "':' stands in no predicate", 8, id="walrus"),
    pytest.param("snr_db < 3; true", "did you mean and?", 11, id="two-statements"),
    pytest.param("snr_db < 3 -- true", "no arithmetic", 12, id="a-comment-of-sql"),
    pytest.param("snr_db < 3 # true", "'#' stands in no predicate", 12, id="a-comment"),
    pytest.param("snr_db + 1 < 3", "no arithmetic", 8, id="arithmetic"),
    pytest.param("snr_db < 1+1", "no arithmetic", 11, id="a-sum"),
    pytest.param("snr_db < +1", "no arithmetic", 10, id="a-plus"),
    pytest.param("snr_db < -snr_db", "no arithmetic", 10, id="minus-a-column"),
    pytest.param("snr_db < 1e400", "'1e400' is out of range", 10, id="infinite"),
    pytest.param("snr_db < -1e400", "'-1e400' is out of range", 10, id="minus-infinite"),
    pytest.param("snr_db < " + "9" * 1_900, "is out of range", 10, id="1900-digits"),
    pytest.param("snr_db < 1e-400", "is out of range", 10, id="nearly-nothing"),
    pytest.param("snr_db < nan", "found 'nan'; cells without a number are in no comparison", 10, id="nan"),
    pytest.param("snr_db == -inf", "no arithmetic", 11, id="minus-inf"),
    pytest.param("snr_db == inf", "found 'inf'", 11, id="inf"),
    pytest.param("snr_db < 0x10", "'0x10' is no number; expected decimal digits", 10, id="hexadecimal"),
    pytest.param("snr_db < 1_000", "'1_000' is no number", 10, id="underscore"),
    pytest.param("snr_db < 10dB", "'10dB' is no number", 10, id="unit"),
    pytest.param("snr_db < 1.2.3", "'1.2.3' is no number", 10, id="two-points"),
    pytest.param("snr_db < 5.", "'5.' is no number", 10, id="point-at-the-end"),
    pytest.param("snr_db < .5", "write 0 before the point", 10, id="point-at-the-start"),
    pytest.param("snr_db < 1,5", "expected and, or, or the end; found ','", 11, id="decimal-comma"),
    pytest.param("snr_db < 1e", "'1e' is no number", 10, id="no-exponent"),
    pytest.param("snr_db < ١٢", "U+0661 ARABIC-INDIC DIGIT ONE", 10, id="other-digits"),
    pytest.param("snr_db < ²", "expected a text in quotes or a number", 10, id="superscript"),
    pytest.param('accent == "indian', '" is opened and never closed', 11, id="unterminated"),
    pytest.param("accent == 'indian\"", "' is opened and never closed", 11, id="the-other-quote"),
    pytest.param('accent == "indian\\"', '" is opened and never closed', 11, id="escaped-end"),
    pytest.param('accent == "x\\', "a backslash stands only before a quote", 13, id="backslash-at-the-end"),
    pytest.param('accent == "\\x41"', "a backslash stands only before a quote", 12, id="other-escapes"),
    pytest.param("`accent == 1", "` is opened and never closed", 1, id="unterminated-backquote"),
    pytest.param("``", "`` names no column", 1, id="empty-backquotes"),
    pytest.param("`@accent` == 1", "no column is called '@accent'; did you mean accent?", 1, id="backquotes-of-pandas"),
    pytest.param("accent == `indian`", 'did you mean "indian"?', 11, id="backquotes-for-quotes"),
    pytest.param("accent == indian", "found 'indian'; did you mean \"indian\"?", 11, id="no-quotes"),
    pytest.param("accent == “indian”", "U+201C LEFT DOUBLE QUOTATION MARK: expected straight quotes", 11, id="typeset"),
    pytest.param("", "empty; expected a comparison, or true for everybody", 0, id="empty"),
    pytest.param(" \t\r\n", "empty; expected", 0, id="blank"),
    pytest.param("()", "expected a comparison", 2, id="empty-parentheses"),
    pytest.param(
        "and", "expected a comparison, found and; a column of this name stands in backquotes", 1, id="keyword"
    ),
    pytest.param("false", "expected ==, !=", 6, id="false"),
    pytest.param("snr_db", "expected ==, !=, <, <=, >, >=, in or not in after snr_db, found the end", 7, id="a-column"),
    pytest.param("snr_db <", "expected a text in quotes or a number, found the end", 9, id="no-value"),
    pytest.param("snr_db < < 3", "expected a text in quotes or a number, found '<'", 10, id="two-operators"),
    pytest.param("snr_db = 3", "'=' is no operator of predicates; did you mean ==?", 8, id="one-equals-sign"),
    pytest.param("snr_db <> 3", "expected a text in quotes or a number, found '>'", 9, id="sql"),
    pytest.param("snr_db === 3", "'=' is no operator", 10, id="three-equals-signs"),
    pytest.param("snr_db ≤ 3", "did you mean <=?", 8, id="typeset-operator"),
    pytest.param("snr_db is 3", "expected ==", 8, id="is"),
    pytest.param("snr_db < 3 && true", "'&' is no operator of predicates; did you mean and?", 12, id="and-of-c"),
    pytest.param("snr_db < 3 || true", "did you mean or?", 12, id="or-of-c"),
    pytest.param("!true", "did you mean not?", 1, id="not-of-c"),
    pytest.param("~true", "did you mean not?", 1, id="not-of-numpy"),
    pytest.param("snr_db < 3 AND true", "keywords are in lower case; did you mean and?", 12, id="capitals"),
    pytest.param("snr_db < 3 true", "expected and, or, or the end; found 'true'", 12, id="no-and"),
    pytest.param("(snr_db < 3", "the parenthesis of character 1 is not closed", 12, id="open"),
    pytest.param("snr_db < 3)", "expected and, or, or the end; found ')'", 11, id="closed"),
    pytest.param("0 < snr_db", "a column stands on the left", 1, id="mirrored"),
    pytest.param("1 < snr_db < 3", "a column stands on the left", 1, id="chained-in-a-mirror"),
    pytest.param("snr_db > 1 < 3", "a comparison has one operator; join two comparisons with and", 12, id="chained"),
    pytest.param('"indian" == accent', "a column stands on the left", 1, id="text-first"),
    pytest.param('accent in "indian"', 'expected values in parentheses after in, such as in ("a", "b")', 11, id="in"),
    pytest.param("accent in ()", "expected a text in quotes or a number, found ')'", 12, id="in-nothing"),
    pytest.param('accent in ("indian" "x")', "expected , or ) after a value", 21, id="in-without-comma"),
    pytest.param('accent not "x"', "expected in after not", 12, id="not-without-in"),
    pytest.param('accent < "x"', "accent is text, which has no order; expected ==, !=, in or not in", 8, id="order"),
    pytest.param(
        "accent == 5", "accent is text; expected one in quotes, found '5'. Did you mean \"5\"?", 11, id="number"
    ),
    pytest.param('snr_db == "5"', "snr_db is a number; expected one without quotes, found '5'", 11, id="text"),
    pytest.param('snr_db in (1, "5")', "snr_db is a number", 15, id="both"),
    pytest.param('accent == "indiam"', "'indiam' is no value of accent; did you mean \"indian\"?", 11, id="a-typo"),
    pytest.param('accent == "Indian"', 'did you mean "indian"?', 11, id="a-capital"),
    pytest.param('accent == "welsh"', "its values are 'indian', 'scottish', 'undeclared'", 11, id="another-value"),
    pytest.param('acent == "indian"', "no column is called 'acent'; did you mean accent?", 1, id="a-typo-in-a-column"),
    pytest.param('speaker_id == "s1"', "no column is called 'speaker_id'; declared are 'accent'", 1, id="undeclared"),
    pytest.param('"\\"" == "', "a column stands on the left", 1, id="quotes"),
    pytest.param("x" * 2_000, "found the end", 2_001, id="a-long-name"),
    pytest.param("`" + "x" * 1_980 + "` < 1", "no column is called 'xxx", 1, id="a-long-name-in-backquotes"),
    pytest.param('accent == "' + "(a+)+" * 300 + '"', "is no value of accent", 11, id="a-regex-bomb"),
]
UNSEEN = [
    pytest.param('accent == "a\0b"', "U+0000 (a control character) cannot be seen in a text", 13, id="nul-in-a-text"),
    pytest.param("snr_db\0< 1", "U+0000 (a control character) stands in no predicate", 7, id="nul"),
    pytest.param('tags == "a\u202eb"', "U+202E RIGHT-TO-LEFT OVERRIDE cannot be seen", 11, id="override-in-a-text"),
    pytest.param("\u202esnr_db < 1", "U+202E RIGHT-TO-LEFT OVERRIDE stands in no predicate", 1, id="override"),
    pytest.param('`ta\u2066gs` == "a"', "U+2066 LEFT-TO-RIGHT ISOLATE cannot be seen", 4, id="isolate-in-a-name"),
    pytest.param('tags == "a\u200b"', "U+200B ZERO WIDTH SPACE cannot be seen", 11, id="zero-width"),
    pytest.param("snr_db\u00a0< 1", "U+00A0 NO-BREAK SPACE stands in no predicate", 7, id="no-break-space"),
    pytest.param(
        "\ufeffsnr_db < 1", "U+FEFF ZERO WIDTH NO-BREAK SPACE stands in no predicate", 1, id="byte-order-mark"
    ),
    pytest.param('tags == "\x1b[31m"', "U+001B (a control character) cannot be seen", 10, id="escape-of-a-terminal"),
    pytest.param('tags == "a\nb"', "U+000A (a control character) cannot be seen", 11, id="line-break-in-a-text"),
    pytest.param('tags == "\udc80"', "U+DC80 (a control character) cannot be seen", 10, id="surrogate"),
]
LOOKALIKES = [
    pytest.param('\u0430ccent == "indian"', "did you mean accent? Character 1 is U+0430 CYRILLIC SMALL LETTER A", 1,
                 id="cyrillic-column"),
    pytest.param('accent == "indi\u0430n"', 'did you mean "indian"? Character 16 is U+0430', 11, id="cyrillic-value"),
    pytest.param("snr_db < 1 \u0430nd true", "found '\u0430nd'. Character 12 is U+0430", 12, id="cyrillic-keyword"),
    pytest.param("accent \u0456n (1)", "found '\u0456n'. Character 8 is U+0456", 8, id="cyrillic-operator"),
    pytest.param('acc\u03b5nt == "x"', "Character 4 is U+03B5 GREEK SMALL LETTER EPSILON", 1, id="greek"),
    pytest.param("\uff53nr_db < 1", "did you mean snr_db? Character 1 is U+FF53 FULLWIDTH LATIN SMALL LETTER S", 1,
                 id="full-width"),
    pytest.param('\U0001d41accent == "x"', "Character 1 is U+1D41A MATHEMATICAL BOLD SMALL A", 1, id="bold"),
    pytest.param("snr_db \uff1c 1", "U+FF1C FULLWIDTH LESS-THAN SIGN stands in no predicate", 8, id="operator"),
    pytest.param("snr_db < \uff11", "U+FF11 FULLWIDTH DIGIT ONE", 10, id="digit"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "position"), [*REFUSED, *UNSEEN, *LOOKALIKES])
def test_what_is_no_predicate_is_refused_at_its_place_in_words(tmp_path, monkeypatch, text, words, position):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PredicateError) as refused:
        parse(text, COLUMNS)
    said = str(refused.value)
    assert words in said
    assert refused.value.position == position
    assert not position or (f"predicate, character {position}: " in said and ">>>" in said)
    assert said.isprintable()
    assert len(said) < 500
    assert isinstance(refused.value, UsageError)
    assert refused.value.exit_status == 2
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "(" * 10_000 + "true" + ")" * 10_000, "20,004 characters; expected at most 2,000", id="10000-deep"
        ),
        pytest.param("not " * 10_000 + "true", "40,004 characters", id="10000-nots"),
        pytest.param("snr_db < 1 and " * 100_000 + "true", "1,500,004 characters", id="100000-ands"),
        pytest.param('accent == "' + "a" * 10_000_000 + '"', "10,000,012 characters", id="a-long-text"),
    ],
)
def test_what_is_too_long_is_refused_unread(monkeypatch, text, words):
    monkeypatch.setattr("harness.predicates.parser.tokens", None)
    with pytest.raises(PredicateError, match=words):
        parse(text, COLUMNS)


@pytest.mark.parametrize(
    ("levels", "within"), [(31, True), (32, True), (33, False), (900, False)], ids=["31", "32", "33", "900"]
)
@pytest.mark.parametrize(
    "nested",
    [
        pytest.param(lambda n: "(" * n + "true" + ")" * n, id="parentheses"),
        pytest.param(lambda n: "not " * n + "true" if n < 500 else "not " * 400 + "true", id="not"),
        pytest.param(lambda n: "not(" * (n // 2) + "(" * (n % 2) + "true" + ")" * (n - n // 2), id="both"),
    ],
)
def test_32_levels_and_no_more(nested, levels, within):
    text = nested(levels)
    if within:
        assert parse(text, COLUMNS)
        return
    with pytest.raises(PredicateError, match="more than 32 levels"):
        parse(text[:2_000], COLUMNS)


def test_levels_beside_one_another_are_not_deep():
    assert parse(" and ".join(["(not (true))"] * 100), COLUMNS)


def test_100_comparisons_and_no_more_each_value_being_one():
    assert parse(" or ".join(["snr_db<1"] * 100), COLUMNS)
    assert parse(f"snr_db in ({','.join(['1'] * 99)}) or snr_db < 1", COLUMNS)
    for text in (" or ".join(["snr_db<1"] * 101), f"snr_db in ({','.join(['1'] * 100)}) or snr_db < 1"):
        with pytest.raises(PredicateError, match="more than 100 comparisons"):
            parse(text, COLUMNS)


def test_work_is_bounded_by_the_length_whatever_is_written():
    """Each function of the parser and of the tokeniser is called a few times a character at most."""
    hostile = [
        "(" * 2_000,
        "not " * 500,
        "a " * 1_000,
        '"' * 2_000,
        "\\" * 2_000,
        "`" * 2_000,
        "-" * 2_000,
        "1e" * 1_000,
        '"' + "\\\\" * 990,
        "(true)or" * 250,
        "true and " * 222,
        "0." * 1_000,
        "_" * 2_000,
        "." * 2_000,
    ]
    for text in hostile:
        calls = 0

        def count(*_):
            nonlocal calls
            calls += 1

        sys.setprofile(count)
        try:
            parse(text[:2_000], COLUMNS)
        except PredicateError:
            pass
        finally:
            sys.setprofile(None)
        assert calls < 60 * 2_000


def read(reader):
    """Return what is read, or None and what the refusal says."""
    try:
        return reader(), ""
    except PredicateError as error:
        return None, str(error)


PIECES = [*"()<>=!,.\"'`\\ \t\n-+0189eE_#", *"\u00e9\u0430\u202e\0"]
PIECES += ["snr_db", " accent ", " and ", " or ", "not ", " in ", "true", '"indian"', "<=", "=="]


@given(text=st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=400, deadline=None)
def test_anything_is_a_predicate_or_refused(text):
    predicate, said = read(lambda: parse(text, COLUMNS))
    assert said.isprintable()
    assert predicate is None or parse(predicate.text, COLUMNS) == predicate


@given(text=st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_in_quotes_is_read_as_it_is_or_refused(text):
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    found, said = read(lambda: list(tokens(quoted)))
    assert "cannot be seen" in said if found is None else (found[0].text, found[1].start) == (text, len(quoted))


@pytest.mark.parametrize("given", [None, 5, ["snr_db < 1"], {"and": []}, b"true", True])
def test_what_is_no_text_is_no_predicate(given):
    with pytest.raises(PredicateError, match=f"predicate: {type(given).__name__}; expected a text"):
        parse(given, COLUMNS)


def test_a_pattern_is_a_text_and_matches_only_itself():
    values = (".*", "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
    columns = {"tags": Column("tags", ColumnKind.text, values)}
    for value in values:
        assert [parse(f'tags == "{value}"', columns).holds({"tags": each}) for each in values] == [
            each == value for each in values
        ]


def test_a_hundred_thousand_declared_values_cost_no_more_than_a_look():
    values = tuple(f"a value of {n:,}" for n in range(100_000))
    columns = {"tags": Column("tags", ColumnKind.text, values)}
    with pytest.raises(PredicateError, match=r'did you mean "a value of 999"\?'):
        parse('tags == "a value of 999x"', columns)
    with pytest.raises(PredicateError, match=r"its values are 'a value of 0', .* \(100000\)"):
        parse('tags == "' + "z" * 1_900 + '"', columns)


def test_columns_are_named_whether_they_are_declared_or_not():
    assert named_columns('who == "x" or not `a b` < 1 and true') == {"who", "a b"}
    with pytest.raises(PredicateError, match="no calls"):
        named_columns("system('x')")
