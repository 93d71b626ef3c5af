"""Nodes of conditions become conditions: lists are swept, crossed ones put together, names say what they are."""

import math

import numpy as np
import pytest
import soundfile
import yaml

from harness.config import configs_folder
from harness.config.conditions import MOST, conditions_of
from harness.errors import HarnessError
from harness.plugins import TARGETS
from tests.builders import harness

NOISE, GAIN, CLIPPING = (f"harness.audio.conditions.{name}" for name in ("Noise", "Gain", "Clipping"))


def white(snr_db):
    return {"_target_": NOISE, "colour": "white", "snr_db": snr_db}


def built(nodes, **options):
    return conditions_of(nodes, allowed=TARGETS, **options)


def test_clean_is_always_there_and_comes_first():
    found = built({})
    assert [each.name for each in found.all] == ["clean"]
    assert found.levels["condition"].tolist() == ["clean"]
    assert math.isnan(found.levels["level"].iloc[0])


def test_a_list_is_swept_and_its_conditions_are_called_after_their_values():
    found = built({"ward": white([20, 2.5, -5])})
    assert [each.name for each in found.all] == ["clean", "ward_20db", "ward_2.5db", "ward_-5db"]
    swept = found.levels.iloc[1:]
    assert swept["sweep"].tolist() == ["ward"] * 3
    assert swept["parameter"].tolist() == ["snr_db"] * 3
    assert swept["level"].tolist() == [20.0, 2.5, -5.0]
    assert swept["digest"].nunique() == 3


def test_a_single_value_keeps_the_name_of_its_node():
    assert [each.name for each in built({"ward": white(10)}).all] == ["clean", "ward"]


def test_crossed_conditions_are_also_put_together_one_level_of_each():
    nodes = {"ward": white([10, 0]), "quiet": {"_target_": GAIN, "gain_db": -20}}
    found = built(nodes, crossed=["ward", "quiet"])
    assert [each.name for each in found.all] == [
        "clean", "ward_10db", "ward_0db", "quiet", "ward_10db-quiet", "ward_0db-quiet",
    ]  # fmt: skip
    together = found.levels.iloc[-2:]
    assert together["sweep"].tolist() == ["ward-quiet"] * 2
    assert together["level"].tolist() == [10.0, 0.0]


@pytest.mark.parametrize(
    ("nodes", "options", "message"),
    [
        pytest.param({"a": white([])}, {}, "empty list", id="nothing-to-sweep"),
        pytest.param({"a": "noise"}, {}, "expected _target_", id="no-node"),
        pytest.param({"a": white(1)}, {"crossed": ["b"]}, "crossed names 'b'", id="crossed-unknown"),
        pytest.param({"a": white([1, 1])}, {}, "two conditions are called", id="one-value-twice"),
        pytest.param({"a": white([number / 4 for number in range(MOST + 1)])}, {}, f"at most {MOST}", id="too-many"),
        pytest.param(
            {name: {"_target_": GAIN, "gain_db": list(range(60))} for name in "abc"},
            {"crossed": [*"abc"]}, "226980 conditions", id="too-many-crossed",
        ),
        pytest.param({"a": {"_target_": NOISE, "recording": "???"}}, {}, "conditions.a.recording=…", id="left-out"),
        pytest.param({"clean": white(0)}, {}, "Noise is called 'clean'", id="noise-called-clean"),
        pytest.param({"a": white(0) | {"name": "clean"}}, {}, "another name", id="noise-named-clean"),
        pytest.param({"a": {"_target_": "os.system", "command": "id"}}, {}, "allow-list", id="code"),
        pytest.param(
            {"a": {"_target_": "harness.audio.conditions.Chain", "steps": [{"_target_": ["os.system"]}]}},
            {}, "allow-list", id="code-in-a-list",
        ),
        pytest.param(
            {"a": {"_target_": "harness.audio.conditions.Chain", "steps": [{"_target_": "os.system"}]}},
            {}, "allow-list", id="code-in-a-step",
        ),
        pytest.param({"a": {"_target_": GAIN, "volume": 3}}, {}, "volume", id="unknown-argument"),
        pytest.param({"a": white("loud")}, {}, "snr_db", id="a-word-for-a-number"),
        pytest.param({"a b/../c": white(1)}, {}, "a b/../c", id="a-path-for-a-name"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(nodes, options, message):
    with pytest.raises(HarnessError) as refused:
        built(nodes, **options)
    assert message in str(refused.value)


def test_a_chain_in_a_file_is_made_of_its_steps():
    steps = [white(10), {"_target_": GAIN, "gain_db": -6}]
    found = built({"both": {"_target_": "harness.audio.conditions.Chain", "steps": steps}})
    assert found.all[1].name == "both"


@pytest.mark.parametrize("path", sorted((configs_folder() / "condition").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_condition_in_the_configurations_is_made_of_plain_options(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# @package conditions.{path.stem}\n")
    soundfile.write(tmp_path / "mine.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    node = {key: str(tmp_path / "mine.wav") if value == "???" else value for key, value in yaml.safe_load(text).items()}
    if path.stem == "room":
        pytest.importorskip("pyroomacoustics")
    found = built({path.stem: node})
    assert all(each.name.startswith(path.stem) for each in found.all[1:])
    assert len(found.all) > 1


def test_a_benchmark_hears_the_condition_that_was_chosen(tmp_path):
    ended = harness("benchmark", "condition=quiet", "--cfg", "job", cwd=tmp_path)
    assert "Gain" in ended.out
