"""A card is checked by what it shows: no digit, word or row of it can be other than the run's without being named."""

import json
import random
import re
import shutil
import sys

import pytest

from harness.errors import UsageError
from harness.report.cards import markdown
from harness.report.cards.authored import FIELDS, IDENTITY
from harness.report.cards.blocks import CARD_VERSION
from harness.report.cards.card import JSON, MARKDOWN, PAGE, files, make_card
from harness.report.cards.expected import Expected
from harness.report.cards.screen import show_card
from tests.report.cards.builders import STATED, authored, checked, copy_of, written
from tests.report.cards.reading import without_programs

SHOWN = re.compile(r'(<span class="claim" data-claim="(c\d+)"[^>]*>)(.*?)(</span>)')
MEASURED_AS_STATED = "<!-- stated: bias -->\n\nWER 2 %\n\n<!-- measured -->\n\n<!-- stated: overview -->"
OTHERS = ("values", "unit", "run", "file", "row", "columns", "how")  # of a claim in the JSON, beside its text
ENTITY = re.compile(r"&[#\w]+;|\\.")


@pytest.fixture(scope="module")
def texts(card):
    made = files(card)
    return made | {PAGE: without_programs(made[PAGE])}


@pytest.fixture(scope="module")
def alone(card):
    """Return what a file of the card must say that is checked alone, where nobody knows what was stated."""
    return Expected(card, knows_stated=False)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def altered(text, rng):
    """Return a text with one digit changed, or one letter where it has none; never part of an entity or an escape."""
    spans = [found.span() for found in ENTITY.finditer(text)]
    free = [place for place in range(len(text)) if not any(start <= place < end for start, end in spans)]
    digits = [place for place in free if text[place].isdigit()]
    place = rng.choice(digits or [place for place in free if text[place].isalnum()] or free)
    return f"{text[:place]}{'7' if text[place] == '6' else '6'}{text[place + 1 :]}"


def shown_in_markdown(card):
    """Yield every claim that the Markdown shows, with the text as it is and with one character changed."""
    rng = random.Random(0)
    lines = [line for line in markdown.expected_lines(card.document) if not line.stated]
    rendered = ["".join(piece.text for piece in line.pieces) for line in lines]
    for place, line in enumerate(lines):
        for number, piece in enumerate(line.pieces):
            if piece.claim is not None:
                parts = [each.text for each in line.pieces]
                parts[number] = altered(parts[number], rng)
                yield piece.claim, rendered[place], "".join(parts)


def named(problem, claim):
    """Say whether a problem is told with the claim's file, row and column."""
    said = str(problem)
    row = [str(value) for value in claim.row.values() if isinstance(value, str)]
    return problem.claim is claim and all(part in said for part in (claim.id, claim.run, claim.file, *row))


def test_a_card_agrees_with_its_run(folder, run):
    outcome = checked(folder, run)
    assert outcome.exit_status == 0
    assert outcome.answer.problems == ()
    assert outcome.answer.n_claims > 100


@pytest.mark.parametrize("name", [MARKDOWN, PAGE, JSON])
def test_each_file_can_be_checked_alone(folder, run, name):
    assert checked(folder / name, run).exit_status == 0


def test_every_number_of_the_markdown_is_checked(card, texts, alone):
    edits = list(shown_in_markdown(card))
    assert {claim.id for claim, _, _ in edits} == {claim.id for claim in card.document.claims()}
    for claim, line, edited in edits:
        text = texts[MARKDOWN].replace(f"\n{line}\n", f"\n{edited}\n")
        assert text != texts[MARKDOWN]
        problems = alone.problems(MARKDOWN, text)
        assert len(problems) >= 1, (claim, edited)
        assert all(named(problem, claim) for problem in problems), (claim, edited, list(map(str, problems)))


def test_every_number_of_the_page_is_checked(card, texts, alone):
    rng = random.Random(0)
    claims = {claim.id: claim for claim in card.document.claims()}
    found = list(SHOWN.finditer(texts[PAGE]))
    assert {each[2] for each in found} == set(claims)
    for each in found:
        edited = texts[PAGE][: each.start(3)] + altered(each[3], rng) + texts[PAGE][each.end(3) :]
        problems = alone.problems(PAGE, edited)
        assert len(problems) == 1, each[0]
        assert named(problems[0], claims[each[2]]), (each[0], str(problems[0]))


def test_every_value_of_the_json_is_checked(card, texts):
    rng = random.Random(0)
    expected = Expected(card, knows_stated=True)
    tree = json.loads(texts[JSON])
    for place, claim in enumerate(card.document.claims()):
        for key in ("text", OTHERS[place % len(OTHERS)]):
            changed = json.loads(texts[JSON])
            said = json.dumps(tree["claims"][place][key])
            changed["claims"][place][key] = {"was": said} if key != "text" else altered(claim.text, rng)
            problems = expected.problems(JSON, json.dumps(changed))
            assert problems, (claim, key)
            assert all(named(problem, claim) for problem in problems), (claim, key, list(map(str, problems)))


