"""The card of a release has its numbers and none of the run's, and `verify` checks them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.fairness.privacy import ReleaseMethod
from harness.pipelines.release import release
from harness.results import Run
from harness.results.releases.record import CSV, JSON, read_release
from tests.builders import harness
from tests.pipelines.released import copied, job, scored_corpus, without_scripts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored_corpus(tmp_path_factory.mktemp("made"))


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "corpus")


class TestCard:
    """The card of a release: its numbers, none of the run's, and `verify` checks them."""

    @pytest.fixture
    def released(self, corpus):
        release(job(corpus, corpus / "released", largest_error=0.9))
        return corpus

    def test_its_numbers_are_the_release_s_and_verify_agrees(self, released):
        card = harness("service_card", "run=run", "release=released", "out=card", cwd=released)
        assert card.exit_status == 0, card.err
        told = json.loads((released / "card" / "service_card.json").read_text(encoding="utf-8"))
        assert {claim["file"] for claim in told["claims"]} == {CSV, JSON}
        rates = {row["wer"] for row in read_release(released / "released").table.to_dict("records")}
        assert {claim["values"][0] for claim in told["claims"] if claim["columns"] == ["wer"]} <= rates
        for words in (["release=released"], ["run=run", "release=released"]):
            ended = harness("service_card", *words, "verify=card", cwd=released)
            assert (ended.exit_status, "agree with" in ended.out) == (0, True), ended.err

    def test_no_number_of_the_run_is_in_it(self, released):
        harness("service_card", "run=run", "release=released", "out=card", cwd=released)
        run = Run.open(released / "run")
        for path in (released / "card").iterdir():
            text = without_scripts(path.read_text(encoding="utf-8"))
            assert str(run.facts["manifest"]["digest"]) not in text
            assert [person for person in run.scores["speaker_id"] if person in text] == []
            assert [wer for wer in map(repr, map(float, run.slices["wer"])) if len(wer) > 8 and wer in text] == []
            assert "slices.csv" not in text
            assert "1,800" not in text  # words of everybody

    def test_a_changed_digit_is_found(self, released):
        harness("service_card", "release=released", "out=card", cwd=released)
        path = released / "card" / "service_card.md"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("ε = 2)", "ε = 1)"), encoding="utf-8")
        ended = harness("service_card", "release=released", "verify=card", cwd=released)
        assert ended.exit_status == 3
        assert "release.json" in ended.out

    def test_an_exact_card_beside_a_private_release_is_refused(self, released):
        ended = harness("service_card", "run=run", "out=card", cwd=released)
        assert ended.exit_status == 2
        assert "harness service_card release=FOLDER" in ended.err
        assert not (released / "card").exists()

    def test_an_exact_card_of_a_corpus_that_is_gone_says_that_a_release_would_not_be_seen(self, corpus):
        told = "a private release of its corpus would not be seen"
        assert told not in " ".join(harness("service_card", "run=run", "out=here", cwd=corpus).out.split())
        (corpus / "corpus.csv").unlink()
        ended = harness("service_card", "run=run", "out=gone", cwd=corpus)
        assert ended.exit_status == 0
        assert told in " ".join(ended.out.split())

    def test_a_release_of_another_run_is_refused(self, released):
        shutil.copytree(released / "run", released / "second")
        scores = pd.read_parquet(released / "second" / "scores.parquet").assign(hypothesis="other")
        scores.to_parquet(released / "second" / "scores.parquet", index=False)
        ended = harness("service_card", "run=second", "release=released", "out=card", cwd=released)
        assert ended.exit_status == 2
        assert "was released from another run" in ended.err

    def test_a_model_index_of_exact_numbers_does_not_stay_beside_it(self, released):
        (released / "card").mkdir()
        (released / "card" / "service_card.model-index.yaml").touch()
        ended = harness("service_card", "release=released", "out=card", cwd=released)
        assert ended.exit_status == 2
        assert "exact numbers" in ended.err

    def test_a_card_of_nothing_says_what_it_could_be_of(self, released):
        ended = harness("service_card", "out=card", cwd=released)
        assert ended.exit_status == 2
        assert "run=RUN" in ended.err
        assert "release=FOLDER" in ended.err

    def test_of_a_suppressed_release_it_says_that_numbers_are_exact(self, corpus):
        release(job(corpus, corpus / "released", method=ReleaseMethod.suppression, slices={}))
        ended = harness("service_card", "release=released", "out=card", cwd=corpus)
        assert ended.exit_status == 0, ended.err
        assert "no differential privacy" in (corpus / "card" / "service_card.md").read_text(encoding="utf-8")
        assert harness("service_card", "release=released", "verify=card", cwd=corpus).exit_status == 0
