"""Patterns in, slices out that are worse than everyone else, found on half of the speakers and tested on the other.

What was looked for in the data that it is tested on is significant by selection. So the search sees half of the
speakers, chosen by a hash of their ids; gap, interval and p-value of what it proposes come from the other half alone
(Cox 1975). In 100 corpora without any slice effect it confirmed something in 1 (in 500 others in 4), where tests of
utterances with Benjamini and Hochberg's correction found something in 97; what it proposed was 9.6 points worse in the
half that was searched and 0.1 better in the other (benchmarks/discovery.py). Patterns whose gap a part of them has
already are left out (DivExplorer: Pastor, de Alfaro and Baralis 2021).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from harness.errors import UsageError
from harness.fairness.bootstrap import divide, one_error, t_quantile
from harness.fairness.comparisons import floors
from harness.fairness.membership import Ints
from harness.fairness.policy import Policy
from harness.fairness.search.confirmation import log_ratio, side_of, validated
from harness.fairness.search.patterns import Cells, Crossing, Effects, Pattern, crossings, grouped, quartiles
from harness.fairness.sparse_sums import Bools, Floats
from harness.fairness.speaker_sums import checked_scores
from harness.fairness.verdicts import shortfall

NOT_ASSESSABLE_COLUMNS = ("dimension", "slice", "n_speakers", "reason")
CONDITION, UTTERANCE_LENGTH, AUDIO_LENGTH = "condition", "utterance_length", "audio_s"
MOST_ATTRIBUTES = 3  # in a pattern: nobody acts on a slice of four
MOST_LISTED = 1_000  # slices of a dimension that are named as not assessable; more are counted
HALVES = "harness/discovery/1:"  # part of every hash: changing it changes who is in which half, for every corpus
REDUNDANT = 0.9  # share of a pattern's gap that, found in a part of it already, makes it no finding (Pastor 2021)


@dataclass(kw_only=True)
class DiscoveryOptions:
    """Says how far the search goes.

    Attributes:
        max_attributes: Most attribute values in a pattern, 1 to 3.
        min_speakers: Least speakers with an id inside and outside a pattern, both halves together.
        n_candidates: Most patterns that are tested; each makes it harder for the others to be confirmed.
        fail_on_discovery: Whether a confirmed slice beyond the policy's margin violates the policy.
    """

    max_attributes: int = 3
    min_speakers: int = 10
    n_candidates: int = 5
    fail_on_discovery: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        for name, holds, expected in (
            ("max_attributes", 1 <= self.max_attributes <= MOST_ATTRIBUTES, f"1 to {MOST_ATTRIBUTES}"),
            ("min_speakers", self.min_speakers >= 4, "at least 4: two speakers in each half"),
            ("n_candidates", self.n_candidates >= 1, "at least 1"),
        ):
            if not holds:
                raise UsageError(f"discovery.{name}={getattr(self, name)}; expected {expected}.")


@dataclass(frozen=True, slots=True)
class Discovery:
    """Holds what was found.

    Attributes:
        candidates: One row a pattern that was tested, with DISCOVERY_COLUMNS, the most harmful of the discovery half
            first. All numbers but the two that begin with `discovery_` are those of the validation half: in the other
            the gap is the largest of many and overstates.
        not_assessable: One row a slice that has too few people for a statement, with NOT_ASSESSABLE_COLUMNS.
        notes: What a reader must know.
        n_dimensions: Attributes and crossings of them that were searched.
        n_assessed: Patterns with enough people on both sides.
        n_not_assessable: Patterns with too few.
        n_speakers: In the discovery half and in the validation half.
    """

    candidates: pd.DataFrame
    not_assessable: pd.DataFrame
    notes: tuple[str, ...]
    n_dimensions: int
    n_assessed: int
    n_not_assessable: int
    n_speakers: tuple[int, int]


def discover(
    scores: pd.DataFrame,
    attributes: Sequence[str],
    policy: Policy | None = None,
    *,
    options: DiscoveryOptions | None = None,
    seed: int = 0,
) -> Discovery:
    """Search all conjunctions of attribute values for slices that are worse than everyone else, and test the worst.

    Utterances without a speaker id are in neither half. The comparator is everybody else who declared a value of each
    attribute, whatever comparator the policy names. Undeclared and declined are no values.

    Args:
        scores: As for `slice_table`.
        attributes: Columns to search; numbers are cut at their quartiles. `utterance_length` is the number of reference
            words, also where the scores have no such column.
        policy: Floors of the validation half, level, margin and the rule for failures; the default when None.
        options: How far the search goes; the default when None.
        seed: Of resamples and permutations.

    Raises:
        UsageError: An attribute or a needed column is not in the scores.
    """
    policy, options = policy or Policy(), options or DiscoveryOptions()
    counted = _with_values(checked_scores(scores, policy), attributes)
    cells = grouped(counted, list(dict.fromkeys(attributes)), policy)
    half = in_discovery_half(cells.speaker_ids)
    surveys = [
        _surveyed(cells, each, half, policy=policy, options=options)
        for each in crossings(cells, options.max_attributes)
    ]
    proposed = _proposed(cells, surveys, half, alpha=policy.alpha, n_candidates=options.n_candidates)
    too_small = [row for each in surveys for row in each.too_small]
    return Discovery(
        candidates=validated(cells, proposed, half, policy=policy, seed=seed),
        not_assessable=pd.DataFrame(too_small, columns=list(NOT_ASSESSABLE_COLUMNS)),
        notes=tuple(_notes(cells, attributes)),
        n_dimensions=len(surveys),
        n_assessed=sum(len(each.harm) for each in surveys),
        n_not_assessable=sum(each.n_too_small for each in surveys),
        n_speakers=(int(half.sum()), int((~half).sum())),
    )


def searchable(scores: pd.DataFrame, attributes: Sequence[str]) -> list[str]:
    """Return the attributes with what else a search may use: condition, utterance length and, if measured, duration."""
    several = CONDITION in scores and len(scores[CONDITION].unique()) > 1
    timed = AUDIO_LENGTH in scores and scores[AUDIO_LENGTH].notna().any()
    names = [*([CONDITION] if several else []), *attributes, UTTERANCE_LENGTH, *([AUDIO_LENGTH] if timed else [])]
    return list(dict.fromkeys(names))


def in_discovery_half(speaker_ids: Sequence[str]) -> Bools:
    """Say who is in the discovery half: a hash of the id alone decides, so that more data moves nobody.

    >>> in_discovery_half(["anna", "ben", "chris", "dana"]).tolist()
    [False, False, True, True]
    """
    digests = (hashlib.sha256((HALVES + each).encode("utf-8", "surrogatepass")).digest() for each in speaker_ids)
    return np.array([digest[0] % 2 == 0 for digest in digests], dtype=bool)


@dataclass(frozen=True, slots=True)
class _Survey:
    """Holds what the discovery half shows of the patterns of one crossing that have enough people in both halves."""

    places: tuple[int, ...]
    values: Ints  # (n_assessed, n_attributes)
    gap: Floats  # (n_assessed,)
    harm: Floats  # (n_assessed,) extra errors per word spoken by anybody, at least
    too_small: list[tuple[str, str, int, str]]  # NOT_ASSESSABLE_COLUMNS
    n_too_small: int


def _surveyed(cells: Cells, crossing: Crossing, half: Bools, *, policy: Policy, options: DiscoveryOptions) -> _Survey:
    searched, held_out = crossing.effects(half), crossing.effects(~half)
    n_speakers = searched.support[:, 0] + held_out.support[:, 0]  # (2, n_patterns)
    enough = (
        np.all(n_speakers >= options.min_speakers, axis=0)
        & np.all(searched.support[:, 0] >= 2, axis=0)
        & np.all(held_out.support >= floors(policy)[:, None], axis=(0, 1))
    )
    small = np.flatnonzero(~enough)
    rows = [
        (
            cells.name(crossing.pattern(k)),
            int(n_speakers[0, k]),
            _why_not(n_speakers[:, k], held_out.support[:, :, k].min(axis=0), policy=policy, options=options),
        )
        for k in small[:MOST_LISTED]
    ]
    if len(small) > MOST_LISTED:
        most = f"at most {n_speakers[0, small].max():.0f} speakers each; too many to name"
        rows = [(f"({len(small)} slices)", int(n_speakers[0, small].max()), most)]
    dimension = cells.dimension(tuple((place, 0) for place in crossing.places))
    return _Survey(
        places=crossing.places,
        values=crossing.values[enough],
        gap=searched.measured.gap[enough],
        harm=_harm(searched, policy.alpha)[enough],
        too_small=[(dimension, *row) for row in rows],
        n_too_small=len(small),
    )


def _harm(found: Effects, alpha: float) -> Floats:
    """Return the lower bound of the gap, times the share of all words that are inside.

    The bound is that of the log ratio, with the degrees of freedom of the smaller side, times the rate outside.
    """
    measured = found.measured
    own, others = measured.slices, measured.comparators
    rate, others_rate = (np.fmax(side.rate, one_error(side.words)) for side in (own, others))
    log_ratio = np.log(divide(rate, others_rate))
    reach = t_quantile(np.fmin(own.n_speakers, others.n_speakers) - 1, 1 - alpha) * measured.log_ratio_standard_error
    share = divide(own.words, own.words + others.words)
    return np.nan_to_num(others_rate * np.expm1(log_ratio - reach) * share, nan=-np.inf)


def _why_not(n_speakers: Floats, held_out: Floats, *, policy: Policy, options: DiscoveryOptions) -> str:
    """Say what is missing for a statement about a pattern."""
    inside, outside = n_speakers
    asked = f"where {options.min_speakers} are asked for"
    if inside < options.min_speakers:
        return f"speakers: {inside:.0f} {asked}"
    if outside < options.min_speakers:
        return f"speakers to compare with: {outside:.0f} {asked}"
    missing = shortfall(held_out, floors(policy))
    return f"validation half: {missing}" if missing else "discovery half: fewer than 2 speakers on a side"


def _proposed(
    cells: Cells, surveys: Sequence[_Survey], half: Bools, *, alpha: float, n_candidates: int
) -> list[Pattern]:
    """Return the most harmful patterns of the discovery half, without those that say what another says already."""
    harm = np.concatenate([each.harm for each in surveys] or [np.empty(0)])
    owners = np.repeat(np.arange(len(surveys)), [len(each.harm) for each in surveys])
    rows = np.concatenate([np.arange(len(each.harm)) for each in surveys] or [np.empty(0, dtype=np.int64)])
    by_places = {each.places: each for each in surveys}
    proposed: dict[Pattern, Floats] = {}
    for k in np.argsort(-harm, kind="stable"):
        if len(proposed) == n_candidates or harm[k] <= 0:
            break
        survey, row = surveys[owners[k]], rows[k]
        pattern = tuple(zip(survey.places, survey.values[row].tolist(), strict=True))
        if _redundant(pattern, float(survey.gap[row]), by_places):
            continue
        inside = cells.sums_of(pattern)[0][:, half]
        if all(_adds(pattern, inside, earlier=each, around=around, alpha=alpha) for each, around in proposed.items()):
            proposed[pattern] = inside
    return list(proposed)


def _redundant(pattern: Pattern, gap: float, surveys: Mapping[tuple[int, ...], _Survey]) -> bool:
    """Say whether a part of the pattern has nearly all of its gap."""
    for size in range(1, len(pattern)):
        for part in combinations(pattern, size):
            survey = surveys[tuple(place for place, _ in part)]
            same = np.all(survey.values == [value for _, value in part], axis=1)
            if np.any(survey.gap[same] >= REDUNDANT * gap):
                return True
    return False


def _adds(pattern: Pattern, inside: Floats, *, earlier: Pattern, around: Floats, alpha: float) -> bool:
    """Say whether a pattern says more than one that is proposed already, of the same people.

    Within that one it must be worse than the rest of it, by the lower limit of the ratio: without this rule chance made
    14 finer patterns of one effect in ten corpora, with it 2. And it must not be the same people under another name.
    """
    if not set(earlier) < set(pattern):
        return not np.array_equal(inside, around)
    return log_ratio(side_of(inside), side_of(around - inside)).lower(alpha) > 0


def _with_values(scores: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Return the scores with numbers cut at their quartiles.

    Raises:
        UsageError: The scores have no such attribute.
    """
    hits, substitutions, deletions = (scores[name] for name in ("hits", "substitutions", "deletions"))
    if UTTERANCE_LENGTH in attributes and UTTERANCE_LENGTH not in scores:
        scores = scores.assign(**{UTTERANCE_LENGTH: hits + substitutions + deletions})
    unknown = [name for name in attributes if name not in scores]
    if unknown:
        raise UsageError(f"no attribute {unknown[0]!r} to search; the scores have {list(scores.columns)}.")
    numbers = [name for name in attributes if is_numeric_dtype(scores[name]) and not is_bool_dtype(scores[name])]
    return scores.assign(**{name: quartiles(scores[name]) for name in numbers})


def _notes(cells: Cells, attributes: Sequence[str]) -> Iterator[str]:
    if cells.n_unnamed:
        yield (
            f"Utterances without a speaker id: {cells.n_unnamed}. They are in neither half: who is not known cannot be "
            "kept apart from who was searched."
        )
    searched = [column.name for column in cells.columns]
    left_out = [name for name in dict.fromkeys(attributes) if name not in searched]
    if left_out:
        yield f"Not searched, for they have fewer than two declared values: {', '.join(left_out)}."
