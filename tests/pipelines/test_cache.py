"""`harness cache` shows what is kept, removes what is named and nothing else, and writes all of it out."""

import hashlib
import io
import json
import re
import sqlite3
import stat
from datetime import UTC, datetime, timedelta

import pytest

from harness.errors import StorageError, UsageError
from harness.pipelines.cache import CacheAction, CacheJob, cache
from harness.report.cache import cache_sentence, show_cache
from harness.transcription.cache import CachedTranscript, TranscriptCache
from harness.transcription.caching.contents import PruneOptions
from harness.transcription.store import HypothesisWord
from tests.builders import harness
from tests.transcription.test_store import room_for

WHISPER = {"backend": "whisper", "package": "openai-whisper 20250625", "model": "tiny.en", "beam_size": 5}
SPHINX = {"backend": "pocketsphinx", "version": "5.0.4", "model": None}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "transcripts.sqlite"


def keep(path, identity, *texts, words=None, audio_s=60.0, condition="clean"):
    entries = {digest(text): CachedTranscript(text, words, audio_s) for text in texts}
    with TranscriptCache(path, identity) as transcripts:
        transcripts.keep(entries, condition=condition)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def found(path, identity, *texts):
    with TranscriptCache(path, identity) as transcripts:
        return [each and each.text for each in transcripts.find([digest(text) for text in texts], condition="clean")]


def change(path, sql, *values):
    connection = sqlite3.connect(path)
    connection.execute(sql, values)
    connection.commit()
    connection.close()


def answer(path, action=CacheAction.show, *, out=None, dry_run=False, **options):
    job = CacheJob(path=path, action=action, prune=PruneOptions(**options), dry_run=dry_run, out=out)
    return cache(job).answer


def prune(path, **options):
    return answer(path, CacheAction.prune, **options)


def export(path, out):
    return answer(path, CacheAction.export, out=out)


def shown(told):
    out = io.StringIO()
    show_cache(told, out)
    return out.getvalue()


def days_ago(number):
    return datetime.now(UTC) - timedelta(days=number)


@pytest.fixture
def two(path):
    """Return a cache of two backends: three transcripts of one hour, one of a minute."""
    keep(path, WHISPER, "one", "two", "three", audio_s=1200.0)
    keep(path, SPHINX, "ONE")
    return path


def test_every_backend_identity_is_a_row_with_its_numbers(two):
    told = answer(two)
    (day,) = {each.first_made for each in told.identities}
    assert day in {f"{days_ago(0):%Y-%m-%d}", f"{days_ago(1 / 24):%Y-%m-%d}"}  # midnight may be between
    assert [
        (each.identity, each.n_transcripts, each.audio_s) for each in told.identities if each.n_transcripts > 1
    ] == [(WHISPER, 3, 3600.0)]
    assert {each.last_used for each in told.identities} == {day}
    assert told.n_bytes == two.stat().st_size
    table = shown(told)
    row = next(line for line in table.splitlines() if "whisper" in line)
    expected = json.dumps(WHISPER, sort_keys=True, separators=(",", ":"))
    for cell in (digest(expected)[:12], "openai-whisper 20250625", "tiny.en", " 3 ", "1.0 h", day):
        assert cell in row
    sphinx = next(line for line in table.splitlines() if "pocketsphinx" in line)
    assert "5.0.4" in sphinx
    assert "1.0 min" in sphinx
    assert "4 transcripts, 1.0 h of audio" in table


def test_two_models_of_a_backend_are_two_rows_and_one_that_heard_nothing_yet_is_one(two):
    keep(two, WHISPER | {"beam_size": 1}, "one")
    keep(two, WHISPER | {"beam_size": 2})
    assert sorted(each.n_transcripts for each in answer(two).identities) == [0, 1, 1, 3]


def test_no_cache_at_all_is_no_error_and_makes_none(path):
    assert answer(path).identities == ()
    assert "0 transcripts" in shown(answer(path))
    assert prune(path, all=True).identities == ()
    assert list(path.parent.iterdir()) == []


def test_names_that_steer_a_terminal_do_not(path):
    hostile = "\x1b]0;owned\x07\x1b[31m\u202ered\nnew line"
    keep(path, {"backend": hostile, "model": hostile, "package": "x" * 500}, "one")
    table = shown(answer(path))
    assert not {"\x1b", "\x07", "\u202e"} & set(table)
    assert "x" * 61 not in table


