"""Manifests of lhotse are read through lhotse; what would run, fetch or load anything is refused or left out."""

import gzip
import json
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.importers import ImportOptions, Ledger, reader
from harness.corpus.importers.lhotse import NOBODY_SPEAKS
from harness.corpus.importers.lhotse_items import NO_TRANSCRIPT
from harness.corpus.importers.lhotse_objects import MIXED
from harness.errors import ManifestError, TextFileError, UsageError
from tests.corpus.importers.builders import imported, rows_of, written
from tests.shared import REPOSITORY

lhotse = pytest.importorskip("lhotse", reason="the extra lhotse is not installed")

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


def recording(name="r1", *, source=None, channels=(0,), **fields):
    sources = [{"type": "file", "channels": list(channels), "source": source or f"audio/{name}.wav"}]
    about = {"id": name, "sources": sources, "sampling_rate": 16_000, "num_samples": 160_000, "duration": 10.0}
    return {**about, **fields}


def supervision(name="u1", recording_id="r1", **fields):
    about = {"id": name, "recording_id": recording_id, "start": 1.0, "duration": 2.0, "channel": 0, "text": "go on"}
    return {**about, **fields}


def cut(name="c1", *supervisions, **fields):
    about = {"id": name, "start": 3.0, "duration": 5.0, "channel": 0, "type": "MonoCut", "recording": recording()}
    return {**about, "supervisions": list(supervisions or [supervision()]), **fields}


def lines(folder, name, *items):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in items).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def pair(folder, recordings, supervisions, ending=".jsonl.gz"):
    lines(folder, f"recordings{ending}", *recordings)
    lines(folder, f"supervisions{ending}", *supervisions)
    return folder


def test_several_supervisions_of_a_cut_are_as_many_utterances_in_recording_time(tmp_path):
    said = (supervision(), supervision("u2", start=0.1, duration=0.5, text="", speaker="s2", language="en-GB"))
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl.gz", cut("c1", *said)))
    assert [(each.utterance_id, each.text, each.offset, each.duration) for each in read.records] == [
        ("u1", "go on", 4.0, 2.0),
        ("u2", "", 3.1, 0.5),
    ]
    assert [each.audio for each in read.records] == ["audio/r1.wav"] * 2
    assert (read.records[1].speaker_id, read.records[1].language) == ("s2", "en-GB")
    assert read.records[1].place == "cuts.jsonl.gz:1"


def test_what_lhotse_itself_wrote_of_its_own_objects_is_read(tmp_path):
    made = lhotse.Recording("r1", [lhotse.AudioSource("file", [0], "audio/r1.wav")], 16_000, 160_000, 10.0)
    said = lhotse.SupervisionSegment("u1", "r1", 1.0, 2.0, text="go on", speaker="s1", gender="f", language="English")
    said.accent = "scottish"
    recordings, supervisions = lhotse.RecordingSet.from_recordings([made]), lhotse.SupervisionSet.from_segments([said])
    cuts = lhotse.CutSet.from_manifests(recordings=recordings, supervisions=supervisions)
    (tmp_path / "cuts").mkdir()
    cuts.to_file(tmp_path / "cuts" / "cuts.jsonl.gz")
    for ending in (".jsonl.gz", ".jsonl", ".json", ".yaml"):
        folder = tmp_path / f"pair{ending}"
        folder.mkdir()
        recordings.to_file(folder / f"recordings{ending}")
        supervisions.to_file(folder / f"supervisions{ending}")
    for folder in sorted(tmp_path.iterdir()):
        [record] = rows_of("lhotse", folder).records
        assert (record.utterance_id, record.offset, record.duration, record.audio) == ("u1", 1.0, 2.0, "audio/r1.wav")
        assert (record.speaker_id, record.language) == ("s1", "en")
        assert record.attributes == {"gender": "f", "accent": "scottish"}


def test_custom_fields_of_cut_and_supervision_are_attributes(tmp_path):
    array = {"storage_type": "memory_raw", "storage_path": "", "storage_key": "x", "shape": [1]}
    said = supervision(custom={"accent": "us", "pred_text": "x", "age": 34, "vector": array, "inner": recording("r9")})
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut("c1", said, custom={"room": "kitchen", "age": 1})))
    assert read.records[0].attributes == {"room": "kitchen", "age": 34, "accent": "us"}
    assert "'vector', 'inner'" in read.ledger.remarks[-1]
    assert "'pred_text'" in read.ledger.remarks[-2]


