"""A frame of references and hypotheses in; its scores, slices and disparities out, as a notebook wants them.

```python
from harness.results import evaluate_frame

found = evaluate_frame(frame, ["accent", "accent & gender"])
found.slices, found.disparities
```

The frame is read by the rules that a manifest's file is read by: the same values are undeclared, the same rows refused.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow

from harness.corpus import Manifest
from harness.errors import HypothesesError, UsageError
from harness.fairness import Policy, disparity_table, slice_table
from harness.fairness.membership import AND, as_list
from harness.scoring import ByLanguage, Normalizer, score

REFERENCE, HYPOTHESIS = "reference", "hypothesis"
FRAME_FILE = "frame.parquet"  # what messages call the frame
_OPTIONAL = ("speaker_id", "language")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Is what a frame was found to say.

    Attributes:
        scores: One row an utterance, with the columns of `harness.scoring.score`.
        slices: One row a slice, with those of `harness.fairness.slice_table`.
        disparities: One row a slice against its comparator, with those of `harness.fairness.disparity_table`.
        notes: What whoever shows these numbers should say.
    """

    scores: pd.DataFrame
    slices: pd.DataFrame
    disparities: pd.DataFrame
    notes: tuple[str, ...]


def evaluate_frame(
    frame: pd.DataFrame,
    by: str | Sequence[str],
    policy: Policy | None = None,
    *,
    normalizer: Normalizer | ByLanguage | None = None,
    columns: Mapping[str, str] | None = None,
    language: str | None = None,
    seed: int = 0,
) -> Evaluated:
    """Scores, slices and judges a frame in one call.

    Args:
        frame: One row an utterance: `reference`, `hypothesis` (missing where recognition failed) and the attributes;
            if there, `utterance_id` (else rows are counted from 0), `speaker_id`, without which there is no interval
            and no verdict, and `language`. Nothing of it is changed.
        by: Attributes (`accent`) or intersections (`accent & gender`).
        policy: What was promised, and how sure verdicts must be; the default policy when None.
        normalizer: Rules for both texts; when None those for English where a row is English, basic ones elsewhere.
        columns: What the frame calls `reference`, `hypothesis`, `utterance_id`, `speaker_id` or `language`.
        language: BCP 47 tag of rows that state none.
        seed: Of everything that is drawn.

    Raises:
        UsageError: A column is missing.
        ManifestError: Rows cannot be used; all are named.
    """
    names = as_list(by)
    texts = _with_our_names(frame, columns or {}, _attributes(names))
    manifest = _manifest(texts.drop(columns=HYPOTHESIS), language)
    heard = pd.DataFrame({"utterance_id": manifest.frame["utterance_id"], "text": _heard(texts)})
    scores = score(manifest, heard, normalizer or ByLanguage())
    return Evaluated(
        scores,
        slice_table(scores, names, policy, np.random.default_rng(seed)),
        disparity_table(scores, names, policy, np.random.default_rng(seed)),
        manifest.notes,
    )


def _attributes(by: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for dimension in by for name in dimension.split(AND)))


def _with_our_names(frame: pd.DataFrame, columns: Mapping[str, str], attributes: Sequence[str]) -> pd.DataFrame:
    """Returns the columns that are used, by our names."""
    if twice := sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}):
        raise UsageError(f"the frame has several columns called {', '.join(map(repr, twice))}. Rename or drop them.")
    known = ("utterance_id", REFERENCE, HYPOTHESIS, *_OPTIONAL)
    if strange := [name for name in columns if name not in known]:
        raise UsageError(f"columns names {', '.join(strange)}; expected some of {', '.join(known)}.")
    wanted = {name: name for name in attributes} | {name: columns.get(name, name) for name in known}
    needed = (REFERENCE, HYPOTHESIS, *columns, *attributes)
    missing = [wanted[name] for name in needed if wanted[name] not in frame.columns]
    if missing:
        raise UsageError(
            f"the frame has no column {', '.join(map(repr, dict.fromkeys(missing)))}; found "
            f"{', '.join(map(repr, list(frame.columns)[:40]))}. Name texts with columns={{'reference': …}}."
        )
    there = {name: frame[column].reset_index(drop=True) for name, column in wanted.items() if column in frame.columns}
    return pd.DataFrame({"utterance_id": [str(number) for number in range(len(frame))], **there})


def _manifest(texts: pd.DataFrame, language: str | None) -> Manifest:
    """Returns the frame as a manifest, written and read as a file of one."""
    with tempfile.TemporaryDirectory(prefix="harness-frame-") as folder:
        path = Path(folder) / FRAME_FILE
        try:
            texts.to_parquet(path, index=False)
        except (pyarrow.ArrowException, ValueError, TypeError) as error:
            raise UsageError(
                f"the frame has a column of mixed or unknown types ({error}). Make each one of texts or of numbers."
            ) from error
        return Manifest.load(path, name="frame", columns={"text": REFERENCE}, language=language, require_audio=False)


def _heard(texts: pd.DataFrame) -> pd.Series:
    heard = texts[HYPOTHESIS].astype(object)
    strange = [row for row, text in enumerate(heard) if not isinstance(text, str) and not pd.isna(text)]
    if strange:
        raise HypothesesError(
            [f"row {row}: hypothesis {heard[row]!r}; expected a text, or nothing where it failed." for row in strange]
        )
    return heard.where(heard.notna(), None)
