"""Run directories with only what the utterance explorer reads, small by hand and large by arithmetic."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.report.explorer import explorer_data
from harness.results import Run
from harness.scoring.alignment import character_counts, word_counts
from harness.scoring.hallucination import hallucination_flags

COUNTS = ("hits", "substitutions", "deletions", "insertions")


@dataclass(frozen=True)
class Redact:
    """Says what is left out, as the options of a report do."""

    redact: tuple[str, ...] = ()


def scores_of(references: Sequence[str], hypotheses: Sequence[str | None], **columns: object) -> pd.DataFrame:
    """Return scores as a run has them; None is a clip that failed. `columns` are attributes and what is to differ."""
    failed = np.array([text is None for text in hypotheses], dtype=bool)
    heard = [text or "" for text in hypotheses]
    words, characters = word_counts(references, heard), character_counts(references, heard)
    given = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    ids = [f"u{number}" for number in range(len(references))]
    first = {"utterance_id": ids, "speaker_id": [f"s{number % 7}" for number in range(len(ids))], "condition": "clean"}
    return pd.DataFrame(
        {
            **first,
            **given,
            "reference": references,
            "hypothesis": heard,
            **{name: getattr(words, name) for name in COUNTS},
            **{f"character_{name}": getattr(characters, name) for name in COUNTS},
            "failed": failed,
            "reference_emptied": False,
        }
    ).join(hallucination_flags(references, heard, words, failed))


def run_of(
    folder: Path, scores: pd.DataFrame, attributes: Sequence[str] = (), *, sliced_by: Sequence[str] | None = None
) -> Run:
    """Write a run of these scores, sliced by its attributes unless told otherwise; it has no manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    scores.to_parquet(folder / "scores.parquet", index=False)
    about = {name: {"kind": "accent", "provenance": "self_reported", "order": []} for name in attributes}
    facts = {
        "manifest": {"name": "made", "digest": "", "attributes": about},
        "sliced_by": list(attributes if sliced_by is None else sliced_by),
        "n_rows_in": len(scores),
    }
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "config.yaml").write_text("manifest:\n  path: absent.jsonl\n", encoding="utf-8")
    return Run(folder)


def large_scores(n_rows: int, *, n_words: int = 14) -> pd.DataFrame:
    """Return scores in which a hundred texts recur: 3 accents in 5, 1 row in 2,000 failed, one accent is rare."""
    rng = np.random.default_rng(5)
    vocabulary = np.array([f"word{number}" for number in range(400)])
    said = [rng.choice(vocabulary, n_words) for _ in range(100)]
    changed = [np.where(rng.random(n_words) < number / 150, "other", words) for number, words in enumerate(said)]
    texts = scores_of([" ".join(words) for words in said], [" ".join(words) for words in changed])
    scores = texts.iloc[rng.integers(0, len(texts), n_rows)].reset_index(drop=True)
    rare = rng.permutation(n_rows) < 12
    return scores.assign(
        utterance_id=[f"utterance-{number}" for number in range(n_rows)],
        speaker_id=[f"speaker-{number % 2000}" for number in range(n_rows)],
        accent=np.where(rare, "rare", rng.choice(["north", "south", "undeclared"], n_rows)),
        gender=rng.choice(["female", "male"], n_rows),
        failed=rng.permutation(n_rows) < n_rows // 2000,
    )


def explored(run: Run, *redact: str) -> dict[str, object]:
    """Return what the explorer of a run shows, as a browser reads it."""
    return explorer_data(run, Redact(redact))


def texts_of(data: Mapping[str, object], place: int) -> tuple[str, str]:
    """Return reference and hypothesis of an utterance as explorer.js reads them; "…" is a word passed over."""
    said, heard = (data[name][place].split() for name in ("references", "heard"))
    edits = data["edits"][place]
    if not edits:
        return " ".join(said), " ".join(said)
    written, at_said, at_heard = [], 0, 0
    for kind, number in runs_of(edits):
        if kind == "x":
            said, written = [*said[:at_said], *["…"] * number, *said[at_said:]], [*written, *["…"] * number]
        if kind == "e":
            written += said[at_said : at_said + number]
        if kind in "si":
            written += heard[at_heard : at_heard + number]
            at_heard += number
        at_said += number if kind != "i" else 0
    assert (at_said, at_heard) == (len(said), len(heard))
    return " ".join(said), " ".join(written)


def runs_of(edits: str) -> list[tuple[str, int]]:
    """Return the runs of an alignment."""
    runs: list[tuple[str, str]] = []
    for letter in edits:
        runs = [*runs[:-1], (runs[-1][0], runs[-1][1] + letter)] if letter.isdigit() else [*runs, (letter, "")]
    return [(kind, int(number or 1)) for kind, number in runs]
