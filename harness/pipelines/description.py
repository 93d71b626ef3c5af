"""A manifest and what is asked of it in, the tables and the headline of its description out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from harness.corpus import Manifest, Provenance
from harness.fairness import Policy
from harness.fairness.described import (
    Coded,
    Contents,
    DescribeOptions,
    Findings,
    coded,
    duplicates,
    duplicates_by_kind,
    effective_number,
    lengths_table,
    next_steps,
    overlaps,
    people_table,
    speakers_table,
    support_table,
    told,
)
from harness.fairness.described.coded import NOTHING, with_contents
from harness.fairness.described.leakage import Leaks, Side, leakage, no_leaks
from harness.fairness.membership import OVERALL
from harness.fairness.planning import EQUAL_GROUPS, Plan, PlanOptions, plan_manifest
from harness.report.described import seen as files
from harness.report.described.cells import rows_of
from harness.report.described.steps import sentence
from harness.results.summary import number

LANGUAGE = "language"  # a dimension whose people are counted, too


@dataclass(frozen=True, slots=True)
class Asked:
    """Is what is asked of a manifest.

    Attributes:
        planned: Dimensions whose gaps are planned and whose texts are compared.
        counted: Dimensions whose people are counted: these, what they cross into, and the language.
        orders: Order of the values of an attribute.
        options: What is described.
        plan: What is asked of slices, and what is assumed of recognisers.
        policy: Margins, level, correction, comparators and floors.
    """

    planned: Sequence[str]
    counted: Sequence[str]
    orders: Mapping[str, Sequence[str]]
    options: DescribeOptions
    plan: PlanOptions
    policy: Policy


@dataclass(frozen=True, slots=True)
class Description:
    """Holds what is written: tables by the name of their file, and the headline."""

    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, object]


def called(manifest: Manifest) -> str:
    """Return what tables call another manifest: its file and the folder that is in."""
    return "/".join(manifest.path.absolute().parts[-2:])


def described(
    manifest: Manifest, asked: Asked, against: Sequence[Manifest] = (), found: Contents | None = None
) -> Description:
    """Describe a manifest.

    Args:
        manifest: What is described.
        asked: What is asked of it.
        against: Manifests it should share nothing with.
        found: What is in the recordings of all of them; None: they are compared by path.
    """
    frame, attributes = manifest.frame, manifest.attributes
    here = _side(manifest, found)
    plan = plan_manifest(frame, asked.planned, asked.policy, asked.plan, orders=asked.orders)
    support = support_table(frame, here.them, asked.counted, orders=asked.orders)
    people = people_table(support, plan.table[plan.table["dimension"] != EQUAL_GROUPS])
    said, texts = told(frame, here.them, attributes), overlaps(frame, here.them, asked.planned, orders=asked.orders)
    repeats, leaks = duplicates(frame, here.them), _leaks(against, here, found)
    speakers = speakers_table(here.them)
    groups = plan.table.loc[plan.table["dimension"] == EQUAL_GROUPS, "n_speakers_needed"]
    needed, if_wordy = float(groups.iloc[0]), float(groups.iloc[-1])  # with the words that are planned, with many more
    findings = Findings(
        people=people,
        told=said.table,
        overlaps=texts.table,
        duplicates=duplicates_by_kind(repeats),
        leaks=leaks.kinds,
        policy=asked.policy,
        power=asked.plan.power,
        needed_each=needed,
        needed_if_wordy=if_wordy,
    )
    steps = next_steps(findings)
    tables = {
        files.PEOPLE: people,
        files.ATTRIBUTES: said.table,
        files.CONFLICTS: said.conflicts,
        files.OVERLAPS: texts.table,
        files.OVERLAP_PAIRS: texts.pairs,
        files.DUPLICATES: repeats,
        files.LEAKAGE: leaks.table,
        files.LENGTHS: lengths_table(here.them, speakers),
        files.SPEAKERS: speakers,
        files.NEXT: steps.assign(what=[sentence(row) for row in rows_of(steps)]),
    }
    summary = {
        **_amounts(manifest, here.them, people, speakers),
        **_planned(asked, plan, people, needed),
        "audio": _audio(asked, found),
        "duplicates": findings.duplicates.to_dict("records"),
        "leaks": findings.leaks.to_dict("records"),
        "n_steps": len(steps),
        "redact": asked.options.redact.value,
        "min_speakers": asked.policy.min_speakers,
        "notes": _notes(manifest),
    }
    return Description(tables, summary)


def _notes(manifest: Manifest) -> list[str]:
    """Return what a reader must know before believing a number about the corpus."""
    synthetic = any(each.provenance is Provenance.synthetic for each in manifest.attributes)
    said = (
        ["The voices are synthetic: this shows the harness at work and says nothing about people."] if synthetic else []
    )
    return [*said, *manifest.notes, *manifest.datasheet.caveats]


def _side(manifest: Manifest, found: Contents | None) -> Side:
    them = coded(manifest.frame)
    return Side(manifest.frame, them if found is None else with_contents(them, manifest.frame, found))


def _leaks(against: Sequence[Manifest], here: Side, found: Contents | None) -> Leaks:
    """Return what each of the other manifests shares with this one; one of them at a time is held coded."""
    each = [leakage(here, _side(other, found), called(other)) for other in against]
    if not each:
        return no_leaks()
    tables = [leaks.table for leaks in each if len(leaks.table)] or [no_leaks().table]
    return Leaks(pd.concat(tables, ignore_index=True), pd.concat([leaks.kinds for leaks in each], ignore_index=True))


def _amounts(manifest: Manifest, them: Coded, people: pd.DataFrame, speakers: pd.DataFrame) -> dict[str, object]:
    everybody = people[people["dimension"] == OVERALL].iloc[0]
    texts = them.texts[them.texts != NOTHING]
    _, times = np.unique(texts, return_counts=True)
    words = speakers["words"].to_numpy(np.float64)
    total = float(words.sum())
    tenth = max(1, round(len(words) / 10))
    languages = people[people["dimension"] == LANGUAGE]
    return {
        "name": manifest.name,
        **{name: int(everybody[name]) for name in ("n_utterances", "n_speakers", "n_without_speaker", "words")},
        "hours": number(everybody["hours"]),
        "n_without_duration": int(everybody["n_without_duration"]),
        "n_texts": len(times),
        "n_utterances_repeated": int(times[times > 1].sum()),
        "largest_share": number(everybody["largest_share"]),
        "top_tenth_share": float(words[:tenth].sum()) / total if total else None,
        "effective_speakers": number(effective_number(words)),
        "languages": dict(zip(languages["slice"], map(int, languages["n_utterances"]), strict=True)),
    }


def _planned(asked: Asked, plan: Plan, people: pd.DataFrame, needed: float) -> dict[str, object]:
    planned = people[people["gap_asked"].notna()]
    return {
        "policy": asked.policy.name,
        "gap_asked": asked.policy.margin if asked.plan.gap is None else asked.plan.gap,
        "power": asked.plan.power,
        "n_slices": len(planned),
        "n_slices_enough": int((planned["power"] >= asked.plan.power).sum()),
        "plan": {
            **{name: value for name, value in asdict(plan.spread).items() if name != "notes"},
            "n_comparisons": plan.n_comparisons,
            "level": plan.level,
            "correction": asked.policy.correction.value,
            "n_speakers_needed_each": number(needed),
        },
    }


def _audio(asked: Asked, found: Contents | None) -> dict[str, object]:
    compared: dict[str, object] = {"compared_by": asked.options.audio.value}
    if found is None:
        return compared
    return compared | {"n_files": found.n_files, "n_absent": found.n_absent, "n_read": found.n_read}
