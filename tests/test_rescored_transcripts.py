"""Transcripts as services and tools write them, rescored by the command: nothing is lost, what is left over is told."""

import csv
import json

import pytest

from harness.corpus.people import WITHDRAWN_FILE
from tests.builders import FEW_RESAMPLES, harness, hypothesis_lines, tone_corpus, tone_rows
from tests.scoring.transcripts.builders import service, written

ROWS = tone_rows()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_corpus(tmp_path_factory.mktemp("corpus"), ROWS)


def rescored(manifest, hypotheses, *arguments, cwd):
    return harness(
        "rescore", f"manifest.path={manifest}", f"hypotheses={hypotheses}", "normalizer=verbatim", *FEW_RESAMPLES,
        "run_dir=run", "report.html=false", *arguments, cwd=cwd,
    )  # fmt: skip


def summary(folder):
    return json.loads((folder / "run" / "summary.json").read_text())


def unmatched(folder):
    with (folder / "run" / "unmatched.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def counts(folder):
    return json.loads((folder / "run" / "run.json").read_text())["hypotheses"]["unmatched"]


def deepgram(row):
    words = [
        {"word": word, "start": place, "end": place + 0.5, "confidence": 0.9}
        for place, word in enumerate(row["text"].split())
    ]
    return {"results": {"channels": [{"alternatives": [{"transcript": row["text"], "words": words}]}]}}


def test_a_folder_of_a_service_s_answers_is_scored_and_keeps_words_and_failures(corpus, tmp_path):
    for row in ROWS[1:]:
        written(tmp_path, f"heard/{row['utterance_id']}.json", deepgram(row))
    written(tmp_path, f"heard/{ROWS[0]['utterance_id']}.json", service("deepgram_refused"))
    ended = rescored(corpus, "heard", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert (summary(tmp_path)["n_failed"], summary(tmp_path)["n_utterances"]) == (1, 40)
    assert summary(tmp_path)["failure_reasons"] == [{"error": "Bad Request: the upload is no audio", "n": 1}]
    failed, heard, *_ = hypothesis_lines(tmp_path / "run")
    assert failed["text"] is None
    assert [word["start"] for word in heard["words"]] == [0, 1, 2, 3, 4]
    assert not (tmp_path / "run" / "unmatched.csv").exists()
    assert set(counts(tmp_path).values()) == {0}
    again = rescored(corpus, "heard", cwd=tmp_path)  # the same command goes on in the same run
    assert again.exit_status == 0, again.err
    written(tmp_path, f"heard/{ROWS[0]['utterance_id']}.json", deepgram(ROWS[0]))
    other = rescored(corpus, "heard", cwd=tmp_path)
    assert other.exit_status == 2
    assert "hypotheses_digest" in other.err


def test_words_of_long_recordings_go_to_their_segments_and_what_is_left_over_is_listed(tmp_path):
    rows = [
        row | {"audio_filepath": f"long/{row['speaker_id']}.wav", "offset": 10.0 * number, "duration": 6.0}
        for start in range(0, len(ROWS), 4)
        for number, row in enumerate(ROWS[start : start + 4])
    ]
    manifest = written(tmp_path, "manifest.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    lines = [
        f"{row['speaker_id']} 1 {row['offset'] + place} 0.5 {word} 0.75\n"
        for row in rows
        for place, word in enumerate(row["text"].split())
    ]
    written(tmp_path, "heard.ctm", "".join([*lines, "s00 1 7.5 0.5 noise\n", "s99 1 0 1 stranger\n"]))
    refused = rescored(manifest, "heard.ctm", cwd=tmp_path)
    assert refused.exit_status == 1
    assert f"heard.ctm:{len(lines) + 2}: utterance 's99' is not in manifest" in refused.err
    ended = rescored(manifest, "heard.ctm", "allow_extra=true", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert summary(tmp_path)["wer"] == 0.0
    extra, outside = unmatched(tmp_path)
    assert (extra["kind"], extra["utterance_id"], extra["line"]) == ("extra_transcript", "s99", str(len(lines) + 2))
    assert (outside["kind"], outside["utterance_id"], outside["line"]) == ("word_outside", "s00", str(len(lines) + 1))
    assert (extra["text"], outside["text"], outside["start_s"]) == ("", "noise", "7.5")
    assert counts(tmp_path) == {"extra_transcript": 1, "missing_transcript": 0, "word_outside": 1, "withdrawn": 0}
    notes = " ".join(summary(tmp_path)["notes"])
    assert "1 transcripts are of no utterance of the manifest: unmatched.csv lists them" in notes
    assert "1 words or stretches were heard in the time of no utterance" in notes
    assert "unmatched.csv lists them" in (tmp_path / "run" / "report.md").read_text()
    last = hypothesis_lines(tmp_path / "run")[3]["words"][0]
    assert (last["start"], last["confidence"]) == (0.0, 0.75)


def test_extra_and_missing_transcripts_of_a_trn_are_listed_when_both_are_allowed(corpus, tmp_path):
    lines = [f"{row['text']} (clips/{row['utterance_id']}.wav)\n" for row in ROWS[1:]]
    written(tmp_path, "heard.trn", "".join([*lines, "who (stranger)\n"]))
    ended = rescored(corpus, "heard.trn", "stem_ids=true", "allow_missing=true", "allow_extra=true", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert [(row["kind"], row["utterance_id"]) for row in unmatched(tmp_path)] == [
        ("extra_transcript", "stranger"), ("missing_transcript", "00-0"),
    ]  # fmt: skip
    assert summary(tmp_path)["n_failed"] == 1


def test_transcripts_of_people_who_withdrew_are_no_mistake_and_are_nowhere_in_the_run(tmp_path):
    manifest = tone_corpus(tmp_path / "corpus", ROWS)
    (manifest.parent / WITHDRAWN_FILE).write_text("s00\n")
    for row in ROWS:
        written(tmp_path, f"heard/{row['utterance_id']}.txt", f"{row['text']} secret{row['utterance_id']}")
    ended = rescored(manifest, "heard", cwd=tmp_path)
    assert ended.exit_status in (0, 3), ended.err
    assert summary(tmp_path)["n_utterances"] == 36
    assert counts(tmp_path)["withdrawn"] == 4
    kept = "".join(path.read_text() for path in (tmp_path / "run" / "hypotheses").iterdir())
    assert "secret00-" not in kept
    assert "secret01-" in kept


@pytest.mark.parametrize(
    ("hypotheses", "argument", "status", "problem"),
    [
        pytest.param("heard.txt", "format=auto", 2, "cannot tell the format of '.txt'", id="unknown"),
        pytest.param("heard.txt", "format=amazon", 1, "heard.txt: cannot be read as JSON", id="wrongly-named"),
        pytest.param("heard.txt", "format=docx", 2, "format=docx", id="no-format"),
        pytest.param("heard.zip", "format=auto", 2, "Unpack it into a folder of its own", id="archive"),
    ],
)
def test_what_cannot_be_read_ends_in_words(corpus, tmp_path, hypotheses, argument, status, problem):
    written(tmp_path, "heard.txt", "one two three\n")
    written(tmp_path, "heard.zip", b"PK\x03\x04")
    ended = rescored(corpus, hypotheses, argument, cwd=tmp_path)
    assert ended.exit_status == status
    assert problem in ended.err
    assert ended.is_in_words
    assert not (tmp_path / "run").exists()
