"""What a process that transcribed spent in, one line of `sessions.jsonl` out, and back; resuming a run adds a line.

Speed is told of what was recognised, not of what was kept from before or taken from the cache, and without warm-up.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

FILE = "sessions.jsonl"  # beside the folder of hypotheses


@dataclass(frozen=True, slots=True)
class Session:
    """Holds what one process that transcribed did, and where its time went.

    Attributes:
        started: Local time, ISO 8601.
        ended: `done`, or the kind of error that ended it.
        executor: `local` or `ray`.
        n_workers: Recognisers that heard something; others had no room, or nothing to hear.
        n_recognised: Clips that a recogniser was given, failures among them.
        n_failed: Of the clips done, also of those that could not be decoded.
        n_cached: Clips whose audio was recognised before, in an earlier run or in this one.
        audio_s: Seconds of audio recognised; a failed clip's is none.
        processing_s: Seconds in the backend, also of clips that failed.
        wall_s: Seconds from the start of the first recogniser to the last batch.
        warm_up_s: Of these, until a recogniser was loaded and had heard half a second of silence, of the slowest.
        decode_s: Seconds of decoding audio, of all threads.
        waiting_s: Seconds that workers waited for audio, of all.
        busy_s: Seconds in the backend, of all workers, failed attempts included.
        stages_s: Of these, by the backend's own stages; empty where it does not say.
        idle_share: Share of the workers' time, warm-up excluded, in which none of their clips was in the backend.
        devices: What the workers computed on.
        peak_memory_bytes: Resident, of the command's process.
        peak_worker_memory_bytes: Resident, of the largest worker's process.
        peak_device_memory_bytes: Allocated on a GPU, of the largest; None without one.
        batch_size: Clips handed over at once.
        fits: Clips that fit the device's memory, where it was less.
        cost_usd: What services charged; None where nothing is, or no price is known.
    """

    started: str
    ended: str
    executor: str
    n_workers: int
    n_recognised: int
    n_failed: int
    n_cached: int
    audio_s: float
    processing_s: float
    wall_s: float
    warm_up_s: float
    decode_s: float
    waiting_s: float
    busy_s: float
    stages_s: dict[str, float]
    idle_share: float | None
    devices: list[str]
    peak_memory_bytes: int
    peak_worker_memory_bytes: int
    peak_device_memory_bytes: int | None
    batch_size: int
    fits: int | None
    cost_usd: float | None


def append(folder: Path, session: Session) -> None:
    """Add a line; a disk that has no room for it costs the figures of one session, not the run."""
    try:
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(session), allow_nan=False) + "\n")
    except OSError as error:
        log.warning("%s: cannot write (%s); the speed of this session is lost", folder / FILE, error.strerror or error)


def read(folder: Path) -> Sequence[Session]:
    """Return the sessions, oldest first; a line that is torn, or of another version, is left out."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [session for line in lines if (session := _session(line)) is not None]


def _session(line: str) -> Session | None:
    try:
        return Session(**json.loads(line))
    except (ValueError, TypeError):
        return None
