"""Runs in, what a card says of gaps out: how many were found, each with its verdict, and whether the policy held."""

from collections.abc import Mapping

from harness.fairness import Verdict
from harness.fairness.power import POWER
from harness.report.cards.blocks import Claim, Paragraph, Spans, Table, joined, told
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.groups import attribute_cell, attribute_name, group_dimensions, provenance_of_all
from harness.report.wording import mapping, plain
from harness.results.run import DISPARITIES, FACTS, SUMMARY
from harness.transcription.store import CLEAN

SHAPES: Mapping[str, str] = {  # beside the word, for those who see no colour
    Verdict.disparity.value: "▲",
    Verdict.advantage.value: "▼",
    Verdict.within_margin.value: "■",
    Verdict.inconclusive.value: "○",
    Verdict.insufficient.value: "×",
}
MAX_ROWS = 200  # of a table; the file has all
TESTED = tuple(verdict for verdict in SHAPES if verdict != Verdict.insufficient.value)
_COMPARATORS = {"rest": "everyone else who declared a value", "best": "the best group", "largest": "the largest group"}


def comparator_words(policy: Mapping[str, object]) -> str:
    """Say whom groups are compared with."""
    named = plain(policy["comparator"])
    return _COMPARATORS.get(named, f"the group {named}")


