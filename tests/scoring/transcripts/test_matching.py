"""What does not match is listed or refused, never dropped; what people withdrew is seen by nobody."""

import pytest

from harness.errors import HypothesesError
from harness.scoring import Verbatim, score
from harness.scoring.transcripts import MatchOptions, match, read_hypotheses
from harness.scoring.transcripts.stems import stem, stems, suggest_stems, with_stems
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


def test_transcripts_of_people_who_withdrew_are_counted_and_listed_nowhere(tmp_path):
    manifest = segments(tmp_path, [*ROWS, ("x1", "clips/x1.wav", 0, 1)], withdrawn=["x1"])
    matched = match(read_hypotheses(written(tmp_path, "h.csv", HEARD)), manifest, MatchOptions())
    assert texts_of(matched.hypotheses) == {"u1": "one", "u2": "three"}
    assert matched.unmatched.empty
    assert matched.counts["withdrawn"] == 1
    assert matched.notes == ("1 transcripts of people who withdrew their consent are left out",)


@pytest.mark.parametrize("withdrawn", [[], ["gone"]])
def test_words_outside_are_listed_and_unread_where_they_may_be_of_somebody_who_withdrew(tmp_path, withdrawn):
    rows = [("u1", "rec.wav", 0, 1.3), ("u2", "rec.wav", 2.3, 1), ("gone", "other.wav", 0, 1)]
    manifest = segments(tmp_path, rows, withdrawn=withdrawn)
    path = written(tmp_path, "rec.json", service("amazon"))
    matched = match(read_hypotheses(path), manifest, MatchOptions())
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


class TestWithdrawnFromARecording:
    ROWS = (("u1", "calls/rec.wav", 0, 1.3, "A"), ("gone", "calls/rec.wav", 1.3, 1, "B"))

    def test_a_transcript_without_times_is_not_given_whole_to_the_one_who_stays(self, tmp_path):
        manifest = segments(tmp_path, self.ROWS, withdrawn=["gone"])
        path = written(tmp_path, "heard/rec.txt", "mine and theirs")
        with pytest.raises(
            HypothesesError, match=r"rec.txt:1: .* is of a recording with 2 utterances, and has no times"
        ):
            match(read_hypotheses(path.parent), manifest, MatchOptions())

    def test_words_in_their_time_are_theirs_and_listed_nowhere(self, tmp_path):
        manifest = segments(tmp_path, self.ROWS, withdrawn=["gone"])
        path = written(tmp_path, "rec.ctm", "rec 1 0.2 0.4 mine\nrec 1 1.6 0.4 theirs\nrec 1 5 0.4 whose\n")
        matched = match(read_hypotheses(path), manifest, MatchOptions())
        assert texts_of(matched.hypotheses) == {"u1": "mine"}
        assert matched.unmatched[["line", "text"]].values.tolist() == [[3, None]]
        assert matched.counts["withdrawn"] == 1

    def test_their_channel_takes_no_word_of_another(self, tmp_path):
        rows = [("u1", "rec.wav", 0, 2, "A"), ("gone", "rec.wav", 1, 2, "B")]
        manifest = segments(tmp_path, rows, withdrawn=["gone"])
        path = written(tmp_path, "rec.ctm", "rec A 0.2 0.4 mine\nrec A 1.6 0.3 too\nrec B 1.7 0.3 theirs\n")
        matched = match(read_hypotheses(path), manifest, MatchOptions())
        assert texts_of(matched.hypotheses) == {"u1": "mine too"}
        assert matched.unmatched.empty

    @pytest.mark.parametrize("name", ["h.ctm", "heard/long/theirs.txt"])
    def test_a_recording_that_was_all_theirs_is_not_unknown(self, tmp_path, name):
        rows = [("u1", "rec.wav", 0, 2), ("gone", "long/theirs.wav", 0, 2), ("gone2", "long/theirs.wav", 2, 2)]
        manifest = segments(tmp_path, rows, withdrawn=["gone", "gone2"])
        content = "theirs 1 0.2 0.4 words\n" if name.endswith("ctm") else "their words"
        path = written(tmp_path, name, content)
        source = path if path.suffix == ".ctm" else tmp_path / "heard"
        matched = match(read_hypotheses(source), manifest, MatchOptions(allow_missing=True))
        assert matched.hypotheses.empty
        assert matched.counts == {"extra_transcript": 0, "missing_transcript": 1, "word_outside": 0, "withdrawn": 1}

    def test_without_folders_and_extensions_nobody_gets_their_transcript(self, tmp_path):
        rows = [("a/1.wav", "a/1.wav", 0, 2), ("b/1.wav", "b/1.wav", 0, 2)]
        with pytest.raises(HypothesesError, match=r"ids 'a/1.wav' and 'b/1.wav' are both '1' without folder"):
            with_stems(segments(tmp_path, rows, withdrawn=["b/1.wav"]))
        other = with_stems(segments(tmp_path, [*rows[:1], ("b/2.wav", "b/2.wav", 0, 2)], withdrawn=["b/2.wav"]))
        assert (other.frame["utterance_id"].tolist(), other.left_out.utterance_ids) == (["1"], {"2"})


