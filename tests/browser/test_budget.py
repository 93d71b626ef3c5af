"""The report of 200,000 utterances is small enough to send, ships a part of the rows and draws its first view."""

import json

import numpy as np
import pytest

from harness.results import Run
from tests.browser.conftest import command, once, shared_folder
from tests.browser.opened import EMPTY_CHARTS, installed

N_UTTERANCES, N_SPEAKERS = 200_000, 2_000
MOST_BYTES = 5_000_000
ACCENTS = ("canada", "england", "ireland", "scotland", "us", "african", "indian", "")
WORDS = np.array(["open", "the", "gate", "and", "close", "every", "window", "before", "rain", "comes", "down", "again"])
PLAIN = ("evidence.sensitivity=false", "evidence.adjusted=false", "evidence.metrics=false", "normalizer=verbatim")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def large(tmp_path_factory) -> Run:
    """Return a run of 200,000 made-up utterances, no two alike."""
    installed()
    folder = shared_folder(tmp_path_factory) / "large"
    with once(folder):
        if not (folder / "run" / "report.html").exists():
            write_corpus(folder)
            files = ("hypotheses=heard.jsonl", "manifest.path=corpus.jsonl")
            command(folder, "rescore", *files, *PLAIN, "run_dir=run")
            command(folder, "report", "run=run")
    return Run.open(folder / "run")


def write_corpus(folder):
    rng = np.random.default_rng(0)
    said = rng.integers(len(WORDS), size=(N_UTTERANCES, 10))
    wrong = rng.random(said.shape) < rng.gamma(2, 0.08, N_UTTERANCES)[:, None]
    heard = np.where(wrong, rng.integers(len(WORDS), size=said.shape), said)
    with (folder / "corpus.jsonl").open("w") as corpus, (folder / "heard.jsonl").open("w") as transcripts:
        for number, (reference, hypothesis) in enumerate(zip(WORDS[said], WORDS[heard], strict=True)):
            speaker = number % N_SPEAKERS
            row = {
                "utterance_id": f"u{number:06d}",
                "speaker_id": f"s{speaker:04d}",
                "accent": ACCENTS[speaker % len(ACCENTS)],
                "gender": ("female", "male", "")[speaker % 3],
                "text": " ".join(reference),
            }
            corpus.write(json.dumps(row) + "\n")
            transcripts.write(json.dumps({"utterance_id": row["utterance_id"], "text": " ".join(hypothesis)}) + "\n")


def test_the_report_of_a_large_run_is_small_and_says_what_it_leaves_out(large, opened):
    file = large.path / "report.html"
    assert len(large.scores) == N_UTTERANCES
    assert file.stat().st_size < MOST_BYTES
    tab = opened(file)
    assert "of the run's 200,000 utterances are here" in tab.inner_text("#explorer")


def test_its_first_view_is_drawn_before_what_is_below(large, opened):
    tab = opened(large.path / "report.html")
    painted = tab.evaluate("performance.getEntriesByName('first-contentful-paint').length")
    assert painted == 1
    assert tab.evaluate(EMPTY_CHARTS) == []
    assert tab.locator(".explorer-list > li").count() == 50


def test_its_utterances_are_filtered_and_searched(large, opened):
    tab = opened(large.path / "report.html")
    status = tab.locator("#explorer [role=status]")
    before = status.inner_text()
    tab.get_by_label("Kind", exact=True).select_option(index=1)
    assert status.inner_text() != before
    tab.get_by_label("Utterance or speaker", exact=True).fill("s0001")
    tab.wait_for_selector("#explorer [role=status]:has-text('searched')")
    assert all("s0001" in text for text in tab.locator(".explorer-list > li").all_inner_texts())
