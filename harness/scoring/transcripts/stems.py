"""Ids that are file names in, what of them is compared out: without folder and extension."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

import pandas as pd

from harness.corpus import Manifest
from harness.errors import HypothesesError
from harness.scoring.transcripts.records import MOST_PROBLEMS


def stem(name: str) -> str:
    """Return an id without folder and extension; figures are none, such as those of a segment's start.

    >>> stem("clips/u1.wav"), stem("clips/rec#2.5")
    ('u1', 'rec#2.5')
    """
    path = PurePosixPath(name)
    return path.name if path.suffix[1:].isdecimal() else path.stem


def with_stems(manifest: Manifest) -> Manifest:
    """Return a manifest whose ids, those of people who withdrew among them, have neither folder nor extension.

    Raises:
        HypothesesError: Two ids become one.
    """
    frame, left_out = manifest.frame, manifest.left_out
    ids = stems([*frame["utterance_id"], *left_out.utterances["utterance_id"]], manifest.path)
    theirs = left_out.utterances.assign(utterance_id=pd.Series(ids[len(frame) :], dtype=object))
    return replace(
        manifest,
        frame=frame.assign(utterance_id=ids[: len(frame)]),
        left_out=replace(left_out, utterances=theirs),
    )


def stems(ids: Sequence[str] | pd.Series, source: Path) -> list[str]:
    """Return ids without folder and extension.

    Raises:
        HypothesesError: Two ids become one; the first thousand are named.
    """
    found = [stem(name) for name in ids]
    first: dict[str, str] = {}
    twice = (
        (first[short], name, short)
        for name, short in zip(ids, found, strict=True)
        if first.setdefault(short, name) != name
    )
    problems = [
        f"{source}: ids {one!r} and {other!r} are both {short!r} without folder and extension; set stem_ids=false or "
        "rename one."
        for one, other, short in islice(twice, MOST_PROBLEMS)
    ]
    if problems:
        raise HypothesesError(problems)
    return found


def suggest_stems(ids: pd.Series, manifest: Manifest, source: Path) -> None:
    """Say at once what is wrong when only folders and extensions keep all ids from matching.

    Raises:
        HypothesesError: No id matches, and without folder and extension some are those of utterances or recordings.
    """
    known = manifest.frame["utterance_id"]
    if ids.empty or ids.isin(known).any():
        return
    by_stem = {
        stem(name): name for column in ("audio_filepath", "utterance_id") for name in manifest.frame[column].dropna()
    }
    alike = next((name for name in ids if stem(name) in by_stem), None)
    if alike is not None:
        raise HypothesesError(
            [
                f"{source}: none of its {len(ids)} ids is in {manifest.path.name}, but {alike!r} there is "
                f"{by_stem[stem(alike)]!r} here. Set stem_ids=true to compare them "
                "without folder and extension."
            ]
        )