def edit(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def told(outcome):
    return [str(problem) for problem in outcome.answer.problems]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param(MARKDOWN, "41.7 %", "41.8 %", id="markdown"),
        pytest.param(PAGE, ">41.7 %<", ">41.8 %<", id="page"),
        pytest.param(JSON, '"text": "41.7 %"', '"text": "41.8 %"', id="json"),
    ],
)
def test_one_edited_digit_ends_the_command_with_3_and_names_the_row(copy, run, name, old, new):
    edit(copy / name, old, new)
    for card in (copy, copy / name):
        outcome = checked(card, run)
        assert outcome.exit_status == 3
        first = told(outcome)[0]
        assert first.startswith(f"{name}: claim c1 (tones, slices.csv, dimension overall, slice all, wer")
        assert "41.7 %" in first
        assert "41.8 %" in first


def test_a_digit_of_a_value_that_is_not_shown_is_checked_in_the_json(copy, run):
    edit(copy / JSON, "0.41666666666666669"[:6], "0.41777"[:6])
    assert "slices.csv, dimension overall" in told(checked(copy / JSON, run))[0]


@pytest.mark.parametrize(
    ("name", "pattern", "replacement", "said"),
    [
        pytest.param(MARKDOWN, r"\| accent [^\n]*\| south \| 5 \|[^\n]*\n", "", "its line is gone", id="row-gone"),
        pytest.param(
            PAGE, r"<tr><td[^>]*>accent [^<]*</td><td[^>]*>south</td>.*?</tr>\n", "", "line is gone", id="tr-gone"
        ),
        pytest.param(
            MARKDOWN, r"(## Glossary\n)", r"\1\nWER is 3.1 % for all.\n", "with the numbers 3.1", id="line-added"
        ),
        pytest.param(PAGE, r"(</h2>\n)", r"\1<p>WER is 3.1 %.</p>\n", "with the numbers 3.1", id="paragraph-added"),
        pytest.param(PAGE, r"(</main>)", r"\1<p>WER is 3.1 %.</p>", "outside the card's parts", id="after-the-card"),
        pytest.param(
            MARKDOWN, r"(\| accent [^\n]*\| south \| )(5 \|)", r"\g<1>1 of 5 |", "1 of 5", id="number-in-a-cell"
        ),
        pytest.param(
            MARKDOWN, r"at or below", "below, 9 of 10, or", "no claim backs (9, 10)", id="number-in-a-sentence"
        ),
        pytest.param(MARKDOWN, r"at or below", "at or above", "reads otherwise", id="sense-turned"),
        pytest.param(MARKDOWN, r"▲ disparity", "▲ inconclusive", "claim", id="verdict-word"),
        pytest.param(PAGE, r"(>)disparity(</span>)", r"\1within margin\2", "within margin", id="verdict-word-of-page"),
        pytest.param(MARKDOWN, r"▲ disparity", "○ disparity", "reads otherwise", id="verdict-shape"),
        pytest.param(PAGE, r'class="verdict disparity"', 'class="verdict advantage"', "reads otherwise", id="colour"),
        pytest.param(
            PAGE,
            r'title="tones: slices.csv, dimension accent',
            'title="tones: slices.csv, dimension age',
            "reads otherwise",
            id="row-of-a-number",
        ),
        pytest.param(
            PAGE, r"<tr>(<td[^>]*>accent)", r'<tr style="display:none">\1', "reads otherwise", id="row-hidden"
        ),
        pytest.param(PAGE, r'"wer":0\.41667', '"wer":0.31667', "draws something else", id="chart"),
        pytest.param(MARKDOWN, r"(dimension accent, slice) south", r"\1 north", "reads otherwise", id="source"),
        pytest.param(MARKDOWN, r'"folder": "run"', '"folder": "other"', "c", id="name-of-the-run"),
        pytest.param(MARKDOWN, r"\| south \| 5 \|", "| west | 5 |", "reads otherwise", id="name-of-a-group"),
        pytest.param(
            MARKDOWN,
            "<!-- stated: overview -->",
            MEASURED_AS_STATED,
            "stated words where there are none",
            id="measured-as-stated",
        ),
        pytest.param(JSON, r'"not_stated": \[\n  "As of",', '"not_stated": [', "not_stated", id="missing-field-hidden"),
    ],
)
def test_what_the_run_does_not_back_is_found(copy, run, name, pattern, replacement, said):
    text = (copy / name).read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=1, flags=re.DOTALL)
    assert changed != text
    (copy / name).write_text(changed, encoding="utf-8")
    outcome = checked(copy / name, run)
    assert outcome.exit_status == 3
    assert any(said in line for line in told(outcome)), told(outcome)


