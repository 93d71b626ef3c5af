"""What was found of a corpus in, what to do next out: mend, ask, record, share; in that order, the cheapest first."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.corpus.attributes import KINDS_OF_PEOPLE
from harness.fairness.described.leakage import RECORDING, SENTENCE, SPEAKER
from harness.fairness.described.repeats import AUDIO, SEGMENT
from harness.fairness.membership import AND, OVERALL
from harness.fairness.policy import Policy

FEW_SHARED = 0.5  # of the share expected of texts that are dealt out at random: the slice reads texts of its own
READ_ALIKE = 0.5  # expected share from which on a corpus has prompts; short answers repeat in conversations, too
PERSON = "person"  # what is settled is what people said of themselves
WORTH_SAYING = 0.75  # of the people needed are enough, or fewer, if each says ten times as many words
UNEVEN = 0.5  # people whose words weigh as much as half as many people's, or fewer, are uneven
_PEOPLE = frozenset(kind.value for kind in KINDS_OF_PEOPLE)


class StepKind(Enum):
    """Says what is to be done; the order is that of the list."""

    keep_apart = "keep_apart"  # what another manifest has, too
    remove = "remove"  # what is there twice
    settle = "settle"  # copies, or people, that say two things
    name_speaker = "name_speaker"  # utterances without a speaker id
    fill = "fill"  # values that the same speaker declared elsewhere
    time = "time"  # utterances whose length is not stated: only hours are unknown without
    ask = "ask"  # people who were not asked
    vary = "vary"  # an attribute of which all have the same value
    say_more = "say_more"  # words of those who are there: what people are too few for, words may show
    record = "record"  # people in a slice
    record_each = "record_each"  # people of every value: more of one value alone are not enough
    share = "share"  # prompts of other slices
    level = "level"  # a slice in which a few say most


NEXT_COLUMNS = (
    "place", "kind", "dimension", "slice", "of", "n_speakers", "n_utterances", "n_more", "n_if_wordy", "words_each",
    "gap", "power", "share", "share_expected", "file",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Findings:
    """Holds what a corpus was found to be.

    Attributes:
        people: As made by `people_table`.
        told: `Told.table`.
        overlaps: `Overlaps.table`.
        duplicates: As made by `duplicates_by_kind`.
        leaks: `Leaks.kinds` of all manifests it was compared with.
        policy: Its floor of speakers.
        power: Chance of finding a gap that is asked for.
        needed_each: People in each of two equal groups for that gap; NaN where no number is enough.
        needed_if_wordy: The same if each said ten times as many words.
    """

    people: pd.DataFrame
    told: pd.DataFrame
    overlaps: pd.DataFrame
    duplicates: pd.DataFrame
    leaks: pd.DataFrame
    policy: Policy
    power: float
    needed_each: float
    needed_if_wordy: float

    @property
    def of_people(self) -> frozenset[str]:
        """Name the attributes that describe people."""
        return frozenset(self.told.loc[self.told["kind"].isin(_PEOPLE), "attribute"])

    @property
    def between_people(self) -> frozenset[str]:
        """Name the attributes of which most people have one value: their slices are of different people."""
        several = self.told["n_speakers_several"] * 2 < self.told["n_speakers_declared"]
        return frozenset(self.told.loc[several, "attribute"])


@dataclass(frozen=True, slots=True)
class Step:
    """Is one thing to do.

    Attributes:
        kind: What.
        dimension: Which attribute; empty where it is about the corpus.
        slice: Which slice of it.
        of: What it is about beside them: another manifest and what is shared, what is there twice, another kind.
        n_speakers: People who are in the slice, or whom it concerns.
        n_utterances: Utterances that it concerns.
        n_more: People to record; of `record_each` those that every value needs, of `say_more` those that each of two
            equal groups needs, of `keep_apart` what is shared.
        n_if_wordy: The same, if each said ten times as many words.
        words_each: Words that each of them says, as those who are there do.
        gap: WER difference that would then be found.
        power: With this chance.
        share: Of utterances, or of words.
        share_expected: What it would be otherwise.
        file: Where every row is.
    """

    kind: str
    file: str
    dimension: str = ""
    slice: str = ""
    of: str = ""
    n_speakers: float = np.nan
    n_utterances: float = np.nan
    n_more: float = np.nan
    n_if_wordy: float = np.nan
    words_each: float = np.nan
    gap: float = np.nan
    power: float = np.nan
    share: float = np.nan
    share_expected: float = np.nan


def next_steps(found: Findings) -> pd.DataFrame:
    """List what to do next, in order.

    Returns:
        One row a step with NEXT_COLUMNS, as `Step` has them; `place` counts from 1. What is wrong comes first, then who
        could be asked without a recording, then slices by how few more people they need.
    """
    order = {kind.value: place for place, kind in enumerate(StepKind)}
    steps = sorted([*_wrong(found), *_silent(found), *_small(found), *_texts(found)], key=lambda step: order[step.kind])
    table = pd.DataFrame([asdict(step) for step in steps], columns=[name for name in NEXT_COLUMNS if name != "place"])
    return table.assign(place=np.arange(1, len(table) + 1))[list(NEXT_COLUMNS)]


def _wrong(found: Findings) -> Iterator[Step]:
    """Yield what makes numbers wrong as the corpus is."""
    yield from _leaked(found.leaks)
    for row in found.duplicates.to_dict("records"):
        kind, n_repeats, n_differing = row["kind"], row["n_repeats"], row["n_groups_differing"]
        if kind in (SEGMENT, AUDIO) and n_repeats:
            yield _step(StepKind.remove, "duplicates.csv", of=kind, n_utterances=n_repeats)
        if n_differing:
            yield _step(StepKind.settle, "duplicates.csv", of=kind, n_utterances=n_differing)
    for row in found.told.to_dict("records"):
        n_several = row["n_speakers_several"]
        if n_several and row["kind"] in _PEOPLE:
            name = row["attribute"]
            yield _step(StepKind.settle, "conflicts.csv", dimension=name, of=PERSON, n_speakers=n_several)
    everybody = _everybody(found)
    if everybody["n_without_speaker"]:
        yield _step(StepKind.name_speaker, "people.csv", n_utterances=everybody["n_without_speaker"])
    if everybody["n_without_duration"]:
        yield _step(StepKind.time, "people.csv", n_utterances=everybody["n_without_duration"])


def _leaked(leaks: pd.DataFrame) -> Iterator[Step]:
    """Yield what other manifests have, too; utterances, and texts of a few words, are left to the table."""
    for row in leaks.to_dict("records"):
        if row["n_shared"] and row["kind"] in (SPEAKER, RECORDING, SENTENCE):
            support = {name: row[name] for name in ("n_speakers", "n_utterances")}
            of, n_more = f"{row['kind']} {row['manifest']}", row["n_shared"]
            yield _step(StepKind.keep_apart, "leakage.csv", of=of, n_more=n_more, **support)


def _silent(found: Findings) -> Iterator[Step]:
    """Yield attributes that are not told, the most silent first."""
    everybody = _everybody(found)
    told = found.told.assign(
        of_people=found.told["n_speakers_undeclared"] / max(1, everybody["n_speakers"]),
        of_utterances=found.told["n_utterances_undeclared"] / max(1, everybody["n_utterances"]),
    ).sort_values(["of_people", "of_utterances"], ascending=False, kind="stable")
    for row in told.to_dict("records"):
        step = partial(_step, file="attributes.csv", dimension=row["attribute"])
        n_people, n_utterances = row["n_speakers_undeclared"], row["n_utterances_undeclared"]
        if row["n_utterances_fillable"]:
            yield step(StepKind.fill, n_speakers=row["n_speakers_partly"], n_utterances=row["n_utterances_fillable"])
        if n_people or (n_utterances and not everybody["n_speakers"]):
            share = row["of_people"] if n_people else row["of_utterances"]
            yield step(StepKind.ask, of=row["kind"], n_speakers=n_people, n_utterances=n_utterances, share=share)
        if row["n_values"] < 2 and row["kind"] in _PEOPLE:
            yield step(StepKind.vary, n_speakers=row["n_values"])


def _small(found: Findings) -> Iterator[Step]:
    """Yield slices that could not show the gap that is asked for, those first that need fewest people more.

    Slices below the policy's floor come after the others: what so few people say tells little of how many it takes.
    """
    planned = found.people[found.people["gap_asked"].notna()]
    planned = planned[_all_among(planned["dimension"], found.between_people)]
    short = planned[~(planned["power"] >= found.power)]
    more = (short["n_speakers_needed"] - short["n_speakers"]).clip(lower=1)
    yield from _said_more(found, short)
    few = short["n_speakers"] < found.policy.min_speakers
    reachable = short.assign(n_more=more, few=few).dropna(subset="n_more").sort_values(["few", "n_more"], kind="stable")
    for row in reachable.to_dict("records"):
        asked = {"gap": row["gap_asked"], "power": found.power, "words_each": row["words_per_speaker"]}
        yield _of_slice(StepKind.record, row, n_utterances=row["n_utterances"], n_more=row["n_more"], **asked)
    alone = short[~short["dimension"].isin(reachable["dimension"])]  # where others can grow, these do with them
    for dimension, part in alone.groupby("dimension", sort=False):
        yield _step(
            StepKind.record_each,
            "people.csv",
            dimension=str(dimension),
            n_speakers=part["n_speakers"].min(),
            n_more=found.needed_each,
            n_if_wordy=found.needed_if_wordy,
            words_each=part["words_per_speaker"].mean(),
            gap=part["gap_asked"].iloc[0],
            power=found.power,
        )
    crowd = planned[planned["n_speakers"] >= found.policy.min_speakers]
    uneven = crowd[crowd["effective_speakers"] <= UNEVEN * crowd["n_speakers"]]
    for row in uneven.sort_values("largest_share", ascending=False, kind="stable").to_dict("records"):
        yield _of_slice(StepKind.level, row, share=row["largest_share"], share_expected=row["effective_speakers"])


def _said_more(found: Findings, short: pd.DataFrame) -> Iterator[Step]:
    """Yield that more words of each would do, where they would spare people."""
    if short.empty or not found.needed_if_wordy <= WORTH_SAYING * found.needed_each:
        return
    everybody = _everybody(found)
    yield _step(
        StepKind.say_more,
        "people.csv",
        n_speakers=everybody["n_speakers"],
        n_more=found.needed_each,
        n_if_wordy=found.needed_if_wordy,
        words_each=everybody["words_per_speaker"],
        gap=short["gap_asked"].iloc[0],
        power=found.power,
    )


def _texts(found: Findings) -> Iterator[Step]:
    """Yield slices of people that say texts of their own in a corpus in which texts are said by many."""
    table = found.overlaps[_all_among(found.overlaps["dimension"], found.of_people)]
    alone = table[(table["share_expected"] >= READ_ALIKE) & (table["share"] < FEW_SHARED * table["share_expected"])]
    for row in alone.sort_values("share", kind="stable").to_dict("records"):
        shares = {name: row[name] for name in ("n_utterances", "share", "share_expected")}
        names = {name: str(row[name]) for name in ("dimension", "slice")}
        yield _step(StepKind.share, "overlaps.csv", **names, **shares)


def _all_among(dims: "pd.Series[str]", names: frozenset[str]) -> npt.NDArray[np.bool_]:
    """Say which dimensions have no attribute beside some."""
    return np.array([names >= set(dimension.split(AND)) for dimension in dims], dtype=bool)


def _everybody(found: Findings) -> "pd.Series[float]":
    return found.people[found.people["dimension"] == OVERALL].iloc[0]


def _of_slice(kind: StepKind, row: Mapping[Hashable, Any], **more: float) -> Step:
    """Return a step about a slice of people.csv."""
    names = {name: str(row[name]) for name in ("dimension", "slice")}
    return _step(kind, "people.csv", **names, n_speakers=row["n_speakers"], **more)


def _step(kind: StepKind, file: str, **told: Any) -> Step:  # noqa: ANN401 - what the records of a frame hold
    """Return a step; what is not told of it stays unknown."""
    return Step(kind.value, file, **told)
