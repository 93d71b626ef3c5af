"""A finished run in, a blessed baseline out and back: what tonight's run of the same cell is compared with.

A baseline is a folder of copies, for the run itself may be moved or pruned: the six tables and facts that a comparison
needs (scores with normalised texts among them: 0.1 KB an utterance, 1 MB for EdAcc's 9,177), and `blessing.json`, which
says whose run it was, who blessed it, when and why, and the digest of every copy. `current` names the folder that
counts; it is replaced in one step, and what was blessed before stays.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError, RunDirectoryError, StorageError
from harness.fairness.gate import Changed, GateOptions
from harness.fairness.membership import AND
from harness.provenance import digest_of_file
from harness.results.run import CONFIG, DISPARITIES, FACTS, SCORES, SLICES, SUMMARY, Run

BLESSING, CURRENT = "blessing.json", "current"
KEPT = (CONFIG, FACTS, SCORES, SLICES, DISPARITIES, SUMMARY)
N_NAMED = 3  # utterances that a message names
_KEYS = ["utterance_id", "condition"]
_NAMES = ("system", "manifest", "condition")


@dataclass(frozen=True, slots=True)
class CellKey:
    """Says which runs are nights of the same cell: names, not options or digests, which a regression may come from."""

    system: str  # a backend or a set of transcripts
    manifest: str
    condition: str
    normalizer: str

    @property
    def folder(self) -> str:
        """Return a name that is safe in a path and belongs to this key alone."""
        names = f"{self.system}_{self.manifest}_{self.condition}"
        safe = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in names).strip(".-")
        told = json.dumps(asdict(self), sort_keys=True)
        return f"{safe.encode()[:80].decode(errors='ignore')}_{hashlib.sha256(told.encode()).hexdigest()[:10]}"

    def __str__(self) -> str:
        return f"{self.system} × {self.manifest} × {self.condition}"


@dataclass(frozen=True, slots=True)
class Blessing:
    """Is a blessed run: a folder of copies and who vouched for it."""

    key: CellKey
    run: Run  # of the copies
    source: str  # the run directory that was blessed
    blessed: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SharedTest:
    """Holds the scores that two runs of a cell have in common, in the same order, and how many each has alone."""

    baseline: pd.DataFrame
    tonight: pd.DataFrame
    n_only_baseline: int
    n_only_tonight: int
    n_changed: int  # left out: they are another test


def bless_run(run: Run, key: CellKey, baselines: Path, *, by: str, reason: str) -> Blessing:
    """Copy what a comparison needs and make it the baseline of its cell, in one step.

    Raises:
        StorageError: The folder cannot be written.
    """
    now = datetime.now().astimezone()
    home = baselines / key.folder
    folder = home / f"{now:%Y-%m-%d_%H-%M-%S-%f}"
    part = home / f".{folder.name}.{os.getpid()}.part"
    blessing = {
        "key": asdict(key),
        "source": str(run.path.resolve()),
        "blessed": f"{now:%Y-%m-%d %H:%M:%S %z}",
        "by": by,
        "reason": reason,
    }
    try:
        part.mkdir(parents=True)
        for name in KEPT:
            shutil.copyfile(run.path / name, part / name)
        digests = {name: digest_of_file(part / name) for name in KEPT}
        Run(part).write_json(BLESSING, blessing | {"digests": digests})
        Run(part).write_text(CURRENT, f"{folder.name}\n")
        part.rename(folder)
        (folder / CURRENT).replace(home / CURRENT)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"{home}: cannot be written ({error.strerror or error}). Nothing was blessed; make room or choose another "
            "baselines=."
        ) from error
    return _read(folder)


def blessed_run(key: CellKey, baselines: Path) -> Blessing | None:
    """Return the baseline of a cell, every file checked against its digest; None where none was blessed.

    Raises:
        RunDirectoryError: A file is damaged, missing, or not what was blessed; every one is named.
    """
    current = baselines / key.folder / CURRENT
    if not current.is_file():
        return None
    folder = _named_by(current)
    if folder is None:
        raise RunDirectoryError(f"{current}: names no folder beside it. Bless a run of {key} again.")
    return _read(folder)


def other_normalizers(key: CellKey, baselines: Path) -> list[str]:
    """Return the normalisers that the same cell has baselines under, other than the key's."""
    found = []
    for current in sorted(baselines.glob(f"*/{CURRENT}")):
        folder = _named_by(current)
        told = _facts(folder / BLESSING).get("key") if folder is not None else None
        if not isinstance(told, dict) or any(told.get(name) != getattr(key, name) for name in _NAMES):
            continue
        if told.get("normalizer") != key.normalizer:
            found.append(str(told.get("normalizer")))
    return found