SHOWS_ANOTHER = "[data-claim=c1] { font-size: 0 } [data-claim=c1]::after { content: '3.1 %' } </style>"
HIDDEN_HEADER = "<!-- harness service card --> WER is three percent. <!-- -->"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        pytest.param(PAGE, "</style>", SHOWS_ANOTHER, "outside the card's parts", id="style"),
        pytest.param(PAGE, "</body>", "<script>alert(1)</script></body>", "a script", id="script"),
        pytest.param(PAGE, "<main", "<p>It serves all alike.</p><main", "outside the card's parts", id="words-before"),
        pytest.param(PAGE, "<main", "<!-- <main", "outside the card's parts", id="card-in-a-comment"),
        pytest.param(PAGE, "<body>", '<body><input value="3.1 %">', "outside the card's parts", id="value-of-a-field"),
        pytest.param(PAGE, 'id="chart-groups-1">{', 'id="chart-groups-1">{"title":"WER 3.1 %",', "chart", id="title"),
        pytest.param(PAGE, '<section id="sources"', '<![CDATA[>3.1 %]]><section id="sources"', "3.1", id="cdata"),
        pytest.param(PAGE, 'title="tones: ', 'title="elsewhere" title="tones: ', "behind its words", id="title-twice"),
        pytest.param(PAGE, 'data-stated="overview">', 'data-stated="overview"><h2>WER</h2>', "stated", id="heading"),
        pytest.param(MARKDOWN, "overview -->\n", "overview -->\n\n## WER is 3.1 %\n", "stated", id="stated-heading"),
        pytest.param(MARKDOWN, "overview -->\n", "overview -->\n\n<!--\n", "stated", id="stated-comment"),
        pytest.param(MARKDOWN, "\n## Glossary", f"\n{HIDDEN_HEADER}\n## Glossary", "no run backs", id="second-header"),
        pytest.param(MARKDOWN, '{"version"', '{"x": "--> WER 3.1 % <!--", "version"', "damaged", id="words-in-header"),
    ],
)
def test_nothing_around_what_was_measured_can_say_otherwise(copy, run, name, old, new, said):
    edit(copy / name, old, new)
    outcome = checked(copy / name, run)
    assert outcome.exit_status == 3
    assert any(said in line for line in told(outcome)), told(outcome)


def test_the_title_is_what_the_author_called_the_service(copy, run):
    edit(copy / PAGE, "<title>Example Speech", "<title>WER 3.1 %")
    assert "outside the card's parts" in told(checked(copy, run))[0]


def test_numbers_cannot_be_given_to_another_system(copy, run):
    for path in copy.iterdir():
        text = path.read_text(encoding="utf-8").replace('"name": "tones"', '"name": "best"')
        text = text.replace('"name":"tones"', '"name":"best"').replace('"run": "tones"', '"run": "best"')
        path.write_text(text.replace("(tones,", "(best,").replace("tones: ", "best: "), encoding="utf-8")
    assert any("run run is called by another name" in line for line in told(checked(copy, run)))


WORDS = ("a < b > c & `d` *e* _f_", "<!-- x -->", "[l](https://a.example)", "1. one", "# h", "| t |", "*Not stated.*")


def test_any_words_of_an_author_can_be_checked_in_one_file(run, tmp_path):
    stated = {field: WORDS[place % len(WORDS)] for place, field in enumerate((*IDENTITY, *FIELDS))}
    card = written(
        tmp_path / "card", run, stated=stated | {"overview": list(WORDS), "contact": "https://a.example/b_c"}
    )
    assert [told(checked(path, run)) for path in (card, *sorted(card.iterdir()))] == [[]] * 4


def test_rows_in_another_order_are_found(copy, run):
    lines = (copy / MARKDOWN).read_text(encoding="utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if "| female |" in line)
    lines[first : first + 2] = reversed(lines[first : first + 2])
    (copy / MARKDOWN).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert checked(copy / MARKDOWN, run).exit_status == 3


def test_spaces_and_line_ends_are_nobodys_business(copy, run):
    text = (copy / MARKDOWN).read_text(encoding="utf-8")
    spread = text.replace("| ", "|  ").replace("\n\n", "\n\n\n").replace("\n", "\r\n")
    (copy / MARKDOWN).write_bytes(spread.encode())
    assert told(checked(copy / MARKDOWN, run)) == []


def test_a_claim_that_is_gone_from_the_json_is_one_problem(copy, run):
    tree = json.loads((copy / JSON).read_text(encoding="utf-8"))
    gone = tree["claims"].pop(5)
    (copy / JSON).write_text(json.dumps(tree), encoding="utf-8")
    (problem,) = checked(copy / JSON, run).answer.problems
    assert problem.claim.id == gone["id"]
    assert problem.found == "nothing"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"version": 1, "runs": []}', id="no-run"),
        pytest.param('{"version": 1,', id="broken"),
        pytest.param('{"version": 1, "runs": [{"name": "tones"}]}', id="no-digest"),
    ],
)
def test_json_that_is_damaged_is_no_card_that_agrees(copy, run, text):
    (copy / JSON).write_text(text, encoding="utf-8")
    assert "damaged" in told(checked(copy / JSON, run))[0]


