"""Every step is a sentence that says who, how many, and what to do; names from data stay names."""

import math

import pytest

from harness.fairness.described import StepKind
from harness.report.described.steps import GROUPS, sentence, subject

NAN = math.nan
EMPTY = {
    "dimension": "", "slice": "", "of": "", "n_speakers": NAN, "n_utterances": NAN, "n_more": NAN, "n_if_wordy": NAN,
    "words_each": NAN, "gap": NAN, "power": NAN, "share": NAN, "share_expected": NAN,
}  # fmt: skip
RECORD = {"kind": "record", "dimension": "accent", "slice": "canada", "n_speakers": 3, "n_more": 14, "words_each": 40.2,
          "gap": 0.05, "power": 0.8}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(
            RECORD,
            "canada: 3 people now; 14 more people of about 40 words each would show a gap of 5 points (power 0.8)",
            id="record",
        ),
        pytest.param(RECORD | {"n_speakers": 1, "n_more": 1, "gap": 0.01}, "1 person now; 1 more person of", id="one"),
        pytest.param(
            RECORD | {"n_speakers": NAN, "n_more": NAN, "n_utterances": NAN},
            "accent=canada: few people now; more would show a gap of 5 points (power 0.8).",
            id="withheld",
        ),
        pytest.param(
            RECORD | {"kind": "record_each", "slice": "", "n_more": 484, "n_if_wordy": 258},
            "484 people of every value, of about 40 words each, would show a gap of 5 points (power 0.8). 258 would",
            id="each",
        ),
        pytest.param(RECORD | {"kind": "record_each", "n_more": NAN}, "no number of people up to 100,000", id="never"),
        pytest.param(
            {
                "kind": "ask",
                "dimension": "age",
                "of": "demographic",
                "n_speakers": 433,
                "n_utterances": 9,
                "share": 0.447,
            },
            "age: of 433 people (44.7 %) it is not recorded. Ask them; it takes no recording.",
            id="ask",
        ),
        pytest.param(
            {"kind": "ask", "dimension": "device", "of": "acoustic", "n_speakers": 0, "n_utterances": 9, "share": 0.5},
            "device: of 9 utterances (50.0 %) it is not recorded. Annotate it",
            id="annotate",
        ),
        pytest.param(
            {"kind": "keep_apart", "of": "speaker train 1.jsonl", "n_more": 12, "n_speakers": 12, "n_utterances": 340},
            "12 speakers are also in train 1.jsonl (340 utterances of 12 people here). Keep people apart",
            id="leak",
        ),
        pytest.param(
            {"kind": "keep_apart", "of": "sentence t", "n_more": 1, "n_speakers": 1, "n_utterances": 1},
            "1 sentence is also in t (1 utterance of 1 person here). A recogniser that learnt them",
            id="sentence",
        ),
        pytest.param(
            {"kind": "remove", "of": "segment", "n_utterances": 2}, "2 utterances repeat an earlier one", id="same"
        ),
        pytest.param(
            {"kind": "remove", "of": "audio", "n_utterances": 1}, "1 utterance repeats an earlier one", id="bytes"
        ),
        pytest.param(
            {"kind": "settle", "of": "audio", "n_utterances": 1},
            "1 group of copies differs in who speaks or in what is said, though they are the same bytes under another",
            id="copies",
        ),
        pytest.param(
            {"kind": "settle", "of": "segment", "n_utterances": 2},
            "2 groups of copies differ in who speaks or in what is said, though they are the same part of the same",
            id="parts",
        ),
        pytest.param(
            {"kind": "settle", "of": "person", "dimension": "age", "n_speakers": 2},
            "age: 2 people have several",
            id="two",
        ),
        pytest.param({"kind": "name_speaker", "n_utterances": 1}, "1 utterance has no speaker id", id="nameless"),
        pytest.param({"kind": "time", "n_utterances": 1200}, "1,200 utterances have no duration", id="time"),
        pytest.param(
            {"kind": "fill", "dimension": "age", "n_speakers": 1, "n_utterances": 7},
            "known for 7 utterances more",
            id="fill",
        ),
        pytest.param({"kind": "vary", "dimension": "age", "n_speakers": 0}, "nobody declared a value", id="none"),
        pytest.param({"kind": "vary", "dimension": "age", "n_speakers": 1}, "nobody to compare with", id="alike"),
        pytest.param(
            {"kind": "share", "dimension": "accent", "slice": "north", "share": 0.05, "share_expected": 0.6},
            "5.0 % of what is said here is also said in another slice; dealt out at random it would be 60.0 %",
            id="share",
        ),
        pytest.param({"kind": "share", "dimension": "a & b", "slice": "x & y"}, "a & b = x & y: people here", id="few"),
        pytest.param(
            {"kind": "level", "dimension": "a", "slice": "x", "n_speakers": 12, "share": 0.4, "share_expected": 4.31},
            "a=x: 12 people weigh as 4.3, for one says 40.0 % of the words",
            id="level",
        ),
        pytest.param({"kind": "level", "dimension": "a", "slice": "x"}, "few say most of the words", id="few-say-most"),
    ],
)
def test_a_step_says_who_how_many_and_what_to_do(row, said):
    told = sentence(EMPTY | row)
    assert said in told
    assert told.endswith(".")
    assert "nan" not in told


def test_every_kind_of_step_has_a_sentence_and_a_heading():
    assert sorted(kind for _, kinds in GROUPS for kind in kinds) == sorted(kind.value for kind in StepKind)
    headed = [kind for _, kinds in GROUPS for kind in kinds]
    order = [kind.value for kind in StepKind]
    assert [order.index(kind) for kind in headed] == sorted(order.index(kind) for kind in headed)


def test_names_that_would_break_a_line_are_on_one():
    row = EMPTY | {"dimension": "accent", "slice": "a\nb\u202ec\x1b[31m"}
    assert subject(row) == "accent=a bc[31m"
