"""Every choice of configs/condition: its place, its length, its arguments, and that each of its values can be made."""

import numpy as np
import pytest
import yaml

from harness.audio import conditions
from harness.audio.conditions import conditioned, digest_of, seed_of
from tests.audio.conditions.clips import decaying, like_speech, noise_file, written
from tests.shared import DATA, REPOSITORY, needs_data

CHOICES = sorted((REPOSITORY / "configs" / "condition").glob("*.yaml"))
READY = {
    *(
        "noise_white",
        "noise_pink",
        "babble",
        "noise",
        "alarm",
        "tone_sweep",
        "hum_50hz",
        "telephone",
        "gsm",
        "opus",
        "mp3",
    ),
    *("reverberation", "room", "clipping", "packet_loss", "mask", "quiet", "fast", "slow"),
}


def values_of(path, folder):
    """One condition for each value of a choice's swept argument."""
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    module, _, name = node.pop("_target_").rpartition(".")
    assert module == "harness.audio.conditions"
    made = getattr(conditions, name)
    if node.get("recording") == "???":
        node["recording"] = noise_file(folder)
    if node.get("impulse_response") == "???":
        node["impulse_response"] = written(folder / "room.wav", decaying())
    if name == "Room":
        pytest.importorskip("pyroomacoustics", reason="needs the extra `rooms`", exc_type=ImportError)
    swept = node.get(made.SWEPT) if made.SWEPT else None
    return [made(**(node | {made.SWEPT: value})) for value in swept] if isinstance(swept, list) else [made(**node)]


def test_the_ready_set_is_there():
    assert {path.stem for path in CHOICES} >= READY


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CHOICES if path.stem in READY])
def test_a_choice_is_short_stands_in_its_place_and_can_be_made_at_every_value(tmp_path, path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# @package conditions.{path.stem}"
    assert len(lines) < 10
    made = values_of(path, tmp_path)
    assert len({digest_of(each) for each in made}) == len(made)
    speech = like_speech(1.0)
    for each in made[:1] if path.stem == "room" else made:
        done = conditioned(each, speech, rng=seed_of("u1", each))
        assert np.isfinite(done.waveform).all()


def test_the_sweep_of_tones_is_in_third_octaves(tmp_path):
    frequencies = [each.value for each in values_of(REPOSITORY / "configs/condition/tone_sweep.yaml", tmp_path)]
    assert (frequencies[0], frequencies[-1], len(frequencies)) == (125, 4_000, 16)
    np.testing.assert_allclose(np.diff(np.log2(frequencies)), 1 / 3, atol=0.03)


@needs_data("noise")
@needs_data("speech")
def test_a_kitchen_under_real_speech_has_the_snr_it_says():
    from harness.audio import read_waveform
    from harness.audio.speech_level import active_speech_level

    speech = read_waveform(DATA / "speech" / "jfk.flac")
    condition = conditions.Noise(recording=str(DATA / "noise" / "kitchen.flac"), snr_db=10)
    done = conditioned(condition, speech, rng=seed_of("jfk", condition))
    noise = done.waveform.astype(np.float64) / done.facts["scale"] - speech
    achieved_db = active_speech_level(speech).level_db - 10 * np.log10(np.mean(noise**2))
    assert achieved_db == pytest.approx(10, abs=0.01)
    assert condition.name == "kitchen_10db"
