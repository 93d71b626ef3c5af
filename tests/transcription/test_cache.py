"""What was heard once is found again by the same backend, whatever it was, and by no other."""

import hashlib
import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import BackendError, UsageError
from harness.transcription.cache import CachedTranscript, CacheOptions, TranscriptCache, waveform_digest
from harness.transcription.store import HypothesisWord
from tests.shared import REPOSITORY

IDENTITY = {"backend": "whisper", "model": "tiny", "weights_sha256": "ab" * 32, "beam_size": 5, "language": None}


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def heard(text="one two", words=None, audio_s=1.5):
    return CachedTranscript(text, words, audio_s)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "transcripts.sqlite"


def keep(path, *texts, identity=IDENTITY, condition="clean"):
    with TranscriptCache(path, identity) as cache:
        cache.keep({digest(number): heard(text) for number, text in enumerate(texts)}, condition=condition)


def find(path, *numbers, identity=IDENTITY, condition="clean"):
    with TranscriptCache(path, identity) as cache:
        return cache.find([digest(number) for number in numbers], condition=condition)


def test_what_was_kept_is_found_in_the_order_it_is_asked_for_and_the_rest_is_none(path):
    keep(path, "zero", "one", "")
    assert find(path, 2, 7, 0, 0, 1) == [heard(""), None, heard("zero"), heard("zero"), heard("one")]
    assert find(path) == []


def test_nothing_is_found_where_nothing_was_kept(path):
    assert find(path, 1, 2) == [None, None]
    keep(path)
    assert find(path, 0) == [None]


def test_a_batch_is_found_before_the_cache_is_closed_and_by_another_that_is_open(path):
    with TranscriptCache(path, IDENTITY) as cache, TranscriptCache(path, IDENTITY) as other:
        cache.keep({digest(1): heard("one")}, condition="clean")
        assert cache.find([digest(1)], condition="clean") == [heard("one")]
        assert other.find([digest(1)], condition="clean") == [heard("one")]


def test_more_clips_than_a_query_takes_are_found(path):
    keep(path, *map(str, range(1201)))
    assert [found.text for found in find(path, *range(1201))] == [str(number) for number in range(1201)]


def test_a_newer_transcript_takes_the_place_of_the_older(path):
    keep(path, "first")
    keep(path, "second")
    assert find(path, 0) == [heard("second")]


def test_a_closed_cache_finds_and_keeps_nothing(path):
    with TranscriptCache(path, IDENTITY) as cache:
        pass
    cache.keep({digest(0): heard()}, condition="clean")
    assert cache.find([digest(0)], condition="clean") == [None]
    assert find(path, 0) == [None]


TIMES = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.builds(HypothesisWord, st.text(st.characters()), TIMES, TIMES, st.none() | TIMES)
TRANSCRIPTS = st.builds(
    CachedTranscript,
    st.text(st.characters()),  # also half surrogate pairs and NUL
    st.none() | st.lists(WORDS, max_size=4).map(tuple),
    st.floats(0, 1e6),
)


@given(st.dictionaries(st.text(st.characters(), max_size=70), TRANSCRIPTS, max_size=5), st.text(st.characters()))
@settings(max_examples=30, deadline=None)
def test_whatever_was_heard_comes_back_as_it_was(tmp_path_factory, entries, condition):
    path = tmp_path_factory.mktemp("cache") / "transcripts.sqlite"
    with TranscriptCache(path, IDENTITY) as cache:
        cache.keep(entries, condition=condition)
    with TranscriptCache(path, IDENTITY) as cache:
        assert cache.find(list(entries), condition=condition) == list(entries.values())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 100_000, id="long"),
        pytest.param("é" * 50_000 + "\0" + "🎙" * 10_000, id="long-with-nul"),
        pytest.param("a\0b", id="nul"),
        pytest.param("\x00", id="only-nul"),
        pytest.param("'); DROP TABLE transcripts; --", id="sql"),
    ],
)
def test_odd_texts_are_kept_whole(path, text):
    keep(path, text)
    assert find(path, 0) == [heard(text)]


