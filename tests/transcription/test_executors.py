"""Options that cannot be meant are refused by name, and the workers are where the options say."""

import pytest

from harness.backends.tones import Tones
from harness.errors import UsageError
from harness.transcription import ExecutorOptions, recognisers
from harness.transcription.executors import Kind
from harness.transcription.workers import InThisProcess, Remote


@pytest.mark.parametrize("option", ["batch_size", "decode_threads", "prefetch_batches", "max_consecutive_failures"])
def test_an_option_below_one_is_refused_by_name(option):
    with pytest.raises(UsageError, match=rf"executor\.{option}=0; expected 1 or more"):
        ExecutorOptions(**{option: 0})


@pytest.mark.parametrize("option", ["workers", "max_losses", "cpus_per_worker", "gpus_per_worker", "timeout_per_audio"])
def test_an_option_below_zero_is_refused_by_name(option):
    with pytest.raises(UsageError, match=rf"executor\.{option}=-1; expected 0 or more"):
        ExecutorOptions(**{option: -1})


@pytest.mark.parametrize("option", ["batch_audio_s", "start_timeout_s", "timeout_s"])
@pytest.mark.parametrize("seconds", [0.0, float("nan"), float("inf")])
def test_no_time_at_all_and_all_the_time_are_refused_by_name(option, seconds):
    with pytest.raises(UsageError, match=rf"executor\.{option}=.*; expected more than 0 seconds"):
        ExecutorOptions(**{option: seconds})


@pytest.mark.parametrize(
    ("options", "words"),
    [({"gpus": [0], "workers": 0}, "executor.gpus"), ({"kind": Kind.ray, "workers": 0}, "executor.kind=ray")],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        ExecutorOptions(**options)


@pytest.mark.parametrize(
    ("options", "kind", "n_workers"),
    [
        pytest.param({"workers": 0}, InThisProcess, 1, id="in-this-process"),
        pytest.param({"workers": 1}, Remote, 1, id="one-process"),
        pytest.param({"workers": 3}, Remote, 3, id="processes"),
        pytest.param({"workers": None}, Remote, 1, id="no-number"),
        pytest.param({"workers": None, "gpus": [0, 1]}, Remote, 2, id="one-for-each-gpu"),
    ],
)
def test_there_are_as_many_workers_as_asked_for_and_none_is_started_before_it_is_needed(options, kind, n_workers):
    with recognisers(Tones, ExecutorOptions(**options)) as workers:
        assert [type(worker) for worker in workers] == [kind] * n_workers
