"""Digests that change with everything that decides over samples and with nothing else; draws that stay the same."""

import json
import shutil
from dataclasses import dataclass, fields

import numpy as np
import pytest

from harness.audio.conditions import (
    Chain,
    Clean,
    Clipping,
    Codec,
    Gain,
    LowPass,
    Noise,
    PacketLoss,
    Reverberation,
    Speed,
    Telephone,
    Tone,
    digest_of,
    identity_of,
    seed_of,
)
from harness.errors import ConditionError
from tests.audio.conditions.clips import decaying, every_kind, like_speech, noise_file, written

CHANGES = [
    pytest.param(
        Noise, {"colour": "white", "snr_db": 10}, {"colour": "pink", "snr_db": 9, "speech_power": "rms"}, id="n"
    ),
    pytest.param(
        Tone,
        {"frequency_hz": 500, "period_s": 2},
        {"frequency_hz": 501, "harmonics": 2, "duty_cycle": 0.5, "period_s": 1, "level_db": -4, "speech_power": "rms"},
        id="tone",
    ),
    pytest.param(Telephone, {}, {"low_hz": 200, "high_hz": 3_000, "codec": "alaw"}, id="telephone"),
    pytest.param(Codec, {"codec": "opus"}, {"codec": "mp3", "bitrate_kbps": 30}, id="codec"),
    pytest.param(Clipping, {"quantile": 0.9}, {"quantile": 0.8}, id="clipping"),
    pytest.param(Gain, {"gain_db": 3}, {"gain_db": 4}, id="gain"),
    pytest.param(
        PacketLoss, {"loss_share": 0.1}, {"loss_share": 0.2, "burst_frames": 3, "conceal": "repeat"}, id="packet-loss"
    ),
    pytest.param(LowPass, {"cutoff_hz": 900}, {"cutoff_hz": 901, "order": 3}, id="low-pass"),
    pytest.param(Speed, {"factor": 1.1}, {"factor": 1.2}, id="speed"),
]


@pytest.mark.parametrize(("made", "options", "changes"), CHANGES)
def test_every_option_changes_the_digest_and_no_name_does(made, options, changes):
    base = digest_of(made(**options))
    others = [digest_of(made(**(options | {option: value}))) for option, value in changes.items()]
    assert len({base, *others}) == 1 + len(changes)
    assert digest_of(made(**options, name="another")) == base
    assert len(base) == 16


@pytest.mark.parametrize(("made", "options", "changes"), CHANGES)
def test_every_option_of_a_class_is_tried(made, options, changes):
    options_of = {field.name for field in fields(made) if field.init}
    assert options_of - {"name", "recording", "talkers"} <= {*options, *changes}


def test_a_new_version_changes_the_digest_and_the_draw(monkeypatch):
    condition = Gain(gain_db=1)
    digest, draw = digest_of(condition), seed_of("u1", Gain(gain_db=1.5)).random()
    monkeypatch.setattr(Gain, "VERSION", 2)
    assert digest_of(condition) != digest
    assert seed_of("u1", Gain(gain_db=1.75)).random() != draw


def test_the_same_number_written_differently_is_the_same_condition():
    assert digest_of(Gain(gain_db=10)) == digest_of(Gain(gain_db=10.0))
    assert digest_of(Noise(colour="white", snr_db=-0.0)) == digest_of(Noise(colour="white", snr_db=0))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: Noise(recording=path, snr_db=5), id="noise"),
        pytest.param(lambda path: Noise(talkers=[path, path], snr_db=5), id="talkers"),
        pytest.param(lambda path: Reverberation(impulse_response=path), id="reverberation"),
    ],
)
def test_a_files_content_changes_the_digest_and_its_place_does_not(tmp_path, make):
    path = noise_file(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = shutil.copy(path, elsewhere / "renamed.wav")
    assert digest_of(make(path)) == digest_of(make(str(moved)))
    assert seed_of("u1", make(path)).random() == seed_of("u1", make(str(moved))).random()
    changed = noise_file(elsewhere, seed=8)
    assert digest_of(make(changed)) != digest_of(make(path))
    assert str(tmp_path) not in json.dumps(identity_of(make(path)))


def test_the_order_of_a_chain_is_part_of_its_identity():
    steps = [Gain(gain_db=1), Telephone()]
    assert digest_of(Chain(steps=steps)) != digest_of(Chain(steps=steps[::-1]))
    assert digest_of(Chain(steps=steps)) != digest_of(Chain(steps=[Gain(gain_db=2), Telephone()]))
    assert digest_of(Chain(steps=[steps[0]])) != digest_of(steps[0])
    assert digest_of(Chain(steps=[Codec(codec="opus")])) == digest_of(Chain(steps=[Codec(codec="opus", name="x")]))


def test_no_two_kinds_share_a_digest_and_every_identity_is_plain(tmp_path):
    made = list(every_kind(tmp_path).values())
    assert len({digest_of(each) for each in made}) == len(made)
    for each in made:
        json.loads(json.dumps(identity_of(each)))


def test_the_digest_of_clean_is_fixed():
    assert digest_of(Clean()) == digest_of(Clean(name="as_recorded")) == "7d55bfce9060c636"


def test_every_utterance_has_a_draw_of_its_own_and_always_the_same():
    condition = Tone(frequency_hz=500)
    draws = {utterance_id: seed_of(utterance_id, condition).random() for utterance_id in ("u1", "u2", "ü\ud800", "")}
    assert len(set(draws.values())) == 4
    assert draws["u1"] == seed_of("u1", Tone(frequency_hz=500, name="alarm")).random()


def test_a_draw_is_what_it_was_when_this_was_written():
    assert seed_of("u1", Tone(frequency_hz=500)).integers(2**32) == 265317116


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Noise(colour="white", snr_db=20), Noise(colour="white", snr_db=0), id="snr"),
        pytest.param(Tone(frequency_hz=125), Tone(frequency_hz=4_000), id="frequency"),
        pytest.param(PacketLoss(loss_share=0.1), PacketLoss(loss_share=0.2), id="loss"),
        pytest.param(
            Chain(steps=[Noise(colour="white", snr_db=20), Telephone()]),
            Chain(steps=[Noise(colour="white", snr_db=0), Telephone()]),
            id="inside-a-chain",
        ),
    ],
)
def test_the_levels_of_a_sweep_are_drawn_alike(one, other):
    assert digest_of(one) != digest_of(other)
    assert seed_of("u1", one).random() == seed_of("u1", other).random()


