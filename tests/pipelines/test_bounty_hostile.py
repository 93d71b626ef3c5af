"""What a hunter hands in is data: whatever else it tries to be is refused in words, at once, and leaves no trace."""

import json
import os
import shutil
import time

import pytest

from tests.pipelines.bounties import claim, command, opened, runs, submit

AT_ONCE_S = 1.0  # of processor time
HEARD = {"system": "mine", "how": "by ear"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = runs(tmp_path_factory.mktemp("runs"))
    backends = {"whisper": ["model", "beam_size", "initial_prompt"], "pocketsphinx": []}
    source = place / "audio"
    source.mkdir()
    opened(place, options={"hypotheses": True})
    rules = place / "bounty/public/rules.json"
    told = json.loads(rules.read_text())
    rules.write_text(json.dumps(told | {"backends": backends}))  # no recordings here: as if they were offered
    return place


@pytest.fixture
def folder(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    return place


@pytest.fixture
def ids(folder):
    return (folder / "bounty/public/utterances.txt").read_text().split()


def transcripts(folder, ids, *, name="mine.jsonl"):
    path = folder / name
    path.write_text("".join(f"{json.dumps({'utterance_id': each, 'text': 'up'})}\n" for each in ids))
    return path


def refused(folder, path, said):
    """Hand in what must be refused in words, within a second, without a trace."""
    ledger = (folder / "bounty/ledger.jsonl").read_bytes()
    started = time.process_time()
    ended = submit(folder, path)
    assert time.process_time() - started < AT_ONCE_S
    assert ended.exit_status == 2
    assert said in ended.err
    assert len(ended.err) < 2_000
    assert (folder / "bounty/ledger.jsonl").read_bytes() == ledger
    assert list((folder / "bounty/submissions").iterdir()) == []


PREDICATES = [
    pytest.param('accent.__class__ == "x"', "predicate, character", id="attribute-access"),
    pytest.param('__import__("os").system("id")', "predicate, character", id="a-call"),
    pytest.param("(" * 5_000 + "true" + ")" * 5_000, "predicate", id="huge-nesting"),
    pytest.param("not " * 3_000 + "true", "predicate", id="many-nots"),
    pytest.param('accent == "' + "a" * 900_000 + '"', "predicate", id="a-huge-text"),
    pytest.param('accent ~ "(a+)+$"', "predicate", id="a-regex"),
    pytest.param('speaker_id == "s001"', "no column is called", id="a-speaker"),
    pytest.param('reference == "up"', "no column is called", id="a-text"),
    pytest.param('\u0430ccent == "north"', "predicate", id="a-look-alike-letter"),
    pytest.param('accent == "nor\u202eth"', "predicate", id="a-turned-text"),
    pytest.param('accent < "north"', "predicate", id="an-order-of-texts"),
    pytest.param("snr_db < 1e999", "predicate", id="no-end"),
    pytest.param("", "predicate", id="nothing"),
    pytest.param('accent == "west"', "no value of accent", id="an-unknown-value"),
]


@pytest.mark.parametrize(("predicate", "said"), PREDICATES)
def test_a_predicate_that_is_none_is_refused(folder, predicate, said):
    refused(folder, claim(folder, predicate), said)


TEXTS = [
    pytest.param(b"[" * 900_000, "nested", id="huge-nesting"),
    pytest.param(b'{"predicate": ' * 60_000, "nested", id="huge-nesting-of-objects"),
    pytest.param(b'{"predicate": "true", "predicate": "true"}', "stands twice", id="a-key-twice"),
    pytest.param(b'{"predicate": NaN}', "NaN is no number", id="not-a-number"),
    pytest.param(b'{"predicate": 1e999}', "too large", id="a-number-without-end"),
    pytest.param(b'{"predicate": ' + b"9" * 10_000 + b"}", "no JSON that can be taken", id="a-number-of-ten-thousand"),
    pytest.param(b'{"predicate": "\\ud800"}', "half a character", id="half-a-character"),
    pytest.param(b"\xff\xfe{}", "is not UTF-8", id="utf-16"),
    pytest.param(b"", "no JSON", id="empty"),
    pytest.param(b"[]", "expected an object", id="a-list"),
    pytest.param(b'{"predicate": "true", "by": "x"}', "lacks 'alternative'", id="a-key-less"),
    pytest.param(
        b'{"predicate": "true", "alternative": {"system": "other"}, "by": "x", "run": "id"}',
        "has the key 'run'",
        id="a-key-more",
    ),
    pytest.param(
        b'{"predicate": ["true"], "alternative": {"system": "other"}, "by": "x"}', "a list of 1", id="a-list-in"
    ),
    pytest.param(b" " * 1_000_001, "expected at most 1,000,000", id="larger-than-a-megabyte"),
    pytest.param(b"\x80\x04\x95cposix\nsystem\n", "is not UTF-8", id="a-pickle"),
]


@pytest.mark.parametrize(("data", "said"), TEXTS)
def test_a_file_that_is_no_submission_is_refused(folder, data, said):
    path = folder / "claim.json"
    path.write_bytes(data)
    refused(folder, path, said)


ALTERNATIVES = [
    pytest.param({"system": "nobody"}, "not on offer", id="an-unknown-system"),
    pytest.param({"system": "base"}, "to be improved", id="the-base"),
    pytest.param({"system": 3}, "expected a text", id="a-number"),
    pytest.param({"system": "other", "backend": "whisper"}, "system and backend", id="two-at-once"),
    pytest.param({}, "expected one of", id="none"),
    pytest.param("other", "expected one of", id="a-text"),
    pytest.param({"hypotheses": "../corpus.jsonl", "provenance": HEARD}, "the plain name of a file", id="a-path-up"),
    pytest.param({"hypotheses": "/etc/passwd", "provenance": HEARD}, "the plain name of a file", id="an-absolute-path"),
    pytest.param({"hypotheses": "a/b.jsonl", "provenance": HEARD}, "the plain name of a file", id="a-folder"),
    pytest.param({"hypotheses": "a\x00b", "provenance": HEARD}, "the plain name of a file", id="nul"),
    pytest.param({"hypotheses": "..", "provenance": HEARD}, "the plain name of a file", id="dots"),
    pytest.param({"hypotheses": "gone.jsonl", "provenance": HEARD}, "cannot be read", id="no-file"),
    pytest.param({"hypotheses": "mine.jsonl"}, "lacks 'provenance'", id="no-provenance"),
    pytest.param({"hypotheses": "mine.jsonl", "provenance": {"system": "x"}}, "lacks 'how'", id="half-a-provenance"),
    pytest.param({"hypotheses": "mine.jsonl", "provenance": {"system": " ", "how": "x"}}, "is empty", id="a-blank"),
    pytest.param({"backend": "command", "options": {"command": ["id"]}}, "not on offer", id="a-program"),
    pytest.param({"backend": "whisper", "options": {"_target_": "os.system"}}, "may not be set", id="a-target"),
    pytest.param({"backend": "whisper", "options": {"download_root": "x"}}, "may not be set", id="an-option-not-named"),
    pytest.param({"backend": "pocketsphinx", "options": {"grammar": "x"}}, "may not be set", id="no-option-at-all"),
    pytest.param(
        {"backend": "whisper", "options": {"model": ["tiny"]}}, "expected a number, a text", id="a-list-option"
    ),
    pytest.param({"backend": "whisper", "options": {"model": {"_target_": "x"}}}, "expected a number", id="a-node"),
    pytest.param({"backend": "whisper", "options": {"model": "/evil.pt"}}, "no place of a file", id="weights"),
    pytest.param({"backend": "whisper", "options": {"model": "../evil.pt"}}, "no place of a file", id="weights-up"),
    pytest.param({"backend": "whisper", "options": {"model": "~/evil.pt"}}, "no place of a file", id="weights-home"),
    pytest.param({"backend": "whisper", "options": {"model": "http://a/b"}}, "no place of a file", id="an-address"),
    pytest.param(
        {"backend": "whisper", "options": {"model": "${oc.env:HOME}"}}, "nothing that is resolved", id="a-variable"
    ),
    pytest.param({"backend": "whisper", "options": {"model": "a\nb"}}, "plain words", id="a-line-s-end"),
    pytest.param({"backend": "whisper", "options": {"beam_size": 10**30}}, "too large", id="a-huge-number"),
    pytest.param({"backend": "whisper", "options": {f"o{n}": 1 for n in range(60)}}, "at most 50", id="many-options"),
]


@pytest.mark.parametrize(("alternative", "said"), ALTERNATIVES)
def test_an_alternative_that_is_none_is_refused(folder, alternative, said):
    refused(folder, claim(folder, "true", alternative or {"none": 1}), said)


def test_transcripts_that_are_a_link_are_refused(folder, ids):
    transcripts(folder, ids, name="real.jsonl")
    (folder / "mine.jsonl").symlink_to(folder / "real.jsonl")
    refused(folder, claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD}), "is a link")


