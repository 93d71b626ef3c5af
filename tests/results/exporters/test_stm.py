"""STM segments say what the manifest says, sclite reads them and their labels, and an import finds all of it again."""

import re

import pytest
from hypothesis import given, settings

from harness.errors import UsageError
from harness.results.exporters.stm import MOST_LABELS, transcript
from harness.results.exporters.table import export_table
from tests.corpus.builders import row, self_reported
from tests.corpus.importers.builders import RELEASES, imported
from tests.results.exporters.line_round_trips import (
    ATTRIBUTES,
    ODD_TEXTS,
    check_round_trip,
    check_same,
    manifests,
    written,
)
from tests.results.exporters.sclite import counts_in, needs_sclite, report
from tests.results.exporters.tables import scored, table_of

PEOPLE = {"accent": self_reported("accent", description='Own words: "as said"'), "gender": self_reported()}
SAID = (
    "turn it off",
    "so it is",
    "i 've { um / uh / @ } kept bees",
    "",
    "that } is it",
    "a;b c* (d) <e> " + "f" * 2_000,
)


def people(n_rows):
    return [
        row(
            f"u{number}",
            text=SAID[number % len(SAID)],
            speaker_id=f"s {number % 3}",
            audio_filepath=f"a/talk {number % 2}.wav",
            offset=number * 10.0,
            duration=2.5,
            accent=("scottish", "south asian, in part", None)[number % 3],
            gender=("f", "m")[number % 2],
        )
        for number in range(n_rows)
    ]


def test_segments_are_sorted_as_sclite_wants_and_carry_the_attributes(tmp_path):
    written("stm", table_of(tmp_path / "m", people(4), PEOPLE), tmp_path / "out")
    assert (tmp_path / "out/ref.stm").read_text().splitlines() == [
        ';; CATEGORY "0" "" ""',
        ';; LABEL "O" "Overall" "All segments"',
        ';; CATEGORY "1" "accent" "Own words: \'as said\'"',
        ';; LABEL "scottish" "scottish" ""',
        ';; LABEL "south%20asian%2c%20in%20part" "south asian, in part" ""',
        ';; CATEGORY "2" "gender" ""',
        ';; LABEL "f" "f" ""',
        ';; LABEL "m" "m" ""',
        "talk%200 1 s%200 0 2.5 <O,scottish,f> turn it off",
        "talk%200 1 s%202 20 22.5 <O,,f> i 've { um / uh / @ } kept bees",
        "talk%201 1 s%201 10 12.5 <O,south%20asian%2c%20in%20part,m> so it is",
        "talk%201 1 s%200 30 32.5 <O,scottish,m>",
    ]
    assert (tmp_path / "out/wav.scp").read_text() == (
        f"talk%200 {tmp_path}/m/a/talk 0.wav\ntalk%201 {tmp_path}/m/a/talk 1.wav\n"
    )


@settings(max_examples=60, deadline=None)
@given(manifests())
def test_export_and_import_lose_nothing(rows):
    check_round_trip("stm", rows)


@pytest.mark.parametrize("language", [None, "en"])
def test_export_and_import_keep_the_language_of_the_corpus(language):
    rows = [row("a", duration=1.0, language="hi"), row("b", duration=1.0, offset=2.0)]
    check_round_trip("stm", [{**dict.fromkeys(ATTRIBUTES), **each} for each in rows], language=language)


def test_an_import_export_and_import_of_stm_lose_nothing(tmp_path):
    before = imported("stm", RELEASES / "stm", tmp_path / "1")
    written("stm", export_table(before, {}), tmp_path / "out")
    after = imported("stm", tmp_path / "out", tmp_path / "2")
    check_same(before, after)
    assert (
        "talk_2031 1 Rosa_Field 15.71 18.28 <O,f0,female> i 've { um / uh / @ } kept <unk> bees"
        in (tmp_path / "out/ref.stm").read_text()
    )


