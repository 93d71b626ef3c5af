"""A backend and options that a hunter asks for in, what it makes of the sealed recordings out.

It is run by `harness benchmark` in a process of its own, so that what ends it ends no bounty; what it heard is kept in
the sealed folder.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus import Manifest
from harness.errors import DataError, UsageError
from harness.pipelines.child_runs import MEASURED, quoted, run_apart
from harness.results.bounties.folder import AUDIO, RERUNS, BountyFolder
from harness.results.bounties.submission import Scalar, ToBeRun
from harness.transcription import HypothesisStore

log = logging.getLogger(__name__)

_QUIET = (  # nothing but what was heard is looked at
    "slices.by=[]",
    "policy=report_only",
    "policy.n_resamples=100",
    "policy.n_permutations=100",
    "evidence.sensitivity=false",
    "evidence.adjusted=false",
    "evidence.metrics=false",
    "report.html=false",
    "cache.enabled=false",
    "normalizer=verbatim",
)


class NotRunError(Exception):
    """Says why an alternative could not be run."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Says how alternatives are run.

    Attributes:
        timeout_s: After which one is ended; None: never.
    """

    timeout_s: float | None = None


def audio_lines(manifest: Manifest, ids: Sequence[str]) -> bytes:
    """Return the manifest of some utterances as JSON Lines: where they are to be heard, and nothing of who speaks.

    Raises:
        UsageError: One has no recording.
    """
    wanted, lines = set(ids), []
    for each in manifest.utterances():
        if each.utterance_id not in wanted:
            continue
        if each.audio_filepath is None or not each.audio_filepath.is_file():
            raise UsageError(
                f"utterance {each.utterance_id!r} has no recording at {each.audio_filepath}; backends cannot be run on "
                "it. Give manifest.audio_root=FOLDER, or open the bounty without backends=."
            )
        row = {
            "utterance_id": each.utterance_id,
            "audio_filepath": str(each.audio_filepath.resolve()),
            "text": "",
            "offset": each.offset_s,
            "duration": each.duration_s,
            "language": each.language,
        }
        lines.append(json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines).encode()


def heard_by(folder: BountyFolder, n: int, asked: ToBeRun, *, options: Rerun) -> dict[str, str | None]:
    """Return what a backend makes of every sealed utterance; None where it failed on one.

    Raises:
        NotRunError: It did not start, did not end in time, or is not there.
    """
    run = (folder.sealed / RERUNS / f"{n:04d}").absolute()
    run.parent.mkdir(parents=True, exist_ok=True)
    log.info("submission %d: backend %s on the sealed recordings", n, asked.backend)
    words = ["benchmark", *_overrides(folder, asked)]
    ended = run_apart(words, run_dir=run, log_file=run.with_suffix(".log"), timeout_s=options.timeout_s)
    if ended.exit_status not in MEASURED:
        raise NotRunError(ended.reason)
    return _texts(run)


def _texts(run: Path) -> dict[str, str | None]:
    told = HypothesisStore(run / "hypotheses").frame()
    texts: dict[str, str | None] = {}
    for utterance, text in zip(told["utterance_id"], told["text"], strict=True):
        if isinstance(text, str) or utterance not in texts:
            texts[utterance] = text if isinstance(text, str) else None
    if not texts:
        raise DataError(f"{run}: heard nothing; its hypotheses are gone.")
    return texts


def _overrides(folder: BountyFolder, asked: ToBeRun) -> list[str]:
    manifest = quoted(str((folder.sealed / AUDIO).absolute()))
    return [
        f"manifest.path={manifest}",
        "manifest.audio_root=/",
        "manifest.allow_outside=true",
        f"backend={asked.backend}",
        *_options(asked.options),
        *_QUIET,
    ]


def _options(options: Mapping[str, Scalar]) -> list[str]:
    return [f"backend.{name}={_value(value)}" for name, value in options.items()]


def _value(value: Scalar) -> str:
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value)