def test_a_key_that_stands_twice_hides_nothing(copy, run):
    edit(copy / JSON, '"text": "41.7 %"', '"text": "3.1 %", "text": "41.7 %"')
    assert "twice" in told(checked(copy / JSON, run))[0]


@pytest.mark.parametrize("name", [MARKDOWN, PAGE, JSON])
def test_another_run_than_the_card_s_is_named(folder, run, tmp_path, name):
    other = copy_of(run, tmp_path / "other")
    edit(other.path / "slices.csv", ",100,0,0,100,0,1.0,", ",100,10,0,90,0,0.9,")
    outcome = checked(folder / name, other)
    assert outcome.exit_status == 3
    assert "was made from another run than other, or from other tables of it" in told(outcome)[0]
    assert any("slices.csv, dimension accent, slice south" in line for line in told(outcome)[1:])


@pytest.mark.parametrize("name", [MARKDOWN, PAGE, JSON])
def test_a_card_of_another_version_says_so(copy, run, name):
    text = (copy / name).read_text(encoding="utf-8")
    path = copy / name
    path.write_text(re.sub(r'("version": ?)1\b', r"\g<1>0", text, count=1), encoding="utf-8")
    (said,) = told(checked(path, run))
    assert f"card of version 0; this harness checks version {CARD_VERSION}" in said


def test_a_folder_must_have_all_three_files(copy, run):
    (copy / PAGE).unlink()
    outcome = checked(copy, run)
    assert outcome.exit_status == 3
    assert told(outcome) == [f"{PAGE}: is not there"]


@pytest.mark.parametrize(("name", "old"), [(MARKDOWN, "Notes that 2 people"), (PAGE, "Notes that 2 people")])
def test_what_was_stated_must_be_the_same_in_all_files(copy, run, name, old):
    edit(copy / name, old, "Notes that 3 people")
    assert checked(copy / name, run).exit_status == 0  # nobody measured it, and this file says nothing else of it
    outcome = checked(copy, run)
    assert outcome.exit_status == 3
    assert "what the author stated (intended_uses) is not what service_card.json says" in told(outcome)[0]


def test_a_card_of_two_runs_is_checked_in_any_order_and_with_both(run, tmp_path):
    other = copy_of(run, tmp_path / "second")
    edit(other.path / "slices.csv", ",100,0,0,100,0,1.0,", ",100,10,0,90,0,0.9,")
    named = [{"run": run.path.name, "name": "first one"}, {"run": "second", "name": "other one"}]
    card = written(tmp_path / "card", run, other, stated=STATED | {"configurations": named})
    assert checked(card, run, other).exit_status == checked(card, other, run).exit_status == 0
    with pytest.raises(UsageError, match=r"made from 2 runs, first one \(run run\), other one \(run second\); found 1"):
        checked(card, run)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("service_card.md", "# Some card\n", id="markdown"),
        pytest.param("other.html", "<p>hello</p>", id="page"),
        pytest.param("other.json", "{}", id="json"),
        pytest.param("card.txt", "a", id="another-format"),
        pytest.param("none", None, id="empty-folder"),
    ],
)
def test_what_is_no_card_is_refused(run, tmp_path, name, text):
    path = tmp_path / name
    path.mkdir() if text is None else path.write_text(text)
    with pytest.raises(UsageError, match=r"service card|service_card"):
        checked(path, run)


def test_the_command_says_it_in_one_sentence_or_names_every_difference(copy, run, capsys):
    show_card(checked(copy, run).answer, sys.stdout)
    assert re.fullmatch(r"All \d+ values in .*service_card\.html agree with the run run\.\n", capsys.readouterr().out)
    edit(copy / MARKDOWN, "41.7 %", "41.8 %", count=2)
    show_card(checked(copy, run).answer, sys.stdout)
    assert "2 differences" in capsys.readouterr().out.splitlines()[-1]


def test_a_check_needs_nothing_but_the_runs_and_one_file(run, tmp_path):
    card = make_card([run], authored({}))
    (tmp_path / MARKDOWN).write_text(files(card)[MARKDOWN], encoding="utf-8")
    assert checked(tmp_path / MARKDOWN, run).exit_status == 0
