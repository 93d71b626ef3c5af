"""What became of terms, numbers and negations: a known case, cases by hand, bad lists, real speech."""

import doctest
import importlib
import re

import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import DataError, UsageError
from harness.scoring import ByLanguage, WhisperEnglish, read_hypotheses, score
from harness.scoring.terms import COUNTS, Term, TermList, count_terms, read_terms, term_scores
from tests.scoring.builders import hypotheses_of, manifest_of
from tests.scoring.term_builders import PLAIN, counted, list_of, naive_recall, pairs_of, totals
from tests.shared import DATA, REPOSITORY, needs_data

WARD = ("milligrams", "morphine", "nurse", "scan", "monitor", "medicine")
# Sentences written for the dossier of methods; the hypotheses of two systems.
SAID = {
    "A1": "the patient was given ten milligrams of morphine at noon",
    "A2": "please call the nurse to the third floor right away",
    "A3": "she said that it was fine and went home",
    "B1": "we are going to need a second opinion on this scan",
    "B2": "turn off the monitor before you leave the room",
    "B3": "he did not take his medicine this morning",
    "C1": "it is raining",
    "C2": "the quick brown fox jumps over the lazy dog",
}
HEARD = {
    "sysA": {
        "A1": "the patient was given ten milligrams of morphine at noon",
        "A2": "please call the nurse to a third floor right away",
        "A3": "she said it was fine and went home",
        "B1": "we are going to need a second opinion on this can",
        "B2": "turn of the monitor before you leave the room",
        "B3": "he did take his medicine this morning",
        "C1": "it is raining",
        "C2": "the quick brown fox jumps over the lazy dog",
    },
    "sysB": {
        "A1": "the patient was given two milligrams of more fiend at noon",
        "A2": "please call a nurse to a bird floor right way",
        "A3": "she said it was fine went home",
        "B1": "we are going need a second opinion on this can",
        "B2": "turn of the motor before you leave a room",
        "B3": "he did take his medicine in the morning",
        "C1": "it is raining raining",
        "C2": "the quick brown box jumps over lazy dog",
    },
}


def ward_scores(system):
    return pairs_of(*((SAID[key], HEARD[system][key]) for key in SAID))


@pytest.mark.parametrize(
    ("system", "hits", "wer", "lost"),
    [
        pytest.param("sysA", 5, 0.0725, {"scan": "can"}, id="sysA"),
        pytest.param("sysB", 3, 0.2899, {"scan": "can", "morphine": "more fiend", "monitor": "motor"}, id="sysB"),
    ],
)
def test_a_low_word_error_rate_hides_what_matters(system, hits, wer, lost):
    """V13.1 of the dossier of methods."""
    scores = ward_scores(system)
    errors = scores[["substitutions", "deletions", "insertions"]].to_numpy().sum()
    assert errors / scores[["hits", "substitutions", "deletions"]].to_numpy().sum() == pytest.approx(wer, abs=5e-5)
    found = counted(scores, list_of(*WARD))
    sums = totals(found)
    assert (sums["term_spans"], sums["term_hits"], sums["term_spurious"]) == (6, hits, 0)
    assert (sums["negations"], sums["negations_lost"], sums["negations_added"]) == (1, 1, 0)
    missed = found.spans.query("what == 'term' and outcome == 'missed'")
    assert dict(zip(missed["said"], missed["heard"], strict=True)) == lost
    b3 = scores.iloc[5]
    assert (b3["hits"] + b3["deletions"] + b3["substitutions"], found.scores["negations_lost"][5]) == (8, 1)


@needs_data("vectors/sctk")
@pytest.mark.parametrize("system", ["sysA", "sysB"])
def test_the_sentences_here_are_those_of_the_dossier(system):
    def texts(name):
        lines = (DATA / "vectors" / "sctk" / f"{name}.trn").read_text(encoding="utf-8").splitlines()
        return [re.sub(r" *\(.*\)$", "", line) for line in lines if line]

    assert texts("ref") == list(SAID.values())
    assert texts(system) == list(HEARD[system].values())


# Terms, by hand: reference, hypothesis, spans, hits, spans of the hypothesis, spurious ones

TABLETS = list_of(
    Term("ten milligrams", variants=("10 mg", "10mg")),
    Term("scan", forms=("scans",), variants=("computed tomography",)),
    "blood pressure",
    "blood",
    "doctor smith",
)