def margin_text(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say how large a gap the policy forbids."""
    points = ledger.cite(evidence, FACTS, pointer("policy", "margin"), "whole_points")
    if not mapping(evidence.facts["policy"])["margin_ratio"]:
        return told("{points} points", points=points)
    ratio = ledger.cite(evidence, FACTS, pointer("policy", "margin_ratio"), "times")
    return told("{points} points or a ratio of {ratio}", points=points, ratio=ratio)


def gap_counts(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say how many groups of people were compared and with what result."""
    dimensions = group_dimensions(evidence)
    found = evidence.disparities
    if not found["dimension"].isin(dimensions).any():
        return ("No group could be compared; no attribute of people has two declared values.",)
    counts = {
        verdict: ledger.count(evidence, DISPARITIES, {"dimension": dimensions, "verdict": verdict})
        for verdict in SHAPES
    }
    return told(
        "Of {n} groups, intersections included, {tested} had enough people to be compared with {against}: {disparity} "
        "worse by at least the margin, {advantage} better, {within_margin} equal within the margin, {inconclusive} "
        "inconclusive. {insufficient} had too few people to say. A gap that was not found is not detected at this "
        "sample size, which is not the same as none.",
        n=ledger.count(evidence, DISPARITIES, {"dimension": dimensions}),
        tested=ledger.count(evidence, DISPARITIES, {"dimension": dimensions, "verdict": list(TESTED)}),
        against=comparator_words(mapping(evidence.facts["policy"])),
        **counts,
    )


def policy_held(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say whether the policy held, and what broke it."""
    summary, policy = evidence.summary, mapping(evidence.facts["policy"])
    promised = told(
        "{name} promises every slice within {margin} of {against}{otherwise}: ",
        name=ledger.cite(evidence, SUMMARY, pointer("policy"), "text"),
        margin=margin_text(ledger, evidence),
        against=comparator_words(policy),
        otherwise=", some attributes otherwise (see the methodology)" if policy["dimensions"] else "",
    )
    n_tested = ledger.cite(evidence, SUMMARY, pointer("n_tested"), "count")
    if not summary["passed"]:
        return promised + told("VIOLATED{by}.", by=_breaches(ledger, evidence))
    if not summary["n_tested"]:
        return promised + told("not violated, but nothing could be tested ({n} tests).", n=n_tested)
    if not _fails_on(policy):
        return promised + told("it fails nothing; {n} gaps were tested.", n=n_tested)
    return promised + told("held; {n} gaps were tested.", n=n_tested)


def gap_table(
    ledger: Ledger, evidence: Evidence, dimensions: list[str], *, table_id: str, what: str
) -> list[Table | Paragraph]:
    """Return the gaps that were tested, largest first, each with its verdict; nothing where none was."""
    rows = evidence.disparities
    tested = rows[rows["dimension"].isin(dimensions) & (rows["verdict"] != Verdict.insufficient.value)]
    ordered = tested.sort_values("gap", ascending=False, kind="stable", na_position="last")
    if ordered.empty:
        return [Paragraph((f"No gap between {what} could be tested: see who was measured.",))]
    caption = told(
        "Gaps of {what}{of}: WER less that of the comparator, in points, largest first; above 0 is worse. The "
        "interval is for one gap alone ({confidence}); the verdict rests on the corrected test. Detectable is the gap "
        "that would have been seen with a probability of {power}; a smaller one may be there unseen. One row of "
        "disparities.csv each{more}.{source}",
        what=what,
        of=evidence.of,
        source=provenance_of_all(evidence),
        confidence=ledger.cite(evidence, SUMMARY, pointer("confidence"), "whole_percent"),
        power=f"{100 * POWER:g} %",
        more=f"; the {MAX_ROWS} largest, the file has all" if len(ordered) > MAX_ROWS else "",
    )
    keys = zip(ordered["dimension"].head(MAX_ROWS), ordered["slice"].head(MAX_ROWS), strict=True)
    return [
        Table(
            table_id,
            caption,
            (
                *("attribute", "group", "verdict", "gap", "interval", "p, corrected", "detectable gap"),
                *("compared with", "its WER"),
            ),
            tuple(_gap_cells(ledger, evidence, str(dimension), str(name)) for dimension, name in keys),
        )
    ]


def _gap_cells(ledger: Ledger, evidence: Evidence, dimension: str, name: str) -> tuple[Spans, ...]:
    key = {"dimension": dimension, "slice": name}

    def cite(columns: str | tuple[str, ...], unit: str) -> Claim:
        return ledger.cite(evidence, DISPARITIES, columns, unit, row=key)

    return (
        attribute_cell(evidence, dimension),
        (plain(name),),
        (cite("verdict", "words"),),
        (cite("gap", "points"),),
        (cite(("gap_low", "gap_high"), "points_interval"),),
        (cite("p_adjusted", "p_value"),),
        (cite("minimum_detectable_gap", "size"),),
        (cite("comparator", "text"),),
        (cite("comparator_wer", "percent"),),
    )


def _breaches(ledger: Ledger, evidence: Evidence) -> Spans:
    summary = evidence.summary
    violations, left_out = summary["violations"], evidence.beside.slices | evidence.beside.gaps
    found: list[Spans] = []
    if isinstance(violations, list) and violations:
        keys = [{"dimension": str(row["dimension"]), "slice": str(row["slice"])} for row in violations]
        told_of = [key for key in keys if (key["dimension"], key["slice"]) not in left_out][:10]
        named: list[Spans] = []
        for key in told_of:
            verdict = ledger.cite(evidence, DISPARITIES, "verdict", "words", row=key)
            group = f"{attribute_name(evidence, key['dimension'])}: {plain(key['slice'])}"
            named.append(told("{group} ({verdict})", group=group, verdict=verdict))
        more = (" and others" if named else "groups without a line here",) if len(keys) > len(named) else ()
        found.append((*joined(named, "; "), *more))
    lost = summary["slices_lost"]
    if isinstance(lost, list) and lost:
        unsaid = {f"{dimension}: {name}" for dimension, name in evidence.beside.slices | evidence.few}
        places = [place for place, name in enumerate(lost) if name not in unsaid][:10]
        cited: list[Spans] = [
            (ledger.cite(evidence, SUMMARY, pointer("slices_lost", str(place)), "text"),) for place in places
        ]
        more = (" and others" if cited else "groups without a line here",) if len(lost) > len(cited) else ()
        found.append(("every clip failing of ", *joined(cited), *more))
    elif summary["max_failed_exceeded"] and not _is_of_conditions(summary):
        failed = {name: ledger.cite(evidence, SUMMARY, pointer(name), "count") for name in ("n_failed", "n_utterances")}
        found.append(told("{n_failed} of {n_utterances} utterances failed, more than allowed", **failed))
    if found:
        return (" by ", *joined(found, "; and "))
    return (" under conditions, not on clean audio" if summary.get("beyond") else ": nothing could be compared",)


def _is_of_conditions(summary: Mapping[str, object]) -> bool:
    """Say whether it was under conditions alone that too many utterances failed."""
    failing = mapping(summary.get("beyond")).get("too_many_failed")
    names = [mapping(row).get("condition") for row in failing] if isinstance(failing, list) else []
    return bool(names) and CLEAN not in names


def _fails_on(policy: Mapping[str, object]) -> bool:
    overrides = mapping(policy["dimensions"]).values()
    return bool(policy["fail_on"]) or any(mapping(override).get("fail_on") for override in overrides)
