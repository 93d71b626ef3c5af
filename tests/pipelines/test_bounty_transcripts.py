"""Alternatives that hunters bring: transcripts are counted as the run's were, backends are run on sealed recordings."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from harness.corpus import Manifest
from harness.errors import DataError, UsageError
from harness.fairness.bounty import BountyRules
from harness.pipelines import bounty_check, bounty_rerun
from harness.pipelines.bounty_open import BountyOpenJob, bounty_open
from harness.pipelines.child_runs import Ended, quoted
from harness.results import Run
from harness.results.bounties.gathering import Source
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows
from tests.pipelines.bounties import QUIET, answers, claim, command, opened, runs, submit

HEARD = {"system": "mine", "how": "by ear"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = runs(tmp_path_factory.mktemp("runs"))
    opened(place, options={"hypotheses": True})
    return place


@pytest.fixture
def folder(made, tmp_path):
    place = tmp_path / "here"
    shutil.copytree(made, place)
    return place


def bring(folder, name, predicate='accent == "south"'):
    """Hand in the transcripts of a system as one's own."""
    shutil.copy(folder / f"{name}.jsonl", folder / "mine.jsonl")
    return submit(folder, claim(folder, predicate, {"hypotheses": "mine.jsonl", "provenance": HEARD}))


def test_transcripts_are_counted_as_the_run_s_own_and_answered_like_a_system_on_offer(folder):
    assert bring(folder, "other").exit_status == 0
    assert command("check", folder).exit_status == 0
    assert answers(folder / "bounty") == ["accepted"]
    counted = np.load(folder / "bounty/sealed/alternatives/0001.npy")
    sealed = pd.read_parquet(folder / "bounty/sealed/holdout.parquet")
    assert (counted == sealed["errors:other"]).all()
    told = json.loads((folder / "bounty/public/list.json").read_text())
    assert told["nodes"] == [{"predicate": 'accent == "south"', "to": {"system": "submission 0001"}}]


def test_transcripts_that_were_exchanged_afterwards_stop_answers(folder):
    bring(folder, "other")
    path = folder / "bounty/submissions/0001/hypotheses.jsonl"
    path.write_text(path.read_text().replace("wrong", "up"))
    ended = command("check", folder)
    assert ended.exit_status == 1
    assert "was changed after it was handed in" in ended.err
    assert answers(folder / "bounty") == []


def test_counts_that_were_exchanged_are_found(folder):
    bring(folder, "other")
    command("check", folder)
    path = folder / "bounty/sealed/alternatives/0001.npy"
    np.save(path, np.zeros_like(np.load(path)))
    ended = command("verify", folder)
    assert ended.exit_status == 3
    assert "is not the file whose digest stands in the judgement" in ended.out


def test_counts_and_judgement_that_were_both_made_up_are_found_by_counting_again(folder, monkeypatch):
    bring(folder, "base")
    with monkeypatch.context() as patch:
        patch.setattr(bounty_check, "errors_of", lambda _texts, half, _normalizer: np.zeros(len(half), np.int64))
        command("check", folder)
    assert answers(folder / "bounty") == ["accepted"]
    ended = command("verify", folder)
    assert ended.exit_status == 3
    assert "have other errors, counted again" in ended.out


def test_a_text_that_the_normaliser_fails_on_is_no_answer_of_the_holdout(folder):
    lines = (folder / "other.jsonl").read_text().splitlines()
    rows = [json.loads(line) | {"text": "1" * 5_000} for line in lines]
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD})
    assert submit(folder, path).exit_status == 0
    assert command("check", folder).exit_status == 0
    assert answers(folder / "bounty") == ["could_not_be_run"]
    told = json.loads((folder / "bounty/submissions/0001/answer.json").read_text())
    assert "nothing was asked of the holdout" in told["means"]
    assert "fails" not in json.dumps(told)
    assert command("verify", folder).exit_status == 0


def test_a_preview_counts_transcripts_on_the_published_half(folder):
    shutil.copy(folder / "other.jsonl", folder / "mine.jsonl")
    path = claim(folder, 'accent == "south"', {"hypotheses": "mine.jsonl", "provenance": HEARD})
    mine = command("preview", folder, submission=path).out
    offered = command("preview", folder, submission=claim(folder, 'accent == "south"', name="offered.json")).out
    assert mine.splitlines()[1:] == offered.splitlines()[1:]


def test_after_a_system_of_a_hunter_s_a_preview_says_why_it_is_none(folder):
    bring(folder, "other")
    command("check", folder)
    ended = command("preview", folder, submission=claim(folder, 'accent == "south"'))
    assert "the list has submission 0001 by now" in ended.out


