"""Runs in, what a card says first and of everybody out: the headline, overall rates, speed."""

from collections.abc import Sequence

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.cards.blocks import Block, Bullets, Claim, Paragraph, Spans, Table, joined, told
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.groups import (
    Worst,
    attribute_name,
    count_all,
    count_enough,
    enough,
    f1_claims,
    floors_text,
    group_dimensions,
    in_too_small,
    silent,
    with_f1,
    worst_by_f1,
    worst_by_wer,
)
from harness.report.cards.units import ABSENT
from harness.report.cards.verdicts import gap_counts, policy_held
from harness.report.wording import mapping, plain
from harness.results.run import FACTS, METRICS, SLICES, SUMMARY

EVERYONE = {"dimension": OVERALL, "slice": EVERYBODY}
_ABSENT: tuple[Spans, Spans] = ((ABSENT,), (ABSENT,))
_RATES = (  # of metrics.csv, with what a card calls them
    ("word_f1", "word F1"),
    ("word_recall", "recall"),
    ("word_precision", "precision"),
    ("substitution_rate", "substituted"),
    ("deletion_rate", "deleted"),
    ("insertion_rate", "inserted"),
)


def headline(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what must be read where nothing else is: everybody, the worst group, gaps, policy, who is in no group."""
    texts = {
        "Everybody": _everybody(ledger, evidence),
        "Worst group": worst_group(ledger, evidence),
        "Gaps": gap_counts(ledger, evidence),
        "Policy": policy_held(ledger, evidence),
        "In no group": _in_no_group(ledger, evidence),
    }
    said = {lead: text for lead, text in texts.items() if text}
    return [*_synthetic(evidence), Bullets(tuple(said.values()), tuple(said))]


def worst_group(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say what every group with enough people is at, at worst."""
    if not group_dimensions(evidence):
        return ("The data says nothing of who the speakers are, so there is no group of people.",)
    dimensions = group_dimensions(evidence)
    by_wer, by_f1 = worst_by_wer(ledger, evidence), worst_by_f1(ledger, evidence)
    floors = floors_text(ledger, evidence)
    if by_wer is None:
        return told(
            "None of the {all} groups has {floors}, so no worst group can be named.",
            all=count_all(ledger, evidence, dimensions),
            floors=floors,
        )
    several = len(enough(evidence, dimensions)) > 1
    n = count_enough(ledger, evidence, dimensions)
    opening = told(
        "{every} with {floors} is at or below {wer} WER",
        every=_every(n, evidence) if several else told("The {n} group", n=n),
        floors=floors,
        wer=by_wer.value,
    )
    f1 = told(" and at or above {f1} word F1", f1=by_f1.value) if by_f1 else ()
    picked = " The worst is picked from the same data, which an interval does not know." if several else ""
    return (*opening, *f1, ". ", *_whose(by_wer, by_f1), picked)


def _every(n: Claim, evidence: Evidence) -> Spans:
    """Say of which groups the worst is one: of those that have a line, where others have none."""
    return told(
        "Each of the groups that have a line below, of {n}" if evidence.beside.slices else "Each of the {n} groups", n=n
    )


def overall_table(ledger: Ledger, runs: Sequence[Evidence]) -> Table:
    """Return the rates over everybody, one row a rate, one pair of columns a configuration."""
    of_runs = [_overall(ledger, evidence) for evidence in runs]
    names = dict.fromkeys(name for rates in of_runs for name in rates)
    rows = tuple(((name,), *(cell for rates in of_runs for cell in rates.get(name, _ABSENT))) for name in names)
    headers = [
        text for each in runs for text in ((plain(each.name), "interval") if len(runs) > 1 else ("rate", "interval"))
    ]
    caption = (
        "Over everybody. WER is errors divided by words spoken; word F1 balances recall (words spoken that were "
        "recognised) and precision (words returned that were spoken). Intervals resample speakers. Read from "
        "slices.csv and metrics.csv, dimension overall."
    )
    return Table("overall", (caption,), ("measure", *headers), rows)


def speed(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Say how fast the run was; nothing where nobody looked at a clock."""
    facts = mapping(evidence.facts.get("speed"))
    if not facts.get("n_recognised"):
        return []

    def figure(key: str, unit: str = "figure") -> Spans:
        return (ledger.cite(evidence, FACTS, pointer("speed", key), unit),)

    parts = told(
        "Speed: {rtfx} seconds of audio a second of recognition (RTFx, the model alone) over {n} utterances",
        rtfx=figure("model_rtfx"),
        n=figure("n_recognised", "count"),
    )
    if facts.get("end_to_end_rtfx") is not None:
        parts += told("; {rtfx} end to end", rtfx=figure("end_to_end_rtfx"))
    if facts.get("latency_p50_s") is not None:
        parts += told(
            "; latency {p50} s in the median, {p95} s at the 95th percentile",
            p50=figure("latency_p50_s"),
            p95=figure("latency_p95_s"),
        )
    if facts.get("n_sessions"):
        parts += told("; on {device}", device=figure("devices", "text"))
    return [Paragraph((*parts, "."))]


def _overall(ledger: Ledger, evidence: Evidence) -> dict[str, tuple[Spans, Spans]]:
    """Return every rate over everybody and its interval, by what a card calls it."""
    interval = ledger.cite(evidence, SLICES, ("wer_low", "wer_high"), "percent_interval", row=EVERYONE)
    rates: dict[str, tuple[Spans, Spans]] = {
        "WER": ((ledger.cite(evidence, SLICES, "wer", "percent", row=EVERYONE),), (interval,))
    }
    metrics = evidence.table(METRICS)
    measured = set(metrics.loc[metrics["dimension"] == OVERALL, "metric"])
    for metric, called in _RATES:
        if metric in measured:
            row = {**EVERYONE, "metric": metric}
            value = ledger.cite(evidence, METRICS, "value", "percent", row=row)
            interval = ledger.cite(evidence, METRICS, ("value_low", "value_high"), "percent_interval", row=row)
            rates[called] = ((value,), (interval,))
    rates["CER (characters)"] = ((ledger.cite(evidence, SLICES, "cer", "percent", row=EVERYONE),), (ABSENT,))
    return rates


def _everybody(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say the WER and word F1 of everybody, and how many they are."""
    wer = told(
        "WER {wer} ({confidence} interval {interval})",
        wer=ledger.cite(evidence, SLICES, "wer", "percent", row=EVERYONE),
        confidence=ledger.cite(evidence, SUMMARY, pointer("confidence"), "whole_percent"),
        interval=ledger.cite(evidence, SLICES, ("wer_low", "wer_high"), "percent_interval", row=EVERYONE),
    )
    f1: Spans = ()
    if (OVERALL, EVERYBODY) in with_f1(evidence):
        value, interval = f1_claims(ledger, evidence, EVERYONE)
        f1 = told(", word F1 {value} ({interval})", value=value, interval=interval)
    return wer + f1 + told(", over {support}.", support=_support(ledger, evidence))


def _support(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say how much was measured: utterances, words, and people where they are told apart."""
    counts = {
        name: ledger.cite(evidence, SLICES, name, "count", row=EVERYONE)
        for name in ("n_utterances", "reference_words", "n_speakers")
    }
    people = (
        "{n_speakers} people" if counts["n_speakers"].values[0] else "people who are not told apart (no speaker ids)"
    )
    return told(f"{{n_utterances}} utterances and {{reference_words}} words of {people}", **counts)


def _in_no_group(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say of each attribute of people how many said nothing about it."""
    from_everybody = ledger.cite(evidence, SLICES, "n_speakers", "count", row=EVERYONE)
    if not from_everybody.values[0]:
        return ()
    texts = [
        told(
            "{few} are in groups with too few people and {silent} said nothing of {name}",
            few=in_too_small(ledger, evidence, dimension),
            silent=silent(ledger, evidence, dimension),
            name=attribute_name(evidence, dimension),
        )
        for dimension in single_attributes(evidence)
    ]
    if not texts:
        return ()
    said = joined(texts, "; ")
    return told("Of {all} people, {said}. See Fairness and bias.", all=from_everybody, said=said)


def single_attributes(evidence: Evidence) -> list[str]:
    """Name the dimensions of people that are one attribute."""
    attributes = mapping(mapping(evidence.facts["manifest"])["attributes"])
    return [name for name in group_dimensions(evidence) if name in attributes]


def _whose(by_wer: Worst, by_f1: Worst | None) -> Spans:
    """Name the worst group, or the two where one has the highest WER and another the lowest word F1."""
    if by_f1 is not None and by_f1.group == by_wer.group:
        return told(
            "Both are of {group} ({n} speakers; intervals {wer} and {f1}).",
            group=by_wer.group,
            n=by_wer.n_speakers,
            wer=by_wer.interval,
            f1=by_f1.interval,
        )
    texts = [
        told(
            "{group} ({n} speakers; interval {interval})",
            group=worst.group,
            n=worst.n_speakers,
            interval=worst.interval,
        )
        for worst in (by_wer, by_f1)
        if worst is not None
    ]
    words = "The WER is of {first}, the word F1 of {second}." if len(texts) > 1 else "It is of {first}."
    return told(words, **dict(zip(("first", "second"), texts, strict=False)))


def _synthetic(evidence: Evidence) -> list[Block]:
    """Warn where the voices are nobody's."""
    attributes = mapping(mapping(evidence.facts["manifest"])["attributes"])
    if not any(mapping(about).get("provenance") == "synthetic" for about in attributes.values()):
        return []
    return [
        Paragraph(
            ("The voices are synthetic: this shows the harness at work and says nothing about people.",), strong=True
        )
    ]
