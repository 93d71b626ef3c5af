"""A run in, the same run without what must not be published out; whatever reads it cannot show what it never had."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from harness.fairness.membership import AND, OVERALL
from harness.fairness.speaker_sums import speaker_codes
from harness.report.explorer import SPEAKERS
from harness.report.shown import ShownRun
from harness.report.wording import mapping
from harness.results import Run
from harness.results.complements import Complements, complements
from harness.results.few import keys_of
from harness.results.run import TERM_EXAMPLES, TERM_LIST

_SPEAKER = "speaker_id"
_TEXTS = ("reference", "hypothesis")
_LISTS = ("violations", "normaliser_sensitive")  # of the summary, each item of one slice
_SLICES = ("worst_slice", "max_gap")


@dataclass(frozen=True)
class RedactedRun(ShownRun):
    """Is a run as it is printed, moreover without transcripts, without speakers, or without both.

    Without speakers, what was sliced by speaker is gone too, and every slice of fewer than the policy asks for, whom
    somebody may know. The list of terms, which is the customer's own words, examples of them, errors of failed clips,
    which may quote anything, and ids of utterances, which may name anybody, are gone in either case.
    """

    redact: frozenset[str]

    def is_withheld(self, dimension: str) -> bool:
        """Say whether slices of a dimension are withheld where they are of few: without speakers, all but everybody."""
        if SPEAKERS not in self.redact:
            return super().is_withheld(dimension)
        return dimension != OVERALL and not _of_speakers(dimension)

    @property
    def tells_few(self) -> bool:
        """Say whether it may be told where few people are: without speakers, it would say what a person is."""
        return SPEAKERS not in self.redact

    @cached_property
    def beside(self) -> Complements:
        """Return what is not printed lest a slice of few be worked out."""
        if SPEAKERS not in self.redact:
            return super().beside
        slices = self._without_speakers(Run(self.path).slices)
        shown = slices[[key not in self.few for key in keys_of(slices)]]
        return complements(Run(self.path), shown, self.few, is_kept=OVERALL.__eq__)

    @property
    def _withheld_what(self) -> str:
        return "slice" if SPEAKERS in self.redact else super()._withheld_what

    @property
    def scores(self) -> pd.DataFrame:
        """Return the scores without texts and ids of utterances; speakers that are not to be named are numbered."""
        scores = super().scores.drop(columns=["utterance_id", *_TEXTS])
        if SPEAKERS not in self.redact:
            return scores
        codes = pd.Series(speaker_codes(scores), index=scores.index)
        return scores.assign(**{_SPEAKER: codes.astype(str).where(codes >= 0, "")})

    @property
    def slices(self) -> pd.DataFrame:
        """Return the slice table without slices that are speakers."""
        return self._without_speakers(super().slices)

    @property
    def disparities(self) -> pd.DataFrame:
        """Return the disparity table without slices that are speakers."""
        return self._without_speakers(super().disparities)

    def optional(self, name: str) -> pd.DataFrame | None:
        """Return a table that not every run has, without slices that are speakers; none that is words."""
        table = None if name in (TERM_LIST, TERM_EXAMPLES) else super().optional(name)
        return table if table is None or "dimension" not in table else self._without_speakers(table)

    @property
    def summary(self) -> dict[str, Any]:
        """Return the headline without what names a speaker or quotes an error."""
        summary = super().summary
        reasons = [
            {**reason, "error": "an error that is not shown here"} for reason in summary.get("failure_reasons", [])
        ]
        kept: dict[str, Any] = {"failure_reasons": reasons}
        if SPEAKERS in self.redact:
            kept |= {name: [each for each in summary.get(name) or [] if self._is_shown(each)] for name in _LISTS}
            kept |= {name: None for name in _SLICES if not self._is_shown(mapping(summary[name]))}
            kept |= {"beyond": self._shown_beyond(mapping(summary.get("beyond")))} if summary.get("beyond") else {}
            kept["slices_lost"] = [each for each in summary["slices_lost"] if self._is_shown({"dimension": each})]
        return summary | kept

    @property
    def facts(self) -> dict[str, Any]:
        """Return run.json without what was sliced by speaker."""
        facts = super().facts
        if SPEAKERS not in self.redact:
            return facts
        policy = mapping(facts["policy"])
        promised = {name: told for name, told in mapping(policy["dimensions"]).items() if not _of_speakers(name)}
        by = [name for name in facts["sliced_by"] if not _of_speakers(name)]
        return facts | {"sliced_by": by, "policy": policy | {"dimensions": promised}}

    def _shown_beyond(self, beyond: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said of conditions without what names a speaker."""
        return {
            name: {
                **mapping(told),
                "violations": [each for each in mapping(told).get("violations") or [] if self._is_shown(each)],
            }
            if isinstance(told, Mapping)
            else told
            for name, told in beyond.items()
        }

    def _is_shown(self, item: Mapping[str, Any]) -> bool:
        return not self.is_left_out(item, gap=True) and not _of_speakers(str(item.get("dimension", "")).split(":")[0])

    def _without_speakers(self, table: pd.DataFrame) -> pd.DataFrame:
        if SPEAKERS not in self.redact or table.empty:
            return table
        return table[[not _of_speakers(str(name)) for name in table["dimension"]]].reset_index(drop=True)


def _of_speakers(dimension: str) -> bool:
    """Say whether the slices of a dimension are speakers, or speakers crossed with something."""
    return _SPEAKER in dimension.split(AND)