@pytest.mark.parametrize(
    ("options", "left"),
    [
        pytest.param({"backend": "whisper"}, ["ONE"], id="backend"),
        pytest.param({"backend": "nobody"}, ["one", "two", "three", "ONE"], id="no-such-backend"),
        pytest.param({"all": True}, [], id="all"),
        pytest.param({"older_than_days": 30}, ["two", "three", "ONE"], id="age"),
        pytest.param({"older_than_days": 0.01, "backend": "pocketsphinx"}, ["one", "two", "three", "ONE"], id="both"),
        pytest.param({"older_than_days": 30, "backend": "whisper"}, ["two", "three", "ONE"], id="both-fit"),
        pytest.param({"unused_days": 10}, ["one", "two", "three"], id="unused"),
    ],
)
def test_what_is_named_is_removed_and_nothing_else_and_a_dry_run_tells_it_before(two, options, left):
    change(
        two, "UPDATE transcripts SET made = ? WHERE text = CAST('one' AS BLOB)", f"{days_ago(31):%Y-%m-%dT%H:%M:%SZ}"
    )
    change(two, "UPDATE identities SET last_used = ? WHERE identity LIKE '%pocketsphinx%'", f"{days_ago(11):%Y-%m-%d}")
    before = two.read_bytes()
    would = prune(two, dry_run=True, **options)
    assert two.read_bytes() == before
    did = prune(two, **options)
    assert would.identities == did.identities
    assert sum(each.n_transcripts for each in did.identities) == 4 - len(left)
    assert [text for text in found(two, WHISPER, "one", "two", "three") if text] == [t for t in left if t != "ONE"]
    assert found(two, SPHINX, "ONE") == (["ONE"] if "ONE" in left else [None])


def test_all_but_what_is_to_be_kept_is_removed(two):
    keep(two, WHISPER | {"model": "base"}, "one")
    (kept,) = [each.digest for each in answer(two).identities if each.identity == WHISPER]
    prune(two, keep_identity=[kept[:8]])
    assert [each.digest for each in answer(two).identities] == [kept]
    assert found(two, WHISPER, "one", "two") == ["one", "two"]


@pytest.mark.parametrize("named", ["ffff0000", "WHISPER"])
def test_an_identity_to_be_kept_that_is_not_there_stops_everything(two, named):
    with pytest.raises(UsageError, match=rf"keep_identity=\['{named}'\].*nothing was removed"):
        prune(two, keep_identity=[named])
    assert sum(each.n_transcripts for each in answer(two).identities) == 4


def test_what_was_said_is_gone_from_the_disk_and_the_disk_has_its_room_back(path):
    secrets = [f"my secret number is {number}" for number in range(3000)]
    keep(path, WHISPER, *secrets)
    full = path.stat().st_size
    assert b"my secret number is 17" in path.read_bytes()
    with TranscriptCache(path, SPHINX) as run:  # while a run has it open
        prune(path, backend="whisper")
        run.keep({digest("x"): CachedTranscript("x", None, 1.0)}, condition="clean")
        left = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"my secret" not in left
    assert path.stat().st_size < full / 4
    assert found(path, SPHINX, "x") == ["x"]


def test_a_run_whose_identity_was_pruned_keeps_on(path):
    with TranscriptCache(path, WHISPER) as run:
        run.keep({digest("one"): CachedTranscript("one", None, 1.0)}, condition="clean")
        prune(path, all=True)
        assert answer(path).identities == ()
        run.keep({digest("two"): CachedTranscript("two", None, 1.0)}, condition="clean")
    assert found(path, WHISPER, "one", "two") == [None, "two"]
    (row,) = answer(path).identities
    assert (row.identity, row.n_transcripts) == (WHISPER, 1)


def test_a_line_has_all_that_there_is_of_a_transcript(path, tmp_path):
    words = (HypothesisWord("naïve\0", 0.1, 0.25, 0.5), HypothesisWord("\ud800", 0.3, 0.4, None))
    keep(path, WHISPER, "naïve\0 \ud800".replace("\ud800", "?"), words=words, audio_s=1.25, condition="noisy")
    told = export(path, tmp_path / "out.jsonl")
    assert (told.n_transcripts, told.n_damaged) == (1, 0)
    (record,) = map(json.loads, (tmp_path / "out.jsonl").read_text("ascii").splitlines())
    made = record.pop("made")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    assert len(record.pop("key")) == 64
    assert record == {
        "identity": WHISPER,
        "condition": "noisy",
        "audio_digest": digest("naïve\0 ?"),
        "text": "naïve\0 ?",
        "words": [
            {"text": "naïve\0", "start": 0.1, "end": 0.25, "confidence": 0.5},
            {"text": "\ud800", "start": 0.3, "end": 0.4, "confidence": None},
        ],
        "audio_s": 1.25,
    }
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600


def test_damaged_rows_are_left_out_and_counted(two, tmp_path):
    change(two, "UPDATE transcripts SET text = CAST('forged' AS BLOB) WHERE transcript_id = 1")
    change(two, "UPDATE transcripts SET condition = CAST('noisy' AS BLOB) WHERE transcript_id = 2")
    told = export(two, tmp_path / "out.jsonl")
    assert (told.n_transcripts, told.n_damaged) == (2, 2)
    assert "2 damaged ones were left out" in cache_sentence(told)


def test_whose_transcripts_are_is_not_guessed_when_that_is_damaged(two, tmp_path):
    change(two, 'UPDATE identities SET identity = \'{"backend":"forged"}\' WHERE identity_id = 1')
    assert "forged" not in shown(answer(two))
    assert sum(each.n_transcripts for each in answer(two).identities) == 4
    assert export(two, tmp_path / "out.jsonl").n_damaged == 3
    assert found(two, WHISPER, "one") == ["one"]  # the key alone tells


