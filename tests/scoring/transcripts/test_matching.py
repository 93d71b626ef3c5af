"""What does not match is listed or refused, never dropped; what people withdrew is seen by nobody."""

import pytest

from harness.errors import HypothesesError
from harness.scoring import Verbatim, score
from harness.scoring.transcripts import MatchOptions, match, read_hypotheses
from harness.scoring.transcripts.stems import stem
from tests.scoring.transcripts.builders import segments, service, texts_of, written

ROWS = [("u1", "clips/u1.wav", 0, 1), ("u2", "clips/u2.wav", 0, 1), ("u3", "clips/u3.wav", 0, 1)]
HEARD = "utterance_id,text\nu1,one\nx1,two\nu2,three\n"


@pytest.fixture
def manifest(tmp_path):
    return segments(tmp_path, ROWS)


def test_transcripts_of_no_utterance_are_listed_with_file_and_line_when_that_is_allowed(tmp_path, manifest):
    path = written(tmp_path, "h.csv", HEARD)
    matched = match(read_hypotheses(path), manifest, MatchOptions(allow_extra=True, allow_missing=True))
    assert texts_of(matched.hypotheses) == {"u1": "one", "u2": "three"}
    assert matched.unmatched[["kind", "utterance_id", "file", "line"]].values.tolist() == [
        ["extra_transcript", "x1", str(path), 3], ["missing_transcript", "u3", None, None],
    ]  # fmt: skip
    assert matched.counts == {"extra_transcript": 1, "missing_transcript": 1, "word_outside": 0, "withdrawn": 0}
    assert matched.notes == (
        "1 transcripts are of no utterance of the manifest: unmatched.csv lists them",
        "1 utterances have no transcript and count as failed: unmatched.csv lists them",
    )
    assert score(manifest, matched.hypotheses, Verbatim(), allow_missing=True)["failed"].tolist() == [
        False,
        False,
        True,
    ]


def test_else_they_stay_for_the_scoring_to_refuse(tmp_path, manifest):
    matched = match(read_hypotheses(written(tmp_path, "h.csv", HEARD)), manifest, MatchOptions())
    assert len(matched.hypotheses) == 3
    with pytest.raises(HypothesesError, match=r"h.csv:3: utterance 'x1' is not in manifest") as raised:
        score(manifest, matched.hypotheses, Verbatim())
    assert len(raised.value.problems) == 2


def test_nothing_that_matches_is_never_allowed(tmp_path, manifest):
    path = written(tmp_path, "h.csv", "utterance_id,text\nx1,a\nx2,b\n")
    matched = match(read_hypotheses(path), manifest, MatchOptions(allow_extra=True, allow_missing=True))
    with pytest.raises(HypothesesError, match=r"no id of the hypotheses \('x1'...\) is one of manifest"):
        score(manifest, matched.hypotheses, Verbatim(), allow_missing=True)


def test_many_that_do_not_match_are_counted_first(tmp_path, manifest):
    rows = "".join(f"x{number},a\n" for number in range(30))
    with pytest.raises(HypothesesError) as raised:
        score(manifest, read_hypotheses(written(tmp_path, "h.csv", f"utterance_id,text\nu1,a\n{rows}")), Verbatim())
    first, *others = raised.value.problems
    assert first.startswith(
        "30 transcripts are of no utterance of manifest 'segments': 'x0', 'x1', 'x2', 'x3', 'x4', …"
    )
    assert "allow_extra=true" in first
    assert len(others) == 30 + 2


def test_a_missing_transcript_is_listed_under_each_condition(tmp_path, manifest):
    content = "utterance_id,text,condition\nu1,a,clean\nu2,b,clean\nu3,c,clean\nu1,a,noise\n"
    matched = match(read_hypotheses(written(tmp_path, "h.csv", content)), manifest, MatchOptions(allow_missing=True))
    assert matched.unmatched[["utterance_id", "condition"]].values.tolist() == [["u2", "noise"], ["u3", "noise"]]


def test_transcripts_of_people_who_withdrew_are_counted_and_listed_nowhere(tmp_path, manifest):
    options = MatchOptions(withdrawn_ids=frozenset({"x1"}))
    matched = match(read_hypotheses(written(tmp_path, "h.csv", HEARD)), manifest, options)
    assert texts_of(matched.hypotheses) == {"u1": "one", "u2": "three"}
    assert matched.unmatched.empty
    assert matched.counts["withdrawn"] == 1
    assert matched.notes == ("1 transcripts of people who withdrew their consent are left out",)


@pytest.mark.parametrize("withdrawn", [frozenset(), frozenset({"gone"})])
def test_words_outside_are_listed_and_unread_where_they_may_be_of_somebody_who_withdrew(tmp_path, withdrawn):
    manifest = segments(tmp_path, [("u1", "rec.wav", 0, 1.3), ("u2", "rec.wav", 2.3, 1)])
    path = written(tmp_path, "rec.json", service("amazon"))
    matched = match(read_hypotheses(path), manifest, MatchOptions(withdrawn_ids=withdrawn))
    assert texts_of(matched.hypotheses) == {"u1": "Two blankets,", "u2": "nine."}
    outside = matched.unmatched
    assert outside["kind"].tolist() == ["word_outside"] * 2
    assert outside["utterance_id"].tolist() == ["rec"] * 2
    assert outside["text"].tolist() == ([None, None] if withdrawn else ["please.", "Room"])
    assert outside["start_s"].tolist() == [1.2, 2.04]
    assert matched.notes[0].startswith("2 words or stretches were heard in the time of no utterance")


def test_names_match_by_stem_where_that_is_asked_for(tmp_path, manifest):
    path = written(tmp_path, "h.trn", "one (elsewhere/u1.mp3)\ntwo (u2)\nthree (u3)\n")
    frame = read_hypotheses(path)
    assert match(frame, manifest, MatchOptions(stem=stem)).hypotheses["utterance_id"].tolist() == ["u1", "u2", "u3"]
    exact = match(frame, manifest, MatchOptions(allow_extra=True))
    assert exact.unmatched["utterance_id"].tolist() == ["elsewhere/u1.mp3"]


def test_a_transcript_with_the_names_of_two_utterances_is_refused(tmp_path, manifest):
    document = service("azure_batch") | {"source": "https://a.example/u1.wav"}
    with pytest.raises(HypothesesError, match="has the names of several utterances, 'u1' and 'u2'; rename its file"):
        match(read_hypotheses(written(tmp_path, "u2.json", document)), manifest, MatchOptions())


def test_words_of_an_utterance_matched_by_its_id_are_kept(tmp_path, manifest):
    matched = match(read_hypotheses(written(tmp_path, "u1.json", service("deepgram"))), manifest, MatchOptions())
    assert [word.text for word in matched.hypotheses["words"].iloc[0]] == ["The", "stairs", "are", "wet."]