def test_a_duration_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(UsageError, match="1 utterances have no duration and no recording that says it, such as 'u2'"):
        written("stm", table_of(tmp_path / "m", [row("u1", duration=1.0), row("u2")]), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_attributes_with_more_values_than_sclite_has_room_for_are_in_no_label(tmp_path):
    declared = {name: self_reported() for name in ("accent", "town", "gender")}
    rows = [
        row(f"u{n}", duration=1.0, offset=float(n), accent=f"a{n % 10}", town=f"t{n}", gender="fm"[n % 2])
        for n in range(30)
    ]
    written("stm", table_of(tmp_path / "m", rows, declared), tmp_path / "out")
    header = [line for line in (tmp_path / "out/ref.stm").read_text().splitlines() if line.startswith(";;")]
    assert [line.split('"')[3] for line in header if "CATEGORY" in line] == ["", "accent", "gender"]
    assert sum("LABEL" in line for line in header) == 1 + 10 + 2 <= MOST_LABELS
    assert imported("stm", tmp_path / "out", tmp_path).frame.set_index("utterance_id")["town"]["u29"] == "t29"


@pytest.mark.parametrize("text", [*ODD_TEXTS, "{ a }", "{ / }", "{a/b}", "{ a / { b / c } }", "}{", "w" * 91, "é" * 46])
def test_a_transcript_is_a_line_that_says_nothing_else(text):
    line = transcript(text)
    assert "\n" not in line
    assert line == line.strip(" \t\r\n")
    assert all(len(word.encode()) <= 90 for word in line.split())
    assert line.casefold() not in ("ignore_time_segment_in_scoring", "<na>")


def test_a_run_adds_the_same_segments_with_what_was_returned(tmp_path):
    table = scored([("turn it off", "turn on"), ("so it is", None)], speakers=["s", None])
    written("stm", table, tmp_path / "out")
    segments = [line for line in (tmp_path / "out/hyp.stm").read_text().splitlines() if not line.startswith(";;")]
    assert segments == ["u0 1 s 0 1 <O> turn on", "u1 1 unknown 0 1 <O>"]
    assert imported("stm", tmp_path / "out", tmp_path).frame["text"].tolist() == ["turn it off", "so it is"]


def heard_at_once(folder):
    """Write the reference's words as a hypothesis, but the last of each segment, at a time that lies in it."""
    lines = []
    for line in (folder / "ref.stm").read_text().splitlines():
        if not line.startswith(";;"):
            recording, channel, _, begin, end, *rest = line.split(maxsplit=6)
            middle = (float(begin) + float(end)) / 2
            words = re.sub(r"\{|/[^{}]*\}", " ", rest[1]).split()[:-1] if len(rest) > 1 else []
            lines += [f"{recording} {channel} {middle} 0 {word}" for word in words]
    (folder / "hyp.ctm").write_text("".join(f"{line}\n" for line in lines))


@needs_sclite
def test_sclite_reads_the_reference_whatever_was_said(tmp_path):
    texts = [*SAID, *ODD_TEXTS, "{ a }", "{ / }", "{a/b}", "{ a / { b / c } d }", "}{", "é" * 500]
    rows = [
        row(f"u{n}", text=text, audio_filepath="a.wav", offset=n * 5.0, duration=2.0) for n, text in enumerate(texts)
    ]
    written("stm", table_of(tmp_path / "m", rows), tmp_path / "out")
    heard_at_once(tmp_path / "out")
    arguments = ["-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm", "-e", "utf-8", "-s", "-o", "pralign", "stdout"]
    (found,) = counts_in(report(arguments, tmp_path / "out"))
    assert len(found) == len(rows)


@needs_sclite
def test_the_labels_are_the_slices_of_sclite_s_report(tmp_path):
    rows = [{**each, "text": "turn it off"} for each in people(12)]
    written("stm", table_of(tmp_path / "m", rows, PEOPLE), tmp_path / "out")
    heard_at_once(tmp_path / "out")
    said = report(["-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm", "-s", "-o", "lur", "stdout"], tmp_path / "out")
    (total,) = [line for line in said.splitlines() if "Set Sum/Avg" in line]
    assert re.findall(r"\[(\d+)\] +([0-9.]+)", total) == [
        ("36", "33.3"),  # all: 12 utterances of 3 words, one of which nobody heard
        *[("12", "33.3")] * 2,  # scottish, south asian in part; those who said nothing have no column
        *[("18", "33.3")] * 2,  # f, m
    ]
