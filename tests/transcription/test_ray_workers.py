"""On a Ray cluster the same command gives the same tables, also when a node is killed in the middle."""

import os
import time

import pytest

from tests.builders import (
    FEW_RESAMPLES,
    harness,
    harness_process,
    hypothesis_lines,
    tables_but_timings,
    tone_corpus,
    tone_rows,
)
from tests.shared import DATA, REPOSITORY, needs_data

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of which every release has others

STORE_BYTES = 100 * 2**20  # of each node, for audio on its way


class Nodes:
    """Is a cluster of a head that recognises nothing and of nodes of one core each, all on this machine."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.address = cluster.address
        self.nodes = [self.added() for _ in range(2)]

    def added(self):
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)

    def kill(self):
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)
        if not self.nodes:
            self.nodes.append(self.added())

    def arguments(self):
        return ["executor=ray", f"executor.address={self.address}"]


@pytest.fixture(scope="module")
def nodes():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield Nodes(cluster)
    finally:
        cluster.shutdown()


def command(manifest, *more):
    return [
        "benchmark",
        f"manifest.path={manifest}",
        "normalizer=verbatim",
        *FEW_RESAMPLES,
        "cache.enabled=false",
        *more,
    ]


def killed_half_way(nodes, process, run, *, n_lines):
    """Kill a node when some hypotheses are there; return how many there were."""
    deadline = time.monotonic() + 600
    while len(hypothesis_lines(run)) < n_lines and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    before = len(hypothesis_lines(run))
    nodes.kill()
    return before


@needs_data("fsdd")
def test_600_clips_on_two_nodes_of_which_one_is_killed_give_the_tables_of_one_machine(nodes, tmp_path):
    common = ["benchmark", f"manifest.audio_root={DATA / 'fsdd' / 'recordings'}", "manifest=fsdd", *FEW_RESAMPLES]
    common = [*common, "cache.enabled=false", "evidence.sensitivity=false"]
    local = harness(*common, "run_dir=local", "executor.workers=2", cwd=tmp_path)
    process = harness_process(
        *common, *nodes.arguments(), "executor.batch_size=8", "run_dir=ray", cwd=tmp_path, PYTHONPATH=str(REPOSITORY)
    )
    n_before = killed_half_way(nodes, process, tmp_path / "ray", n_lines=100)
    err = process.communicate(timeout=900)[1]
    assert process.returncode == local.exit_status, err
    assert 100 <= n_before < 600
    assert "a recogniser was lost, its 8 clips are heard again" in err
    lines = hypothesis_lines(tmp_path / "ray")
    assert len(lines) == len({line["utterance_id"] for line in lines}) == 600  # nothing lost, nothing doubled
    assert not [line for line in lines if line["error"]]
    assert tables_but_timings(tmp_path / "ray") == tables_but_timings(tmp_path / "local")


def test_a_clip_that_kills_its_process_fails_alone_on_a_cluster_too(nodes, tmp_path):
    manifest = tone_corpus(tmp_path / "corpus", tone_rows(("north",), n_speakers=2, n_utterances=4))
    deadly = tone_rows(("north",), n_speakers=2, n_utterances=4)[3]["text"]
    dying = ["backend=tones", "backend._target_=harness.backends.faults.Dying", f"+backend.on_text={deadly}"]
    allowed = "allow_targets=[harness.backends.faults.Dying]"
    told = command(manifest, *dying, allowed, *nodes.arguments(), "run_dir=run")
    ended = harness(*told, cwd=tmp_path)
    if ended.exit_status == 1:  # no node had room for a recogniser yet: the same command goes on
        ended = harness(*told, cwd=tmp_path)
    assert ended.is_in_words
    assert ended.exit_status == 4, ended.err
    failed = [line for line in hypothesis_lines(tmp_path / "run") if line["error"]]
    assert {line["utterance_id"] for line in failed} == {
        row["utterance_id"] for row in tone_rows(("north",), n_speakers=2, n_utterances=4) if row["text"] == deadly
    }
    assert all("RecogniserLostError" in line["error"] for line in failed)


def test_an_address_where_no_cluster_answers_is_refused_in_words(tmp_path):
    manifest = tone_corpus(tmp_path / "corpus")
    ended = harness(*command(manifest, "backend=tones", "executor=ray", "executor.address=127.0.0.1:1"), cwd=tmp_path)
    assert ended.exit_status == 2
    assert "no Ray cluster answers there" in ended.err
    assert ended.is_in_words
