"""What a bundle holds of a run decides its numbers, and says nothing of where it was made."""

import json

import pytest

from harness.results.bundles.contents import kept_config, kept_facts, kept_summary, locked, without_places

PLACES = [
    pytest.param("/home/anna/models/base.pt", "base.pt", id="path"),
    pytest.param("~/models/base.pt", "base.pt", id="home"),
    pytest.param("../models/base.pt", "base.pt", id="above"),
    pytest.param("C:\\Users\\anna\\base.pt", "base.pt", id="other-systems"),
    pytest.param("python /opt/asr/run.py --model /srv/m.bin", "python run.py --model m.bin", id="command"),
    pytest.param("https://anna:secret@host:8000/v1?key=1", "(an address)", id="address"),
    pytest.param("${oc.env:MODELS}", "(an address)", id="variable"),
]
PLAIN = [
    "openai/whisper-base",
    "pocketsphinx 5.1.1",
    "greedy",
    "by_language(en=a@1+b,other=c@2)",
    "16 kHz and/or 8",
    "a.b",
]


@pytest.mark.parametrize(("text", "kept"), PLACES)
def test_places_go_and_names_stay(text, kept):
    assert without_places({"model": [text]}) == {"model": [kept]}


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_place_stays_as_it_is(text):
    assert without_places(text) == text


def test_facts_are_those_that_are_named():
    facts = {
        "fingerprint": {"config.manifest.path": '"/home/anna/corpus.csv"'},
        "platform": "Linux-6.1-anna-laptop",
        "n_cpus": 8,
        "timings_s": {"evaluation": 1.0},
        "speed": {"wall_s": 1},
        "finished": "2026-11-22 14:27:20 +0545",
        "normalizer": "verbatim@1",
        "seed": 3,
        "backend": {"name": "mine", "model": "/m/b.pt"},
        "hypotheses": {"file": "anna.csv", "digest": "ab", "unmatched": {"extra": 1}},
        "beside": {"run": "anna"},
        "tracking": "http://host",
        "manifest": {"name": "demo"},
    }
    assert kept_facts(facts) == {
        "finished": "2026-11-22",
        "normalizer": "verbatim@1",
        "seed": 3,
        "backend": {"name": "mine", "model": "b.pt"},
        "hypotheses": {"digest": "ab", "unmatched": {"extra": 1}},
        "manifest": {"name": "demo"},
    }


def test_the_configuration_is_what_decides_a_number():
    config = {
        "manifest": {"path": "/home/anna/c.csv"},
        "run_dir": "/srv/run",
        "executor": {"address": "ray://host"},
        "cache": {"path": "/x"},
        "backend": {"_target_": "a.B", "key": "secret"},
        "hypotheses": "/home/anna/h.csv",
        "seed": 1,
        "reference_pattern": "/[^/]*/",
        "policy": {"name": "a/b"},
        "terms": "/home/anna/t.csv",
        "spellings": "/home/anna/s.csv",
        "beside": "/runs/x",
        "normalizer": {"_target_": "m.N", "file": "/home/anna/n.txt"},
        "tracking": {"uri": "http://host"},
        "conditions": {"ward": {"recording": "/home/anna/ward.wav"}},
    }
    kept = kept_config(config)
    assert kept == {
        "seed": 1,
        "reference_pattern": "/[^/]*/",
        "policy": {"name": "a/b"},
        "terms": "terms.csv",
        "spellings": "spellings.csv",
        "beside": "beside/disparities.csv",
        "normalizer": {"_target_": "m.N", "file": "n.txt"},
        "conditions": {"ward": {"recording": "ward.wav"}},
    }
    assert kept_config({"spellings": "dialect"})["spellings"] == "dialect"
    assert "anna" not in json.dumps(kept)


def test_notes_that_name_speakers_lose_the_names_where_ids_are_codes():
    notes = ["speaker_id has values that differ only in case and count as different: Anna, anna", "accent: x, y"]
    summary = {"wer": 0.1, "failure_reasons": [{"error": "/home/anna/a.wav"}], "notes": notes}
    assert kept_summary(summary, coded=True) == {
        "wer": 0.1,
        "notes": ["speaker_id has values that differ only in case and count as different", "accent: x, y"],
    }
    assert kept_summary(summary, coded=False)["notes"] == notes


def test_the_lock_is_of_the_run_and_not_of_who_bundles_it():
    assert locked({"python": "3.9.9", "versions": {"numpy": "1.0", "ray": None, "jiwer": "9"}}) == (
        "# Python 3.9.9\njiwer==9\nnumpy==1.0\n"
    )
