"""A room's size and reverberation time in, its impulse response out: the one place that imports pyroomacoustics."""

import math
import threading
from importlib import metadata
from types import ModuleType

import numpy as np

from harness.audio.conditions.responses import reverberation_time_s
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import ConditionError, UsageError

WALL_M = 0.2  # kept free before every wall
_MICROPHONE = (0.43, 0.47)  # of length and width: in the very middle the echoes of opposite walls would coincide
_ROUNDS = 8  # of settling the absorption
_BEGIN = 0.75  # of what is asked: a box rings longer than Sabine's formula says, by a third or so
_CLOSE = 0.02  # share of the reverberation time at which it is settled
_PACKAGE = "pyroomacoustics"
_ALONE = threading.Lock()  # its settings are those of the process

Lengths = tuple[float, ...]


def version() -> str:
    """Returns the installed version of pyroomacoustics.

    Raises:
        UsageError: when it is not installed.
    """
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise UsageError(
            "Room needs pyroomacoustics, which is not installed: pip install 'asr-fairness-harness[rooms]'. A measured "
            "impulse response (Reverberation) needs nothing more."
        ) from error


def check_room(dimensions_m: Lengths, distance_m: float, height_m: float) -> None:
    """Refuses a talker and a microphone that do not stand in the room.

    Raises:
        UsageError: when one of them would be in or behind a wall, or pyroomacoustics is not installed.
    """
    version()
    if not all(
        WALL_M <= place <= length - WALL_M
        for point in _places(dimensions_m, distance_m, height_m)
        for place, length in zip(point, dimensions_m, strict=True)
    ):
        raise UsageError(
            f"Room: distance_m={distance_m:g} and height_m={height_m:g} do not fit a room of "
            f"{' × '.join(f'{length:g}' for length in dimensions_m)} m; expected both {WALL_M} m or more from walls."
        )


def impulse_response(dimensions_m: Lengths, t60_s: float, *, distance_m: float, height_m: float) -> Waveform:
    """Simulates a room whose response decays in `t60_s`, to 2 %: `(num_samples,)`.

    The absorption of Sabine's formula is only where the search begins: it holds for rooms in which sound comes from
    everywhere alike, which that of a box with bare parallel walls does not.

    Raises:
        ConditionError: when walls cannot be made that absorb as much, or as little.
    """
    asked_s, settled = _BEGIN * t60_s, None
    with _ALONE:
        for _ in range(_ROUNDS):
            settled = _simulated(dimensions_m, asked_s, places=_places(dimensions_m, distance_m, height_m))
            found_s = reverberation_time_s(settled)
            if not math.isfinite(found_s) or abs(found_s / t60_s - 1) < _CLOSE:
                break
            asked_s *= t60_s / found_s
    if settled is None or not abs(reverberation_time_s(settled) / t60_s - 1) < 5 * _CLOSE:
        raise _impossible(dimensions_m, t60_s)
    settled.flags.writeable = False
    return settled


def _simulated(dimensions_m: Lengths, sabine_s: float, *, places: tuple[Lengths, Lengths]) -> Waveform:
    """Runs the image method with the absorption that Sabine's formula gives for a reverberation time."""
    rooms = _pyroomacoustics()
    try:
        absorption, order = rooms.inverse_sabine(sabine_s, list(dimensions_m))
    except ValueError as error:
        raise _impossible(dimensions_m, sabine_s) from error
    n_threads = rooms.constants.get("num_threads")
    rooms.constants.set("num_threads", 1)  # echoes are then added in one order, whatever the machine
    try:
        room = rooms.ShoeBox(list(dimensions_m), fs=SAMPLE_RATE, materials=rooms.Material(absorption), max_order=order)
        room.add_source(list(places[0]))
        room.add_microphone(list(places[1]))
        room.compute_rir()
    finally:
        rooms.constants.set("num_threads", n_threads)
    waveform: Waveform = np.asarray(room.rir[0][0], dtype=np.float32)
    return waveform


def _places(dimensions_m: Lengths, distance_m: float, height_m: float) -> tuple[Lengths, Lengths]:
    """Returns where the talker and the microphone are: length, width, height."""
    length, width, _ = dimensions_m
    microphone = [_MICROPHONE[0] * length, _MICROPHONE[1] * width, height_m]
    talker = list(microphone)
    talker[0 if length >= width else 1] += distance_m
    return tuple(talker), tuple(microphone)


def _pyroomacoustics() -> ModuleType:
    version()
    import pyroomacoustics

    module: ModuleType = pyroomacoustics
    return module


def _impossible(dimensions_m: Lengths, t60_s: float) -> ConditionError:
    size = " × ".join(f"{length:g}" for length in dimensions_m)
    return ConditionError(
        f"a room of {size} m cannot be simulated with a reverberation time of {t60_s:g} s: its walls would have to "
        "absorb more than all, or next to nothing. Choose another t60_s or other dimensions_m"
    )