def test_transcripts_that_are_a_pipe_are_refused_and_not_waited_for(folder):
    os.mkfifo(folder / "mine.jsonl")
    refused(folder, claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD}), "no plain file")


def test_a_submission_that_is_a_link_a_pipe_or_a_folder_is_refused(folder):
    real = claim(folder, "true", name="real.json")
    (folder / "link.json").symlink_to(real)
    os.mkfifo(folder / "pipe.json")
    refused(folder, folder / "link.json", "is a link")
    refused(folder, folder / "pipe.json", "no plain file")
    refused(folder, folder / "bounty", "no plain file")
    refused(folder, folder / "gone.json", "cannot be read")


def test_a_gigabyte_of_transcripts_is_not_read(folder):
    with (folder / "mine.jsonl").open("wb") as file:
        file.truncate(1_000_000_000)
    refused(folder, claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD}), "expected at most")


LINES = [
    pytest.param(lambda ids: [*ids, "s999-0"], "'s999-0' is not asked for", id="another-id"),
    pytest.param(lambda ids: [*ids, ids[3]], "stands there again", id="an-id-twice"),
    pytest.param(lambda ids: ids[1:], "1 of 300 utterances are missing", id="an-id-less"),
    pytest.param(lambda _: [], "300 of 300 utterances are missing", id="none"),
]