SIMILAR = [
    pytest.param({"a": 1}, {"a": True}, id="1-true"),
    pytest.param({"a": 1}, {"a": 1.0}, id="1-1.0"),
    pytest.param({"a": 1}, {"a": "1"}, id="1-text"),
    pytest.param({"a": 0}, {"a": False}, id="0-false"),
    pytest.param({"a": True}, {"a": "true"}, id="true-text"),
    pytest.param({"a": None}, {}, id="none-absent"),
    pytest.param({"a": None}, {"a": "None"}, id="none-text"),
    pytest.param({"a": None}, {"a": "null"}, id="none-null"),
    pytest.param({"a": ""}, {}, id="empty-absent"),
    pytest.param({"a": "b"}, {"b": "a"}, id="swapped"),
    pytest.param({"a": 'x","b":"y'}, {"a": "x", "b": "y"}, id="quotes"),
    pytest.param({"a": "x", "b": "y"}, {"a": "y", "b": "x"}, id="values-swapped"),
    pytest.param({"a": 10**17}, {"a": 10**17 + 1}, id="beyond-a-double"),
    pytest.param({"a": 0.1}, {"a": 0.1 + 2**-56}, id="next-double"),
    pytest.param({"a": "é"}, {"a": "e\u0301"}, id="composed"),
    pytest.param({"a": "x"}, {"a": "x "}, id="space"),
    pytest.param({"a": "x"}, {"A": "x"}, id="case"),
]


@pytest.mark.parametrize(("one", "other"), SIMILAR)
def test_identities_that_look_alike_do_not_share_an_answer(path, one, other):
    keep(path, "of one", identity=one)
    assert find(path, 0, identity=other) == [None]
    keep(path, "of the other", identity=other)
    assert find(path, 0, identity=one) == [heard("of one")]
    assert find(path, 0, identity=other) == [heard("of the other")]


@pytest.mark.parametrize("name", IDENTITY)
@pytest.mark.parametrize("value", ["other", None, 7], ids=str)
def test_another_model_never_gets_the_answer_of_the_first_whichever_key_differs(path, name, value):
    if IDENTITY[name] == value:
        value = "another"
    keep(path, "of the first")
    assert find(path, 0, identity=IDENTITY | {name: value}) == [None]
    assert find(path, 0, identity={key: IDENTITY[key] for key in IDENTITY if key != name}) == [None]
    assert find(path, 0, identity=IDENTITY | {"one more": value}) == [None]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
IDENTITIES = st.dictionaries(st.text(), SCALARS, max_size=4)


@given(IDENTITIES, IDENTITIES, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_answer_is_found_by_the_same_identity_in_any_order_and_by_no_other(tmp_path_factory, one, other, random):
    path = tmp_path_factory.mktemp("cache") / "transcripts.sqlite"
    keep(path, "of one", identity=one)
    items = list(one.items())
    random.shuffle(items)
    assert find(path, 0, identity=dict(items)) == [heard("of one")]
    exact = [{name: (type(value), value) for name, value in each.items()} for each in (one, other)]
    assert exact[0] == exact[1] or find(path, 0, identity=other) == [None]


@pytest.mark.parametrize(
    ("condition", "audio"),
    [
        pytest.param("noisy", digest(0), id="condition"),
        pytest.param("clean ", digest(0), id="condition-by-a-space"),
        pytest.param("", "clean" + digest(0), id="condition-within-audio"),
        pytest.param("clean" + digest(0)[:1], digest(0)[1:], id="audio-within-condition"),
        pytest.param("clean", digest(1), id="audio"),
    ],
)
def test_another_condition_or_another_recording_is_another_transcript(path, condition, audio):
    keep(path, "zero")
    with TranscriptCache(path, IDENTITY) as cache:
        assert cache.find([audio], condition=condition) == [None]


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param({1: "a"}, id="name-no-text"),
        pytest.param({"a": float("nan")}, id="nan"),
        pytest.param({"a": object()}, id="object"),
    ],
)
def test_an_identity_that_could_be_taken_for_another_is_refused(path, identity):
    with pytest.raises(BackendError, match="identity"):
        TranscriptCache(path, identity)
    assert not path.exists()


