"""A run's files in, read once, with the few questions out that every section asks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

import pandas as pd

from harness.fairness import Failures
from harness.fairness.membership import AND, EVERYBODY, OVERALL
from harness.fairness.speaker_sums import Ints, speaker_codes
from harness.report.run_files import RunFiles
from harness.report.shown import ShownRun
from harness.report.sources import Sources
from harness.report.wording import mapping, plain
from harness.results import Run
from harness.results.run import CONDITIONS
from harness.transcription.store import CLEAN

Row = Mapping[str, Any]
INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Measured(RunFiles):
    """Is what the sections are made of: a run as it is printed, redacted where asked for, its tables read once."""

    run: ShownRun

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Return what was judged: scores.parquet, or where a run has conditions, of it what was heard clean."""
        scores = self.run.scores
        if not (self.run.path / CONDITIONS).is_file():
            return scores
        return scores[scores["condition"] == CLEAN].reset_index(drop=True)

    @property
    def counted(self) -> pd.DataFrame:
        """Return the scores that the rates are made of: without failed clips where the policy leaves those out."""
        left_out = self.summary["failures_count_as"] == Failures.left_out.value
        return self.scores[~self.scores["failed"].astype(bool)] if left_out else self.scores

    @cached_property
    def speaker_codes(self) -> Ints:
        """Return the number of each utterance's speaker; -1 where the speaker has no id."""
        return speaker_codes(self.scores)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """Return slices.csv."""
        return self.run.slices

    @cached_property
    def disparities(self) -> pd.DataFrame:
        """Return disparities.csv."""
        return self.run.disparities

    @property
    def attributes(self) -> dict[str, Any]:
        """Return what is known of every attribute, by name."""
        return mapping(mapping(self.facts["manifest"])["attributes"])

    @cached_property
    def sources(self) -> Sources:
        """Return who says so of every attribute."""
        return Sources.of_manifest(self.facts["manifest"])

    @property
    def dimensions(self) -> list[str]:
        """Name what is sliced by, without intersections."""
        return [name for name in self._all_dimensions if name != OVERALL and AND not in name]

    @property
    def intersections(self) -> list[str]:
        """Name the intersections."""
        return [name for name in self._all_dimensions if AND in name]

    @property
    def _all_dimensions(self) -> list[str]:
        return [str(name) for name in dict.fromkeys(self.slices["dimension"])]

    @property
    def ordered(self) -> list[str]:
        """Name the dimensions whose slices have an order of their own."""
        return [name for name, about in self.attributes.items() if mapping(about).get("order")]

    @property
    def everybody(self) -> Row:
        """Return the slice of all."""
        everybody = (self.slices["dimension"] == OVERALL) & (self.slices["slice"] == EVERYBODY)
        return records(self.slices[everybody])[0]

    @property
    def has_words(self) -> bool:
        """Say whether anybody said a word; of silence alone there is no rate, and no chart of one."""
        return bool(self.everybody["reference_words"])

    @property
    def tested(self) -> pd.DataFrame:
        """Return the disparities with enough support for a test."""
        return self.disparities[self.disparities["verdict"] != INSUFFICIENT]

    def of(self, dimensions: Sequence[str]) -> pd.DataFrame:
        """Return the slices of some dimensions."""
        return self.slices[self.slices["dimension"].isin(dimensions)].reset_index(drop=True)

    @cached_property
    def people(self) -> dict[tuple[str, str], int]:
        """Return how many speakers a slice has, by dimension and slice."""
        keys = zip(self.slices["dimension"], self.slices["slice"], strict=True)
        return dict(zip(keys, self.slices["n_speakers"].astype(int).tolist(), strict=True))


def records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a table, by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def system_name(run: Run) -> str:
    """Return what to call the recogniser of a run: its backend, the file of its transcripts, or its folder."""
    facts = run.facts
    backend = mapping(facts.get("backend")).get("name")
    file = mapping(facts.get("hypotheses")).get("file")
    return plain(backend or (PurePath(str(file)).stem if file else run.path.resolve().name))


def text(value: object) -> str:
    """Return a cell as text; nothing where it is missing."""
    return "" if value is None or (isinstance(value, float) and pd.isna(value)) else str(value)


def several(number: int, one: str, many: str) -> str:
    """Write a count and what is counted.

    >>> several(1, "slice", "slices"), several(1500, "slice", "slices")
    ('1 slice', '1,500 slices')
    """
    return f"{number:,} {one if number == 1 else many}"