def test_without_texts_nothing_that_was_said_is_published_and_a_preview_says_so(folder):
    shutil.rmtree(folder / "bounty")
    opened(folder, options={"hypotheses": True, "texts": False})
    public = pd.read_parquet(folder / "bounty/public/development.parquet")
    assert not [name for name in public if name.startswith(("reference", "hypothesis", "language"))]
    shutil.copy(folder / "other.jsonl", folder / "mine.jsonl")
    path = claim(folder, "true", {"hypotheses": "mine.jsonl", "provenance": HEARD})
    assert "its references are not published" in command("preview", folder, submission=path).out
    assert submit(folder, path).exit_status == 0


def test_a_run_that_would_be_counted_otherwise_now_takes_no_transcripts(folder):
    shutil.rmtree(folder / "bounty")
    for path in (folder / "runs/base/hypotheses").glob("*.jsonl"):
        path.write_text(path.read_text().replace("wrong", "up"))
    with pytest.raises(DataError, match="would be counted otherwise"):
        opened(folder, options={"hypotheses": True})
    assert not (folder / "bounty").exists()


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Return a folder with recordings, a run that hears little of the south, and a bounty that runs `tones`."""
    place = tmp_path_factory.mktemp("tones")
    rows = tone_rows(n_speakers=24, n_utterances=1)
    tone_corpus(place, rows)
    lines = [
        {"utterance_id": row["utterance_id"], "text": "" if row["accent"] == "south" else row["text"]} for row in rows
    ]
    (place / "base.jsonl").write_text("\n".join(map(json.dumps, lines)))
    source = ("hypotheses=base.jsonl", "manifest.path=manifest.jsonl", "run_dir=runs/base")
    ended = harness("rescore", *source, *QUIET, *FEW_RESAMPLES, cwd=place)
    assert ended.exit_status in (0, 3), ended.err
    open_tones(place)
    return place


def open_tones(place, **options):
    bounty_open(
        BountyOpenJob(
            systems={"base": Run.open(place / "runs/base")},
            out=place / "bounty",
            source=Source(Manifest.load(place / "manifest.jsonl"), {}),
            rules=BountyRules(n_submissions=5, n_acceptances=1, min_speakers=5),
            backends={"tones": []},
            seed=1,
            **options,
        )
    )


def test_a_backend_is_run_for_real_on_the_sealed_recordings_and_a_failure_is_an_answer_of_its_own(tones, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bounty_rerun, "run_apart", lambda *_, **__: Ended(2, "exit status 2: no_such_option"))
        submit(tones, claim(tones, "true", {"backend": "tones"}))
        assert command("check", tones).exit_status == 0
    submit(tones, claim(tones, 'accent == "south"', {"backend": "tones", "options": {}}))
    ended = command("check", tones)
    assert ended.exit_status == 0, ended.err
    assert answers(tones / "bounty") == ["could_not_be_run", "accepted"]
    kept = json.loads((tones / "bounty/sealed/judgements/0001.json").read_text())
    assert "no_such_option" in kept["problem"]
    told = (tones / "bounty/submissions/0001/answer.json").read_text() + (tones / "bounty/ledger.jsonl").read_text()
    assert "no_such_option" not in told
    heard = Run.open(tones / "bounty/sealed/reruns/0002").hypotheses.frame()
    sealed = pd.read_parquet(tones / "bounty/sealed/holdout.parquet")
    assert sorted(heard["utterance_id"]) == sorted(sealed["utterance_id"])
    assert "2 answers computed again agree" in command("verify", tones).out


def test_what_is_run_learns_no_reference_and_nobody_s_name(tones):
    rows = [json.loads(line) for line in (tones / "bounty/sealed/audio.jsonl").read_text().splitlines()]
    assert {row["text"] for row in rows} == {""}
    assert not {"speaker_id", "accent"} & {name for row in rows for name in row}


def test_recordings_that_are_not_there_refuse_to_offer_backends(made):
    with pytest.raises(UsageError, match="has no recording"):
        bounty_open(
            BountyOpenJob(
                systems={"base": Run.open(made / "runs/base")},
                out=made / "another",
                source=Source(Manifest.load(made / "corpus.jsonl", require_audio=False), {}),
                backends={"tones": []},
            )
        )
    assert not list(made.glob("*another*"))


@pytest.mark.parametrize("text", ["plain", "it's", "a\\", "a\\'", "{a: 1}", "a=b,c", "\\${x}", "[1,2]", " ", "ünï"])
def test_an_option_is_the_text_that_was_handed_in(text):
    (override,) = OverridesParser.create().parse_overrides([f"backend.model={quoted(text)}"])
    assert OmegaConf.create({"model": override.value()}).model == text