def test_recordings_and_supervisions_are_joined_in_any_order(tmp_path):
    names = [f"r{n}" for n in range(30)]
    said = [supervision(f"u{name}", name, start=0.25) for name in reversed(names)]
    read = rows_of("lhotse", pair(tmp_path, map(recording, names), said))
    assert [each.audio for each in read.records] == [f"audio/{name}.wav" for name in reversed(names)]
    assert {each.offset for each in read.records} == {0.25}


def test_supervisions_alone_are_utterances_without_recordings(tmp_path):
    read = rows_of("lhotse", lines(tmp_path, "supervisions.jsonl.gz", supervision()))
    assert (read.records[0].audio, read.records[0].duration) == (None, 2.0)
    assert "scored, not heard" in read.ledger.remarks[0]


def test_a_file_of_supervisions_finds_the_recordings_beside_it(tmp_path):
    pair(tmp_path, [recording()], [supervision()])
    assert rows_of("lhotse", tmp_path / "supervisions.jsonl.gz").records[0].audio == "audio/r1.wav"


def test_parts_are_all_read_or_the_one_that_is_asked_for(tmp_path):
    for part in ("dev-clean", "test-clean"):
        pair(tmp_path, [recording(part)], [supervision(f"u-{part}", part)], ending=f"_{part}.jsonl.gz")
    for path in sorted(tmp_path.iterdir()):
        path.rename(tmp_path / f"librispeech_{path.name}")
    both = rows_of("lhotse", tmp_path).records
    assert [each.attributes for each in both] == [{"split": "dev-clean"}, {"split": "test-clean"}]
    [one] = rows_of("lhotse", tmp_path, split="test-clean").records
    assert (one.utterance_id, one.audio, one.attributes) == ("u-test-clean", "audio/test-clean.wav", {})
    with pytest.raises(UsageError, match="dev-clean, test-clean"):
        rows_of("lhotse", tmp_path, split="train")


def test_manifests_of_several_corpora_in_one_folder_are_not_mixed(tmp_path):
    for corpus in ("libri", "yesno"):
        lines(tmp_path, f"{corpus}_supervisions_test.jsonl.gz", supervision())
    with pytest.raises(UsageError, match="libri, yesno"):
        rows_of("lhotse", tmp_path)


def test_cuts_beside_their_supervisions_are_not_read_twice(tmp_path):
    pair(tmp_path, [recording()], [supervision()])
    lines(tmp_path, "cuts.jsonl.gz", cut())
    assert len(rows_of("lhotse", tmp_path).records) == 1


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param(cut("c1", supervision(text=None)), NO_TRANSCRIPT, id="no-transcript"),
        pytest.param({**cut(), "supervisions": []}, NOBODY_SPEAKS, id="nobody-speaks"),
        pytest.param({"id": "m", "type": "MixedCut", "tracks": []}, MIXED, id="a-mix-of-nothing"),
        pytest.param(
            {
                "id": "m",
                "type": "MixedCut",
                "tracks": [{"cut": cut(), "type": "MonoCut", "offset": 0}, {"cut": cut(), "type": "MonoCut", "snr": 5}],
            },
            MIXED,
            id="a-mix-of-two",
        ),
        pytest.param(
            cut(recording=recording(transforms=[{"name": "Speed", "kwargs": {"factor": 1.1}}])),
            "its recording is altered before it is heard (Speed), so its file is another one",
            id="altered-speed",
        ),
    ],
)
def test_what_is_no_utterance_of_one_file_is_left_out_with_its_reason(tmp_path, item, reason):
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut("c0", supervision("u0")), item))
    assert [each.utterance_id for each in read.records] == ["u0"]
    assert read.ledger.n_left_out == {reason: 1}


def test_padding_around_a_cut_is_taken_off(tmp_path):
    padding = {"id": "p", "duration": 1.0, "sampling_rate": 16_000, "feat_value": 0.0, "num_samples": 16_000}
    tracks = [{"cut": cut(), "type": "MonoCut", "offset": 0.0}, {"cut": padding, "type": "PaddingCut", "offset": 5.0}]
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", {"id": "m", "type": "MixedCut", "tracks": tracks}))
    assert [(each.utterance_id, each.offset) for each in read.records] == [("u1", 4.0)]


def test_resampling_changes_no_word_and_no_time(tmp_path):
    resampled = recording(transforms=[{"name": "Resample", "kwargs": {}}])
    assert rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut(recording=resampled))).records[0].audio


