"""What a stranger's bundle states is data: it runs nothing, reads no file of this machine, and ends soon."""

import time

import pytest

from tests.pipelines.bundles import PLAIN, bundled, reproduced, rescored
from tests.results.bundles.forging import contents, forged, merged, set_to

HEARD, CONFIG = "hypotheses/0001.jsonl", "config.json"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return bundled(rescored(tmp_path_factory.mktemp("made"), *PLAIN))


BOMB = "(a+)+$"
HOSTILE = {"_target_": "harness.backends.command.Command", "command": "touch run_by_a_bundle"}
HOSTILE_CONFIGS = [
    pytest.param({"normalizer": {"_target_": "os.system", "command": "touch x"}}, "allow-list", id="os-system"),
    pytest.param({"normalizer": HOSTILE}, "allow-list", id="a-backend-that-runs-programs"),
    pytest.param({"normalizer": {"_target_": "mine.Normalizer"}}, "allow-list", id="somebody-s-class"),
    pytest.param({"normalizer": None}, "_target_", id="no-normaliser"),
    pytest.param({"reference_pattern": BOMB}, "give it on the command line: reference_pattern", id="pattern"),
    pytest.param({"spellings": "${oc.env:HOME}"}, "refers to something", id="variable"),
    pytest.param({"policy": {"name": "${manifests:x}"}}, "refers to something", id="resolver"),
    pytest.param({"spellings": "/etc/passwd"}, "expected spellings.csv", id="file-of-this-machine"),
    pytest.param({"terms": "../../etc/passwd"}, "expected terms.csv", id="another-file"),
    pytest.param({"manifest": {"path": "/etc/passwd"}}, "manifest", id="option-of-no-claim"),
    pytest.param({"policy": {"n_resamples": 10**12}}, "draws", id="draws-for-ever"),
    pytest.param({"slices": {"by": None, "intersections": 10**9}}, "crosses", id="crosses-everything"),
    pytest.param({"policy": {"n_resamples": "many"}}, "policy.n_resamples", id="no-number"),
    pytest.param({"seed": "x"}, "seed", id="no-seed"),
    pytest.param({"seed": -1}, "a seed below 0", id="negative-seed"),
    pytest.param({"wer": 7.0}, "a wer that is none", id="no-wer"),
    pytest.param({"evidence": {"covariates": ["accent"] * 1000}}, "covariates", id="a-thousand-covariates"),
    pytest.param({"policy": {"dimensions": {"accent": {"margin": "???"}}}}, "", id="missing-mark"),
    pytest.param({"policy": {"margin": 7}}, "policy.margin", id="out-of-range"),
    pytest.param({"allow_targets": ["mine.Normalizer"]}, "allow_targets", id="allows-itself"),
]


@pytest.mark.parametrize(("stated", "words"), HOSTILE_CONFIGS)
def test_what_a_bundle_states_runs_nothing_and_takes_no_time(bundle, tmp_path, stated, words):
    sent = forged(bundle, tmp_path / "sent.tar", {CONFIG: merged(**stated)})
    started = time.process_time()
    ended, found = reproduced(sent, tmp_path, "reference_pattern=null")
    took_s = time.process_time() - started
    assert ended.exit_status in (1, 2), ended.out
    assert words in ended.err
    assert found is None
    assert took_s < 3  # of this process; composing the command takes most of it
    assert {path.name for path in tmp_path.iterdir()} <= {"sent.tar", "again"}


def test_a_pattern_counts_once_somebody_has_read_it(tmp_path):
    run = rescored(tmp_path, *PLAIN, "reference_pattern='<[^>]*>'")
    bundle = bundled(run)
    ended, _ = reproduced(bundle, tmp_path)
    assert ended.exit_status == 2
    assert "reference_pattern='<[^>]*>'" in ended.err
    ended, found = reproduced(bundle, tmp_path, "reference_pattern='<[^>]*>'")
    assert (ended.exit_status, found["identical"]) == (0, True)


def test_hypotheses_of_other_utterances_are_refused(bundle, tmp_path):
    lines = contents(bundle)[HEARD].decode().splitlines(keepends=True)
    for change, words in (
        ("".join(lines).replace('"u01"', '"u99"'), "not in manifest"),
        ("".join(lines[1:]), "no hypothesis"),
    ):
        ended, found = reproduced(forged(bundle, tmp_path / "sent.tar", {HEARD: set_to(change)}), tmp_path)
        assert (ended.exit_status, found) == (1, None)
        assert words in ended.err
        assert not (tmp_path / "again").exists()
        (tmp_path / "sent.tar").unlink()
