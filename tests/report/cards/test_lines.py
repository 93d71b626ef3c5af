"""Lines that differ are told with the claim they are about, whatever else changed beside it."""

import pytest

from harness.report.cards.blocks import Claim
from harness.report.cards.lines import Line, Piece, differences


def claim(number, text):
    row = {"dimension": "accent", "slice": "south"}
    return Claim(f"c{number}", text, (0.5,), "percent", "en", "slices.csv", row, ("wer",), "value")


RATE, COUNT = claim(1, "50.0 %"), claim(2, "1,712")
SENTENCE = Line(
    (Piece("W"), Piece("ER "), Piece("50.0 %", RATE), Piece(" of "), Piece("1,712", COUNT), Piece(" words."))
)
OTHERS = [Line((Piece(text),)) for text in ("# Card", "Some words.", "More words.")]
EXPECTED = [OTHERS[0], SENTENCE, OTHERS[1], OTHERS[2]]


def found(*texts):
    return [Line((Piece(text),)) for text in texts]


def problems(sentence):
    return differences("card.md", EXPECTED, found("# Card", sentence, "Some words.", "More words."))


@pytest.mark.parametrize(
    ("sentence", "claims", "given"),
    [
        pytest.param("WER 50.1 % of 1,712 words.", [RATE], ["50.1 %"], id="last-digit"),
        pytest.param("WER 150.0 % of 1,712 words.", [RATE], ["150.0 %"], id="digit-before"),
        pytest.param("WER 50.0 % of 1,7128 words.", [COUNT], ["1,7128"], id="digit-behind"),
        pytest.param("WER  of 1,712 words.", [RATE], [""], id="number-gone"),
        pytest.param("WER 5.0 % of 1,713 words.", [RATE, COUNT], ["5.0 %", "1,713"], id="two-numbers"),
        pytest.param("WER 1,712 of 50.0 % words.", [RATE, COUNT], ["1,712", "50.0 %"], id="swapped"),
    ],
)
def test_the_claim_that_reads_otherwise_is_named(sentence, claims, given):
    told = problems(sentence)
    assert [problem.claim for problem in told] == claims
    assert [problem.found for problem in told] == [f"“{text}”" for text in given]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        pytest.param("CER 50.0 % of 1,712 words.", "reads otherwise", id="a-word"),
        pytest.param("WER 50.0 % of 1,712 words. And 3.", "no claim backs (3)", id="a-number-at-the-end"),
        pytest.param("Of 9: WER 50.0 % of 1,712 words.", "no claim backs (9)", id="a-number-at-the-beginning"),
    ],
)
def test_other_wording_is_told_as_such(sentence, said):
    (problem,) = problems(sentence)
    assert said in str(problem)


def test_nothing_differs_but_spaces():
    assert problems("WER   50.0 %  of\t1,712 words. ") == []


def test_a_line_that_is_gone_takes_its_claims_with_it():
    told = differences("card.md", EXPECTED, found("# Card", "Some words.", "More words."))
    assert [problem.claim for problem in told] == [RATE, COUNT]
    assert all(problem.found == "nothing" for problem in told)


def test_a_line_beside_one_that_changed_is_no_problem():
    told = differences(
        "card.md",
        EXPECTED,
        found("# Card", "New 7.", SENTENCE.text.replace("50.0", "50.1"), "Some words.", "More words."),
    )
    assert [problem.claim for problem in told] == [RATE, None]
    assert "with the numbers 7" in str(told[1])


def test_a_claim_is_told_with_its_place():
    (problem,) = problems("WER 50.1 % of 1,712 words.")
    place = "slices.csv, dimension accent, slice south, wer"
    assert str(problem) == f"card.md: claim c1 (en, {place}): expected “50.0 %”, found “50.1 %”"