@pytest.mark.parametrize(
    ("said", "heard", "counts"),
    [
        pytest.param("a scan now", "a scan now", (1, 1, 1, 0), id="heard"),
        pytest.param("a scan now", "a can now", (1, 0, 0, 0), id="misheard"),
        pytest.param("a scan now", "", (1, 0, 0, 0), id="nothing-heard"),
        pytest.param("", "a scan now", (0, 0, 1, 1), id="nothing-said"),
        pytest.param("a can now", "a scan now", (0, 0, 1, 1), id="invented"),
        pytest.param("a scan now", "a scans now", (1, 0, 1, 1), id="another-form-is-not-what-was-said"),
        pytest.param("a scan now", "a computed tomography now", (1, 1, 1, 0), id="longer-variant"),
        pytest.param("a computed tomography now", "a scan now", (1, 1, 1, 0), id="term-for-its-variant"),
        pytest.param("give ten milligrams now", "give 10 mg now", (1, 1, 1, 0), id="variant"),
        pytest.param("give ten milligrams now", "give 10mg now", (1, 1, 1, 0), id="shorter-variant"),
        pytest.param("give ten milligrams now", "give ten now", (1, 0, 0, 0), id="half"),
        pytest.param("give ten milligrams now", "give ten of milligrams now", (1, 0, 0, 0), id="torn-apart"),
        pytest.param("give ten milligrams", "10 mg give ten", (1, 0, 1, 1), id="variant-elsewhere"),
        pytest.param("see doctor smith", "see nurse smith", (1, 0, 0, 0), id="wrong-part"),
        pytest.param("blood pressure", "blood pleasure", (1, 0, 1, 0), id="a-shorter-term-in-it-was-said"),
        pytest.param("blood pleasure", "blood pressure", (1, 1, 1, 1), id="a-longer-term-over-it-was-not"),
        pytest.param("scan scan", "computed tomography", (2, 1, 1, 0), id="one-variant-stands-for-one"),
        pytest.param("scan scan", "scan", (2, 1, 1, 0), id="said-twice-heard-once"),
        pytest.param("scan", "scan scan", (1, 1, 2, 1), id="said-once-heard-twice"),
    ],
)
def test_terms_by_hand(said, heard, counts):
    sums = totals(counted(pairs_of((said, heard)), TABLETS))
    names = ("term_spans", "term_hits", "term_hypothesis_spans", "term_spurious")
    assert tuple(sums[name] for name in names) == counts


def test_a_smaller_part_of_a_term_does_not_stand_for_it():
    smith = list_of(Term("doctor smith", variants=("smith",)))
    assert totals(counted(pairs_of(("the doctor smith", "the smith")), smith))["term_hits"] == 1
    assert totals(counted(pairs_of(("the doctor smith", "the nurse smith")), smith))["term_hits"] == 0


# Words of terms: words, hits, substitutions, deletions, insertions


@pytest.mark.parametrize(
    ("said", "heard", "counts"),
    [
        pytest.param("a blood pressure b", "a blood pleasure b", (2, 1, 1, 0, 0), id="half-a-term-is-half-right"),
        pytest.param("a blood pressure b", "a pressure b", (2, 1, 0, 1, 0), id="deleted"),
        pytest.param("a b", "a blood b", (0, 0, 0, 0, 1), id="an-inserted-word-of-the-list-counts"),
        pytest.param("a b", "a pressure b", (0, 0, 0, 0, 1), id="also-a-word-within-a-term"),
        pytest.param("a b", "a c b", (0, 0, 0, 0, 0), id="another-does-not"),
        pytest.param("a scan b", "a computed tomography b", (1, 1, 0, 0, 0), id="a-variant-is-right-as-a-whole"),
        pytest.param("x scan b c", "scan b c y", (1, 1, 0, 0, 0), id="errors-elsewhere-do-not-count"),
    ],
)
def test_words_of_terms_by_hand(said, heard, counts):
    sums = totals(counted(pairs_of((said, heard)), TABLETS))
    found = tuple(sums[f"keyword_{name}"] for name in ("words", "hits", "substitutions", "deletions", "insertions"))
    assert found == counts


def test_weights_count_a_word_as_often_as_they_say():
    weighty = list_of(Term("morphine", weight=5), Term("blood pressure", weight=2))
    scores = pairs_of(("some morphine for blood pressure", "some for blood pressure morphine"))
    sums = totals(counted(scores, weighty))
    assert sums["weighted_hits"] == 2 + 2 * 2
    assert sums["weighted_deletions"] == 5
    assert sums["weighted_insertions"] == 5
    assert sums["weighted_substitutions"] == 0