def test_nothing_is_written_over(two, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    with pytest.raises(UsageError, match="nothing is written over"):
        export(two, out)
    assert out.read_text() == "mine"
    with pytest.raises(UsageError, match="a folder that is there"):
        export(two, tmp_path / "nowhere" / "out.jsonl")


def test_an_export_that_cannot_be_written_leaves_nothing(two, tmp_path):
    keep(two, WHISPER, *map(str, range(1000)))
    with room_for(100_000), pytest.raises(StorageError, match=r"out\.jsonl: cannot be written.*choose another out="):
        export(two, tmp_path / "out.jsonl")
    assert not list(tmp_path.glob("out.jsonl*"))
    assert export(two, tmp_path / "out.jsonl").n_transcripts == 1004


@pytest.mark.parametrize("action", [answer, lambda path: prune(path, all=True), lambda path: export(path, path / "x")])
def test_a_damaged_cache_is_said_and_not_touched(path, action):
    path.write_text("Dear diary,\n" * 500)
    with pytest.raises((StorageError, UsageError)):
        action(path)
    assert path.read_text() == "Dear diary,\n" * 500
    assert not list(path.parent.glob("*.damaged*"))


WRONG = [
    pytest.param(["action=prune"], "nothing says what to remove; expected prune.older_than_days=", id="nothing"),
    pytest.param(["action=remove"], "Invalid value 'remove', expected one of [show, prune, export]", id="action"),
    pytest.param(["action=export"], "expected out=FILE", id="no-out"),
    pytest.param(["out=x.jsonl"], "out: of action=export; found action=show", id="out-of-show"),
    pytest.param(["dry_run=true"], "dry_run: of action=prune; found action=show", id="dry-show"),
    pytest.param(["prune.backend=whisper"], "prune.backend: of action=prune", id="prune-of-show"),
    pytest.param(["prune.all=true"], "prune.all: of action=prune", id="all-of-show"),
    pytest.param(["action=export", "out=x", "prune.all=true"], "prune.all: of action=prune", id="all-of-export"),
    pytest.param(["action=prune", "prune.all=true", "prune.backend=x"], "expected one or the other", id="all-and-more"),
    pytest.param(["action=prune", "prune.older_than_days=-1"], "prune.older_than_days=-1", id="negative"),
    pytest.param(["action=prune", "prune.older_than_days=nan"], "prune.older_than_days=nan", id="nan"),
    pytest.param(["action=prune", "prune.unused_days=soon"], "prune.unused_days", id="no-number"),
    pytest.param(["action=prune", "prune.keep_identity=[abc]"], "at least 4 characters", id="short"),
    pytest.param(["cache.path=''"], "cache.path=''; expected a file", id="path"),
    pytest.param(["cache.enabled=false"], "enabled", id="enabled"),
]


@pytest.mark.parametrize(("overrides", "words"), WRONG)
def test_wrong_usage_ends_with_2_and_says_what_is_expected(tmp_path, overrides, words):
    place = [] if overrides[0].startswith("cache.path") else [f"cache.path={tmp_path / 'transcripts.sqlite'}"]
    ended = harness("cache", *overrides, *place, cwd=tmp_path)
    assert ended.exit_status == 2, ended.err
    assert words in ended.err.replace("\n", " ")
    assert ended.is_in_words
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


def test_the_command_shows_prunes_and_exports(two, tmp_path):
    here = f"cache.path={two}"
    show = harness("cache", here, cwd=tmp_path)
    assert (show.exit_status, show.err) == (0, "")
    assert "Transcripts kept, by backend identity" in show.out
    written = harness("cache", here, "action=export", "out=all.jsonl", cwd=tmp_path)
    assert (written.exit_status, written.out) == (0, "4 transcripts written to all.jsonl.\n")
    would = harness("cache", here, "action=prune", "prune.backend=whisper", "dry_run=true", cwd=tmp_path)
    assert would.exit_status == 0
    assert f"3 transcripts would be removed from {two}" in would.out
    did = harness("cache", here, "action=prune", "prune.backend=whisper", cwd=tmp_path)
    assert "3 transcripts removed" in did.out
    assert "1 transcript, 1.0 min of audio" in harness("cache", here, cwd=tmp_path).out


def test_without_a_path_the_command_looks_where_runs_do(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ended = harness("cache", cwd=tmp_path)
    assert ended.exit_status == 0
    assert str(tmp_path / "asr-fairness-harness" / "transcripts.sqlite") in ended.out


def test_a_damaged_cache_ends_the_command_with_1_and_what_to_do(path, tmp_path):
    path.write_text("Dear diary,\n" * 500)
    ended = harness("cache", f"cache.path={path}", cwd=tmp_path)
    assert ended.exit_status == 1
    assert "is damaged" in ended.err
    assert "Move it away or remove it" in ended.err
    assert ended.is_in_words