def test_other_conditions_are_drawn_otherwise():
    made = [Noise(colour="white", snr_db=0), Noise(colour="pink", snr_db=0), Tone(frequency_hz=500), Telephone()]
    made += [Chain(steps=[made[0]]), Chain(steps=[made[0], made[0]])]
    assert len({seed_of("u1", each).random() for each in made}) == len(made)


def test_an_update_of_a_codec_does_not_draw_anew(monkeypatch):
    one, other = (Chain(steps=[Codec(codec="opus"), PacketLoss(loss_share=share)]) for share in (0.1, 0.2))
    before = seed_of("u1", one).random()
    monkeypatch.setattr("soundfile.__libsndfile_version__", "9.9.9")
    assert seed_of("u1", other).random() == before


@dataclass
class Theirs:
    depth: float
    name: str = "theirs"

    def __call__(self, waveform, *, rng):  # noqa: ARG002
        return waveform


class Plain:
    name = "plain"

    def __init__(self, depth):
        self.depth = depth
        self._cache = np.zeros(3)

    def __call__(self, waveform, *, rng):  # noqa: ARG002
        return waveform


class Telling(Plain):
    def identity(self):
        return {"model": "tunnel", "weights": "abc"}


def test_anybodys_condition_is_told_by_its_class_and_its_attributes():
    assert digest_of(Theirs(1.0)) == digest_of(Theirs(1.0, name="other")) != digest_of(Theirs(2.0))
    assert digest_of(Plain(1.0)) != digest_of(Plain(2.0))
    assert digest_of(Telling(1.0)) == digest_of(Telling(2.0)) != digest_of(Plain(1.0))
    assert identity_of(Plain(1.0)) == {
        "condition": f"{__name__}.Plain",
        "attributes": {"depth": 1.0},
    }


@pytest.mark.parametrize("depth", [np.zeros(2), object(), float("nan")], ids=["array", "object", "nan"])
def test_a_condition_that_cannot_be_told_from_others_says_what_it_needs(depth):
    with pytest.raises(ConditionError, match=r"'plain' \(Plain\) cannot be told from others.*identity\(\)"):
        digest_of(Plain(depth))


def test_a_chain_takes_steps_that_cannot_be_hashed():
    chain = Chain(steps=[Gain(gain_db=1), Theirs(1.0)])
    assert digest_of(chain) != digest_of(Chain(steps=[Gain(gain_db=1), Theirs(2.0)]))
    assert seed_of("u1", chain).random() == seed_of("u1", chain).random()


NAMES = [
    pytest.param(lambda _: Noise(colour="white", snr_db=-5), "white_-5db", id="noise"),
    pytest.param(lambda _: Tone(frequency_hz=1_000), "tone_1000hz", id="tone"),
    pytest.param(lambda _: Codec(codec="opus"), "opus_24kbps", id="codec"),
    pytest.param(lambda _: PacketLoss(loss_share=0.05), "packet_loss_0.05", id="packet-loss"),
    pytest.param(lambda _: Chain(steps=[Telephone(), Gain(gain_db=-3)]), "telephone_mulaw-gain_-3db", id="chain"),
    pytest.param(lambda _: Gain(gain_db=-3, name=None), "gain_-3db", id="null-in-yaml"),
    pytest.param(
        lambda folder: Noise(recording=written(folder / "Küche (laut).wav", like_speech(0.5)), snr_db=10),
        "K_che_laut__10db",
        id="file-name-with-other-letters",
    ),
    pytest.param(
        lambda folder: Reverberation(impulse_response=written(folder / f"{'x' * 90}.wav", decaying())),
        f"reverberation_{'x' * 46}",
        id="long-file-name",
    ),
]


@pytest.mark.parametrize(("make", "name"), NAMES)
def test_a_condition_without_a_name_is_called_by_its_main_value(tmp_path, make, name):
    assert make(tmp_path).name == name


@pytest.mark.parametrize(("made", "options", "changes"), CHANGES)
def test_the_swept_argument_has_a_value(made, options, changes):  # noqa: ARG001
    condition = made(**options)
    assert condition.SWEPT in {field.name for field in fields(made)}
    assert condition.value == getattr(condition, condition.SWEPT)
    assert np.isnan(Clean().value)
