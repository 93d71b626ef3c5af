"""A bounty publishes exact rows of half the people: a corpus has private releases or bounties, never both."""

import pytest

from harness.errors import UsageError
from harness.results.ledger import Ledger
from tests.builders import harness
from tests.pipelines.bounties import opened, runs

PRIVATE = (
    "run=runs/base",
    "out=released",
    "release.method=laplace",
    "release.epsilon=1",
    "release.total_epsilon=4",
    "release.slices={accent: [north, south, east]}",
)


@pytest.fixture
def place(tmp_path):
    return runs(tmp_path)


def test_after_a_private_release_no_bounty_is_opened(place):
    ended = harness("release", *PRIVATE, cwd=place)
    assert ended.exit_status == 0, ended.err
    with pytest.raises(UsageError, match="has 1 private release"):
        opened(place)
    assert not (place / "bounty").exists()


def test_after_a_bounty_nothing_private_is_released(place):
    bounty = opened(place)
    kept = [entry for entry in Ledger(place / "releases.jsonl").entries() if entry.content.get("method") == "bounty"]
    assert [entry.content["commitment"] for entry in kept] == [
        Ledger(bounty / "ledger.jsonl").entries()[0].content["commitment"]
    ]
    ended = harness("release", *PRIVATE, cwd=place)
    assert ended.exit_status == 2
    assert "exact" in ended.err
    assert not (place / "released").exists()


def test_a_bounty_says_what_it_gives_away_of_a_suppressed_release_and_a_bundle_what_of_its_sealed_half(place):
    hidden = ("run=runs/base", "out=released", "release.method=suppression", "release.min_speakers=5")
    ended = harness("release", *hidden, cwd=place)
    assert ended.exit_status == 0, ended.err
    words = ("run=runs/base", "alternatives.other=runs/other", "out=bounty", "rules.min_speakers=5")
    ended = harness("bounty", "open", *words, cwd=place)
    assert ended.exit_status == 0, ended.err
    assert "releases.jsonl:2: slices of fewer than 5 people were hidden on" in " ".join(ended.out.split())
    ended = harness("bundle", "runs/base", cwd=place)
    assert ended.exit_status == 0, ended.err
    said = " ".join(ended.out.split())
    assert "releases.jsonl:2: slices of fewer than 5 people were hidden on" in said
    assert "releases.jsonl:3: a bounty was opened on" in said


def test_a_bounty_whose_manifest_is_gone_says_that_it_is_in_no_ledger(place):
    ended = harness(
        "bounty",
        "open",
        "run=runs/base",
        "alternatives.other=runs/other",
        "out=elsewhere",
        "rules.min_speakers=5",
        cwd=place,
    )
    assert ended.exit_status == 0, ended.err
    assert "NOT WRITTEN DOWN" not in ended.out
    (place / "corpus.jsonl").rename(place / "gone.jsonl")
    (place / "releases.jsonl").unlink()
    (place / "releases.jsonl.head").unlink()
    ended = harness(
        "bounty",
        "open",
        "run=runs/base",
        "alternatives.other=runs/other",
        "out=bounty",
        "rules.min_speakers=5",
        cwd=place,
    )
    assert ended.exit_status == 0, ended.err
    assert "NOT WRITTEN DOWN" in ended.out
