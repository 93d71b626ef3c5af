"""TRN, STM and CTM: words and ids as NIST's tools have them; every line that cannot be read is named."""

import doctest
import importlib
import json
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, HypothesesError
from harness.scoring import Verbatim, score
from harness.scoring.transcripts import Format, MatchOptions, match, read_hypotheses
from tests.scoring.transcripts.builders import heard_in, segments, texts_of, written

RELAXED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
        lambda word: word not in ("@", "{", "/", "}") and not set(word) & set("();")
    ),
    max_size=6,
)

IDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="()"), min_size=1)


def test_a_line_of_trn_is_words_and_an_id(tmp_path):
    path = written(
        tmp_path,
        "h.trn",
        b"\xef\xbb\xbf;; a comment\r\nturn it off (u1)\r\n\r\n(u-2)\r\n"
        b"he (laughs) left   (spk(1)-3)\r\n@ no @ (u4)\r\nl'"
        b"\xc3\xa9t\xc3\xa9\t \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d (u5)\r\n",
    )
    frame = read_hypotheses(path)
    assert texts_of(frame) == {
        "u1": "turn it off", "u-2": "", "spk(1)-3": "he (laughs) left", "u4": "no", "u5": "l'été שלום",
    }  # fmt: skip
    assert frame["line"].tolist() == [2, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        pytest.param("h.trn", "no id here", "ends with 'no id here'; expected the utterance's id in", id="trn-no-id"),
        pytest.param("h.trn", "empty ()", "expected the utterance's id in parentheses", id="trn-empty-id"),
        pytest.param("h.trn", "i { um / @ } see (u1)", "has alternatives in braces", id="trn-alternatives"),
        pytest.param("h.ctm", "rec A 1.0 0.2", "has 4 fields", id="ctm-fields"),
        pytest.param("h.ctm", "rec A one 0.2 word", "has the start 'one'; expected seconds", id="ctm-start"),
        pytest.param("h.ctm", "rec A 1 -0.2 word", "has the length '-0.2'; expected seconds", id="ctm-length"),
        pytest.param("h.ctm", "rec A 1 inf word", "has the length 'inf'; expected seconds", id="ctm-inf"),
        pytest.param("h.ctm", "rec A * * <ALT_BEGIN>", "a mark of alternatives", id="ctm-alternatives"),
        pytest.param("h.ctm", "rec A 1 1 word sure", "has the confidence 'sure'", id="ctm-confidence"),
        pytest.param("h.stm", "rec A spk 1.0", "has 4 fields", id="stm-fields"),
        pytest.param("h.stm", "rec A spk 2 1 words", "ends at 1 before it starts at 2", id="stm-order"),
        pytest.param("h.stm", "rec A spk 1 2 ignore_time_segment_in_scoring", "as references may", id="stm-ignored"),
        pytest.param("h.stm", b"rec A spk 1 2 caf\xe9", "its bytes are not UTF-8", id="latin-1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, name, line, problem):
    data = line if isinstance(line, bytes) else line.encode()
    path = written(tmp_path, name, b";; first\n" + data + b"\n")
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(path)
    (told,) = raised.value.problems
    assert told.startswith(f"{path}:2: ")
    assert problem in told


def test_every_bad_line_is_named_and_an_empty_file_is_no_transcript(tmp_path):
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(written(tmp_path, "h.trn", "a\nb (u1)\nc\n"))
    assert [problem.split(":")[1] for problem in raised.value.problems] == ["1", "3"]
    for content in ("", ";; nothing\n\n"):
        with pytest.raises(HypothesesError, match="is empty; expected a line per utterance"):
            read_hypotheses(written(tmp_path, "h.ctm", content))


def test_words_of_ctm_are_gathered_by_recording_in_the_order_of_time(tmp_path):
    path = written(
        tmp_path, "h.ctm",
        "call A 2.0 0.4 two 0.5\ncall B 1.5 0.2 between NA\ncall A 0.1 0.3 one -3.5 lex spk\nother 1 0 0.5 hi\n"
        "other 1 1 0.5 @\n",
    )  # fmt: skip
    call, other = heard_in(path)
    assert (call.text, other.text) == ("one between two", "hi")
    assert [(each.text, each.channel, each.start_s, each.confidence) for each in call.pieces] == [
        ("one", "A", 0.1, None), ("between", "B", 1.5, None), ("two", "A", 2.0, 0.5),
    ]  # fmt: skip
    assert [word.end for word in other.words()] == [0.5]


def test_stretches_of_stm_lose_their_labels_and_keep_their_times(tmp_path):
    path = written(
        tmp_path, "h.stm",
        ';; LABEL "M" "Male" "Male"\ncall 1 anna 0.5 2.25 <o,f0,male> hello there\ncall 1 ben 2.25 3 <unk> no\n'
        "call 1 anna 3 4\n",
    )  # fmt: skip
    (heard,) = heard_in(path)
    assert [(each.text, each.start_s, each.end_s, each.line) for each in heard.pieces] == [
        ("hello there", 0.5, 2.25, 2), ("no", 2.25, 3, 3), ("", 3, 4, 4),
    ]  # fmt: skip
    assert heard.words() is None


@RELAXED
@given(rows=st.dictionaries(IDS, WORDS, min_size=1, max_size=5), crlf=st.booleans(), bom=st.booleans())
def test_any_words_and_ids_of_trn_come_back(tmp_path, rows, crlf, bom):
    end = "\r\n" if crlf else "\n"
    lines = "".join(f"{' '.join(words)} ({name}){end}" for name, words in rows.items())
    data = b"\xef\xbb\xbf" * bom + lines.encode()
    assert texts_of(read_hypotheses(written(tmp_path, "h.trn", data))) == {
        name: " ".join(words) for name, words in rows.items()
    }


@RELAXED
@given(words=WORDS.filter(bool), starts=st.lists(st.integers(0, 10**6), min_size=6, max_size=6, unique=True))
def test_any_words_of_ctm_come_back_in_the_order_of_time(tmp_path, words, starts):
    timed = list(zip(starts, words, strict=False))
    lines = "".join(f"rec 1 {start / 100:.2f} 0.10 {word}\n" for start, word in timed)
    (heard,) = heard_in(written(tmp_path, "h.ctm", lines))
    assert [(each.start_s, each.text) for each in heard.pieces] == [
        (start / 100, word) for start, word in sorted(timed)
    ]


@RELAXED
@given(data=st.text() | st.binary(), format=st.sampled_from([Format.trn, Format.stm, Format.ctm]))
def test_any_lines_are_read_or_refused_with_file_and_line(tmp_path, data, format):
    path = written(tmp_path, "h.txt", data)
    assert str(path) in (refusal(path, format) or str(path))


def refusal(path, format):
    try:
        read_hypotheses(path, format=format)
    except HarnessError as error:
        return str(error)


def test_a_line_of_a_hundred_thousand_characters_is_read(tmp_path):
    words = "word " * 20_000
    assert texts_of(read_hypotheses(written(tmp_path, "h.trn", f"{words}(u1)\n"))) == {"u1": words.strip()}


@pytest.mark.skipif(shutil.which("sctk") is None, reason="no sctk, NIST's scoring toolkit, on this machine")
def test_sclite_gives_the_same_words_to_the_same_utterances(tmp_path):
    """Both give a word by its middle; sclite adds words of a gap to the next utterance unless the gap is ignored."""
    utterances = [("u1", 0.0, 2.0, "one two three"), ("u2", 2.0, 2.5, "four five"), ("u3", 6.0, 3.0, "six seven eight")]
    heard = [
        (0.1, 0.4, "one"), (0.6, 0.5, "too"), (1.7, 0.4, "three"), (1.95, 0.3, "four"), (3.0, 0.5, "nine"),
        (4.3, 0.5, "gone"), (5.0, 0.5, "between"), (6.2, 0.3, "six"), (6.9, 0.4, "eight"),
    ]  # fmt: skip
    ctm = written(tmp_path, "h.ctm", "".join(f"rec 1 {start} {length} {word}\n" for start, length, word in heard))
    scored = [*utterances[:2], ("gap", 4.5, 1.5, "IGNORE_TIME_SEGMENT_IN_SCORING"), utterances[2]]
    stm = "".join(f"rec 1 s{name} {start} {start + length} {text}\n" for name, start, length, text in scored)
    written(tmp_path, "r.stm", stm)
    manifest = segments(tmp_path, [(name, "rec.wav", start, length) for name, start, length, _ in utterances])
    frame = manifest.frame.assign(text=[text for *_, text in utterances])
    matched = match(read_hypotheses(ctm), manifest, MatchOptions())
    scores = score(replace(manifest, frame=frame), matched.hypotheses, Verbatim())
    command = ["sctk", "sclite", "-r", "r.stm", "stm", "-h", "h.ctm", "ctm", "-o", "rsum", "stdout"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (total,) = [line for line in done.stdout.splitlines() if line.strip().startswith("| Sum ")]
    _, n_words, hits, substitutions, deletions, insertions, *_ = (
        int(field) for field in total.replace("|", " ").split()[1:] if field.isdigit()
    )
    ours = [int(scores[name].sum()) for name in ("hits", "substitutions", "deletions", "insertions")]
    assert [hits, substitutions, deletions, insertions] == ours
    assert n_words == sum(ours[:3]) == 8
    assert matched.counts["word_outside"] == 2


@pytest.mark.parametrize("module", ["naming", "stems", "trn"])
def test_the_examples_in_docstrings_are_true(module):
    assert doctest.testmod(importlib.import_module(f"harness.scoring.transcripts.{module}")).failed == 0


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param(
            "h.trn", "a (u1)\rb (u2)\r", "h.trn:1: has a carriage return in it; end lines in LF", id="old-mac"
        ),
        pytest.param("h.ctm", "rec 1 1_0 .2 a\n", "h.ctm:1: has the start '1_0'; expected seconds", id="underscore"),
        pytest.param("h.ctm", "rec 1 ١ .2 a\n", "h.ctm:1: has the start '١'; expected seconds", id="arabic-digit"),
        pytest.param("h.ctm", "rec 1 1e308 1e308 a\n", "expected an end that is a number, too", id="no-end"),
    ],
)
def test_lines_that_say_something_else_than_they_seem_to_are_refused(tmp_path, name, content, problem):
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(written(tmp_path, name, content))
    assert problem in str(raised.value)


def test_transcripts_are_the_same_in_whatever_they_are_written(tmp_path):
    texts = {"u1": "one two", "u2": "three", "u3": "four five six"}
    rows = [(name, "long/rec.wav", 10.0 * number, 5.0) for number, name in enumerate(texts)]
    words = [
        (word, offset_s + place, offset_s + place + 0.5)
        for name, _, offset_s, _ in rows
        for place, word in enumerate(texts[name].split())
    ]
    timed = [{"word": word, "start": start_s, "end": end_s} for word, start_s, end_s in words]
    whole = " ".join(texts.values())
    nemo = [{"audio_filepath": f"/far/{path}", "offset": at, "pred_text": texts[name]} for name, path, at, _ in rows]
    files = {
        "h.csv": "utterance_id,text\n" + "".join(f"{name},{text}\n" for name, text in texts.items()),
        "h.jsonl": "".join(json.dumps({"utterance_id": name, "text": text}) + "\n" for name, text in texts.items()),
        "h.trn": "".join(f"{text} ({name})\n" for name, text in texts.items()),
        "h.ctm": "".join(f"rec 1 {start_s} {end_s - start_s} {word}\n" for word, start_s, end_s in words),
        "h.stm": "".join(f"rec 1 s {offset_s} {offset_s + 5} {texts[name]}\n" for name, _, offset_s, _ in rows),
        "h.json": "".join(json.dumps(line) + "\n" for line in nemo),
        "long/rec.json": {"results": {"channels": [{"alternatives": [{"transcript": whole, "words": timed}]}]}},
        "other/rec.json": {"text": whole, "segments": [{"text": whole, "start": 0, "end": 25, "words": timed}]},
    }
    manifest = segments(tmp_path / "corpus", rows)
    found = [match(read_hypotheses(written(tmp_path, *each)), manifest, MatchOptions()) for each in files.items()]
    assert [texts_of(each.hypotheses) for each in found] == [texts] * len(files)
    assert all(each.unmatched.empty for each in found)
