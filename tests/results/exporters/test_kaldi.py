"""A Kaldi data folder says what the manifest says, as Kaldi's own scripts want it; an import finds all of it again."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.results.exporters.table import export_table
from tests.corpus.builders import row, self_reported
from tests.corpus.importers.builders import RELEASES, imported
from tests.results.exporters.line_round_trips import (
    check_round_trip,
    check_same,
    manifests,
    without_some_durations,
    written,
)
from tests.results.exporters.tables import scored, table_of

PEOPLE = {"accent": self_reported("accent"), "dur": self_reported()}
ROWS = [
    row("t-2", speaker_id="t", audio_filepath="a.wav", offset=1.5, duration=0.5, text="so  it is", dur="long"),
    row("s-1", speaker_id="s", audio_filepath="a.wav", duration=1.5, text="", accent="south of the river"),
    row("s-3", speaker_id="s", audio_filepath="b/a.wav", offset=0.1, text="hm", language="en-GB"),
]


def content(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_a_folder_is_what_kaldi_reads(tmp_path):
    table = table_of(tmp_path / "manifest", ROWS, PEOPLE, language="en")
    written("kaldi", table, tmp_path / "out")
    files = content(tmp_path / "out")
    del files["datasheet.yaml"]
    root = tmp_path / "manifest"
    assert files == {
        "text": "s-1\ns-3 hm\nt-2 so  it is\n",
        "utt2spk": "s-1 s\ns-3 s\nt-2 t\n",
        "spk2utt": "s s-1 s-3\nt t-2\n",
        "wav.scp": f"a {root}/a.wav\na-2 {root}/b/a.wav\n",
        "segments": "s-1 a 0 1.5\ns-3 a-2 0.1 -1\nt-2 a 1.5 2\n",
        "utt2lang": "s-1 en\ns-3 en-GB\nt-2 en\n",
        "utt2accent": "s-1 south of the river\n",
        "utt2%64ur": "t-2 long\n",
    }


def test_recordings_that_are_utterances_need_no_segments(tmp_path):
    rows = [row("a", audio_filepath="1.wav", duration=0.1), row("b", audio_filepath="2 3.wav", duration=2)]
    written("kaldi", table_of(tmp_path / "m", rows), tmp_path / "out")
    files = content(tmp_path / "out")
    assert "segments" not in files
    assert files["wav.scp"] == f"a {tmp_path}/m/1.wav\nb {tmp_path}/m/2 3.wav\n"
    assert files["utt2dur"] == "a 0.1\nb 2\n"


def test_lengths_and_languages_are_listed_of_all_or_none_since_kaldi_wants_the_same_utterances_everywhere(tmp_path):
    rows = [row("a", audio_filepath="1.wav", duration=0.1, language="en"), row("b", audio_filepath="2.wav")]
    written("kaldi", table_of(tmp_path / "m", rows), tmp_path / "out")
    files = content(tmp_path / "out")
    assert files["segments"] == "a 1 0 0.1\nb 2 0 -1\n"
    assert not {"utt2dur", "utt2lang"} & set(files)
    after = imported("kaldi", tmp_path / "out", tmp_path).frame
    assert after["language"].tolist() == ["en", None]
    assert after["duration"].isna().tolist() == [False, True]


def test_every_file_is_in_the_order_of_its_bytes(tmp_path):
    rows = [
        row(name, audio_filepath=f"{name}.wav", speaker_id=name)
        for name in ("é", "b", "B", "a-b", "a b", "a", "𝔸", "z")
    ]
    written("kaldi", table_of(tmp_path / "m", rows), tmp_path / "out")
    for name in ("text", "utt2spk", "spk2utt", "wav.scp"):
        keys = [line.split(b" ")[0] for line in (tmp_path / "out" / name).read_bytes().splitlines()]
        assert keys == sorted(keys)


@settings(max_examples=60, deadline=None)
@given(manifests(), st.sets(st.integers(0, 5)))
def test_export_and_import_lose_nothing(rows, places):
    check_round_trip("kaldi", without_some_durations(rows, places))


def test_an_import_export_and_import_of_a_folder_lose_nothing(tmp_path):
    before = imported("kaldi", RELEASES / "kaldi/s5/data/test", tmp_path / "1", language="en")
    written("kaldi", export_table(before, {}), tmp_path / "out")
    check_same(before, imported("kaldi", tmp_path / "out", tmp_path / "2"))
    assert not (tmp_path / "out/exact.jsonl").exists()  # its own words need no other place


def test_lhotse_reads_the_folder_as_the_manifest_says(tmp_path):
    kaldi = pytest.importorskip("lhotse.kaldi", reason="needs the extra lhotse")
    rows = [
        row("s-1", speaker_id="s", audio_filepath="a b.wav", offset=0.25, duration=0.5, text="so it is"),
        row("s-2", speaker_id="s", audio_filepath="a b.wav", offset=0.1, duration=0.1, text="שלום"),
        row("t-1", speaker_id="t", audio_filepath="c.wav", duration=0.75, text="hm", language="en"),
    ]
    table = table_of(tmp_path / "m", rows)
    for name in ("a b.wav", "c.wav"):
        soundfile.write(tmp_path / "m" / name, np.zeros(8_000), 8_000)
    written("kaldi", table, tmp_path / "out")
    recordings, supervisions, _ = kaldi.load_kaldi_data_dir(tmp_path / "out", 8_000)
    assert sorted(each.sources[0].source for each in recordings) == [f"{tmp_path}/m/a b.wav", f"{tmp_path}/m/c.wav"]
    assert [(each.id, each.text, each.speaker, each.start, each.duration) for each in supervisions] == [
        (each["utterance_id"], each["text"], each["speaker_id"], each.get("offset", 0.0), each["duration"])
        for each in rows
    ]


def test_where_nobody_is_known_everybody_is_their_own_speaker(tmp_path):
    written("kaldi", table_of(tmp_path / "m", [row("a", speaker_id=None), row("b", speaker_id=None)]), tmp_path / "out")
    assert content(tmp_path / "out")["utt2spk"] == "a a\nb b\n"
    assert imported("kaldi", tmp_path / "out", tmp_path).frame["speaker_id"].tolist() == [None, None]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("rm -rf x |", "would be run as a command"),
        ("raw.ark:12", "would be looked for in an archive"),
        ("a.wav ", "has blanks around it"),
    ],
)
def test_a_path_that_kaldi_would_run_is_refused(tmp_path, path, reason):
    table = table_of(tmp_path / "m", [row("u1", audio_filepath=path), row("u2", audio_filepath="b.wav")])
    with pytest.raises(UsageError, match="recordings cannot be listed:\nutterance 'u1': ") as caught:
        written("kaldi", table, tmp_path / "out")
    assert reason in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_a_run_adds_what_was_returned_and_what_failed(tmp_path):
    table = scored([("a b", "a  c"), ("c", None), ("d", "")], ids=["u1", "u 2", "u3"])
    written("kaldi", table, tmp_path / "out")
    files = content(tmp_path / "out")
    assert files["hyp"] == "u%202\nu1 a c\nu3\n"
    assert files["failed"] == "u%202 out of memory\n"
    assert files["text"] == "u%202 c\nu1 a b\nu3 d\n"


def test_every_condition_has_its_hypotheses_and_utterances_stand_once(tmp_path):
    frames = [scored([("a b", heard)], condition=name).frame for heard, name in (("a b", "clean"), ("a", "noise/10"))]
    clean = scored([("a b", "a b")])
    table = type(clean)("toy", pd.concat(frames, ignore_index=True), clean.datasheet, (), True, None)
    written("kaldi", table, tmp_path / "out")
    files = content(tmp_path / "out")
    assert (files["hyp_clean"], files["hyp_noise_10"], files["text"]) == ("u0 a b\n", "u0 a\n", "u0 a b\n")


def test_an_export_anew_leaves_nothing_of_the_one_before(tmp_path):
    written(
        "kaldi",
        table_of(tmp_path / "m", [{**each, "utterance_id": f"{each['utterance_id']} x"} for each in ROWS], PEOPLE),
        tmp_path / "out",
    )
    assert (tmp_path / "out/exact.jsonl").exists()
    written("kaldi", table_of(tmp_path / "n", [row("a", duration=2.0)]), tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == ["datasheet.yaml", "spk2utt", "text", "utt2dur", "utt2spk"]
    assert isinstance(imported("kaldi", tmp_path / "out", tmp_path), Manifest)