@pytest.mark.parametrize(
    ("channels", "said_on", "audio", "attributes"),
    [
        pytest.param((0,), 0, "audio/r1.wav", {}, id="one-channel"),
        pytest.param((0, 1), [0, 1], "audio/r1.wav", {}, id="all-channels"),
        pytest.param((0, 1), 1, None, {"channel": "1"}, id="one-of-two-in-one-file"),
    ],
)
def test_one_channel_of_a_file_with_several_is_not_heard_as_all_of_them(tmp_path, channels, said_on, audio, attributes):
    said = [supervision(channel=said_on)]
    [record] = rows_of("lhotse", pair(tmp_path, [recording(channels=channels)], said)).records
    assert (record.audio, record.attributes) == (audio, attributes)


def test_a_channel_with_a_file_of_its_own_is_heard_from_it(tmp_path):
    sources = [{"type": "file", "channels": [n], "source": f"audio/{n}.wav"} for n in (0, 1)]
    both = recording(sources=sources, channel_ids=[0, 1])
    multi = cut("c1", supervision(channel=1), channel=[0, 1], type="MultiCut", recording=both)
    [record] = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", multi)).records
    assert (record.audio, record.attributes) == ("audio/1.wav", {"channel": "1"})


@pytest.mark.parametrize("kind", ["url", "memory", "shar"])
def test_what_is_no_file_is_not_fetched(tmp_path, kind):
    sources = [{"type": kind, "channels": [0], "source": "https://example.org/a.wav"}]
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut(recording=recording(sources=sources))))
    assert read.records[0].audio is None
    assert "not fetched" in read.ledger.remarks[0]


@pytest.mark.parametrize("name", ["cuts.jsonl", "recordings.jsonl"])
def test_a_command_is_refused_by_file_and_line_and_never_run(tmp_path, name):
    ran = tmp_path / "ran"
    sources = [{"type": "command", "channels": [0], "source": f"touch {ran}"}]
    if name == "cuts.jsonl":
        source = lines(tmp_path, name, cut(), cut("c2", supervision("u2"), recording=recording("r2", sources=sources)))
    else:
        source = pair(tmp_path, [recording(), recording("r2", sources=sources)], [supervision()], ending=".jsonl")
    with pytest.raises(ManifestError, match=rf"{name}:2: is a recording that a command makes: 'touch"):
        written("lhotse", source, tmp_path / "out")
    assert not ran.exists()


@pytest.mark.parametrize("source", ["pipe:touch ran", "https://example.org/a.wav"])
def test_a_file_that_is_a_command_or_an_address_is_neither_run_nor_fetched(tmp_path, source):
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut(recording=recording(source=source))))
    assert read.records[0].audio is None


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param('{"id": "c", ', "is not JSON", id="cut-off"),
        pytest.param('{"a":' * 50_000, "is not JSON", id="nested-deeply"),
        pytest.param({"id": "c", "type": "Bomb"}, "has type='Bomb'", id="an-unknown-type"),
        pytest.param({"type": "MonoCut"}, "nothing that lhotse can read", id="a-cut-of-nothing"),
        pytest.param({"id": "x", "what": 1}, "nothing that lhotse can read", id="an-unknown-item"),
        pytest.param(cut(exploit="x"), "nothing that lhotse can read", id="an-unknown-field"),
        pytest.param(cut(start="soon"), "has start='soon'", id="a-start-in-words"),
        pytest.param(cut(start=-1.0), "has start=-1.0", id="a-negative-start"),
        pytest.param(cut(recording="r1"), "has a recording that is 'r1'", id="a-recording-that-is-a-text"),
        pytest.param(cut(recording=recording(sources="x")), "nothing that lhotse can read", id="sources-in-words"),
        pytest.param(cut(recording=recording(sources=[5])), "nothing that lhotse can read", id="a-source-of-5"),
        pytest.param(
            cut(recording=recording(sources=[{"type": "file", "channels": [0], "source": {"a": 1}}])),
            "expected a file and its path",
            id="a-path-that-is-a-mapping",
        ),
        pytest.param(
            cut(recording=recording(sources=[{"type": "other", "channels": [0], "source": "a.wav"}])),
            "has a source of type 'other'",
            id="an-unknown-source",
        ),
        pytest.param(
            cut(recording=recording(sources=[{"type": "file", "channels": ["l"], "source": "a.wav"}], channel_ids=[0])),
            "has channel=a list",
            id="a-channel-in-words",
        ),
        pytest.param(cut(supervisions={"a": 1}), "has supervisions=a mapping", id="supervisions-in-a-mapping"),
        pytest.param(cut("c", "x"), "has a supervision that is 'x'", id="a-supervision-that-is-a-text"),
        pytest.param(cut("c", supervision(id="")), "has id=''", id="an-empty-id"),
        pytest.param(cut("c", supervision(id=["u"])), "has id=a list", id="an-id-that-is-a-list"),
        pytest.param(cut("c", supervision(start=-4.0)), "has start=-1.0", id="before-its-recording"),
        pytest.param(cut("c", supervision(start=float("nan"))), "has start=nan", id="nan-for-a-start"),
        pytest.param(cut("c", supervision(duration=-2)), "has duration=-2", id="a-negative-duration"),
        pytest.param(cut("c", supervision(duration=float("inf"))), "has duration=inf", id="an-infinite-duration"),
        pytest.param(cut("c", supervision(duration=None)), "has duration=None", id="no-duration"),
        pytest.param(cut("c", supervision(text=5.5, speaker=[1])), "has speaker=a list", id="a-list-of-speakers"),
        pytest.param(cut("c", supervision(text=["go"])), "has text=a list", id="a-list-of-words"),
        pytest.param(cut("c", supervision(language=["en"])), "has language=a list", id="a-list-of-languages"),
        pytest.param(cut("c", supervision(channel="left")), "has channel='left'", id="a-channel"),
        pytest.param(cut("c", supervision(custom=[1])), "has custom=a list", id="custom-that-is-a-list"),
        pytest.param(cut("c", supervision(custom={"a & b": 1})), "has the key 'a & b'", id="an-impossible-name"),
        pytest.param(cut("c", supervision(gender={"a": "f", "b": float("inf")})), "", id="a-gender-with-parts"),
        pytest.param(
            {"id": "m", "type": "MixedCut", "tracks": [{"cut": "x", "type": "MonoCut"}]},
            "has a track that is 'x'",
            id="a-track-that-is-a-text",
        ),
    ],
)
def test_a_hostile_item_is_refused_by_file_and_line(tmp_path, bad, words):
    read = rows_of("lhotse", lines(tmp_path, "cuts.jsonl", cut("c0", supervision("u0")), bad))
    assert read.records[0].utterance_id == "u0"
    assert len(read.ledger.problems) == (1 if words else 0)
    for problem in read.ledger.problems:
        assert problem.startswith("cuts.jsonl:2: ")
        assert words in problem


