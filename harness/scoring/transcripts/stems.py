"""Ids that are file names in, what of them is compared out: without folder and extension."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from harness.corpus import Manifest
from harness.errors import HypothesesError


def stem(name: str) -> str:
    """Return an id without folder and extension.

    >>> stem("clips/u1.wav")
    'u1'
    """
    return PurePosixPath(name).stem


def stems(ids: Sequence[str] | pd.Series, source: Path) -> list[str]:
    """Return ids without folder and extension.

    Raises:
        HypothesesError: Two ids become one.
    """
    found = [stem(name) for name in ids]
    first: dict[str, str] = {}
    problems = []
    for name, short in zip(ids, found, strict=True):
        if first.setdefault(short, name) != name:
            problems.append(
                f"{source}: ids {first[short]!r} and {name!r} are both {short!r} without folder and extension; "
                "set stem_ids=false or rename one."
            )
    if problems:
        raise HypothesesError(problems)
    return found


def suggest_stems(ids: pd.Series, manifest: Manifest, source: Path) -> None:
    """Say at once what is wrong when only folders and extensions keep all ids from matching.

    Raises:
        HypothesesError: No id matches, and without folder and extension some do.
    """
    known = set(manifest.frame["utterance_id"])
    if not known.isdisjoint(ids) or ids.empty:
        return
    by_stem = {stem(name): name for name in known}
    alike = next((name for name in ids if stem(name) in by_stem), None)
    if alike is not None:
        raise HypothesesError(
            [
                f"{source}: none of its {len(ids)} ids is in {manifest.path.name}, but {alike!r} there is "
                f"{by_stem[stem(alike)]!r} here. Set stem_ids=true to compare them "
                "without folder and extension."
            ]
        )