# Negations: all, lost, added


@pytest.mark.parametrize(
    ("said", "heard", "counts"),
    [
        pytest.param("he did not take it", "he did take it", (1, 1, 0), id="lost"),
        pytest.param("he did take it", "he did not take it", (0, 0, 1), id="added"),
        pytest.param("he did not take it", "he didn't take it", (1, 0, 0), id="contracted"),
        pytest.param("he can not go", "he cannot go", (1, 0, 0), id="in-one-word"),
        pytest.param("i never go", "i not go", (1, 0, 0), id="another-word-that-says-no"),
        pytest.param("no i know", "know i no", (1, 1, 1), id="lost-here-and-added-there"),
        pytest.param("not now not here", "now not here", (2, 1, 0), id="one-of-two"),
        pytest.param("we won't", "", (1, 1, 0), id="nothing-heard"),
        pytest.param("a knot", "a note", (0, 0, 0), id="whole-words"),
    ],
)
def test_negations_by_hand(said, heard, counts):
    sums = totals(counted(pairs_of((said, heard)), list_of()))
    assert (sums["negations"], sums["negations_lost"], sums["negations_added"]) == counts


def test_a_text_without_a_language_has_no_negations_but_under_english_rules():
    scores = pairs_of(("he did not go", "he did go"))
    assert totals(count_terms(scores, list_of(), PLAIN))["negations"] == 0
    assert totals(count_terms(scores, list_of(), PLAIN, languages={"u0": "de"}))["negations"] == 0
    assert totals(count_terms(scores, list_of(), PLAIN, languages={"u0": "en-GB"}))["negations"] == 1
    assert totals(count_terms(scores, list_of(), WhisperEnglish()))["negations"] == 1


def test_terms_of_a_language_are_looked_for_in_its_utterances(caplog):
    terms = list_of(Term("gift", language="de"), Term("scan"), Term("regalo", language="es"))
    scores = pairs_of(("gift scan", "gift scan"), ("gift scan", "gift scan"))
    found = count_terms(scores, terms, ByLanguage(), languages={"u0": "de-AT", "u1": "en"})
    assert found.scores["term_spans"].tolist() == [2, 1]
    assert "1 terms" in caplog.text


def test_an_empty_list_leaves_numbers_and_negations():
    sums = totals(counted(pairs_of(("not 5 mg", "5 mg")), TermList(())))
    assert [sums[name] for name in COUNTS if name.startswith(("term", "keyword"))] == [0] * 9
    assert (sums["number_spans"], sums["negations"]) == (1, 1)


def test_many_rows_are_counted_in_shares_as_in_one(monkeypatch):
    scores = pairs_of(*([("a b c", "a c"), ("not 5", "5"), ("d", "d"), ("x", "y")] * 20))
    whole = counted(scores, list_of("a", "b c", "d"))
    monkeypatch.setattr("harness.scoring.beside.WORTH_IT", 10)
    monkeypatch.setattr("harness.scoring.beside.SMALLEST_SHARE", 7)
    monkeypatch.setattr("harness.scoring.beside._n_processes", lambda: 3)
    shares = counted(scores, list_of("a", "b c", "d"))
    pd.testing.assert_frame_equal(whole.scores, shares.scores)
    pd.testing.assert_frame_equal(whole.spans, shares.spans)


def test_a_failed_clip_misses_everything_under_every_condition(tmp_path):
    manifest = manifest_of(tmp_path, {"u1": "give morphine", "u2": "not ten milligrams"})
    heard = pd.concat(
        [
            hypotheses_of({"u1": "give morphine", "u2": "not ten milligrams"}, condition="clean"),
            hypotheses_of({"u1": None, "u2": "ten milligrams"}, condition="kitchen_0db"),
        ]
    )
    scores = score(manifest, heard, WhisperEnglish())
    found = term_scores(scores, list_of("morphine", "milligrams"), WhisperEnglish())
    assert found[["utterance_id", "condition"]].equals(scores[["utterance_id", "condition"]])
    assert found["term_spans"].tolist() == [1, 1, 1, 1]
    assert found["term_hits"].tolist() == [1, 1, 0, 1]
    assert found["negations_lost"].tolist() == [0, 0, 0, 1]
    assert found["dose_hits"].tolist() == [0, 1, 0, 1]