def test_two_recordings_of_one_id_are_refused(tmp_path):
    read = rows_of("lhotse", pair(tmp_path, [recording(), recording()], [supervision()]))
    assert read.ledger.problems == [
        "recordings.jsonl.gz:2: has the id 'r1' of an earlier recording. Give each its own."
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("cuts.tar", b"", "no tar and nothing pickled", id="shards"),
        pytest.param("cuts.pkl", b"\x80\x04.", "no tar and nothing pickled", id="a-pickle"),
        pytest.param("features.jsonl", b'{"num_features": 80}\n', "found nothing of the kind", id="features"),
        pytest.param("r.jsonl", json.dumps(recording()).encode(), "found recordings alone", id="recordings-alone"),
        pytest.param("cuts.jsonl", b"", "found nothing of the kind", id="empty"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused_at_once(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        reader("lhotse")(path, ImportOptions(), Ledger())


def test_a_folder_without_manifests_says_what_was_expected(tmp_path):
    (tmp_path / "audio").mkdir()
    with pytest.raises(UsageError, match=r"expected supervisions\.jsonl\.gz or cuts\.jsonl\.gz.*found audio"):
        rows_of("lhotse", tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("- &a [1]\n- *a\n", r"references \(\*\) are not read", id="a-reference"),
        pytest.param("- !!python/object/apply:os.system ['true']\n", "not plain YAML", id="an-object"),
        pytest.param("[" * 5_000, "not plain YAML", id="nested-deeply"),
        pytest.param("id: a\n", "expected a list of items", id="no-list"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path, text, words):
    path = tmp_path / "cuts.yaml"
    path.write_text(text)
    with pytest.raises(TextFileError, match=words):
        rows_of("lhotse", path)


def test_a_truncated_gzip_is_refused_by_file_and_line(tmp_path):
    path = lines(tmp_path, "cuts.jsonl.gz", *(cut(f"c{n}", supervision(f"u{n}")) for n in range(2_000)))
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(TextFileError, match=r"cuts\.jsonl\.gz:\d+: .*cut off or damaged"):
        rows_of("lhotse", path)


def test_a_truncated_list_is_refused_by_file_and_line(tmp_path):
    path = tmp_path / "cuts.json"
    path.write_text(json.dumps([cut(), cut("c2", supervision("u2"))], indent=2)[:-40])
    with pytest.raises(TextFileError, match=r"cuts\.json:\d+: "):
        rows_of("lhotse", path)


def test_an_import_becomes_a_manifest(tmp_path):
    said = [supervision(custom={"accent": "us"}, language="Klingon"), supervision("u2", text="", start=4.0)]
    frame = imported("lhotse", pair(tmp_path / "in", [recording()], said), tmp_path, language="en").frame
    assert frame["utterance_id"].tolist() == ["u1", "u2"]
    assert frame["accent"].tolist() == ["us", "undeclared"]
    assert frame["language_name"].tolist() == ["Klingon", "undeclared"]
    assert frame["language"].tolist() == ["en", "en"]


@given(text=ANY_TEXT, value=ANY_TEXT)
def test_any_text_is_kept_as_it_is(tmp_path_factory, text, value):
    folder = tmp_path_factory.mktemp("lhotse")
    said = supervision(text=text, custom={"note_": value})
    [record] = rows_of("lhotse", lines(folder, "cuts.jsonl.gz", cut("c", said))).records
    assert (record.text, record.attributes["note_"]) == (text, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    field=st.sampled_from(
        ["id", "start", "duration", "channel", "supervisions", "recording", "type", "custom", "tracks"]
    ),
    inner=st.sampled_from(["id", "start", "duration", "channel", "text", "speaker", "custom", "alignment", "gender"]),
    source=st.sampled_from(["id", "sources", "channel_ids", "transforms", "sampling_rate"]),
    values=st.tuples(JSON, JSON, JSON),
)
def test_any_value_in_any_field_is_read_or_refused(tmp_path_factory, field, inner, source, values):
    folder = tmp_path_factory.mktemp("lhotse")
    item = cut("c", supervision(**{inner: values[1]}), recording=recording(**{source: values[2]}))
    path = lines(folder, "cuts.jsonl", cut("c0", supervision("u0")), {**item, field: values[0]})
    read = rows_of("lhotse", path)
    assert read.records[0].utterance_id == "u0"
    assert all(problem.startswith("cuts.jsonl:2: ") for problem in read.ledger.problems)


def test_reading_opens_the_manifest_alone_and_runs_nothing(tmp_path):
    """Watched from inside Python: every file that is opened, every process and every connection is an audit event."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "r1.wav").write_bytes(b"RIFF")
    array = {"storage_type": "numpy_files", "storage_path": str(tmp_path), "storage_key": "audio/r1.wav", "shape": [1]}
    rir = {"name": "ReverbWithImpulseResponse", "kwargs": {"rir": recording(), "affix_id": True}}
    sources = [{"type": "url", "channels": [0], "source": "https://example.org/a.wav"}]
    items = (
        cut("c1", supervision(custom={"a": array, "b": recording()}), features={**array, "num_features": 80}),
        cut("c2", supervision("u2"), recording=recording(transforms=[rir])),
        cut("c3", supervision("u3"), recording=recording("r3", sources=sources)),
        cut("c4", supervision("u4"), recording=recording("r4", source=f"pipe:touch {tmp_path}/ran")),
    )
    lines(tmp_path, "harmless.jsonl", cut())
    lines(tmp_path, "cuts.jsonl", *items)
    program = f"""
        import sys
        from pathlib import Path
        from harness.corpus.importers import ImportOptions, Ledger, reader
        def read(name):
            return len(list(reader("lhotse")(Path({str(tmp_path)!r}) / name, ImportOptions(), Ledger()).records))
        read("harmless.jsonl")  # imports what is imported late
        seen = []
        sys.addaudithook(lambda event, found: seen.append((event, str(found[0]) if found else "")))
        n_records = read("cuts.jsonl")
        files = {{Path(what).name for event, what in seen if event == "open" and {str(tmp_path)!r} in what}}
        bad = [event for event, _ in seen if event.split(".")[0] in ("subprocess", "os", "socket", "pickle", "exec")]
        print(n_records, sorted(files), [event for event in bad if event not in ("os.scandir", "os.listdir")])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.stdout == "3 ['cuts.jsonl'] []\n", done.stderr


def test_without_the_package_the_error_names_the_extra(tmp_path):
    program = f"""
        import sys
        sys.modules["lhotse"] = None
        from pathlib import Path
        from harness.corpus.importers import ImportOptions, Ledger, reader
        reader("lhotse")(Path({str(lines(tmp_path, "cuts.jsonl", cut()))!r}), ImportOptions(), Ledger())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert "pip install 'asr-fairness-harness[lhotse]'" in done.stderr