def test_the_digest_of_a_waveform_is_that_of_its_rate_length_and_samples():
    waveform = np.linspace(-1, 1, 1000, dtype=np.float32)
    expected = hashlib.sha256(struct.pack("<qq", 16_000, 1000) + struct.pack("<1000f", *waveform.tolist())).hexdigest()
    assert waveform_digest(waveform) == expected
    assert waveform_digest(np.repeat(waveform, 2)[::2]) == expected
    assert waveform_digest(waveform.astype(">f4")) == expected


def test_one_sample_more_or_one_bit_less_is_another_digest():
    waveform = np.zeros(100, dtype=np.float32)
    changed = waveform.copy()
    changed[50] = np.float32(1e-45)
    waveforms = [waveform, changed, waveform[:-1], np.zeros(101, dtype=np.float32), waveform[:0]]
    assert len({waveform_digest(each) for each in waveforms}) == len(waveforms)


def test_the_file_lies_where_the_options_say(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    at_home = Path("/home/me/.cache/asr-fairness-harness/transcripts.sqlite")
    assert CacheOptions().file == at_home
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/folder")
    assert CacheOptions().file == at_home
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert CacheOptions().file == tmp_path / "asr-fairness-harness" / "transcripts.sqlite"
    assert CacheOptions(path="here.sqlite").file == Path("here.sqlite")


@pytest.mark.parametrize("path", ["", "  ", "a\0b"], ids=["empty", "blank", "nul"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(UsageError, match=r"cache\.path="):
        CacheOptions(path=path)


@pytest.mark.parametrize("name", ["a b?mode=memory#x%20é.sqlite", ":memory:", "file::memory:", "x" * 200])
def test_a_file_s_name_is_nothing_but_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    keep(Path(name), "zero")
    assert find(Path(name), 0) == [heard("zero")]
    assert {each.name for each in tmp_path.iterdir()} == {name, f"{name}.lock"}


def test_only_the_owner_may_read_what_was_said(tmp_path):
    folder = tmp_path / "new" / "folder"
    before = os.umask(0)
    try:
        with TranscriptCache(folder / "transcripts.sqlite", IDENTITY) as cache:
            cache.keep({digest(0): heard()}, condition="clean")
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    finally:
        os.umask(before)
    assert len(modes) == 4  # file, lock and the two parts of the log
    assert set(modes.values()) == {0o600}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)} == {0o700}


def test_a_folder_that_is_there_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    keep(tmp_path / "transcripts.sqlite", "zero")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_several_threads_may_ask_and_keep_at_once(path):
    wrong = []

    def work(thread, cache):
        for number in range(30):
            name = f"{thread}-{number}"
            cache.keep({digest(name): heard(name)}, condition="clean")
            if cache.find([digest(name)], condition="clean") != [heard(name)]:
                wrong.append(name)

    with TranscriptCache(path, IDENTITY) as cache:
        threads = [threading.Thread(target=work, args=(thread, cache)) for thread in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert None not in find(path, *(f"{thread}-{number}" for thread in range(6) for number in range(30)))


RUN = """
import sys
from pathlib import Path
from harness.transcription.cache import CachedTranscript, TranscriptCache

path, name, n_batches = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with TranscriptCache(path, {"backend": name}) as cache:
    for batch in range(n_batches):
        digests = [f"{batch}-{place}" for place in range(8)]
        cache.keep({each: CachedTranscript(f"{name} {each}", None, 1.0) for each in digests}, condition="clean")
        found = cache.find(digests, condition="clean")
        assert [each.text for each in found] == [f"{name} {each}" for each in digests]
"""


def test_several_runs_at_once_begin_the_file_together_and_lose_nothing(path):
    command = [sys.executable, "-c", RUN, str(path)]
    runs = [
        subprocess.Popen([*command, name, "60"], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    ended = [(run.communicate()[1], run.returncode) for run in runs]
    assert ended == [("", 0)] * 3
    for name in ("a", "b", "c"):
        with TranscriptCache(path, {"backend": name}) as cache:
            digests = [f"{batch}-{place}" for batch in range(60) for place in range(8)]
            found = cache.find(digests, condition="clean")
            assert [each and each.text for each in found] == [f"{name} {each}" for each in digests]
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]