@pytest.mark.parametrize(("change", "said"), LINES)
def test_transcripts_of_other_utterances_than_are_asked_for_are_refused(folder, ids, change, said):
    transcripts(folder, change(ids))
    refused(folder, claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD}), said)


ROWS = [
    pytest.param(b'{"utterance_id": "s000-0", "text": null}', "expected a text", id="no-text"),
    pytest.param(b'{"utterance_id": "s000-0", "text": ["up"]}', "expected a text", id="a-list"),
    pytest.param(b'{"utterance_id": "s000-0"}', "lacks 'text'", id="a-key-less"),
    pytest.param(b'{"utterance_id": "s000-0", "text": "up", "errors": 0}', "has the key 'errors'", id="a-key-more"),
    pytest.param(b'{"utterance_id": "s000-0", "text": "up", "text": "down"}', "stands twice", id="a-key-twice"),
    pytest.param(b"[" * 100_000, "nested", id="huge-nesting"),
    pytest.param(b'{"utterance_id": "s000-0", "text": "%s"}' % (b"up " * 10_000), "characters", id="a-long-text"),
    pytest.param(b"s000-0\tup", "no JSON", id="no-json"),
    pytest.param(b"\xff", "is not UTF-8", id="no-utf-8"),
]


@pytest.mark.parametrize(("row", "said"), ROWS)
def test_a_line_that_is_no_transcript_is_refused_and_named(folder, row, said):
    (folder / "mine.jsonl").write_bytes(row + b"\n")
    path = claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD})
    refused(folder, path, said)
    refused(folder, path, "mine.jsonl:1")


def test_kinds_of_alternatives_that_are_not_taken_are_refused(tmp_path, made):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    shutil.rmtree(place / "bounty")
    opened(place)
    refused(place, claim(place, "true", {"hypotheses": "a.jsonl", "provenance": HEARD}), "takes no transcripts")
    refused(place, claim(place, "true", {"backend": "whisper"}), "runs no backends")


RULES = [
    pytest.param(lambda told: told | {"columns": []}, "no column is called", id="no-columns"),
    pytest.param(lambda told: told | {"normalizer": 3}, "not as harness bounty open writes it", id="a-number"),
    pytest.param(lambda told: told | {"run": "id"}, "has the key 'run'", id="a-key-more"),
    pytest.param(lambda told: {**told, "rules": told["rules"] | {"alpha": "1"}}, "alpha is no number", id="a-text"),
    pytest.param(
        lambda told: {**told, "rules": told["rules"] | {"assumed": "x"}}, "not as harness", id="an-unknown-name"
    ),
    pytest.param(lambda told: {**told, "rules": told["rules"] | {"min_speakers": 1}}, "at least 5", id="one-person"),
]


@pytest.mark.parametrize(("change", "said"), RULES)
def test_rules_of_somebody_s_are_checked_before_a_hunter_uses_them(folder, change, said):
    path = folder / "bounty/public/rules.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    ended = command("preview", folder, submission=claim(folder, 'accent == "north"'))
    assert ended.exit_status == 2
    assert said in ended.err


def test_a_list_of_somebody_s_is_checked_before_a_hunter_uses_it(folder):
    path = folder / "bounty/public/list.json"
    path.write_text(json.dumps({"base": "base", "nodes": [{"predicate": "true", "to": {"version": 7}}]}))
    ended = command("preview", folder, submission=claim(folder, 'accent == "north"'))
    assert ended.exit_status == 2
    assert "nodes[0]" in ended.err