def shared_test(baseline: pd.DataFrame, tonight: pd.DataFrame, by: Sequence[str], options: GateOptions) -> SharedTest:
    """Find the utterances of both runs, under the same condition.

    Args:
        baseline: Scores of the blessed run.
        tonight: Scores of the other.
        by: Dimensions whose attributes must be the same in both.
        options: What becomes of utterances that are another test, and how many must be left.

    Raises:
        DataError: It is not the same test; the message says what differs.
    """
    first, second = (pd.MultiIndex.from_frame(scores[_KEYS]) for scores in (baseline, tonight))
    here = first.isin(second)
    before = baseline[here].reset_index(drop=True)
    after = tonight.iloc[second.get_indexer(first[here])].reset_index(drop=True)
    differ = _differing(before, after, by)
    changed = np.any(list(differ.values()), axis=0) if differ else np.zeros(len(before), dtype=bool)
    if changed.any() and options.changed is Changed.refuse:
        raise DataError(_not_the_same(before, differ))
    kept, n_baseline = int((~changed).sum()), len(baseline)
    if kept < options.min_shared * n_baseline or not kept:
        raise DataError(
            f"only {kept} of the baseline's {n_baseline} utterances are in tonight's run as they were, less than "
            f"gate.min_shared={options.min_shared:g} of them: it is another test. Bless a run of it."
        )
    return SharedTest(
        baseline=before[~changed].reset_index(drop=True),
        tonight=after[~changed].reset_index(drop=True),
        n_only_baseline=n_baseline - len(before),
        n_only_tonight=len(tonight) - len(before),
        n_changed=int(changed.sum()),
    )


def _named_by(current: Path) -> Path | None:
    """Return the folder that counts; None where there is none of that name."""
    name = current.read_text(encoding="utf-8", errors="replace").strip()
    return next((path for path in current.parent.iterdir() if path.name == name and path.is_dir()), None)


def _read(folder: Path) -> Blessing:
    facts = _facts(folder / BLESSING)
    key, digests = (facts.get(name) for name in ("key", "digests"))
    if not isinstance(key, dict) or not isinstance(digests, dict) or not {*_NAMES, "normalizer"} <= key.keys():
        raise RunDirectoryError(f"{folder / BLESSING}: has no key or no digests. Restore it, or bless a run again.")
    wrong = [problem for name in KEPT if (problem := _damage(folder / name, str(digests.get(name))))]
    if wrong:
        raise RunDirectoryError("\n".join([*wrong, "Restore what was blessed, or bless a run of that cell again."]))
    return Blessing(
        key=CellKey(**{name: str(key[name]) for name in (*_NAMES, "normalizer")}),
        run=Run(folder),
        **{name: str(facts.get(name, "")) for name in ("source", "blessed", "by", "reason")},
    )


def _damage(path: Path, blessed: str) -> str:
    """Say what is wrong with a copy; empty where it is what was blessed."""
    if not path.is_file():
        return f"{path}: missing."
    found = digest_of_file(path)
    return "" if found == blessed else f"{path}: its digest is {found[:16]}…, that of what was blessed {blessed[:16]}…"


def _facts(path: Path) -> Mapping[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path}: cannot be read ({error}). Restore it, or bless a run again.") from error
    if not isinstance(content, dict):
        raise RunDirectoryError(f"{path}: expected a JSON object. Restore it, or bless a run again.")
    return content


def _differing(before: pd.DataFrame, after: pd.DataFrame, by: Sequence[str]) -> dict[str, npt.NDArray[np.bool_]]:
    """Say for each utterance of both runs whether its reference, its speaker, or an attribute is another."""
    names = ["reference", "speaker_id", *dict.fromkeys(part for name in by for part in name.split(AND))]
    absent = [name for name in names if name not in before or name not in after]
    if absent:
        raise DataError(f"the baseline or tonight's run has no {', '.join(absent)}. Bless a run that has.")
    return {
        name: np.array(
            [_told(one) != _told(other) for one, other in zip(before[name], after[name], strict=True)], dtype=bool
        )
        for name in names
        if name not in _KEYS
    }


def _told(cell: object) -> frozenset[str]:
    """Return what was told as a set of texts, empty where nothing was."""
    parts = tuple(cell) if isinstance(cell, list | tuple | set | frozenset | np.ndarray) else (cell,)
    return frozenset(str(part) for part in parts if part != "" and not pd.isna(part))


def _not_the_same(scores: pd.DataFrame, differ: Mapping[str, npt.NDArray[np.bool_]]) -> str:
    lines = []
    for name, which in differ.items():
        if which.any():
            first = ", ".join(repr(each) for each in scores.loc[which, "utterance_id"].head(N_NAMED))
            more = f" and {which.sum() - N_NAMED} more" if which.sum() > N_NAMED else ""
            lines.append(f"{which.sum()} utterance{'' if which.sum() == 1 else 's'} with another {name}: {first}{more}")
    return "\n".join(
        [
            "It is not the same test as the baseline's.",
            *lines,
            "Bless a run of the new test, or leave those utterances out: gate.changed=leave_out.",
        ]
    )
