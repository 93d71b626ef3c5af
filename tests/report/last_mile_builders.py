"""A finished last-mile run from a table of accents, for the tests of what people read."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.fairness import violations
from harness.fairness.conditions import condition_grid, crossing_table, extra_harm_table
from harness.fairness.terms import term_examples, term_table, worst_terms
from harness.report.conditions import UnderConditions, under_conditions
from harness.report.screen import show
from harness.results import Run
from harness.results.placed import placed_beside
from harness.results.run import CONDITIONS, CROSSINGS, EXTRA_HARM, LEVELS, PLACED, TERM_EXAMPLES, TERM_LIST, TERMS
from harness.scoring import Verbatim
from harness.scoring.terms import TermList, count_terms
from tests.report.builders import finished_run, promising

SHARES = {"kitchen_20db": 0.05, "kitchen_10db": 0.2, "kitchen_0db": 0.5, "telephone": 0.1}  # of words lost by everybody
HOSTILE = "<img src=x onerror=alert(1)> \"'</script><script>alert(2)</script>"
UNSEEN = "\u202e\u2066\x00\x1b\u2028"
_CONFIG = """conditions:
  telephone:
    _target_: harness.audio.conditions.Telephone
    low_hz: 300
noises: [/home/somebody/rooms/kitchen.flac]
scale: additive
"""


def last_mile_run(
    folder: Path,
    accents: Sequence[str] = ("north", "south", "west"),
    *,
    hurt: str = "south",
    more: float = 0.4,
    shares: Mapping[str, float] = SHARES,
    beside: Run | None = None,
    config: str = _CONFIG,
    **options: object,
) -> Run:
    """Return a run whose conditions lose a share of everybody's words, and `more` of those of one accent.

    Args:
        folder: Where it is made.
        accents: With five speakers each.
        hurt: Accent that loses more under the last level of the kitchen.
        more: Share of words that it loses beside.
        shares: Of words lost, by condition.
        beside: A run to place it beside.
        config: config.yaml.
        options: As `finished_run` has them.
    """
    run = finished_run(folder, accents, **options)  # type: ignore[arg-type]
    clean = run.scores
    scores = pd.concat([clean, *(_heard(clean, name, share, hurt, more) for name, share in shares.items())])
    run.write_table("scores.parquet", scores.reset_index(drop=True))
    (run.path / "config.yaml").write_text(config, encoding="utf-8")
    _write_tables(run, run.scores, levels_of(list(shares)), beside)
    return run


def levels_of(names: Sequence[str]) -> pd.DataFrame:
    """Return levels.csv of some conditions: those called NAME_20db are levels of NAME."""
    rows = [("clean", "clean", "", np.nan, "0" * 16)]
    for name in names:
        sweep, _, level = name.rpartition("_")
        is_swept = level.endswith("db")
        told = (sweep, "snr_db", float(level.removesuffix("db"))) if is_swept else (name, "", np.nan)
        rows.append((name, *told, "0123456789abcdef"))
    return pd.DataFrame(rows, columns=["condition", "sweep", "parameter", "level", "digest"])


def under(run: Run) -> UnderConditions:
    """Return what a run says of its conditions."""
    found = under_conditions(run)
    assert found is not None
    return found


def on_screen(run: Run) -> str:
    """Return what is printed of a run where nobody's terminal is."""
    out = io.StringIO()
    show(run, out)
    return out.getvalue()


def without(run: Run, folder: Path, **tables: pd.DataFrame) -> Run:
    """Return a copy of a run with other tables."""
    folder.mkdir()
    for path in run.path.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    copy = Run(folder)
    for name, table in tables.items():
        copy.write_table(f"{name}.csv", table)
    return copy


def count_terms_of(run: Run, terms: TermList) -> None:
    """Write what became of a list of terms in the run's scores."""
    scores = run.scores
    counted = count_terms(scores, terms, Verbatim())
    by, policy = run.facts["sliced_by"], promising()
    run.write_table(TERMS, term_table(scores, counted.scores, by, policy))
    run.write_table(TERM_LIST, worst_terms(scores, counted.spans, terms, by, policy))
    run.write_table(TERM_EXAMPLES, term_examples(scores, counted.spans))


def _heard(clean: pd.DataFrame, name: str, share: float, hurt: str, more: float) -> pd.DataFrame:
    """Return what is heard under a condition: words lost at random, the same ones in every run."""
    rng = np.random.default_rng(7)
    extra = more * (clean["accent"] == hurt).to_numpy() * (name.endswith("_0db"))
    lost = rng.binomial(clean["hits"].to_numpy(), np.clip(share + extra, 0, 1))
    texts = [
        " ".join(text.split()[n:]) if n else text for text, n in zip(clean["hypothesis"].fillna(""), lost, strict=True)
    ]
    return clean.assign(
        condition=name, hits=clean["hits"] - lost, deletions=clean["deletions"] + lost, hypothesis=texts
    )


def _write_tables(run: Run, scores: pd.DataFrame, levels: pd.DataFrame, beside: Run | None) -> None:
    by, policy = run.facts["sliced_by"], promising(**_options(run))
    grid = condition_grid(scores, by, policy)
    harms = extra_harm_table(scores, by, policy, levels=levels)
    crossings = crossing_table(scores, by, levels, wer=0.2, policy=policy)
    for name, table in ((LEVELS, levels), (CONDITIONS, grid), (EXTRA_HARM, harms), (CROSSINGS, crossings)):
        run.write_table(name, table)
    if beside is not None:
        run.write_table(PLACED, placed_beside(grid, beside))
    told = {"gaps": _told(grid, policy), "extra_harm": _told(harms, policy)}
    kept = not any(part["violations"] for part in told.values())
    beyond = {"n_conditions": int(grid["condition"].nunique()), **told}
    run.write_json("summary.json", run.summary | {"passed": run.summary["passed"] and kept, "beyond": beyond})
    facts = {"pipeline": "last_mile", "conditions": dict(zip(levels["condition"], levels["digest"], strict=True))}
    of = None if beside is None else {"run": beside.path.name, "manifest": beside.facts["manifest"]["name"]}
    run.write_json("run.json", run.facts | facts | {"beside": of})


def _options(run: Run) -> dict[str, object]:
    """Return of the run's policy what decides who is judged."""
    policy = run.facts["policy"]
    return {name: policy[name] for name in ("min_speakers", "min_utterances", "min_words", "margin")}


def _told(table: pd.DataFrame, policy: object) -> dict[str, object]:
    judged = table[table["verdict"] != ""]
    broken = violations(judged, policy)  # type: ignore[arg-type]
    names = ["condition", "dimension", "slice", "verdict", "reason"]
    return {
        "verdicts": {str(name): int(n) for name, n in judged["verdict"].value_counts().items()},
        "violations": broken[names].astype(str).to_dict("records"),
    }