def test_terms_are_normalised_by_the_rules_of_the_run():
    terms = list_of(Term("Twenty-five doors", variants=("25 Doors!",)), "colour")
    scores = pairs_of(("25 doors in color", "25 doors in color"))
    assert totals(count_terms(scores, terms, WhisperEnglish()))["term_hits"] == 2


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        pytest.param([Term("?!", where="t.csv:4")], r"t\.csv:4: '\?!' has no word left", id="no-word"),
        pytest.param([Term("a " * 21)], "has 21 words; expected at most 20", id="too-many-words"),
        pytest.param(
            [Term("Scan", where="t.csv:2"), Term("x", forms=("scan.",), where="t.csv:3")],
            r"t\.csv:3: 'scan\.' of term 'x' is, under lowercase.*, also one of term 'Scan' \(t\.csv:2\)",
            id="two-terms-with-one-form",
        ),
    ],
)
def test_terms_that_cannot_be_told_are_named(terms, message):
    with pytest.raises(DataError, match=message):
        counted(pairs_of(("a", "a")), list_of(*terms))


def test_every_bad_term_is_named_at_once():
    with pytest.raises(DataError) as raised:
        counted(pairs_of(("a", "a")), list_of(Term("!", where="t:2"), Term("?", where="t:3")))
    assert [line.partition(": ")[0] for line in str(raised.value).splitlines()] == ["t:2", "t:3"]


def test_scores_without_texts_are_refused():
    with pytest.raises(UsageError, match="lack hypothesis"):
        counted(pairs_of(("a", "a")).drop(columns="hypothesis"), list_of("a"))


@pytest.mark.parametrize("name", ["term_list", "lexicon", "critical_words", "written_numbers", "matching"])
def test_the_examples_in_the_documentation_hold(name):
    module = importlib.import_module(f"harness.scoring.terms.{name}")
    assert doctest.testmod(module, extraglobs={"TermList": TermList, "Term": Term}).failed == 0


# Real speech


def test_every_room_and_device_of_the_demo_is_found_where_it_is_said():
    manifest = Manifest.load(REPOSITORY / "manifests" / "demo" / "manifest.jsonl", require_audio=False)
    texts = dict(zip(manifest.frame["utterance_id"], manifest.frame["text"], strict=True))
    terms = read_terms(REPOSITORY / "examples" / "terms.csv")
    languages = dict(zip(manifest.frame["utterance_id"], manifest.frame["language"], strict=True))
    perfect = score(manifest, hypotheses_of(texts), ByLanguage())
    sums = totals(count_terms(perfect, terms, ByLanguage(), languages=languages))
    assert sums["term_spans"] == sums["term_hits"] > len(texts) / 2
    alone = [term.term for term in terms.terms if term.term in ("kitchen", "oven", "thermostat", "dishwasher")]
    spans = count_terms(perfect, terms, ByLanguage(), languages=languages).spans
    for term in alone:
        assert (spans["term"] == term).sum() == sum(text.split().count(term) for text in texts.values())
    with_unit = [text for text in texts.values() if re.search("second|minute|degree|percent", text)]
    assert sums["dose_spans"] == sums["dose_hits"] == len(with_unit)


@needs_data("edacc")
def test_place_names_of_edacc_are_recalled_as_a_naive_search_says():
    path = DATA / "edacc" / "whisper-large-v3-turbo.jsonl"
    columns = {"utterance_id": "utt_id", "text": "ref_raw", "speaker_id": "speaker"}
    manifest = Manifest.load(path, columns=columns, require_audio=False)
    heard = read_hypotheses(path, columns={"utterance_id": "utt_id", "text": "hyp_raw"})
    scores = score(manifest, heard, WhisperEnglish(), reference_pattern=r"<[^<>]*>")
    places = ["london", "edinburgh", "south africa", "africa", "nigeria", "india", "vietnam", "new york", "spain"]
    sums = totals(count_terms(scores, list_of(*places), WhisperEnglish()))
    some = scores[scores["reference"].str.contains("|".join(places))]
    assert (sums["term_spans"], sums["term_hits"]) == naive_recall(
        zip(some["reference"], some["hypothesis"], strict=True), places
    )
    assert sums["term_spans"] > 100
    assert 0.85 < sums["term_hits"] / sums["term_spans"] < 0.99
    assert sums["number_spans"] > 1_000
    assert 0.6 < sums["number_hits"] / sums["number_spans"] < 0.99