class TestTheFirstUtteranceIsCalledAsItsRecording:
    ROWS = (("s", "long/rec.wav", 0, 2), ("t", "long/rec.wav", 2, 3))

    def heard(self, folder, files):
        for name, content in files.items():
            written(folder / "heard", name, content)
        manifest = segments(folder, self.ROWS, derived_ids=True)
        return match(read_hypotheses(folder / "heard"), manifest, MatchOptions(allow_missing=True))

    def test_the_words_of_the_recording_are_not_all_of_the_first(self, tmp_path):
        words = [{"word": word, "start": start, "end": start + 0.3} for word, start in (("one", 0.2), ("two", 2.2))]
        document = {"results": {"channels": [{"alternatives": [{"transcript": "one two", "words": words}]}]}}
        matched = self.heard(tmp_path, {"long/rec.json": document})
        assert texts_of(matched.hypotheses) == {"long/rec": "one", "long/rec#2": "two"}

    def test_a_text_beside_those_of_the_others_is_of_the_first(self, tmp_path):
        matched = self.heard(tmp_path, {"long/rec.txt": "one", "long/rec#2.txt": "two"})
        assert texts_of(matched.hypotheses) == {"long/rec": "one", "long/rec#2": "two"}

    def test_a_text_alone_may_be_of_all_and_is_refused(self, tmp_path):
        with pytest.raises(HypothesesError, match="is of a recording with 2 utterances, and has no times"):
            self.heard(tmp_path, {"long/rec.txt": "one two"})

    def test_starts_of_segments_are_no_extensions(self, tmp_path):
        rows = [("s", "rec.wav", 2.2, 1), ("t", "rec.wav", 2.5, 1)]
        manifest = with_stems(segments(tmp_path, rows, derived_ids=True))
        assert manifest.frame["utterance_id"].tolist() == ["rec#2.2", "rec#2.5"]


def test_a_recording_of_another_folder_is_another(tmp_path):
    manifest = segments(tmp_path, [("x", "a/rec.wav", 0, 1)])
    frame = read_hypotheses(written(tmp_path, "heard/b/rec.txt", "one").parent.parent)
    exact = match(frame, manifest, MatchOptions())
    assert exact.hypotheses["utterance_id"].tolist() == ["b/rec"]
    with pytest.raises(HypothesesError, match=r"none of its 1 ids .* but 'b/rec' there .* Set stem_ids=true"):
        suggest_stems(exact.hypotheses["utterance_id"], manifest, tmp_path / "heard")
    assert match(frame, manifest, MatchOptions(stem=stem)).hypotheses["utterance_id"].tolist() == ["x"]


def test_of_many_ids_that_become_one_a_thousand_are_named(tmp_path):
    with pytest.raises(HypothesesError) as raised:
        stems([f"{number}/u.wav" for number in range(5_000)], tmp_path / "h.csv")
    assert len(raised.value.problems) == 1_000
