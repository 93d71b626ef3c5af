"""Releases in, the card out whose numbers are theirs: of no group and of nobody is an exact number in a private one's.

A card of runs and one of releases have the same headings and the same places for what the author states.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.cards.assemble import CONFIGURATIONS_PLACE, IDENTITY_PLACE, NOT_STATED_PLACE, assemble
from harness.report.cards.authored import FIELDS
from harness.report.cards.blocks import (
    Block,
    Bullets,
    Claim,
    Document,
    Heading,
    Paragraph,
    Section,
    Spans,
    Stated,
    Table,
    told,
)
from harness.report.cards.evidence import Evidence, Ledger, declared, pointer
from harness.report.cards.verdicts import MAX_ROWS
from harness.report.sources import Sources
from harness.report.wording import mapping, plain
from harness.results.releases.record import CSV, JSON, ReleasedRun

_GLOSSARY = (
    "WER, word error rate: words substituted, left out or made up, over words spoken. It can exceed 100 %.",
    "Expected error: what the noise of a private release alone does to a WER, here in points.",
    "ε (epsilon): how much one person can change what is shown; the smaller, the better people are protected.",
    "Group: the utterances of people who share a value of an attribute, or one value of each of several.",
    "Undeclared: not recorded. Declined: asked and not answered.",
)
_Part = Callable[[Ledger, Evidence], Sequence[Block]]


def document_of(runs: Sequence[Evidence]) -> Document:
    """Return the card of runs, or that of releases."""
    return _assembled(runs) if any(isinstance(each.run, ReleasedRun) for each in runs) else assemble(runs)


def _assembled(runs: Sequence[Evidence]) -> Document:
    ledger = Ledger()
    return Document(
        (
            Section("service", "", (Stated(IDENTITY_PLACE), _how_to_read(), Stated(NOT_STATED_PLACE))),
            Section("at-a-glance", "At a glance", _each(ledger, runs, _headline)),
            Section("overview", "Overview", (Stated("overview"), Stated(CONFIGURATIONS_PLACE))),
            Section(
                "use-cases",
                "Intended use cases and limitations",
                (*_stated("intended_uses"), *_stated("out_of_scope_uses"), *_stated("limitations")),
            ),
            Section("design", "Design of the service", _design(ledger, runs)),
            Section(
                "deployment", "Deployment and performance optimization best practices", (Stated("deployment_advice"),)
            ),
            Section("not-measured", "What is not in the release", _each(ledger, runs, _not_released)),
            Section("further-information", "Further information", (Stated("further_information"),)),
            Section("glossary", "Glossary", (Bullets(tuple((text,) for text in _GLOSSARY)),)),
        )
    )


def _how_to_read() -> Block:
    return Paragraph(
        (
            "Every number of this card was read from a release, a table that was made to be published, and can be "
            "traced to the file and row it came from and checked again: harness service_card verify=CARD "
            "release=FOLDER. No number is from the run itself. What is marked as stated are the words of the card's "
            "author; nobody measured them.",
        )
    )


def _design(ledger: Ledger, runs: Sequence[Evidence]) -> tuple[Block, ...]:
    return (
        *_stated("machine_learning"),
        *_stated("performance_expectations"),
        Heading("Test-driven methodology"),
        *_each(ledger, runs, _method),
        *_stated("fairness_and_bias"),
        *_each(ledger, runs, _served),
        *_stated("explainability"),
        *_stated("robustness"),
        *_stated("privacy_and_security"),
        *_each(ledger, runs, _protected),
        *_stated("transparency"),
        *_each(ledger, runs, _provenance),
        *_stated("governance"),
    )


def _each(ledger: Ledger, runs: Sequence[Evidence], part: _Part) -> tuple[Block, ...]:
    """Return a part of every configuration, under its name where there are several."""
    found: list[Block] = []
    for evidence in runs:
        name = (Heading(f"Configuration {plain(evidence.name)}", level=4),) if evidence.n_configurations > 1 else ()
        found += [*name, *part(ledger, evidence)]
    return tuple(found)


def _stated(field: str) -> tuple[Block, ...]:
    return Heading(FIELDS[field]), Stated(field)


def _headline(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what must be read where nothing else is: everybody, the worst group, what the numbers are."""
    said = {"Everybody": _everybody(ledger, evidence), "Worst group": _worst(ledger, evidence)}
    said["Numbers"] = _what_numbers(ledger, evidence)
    kept = {lead: text for lead, text in said.items() if text}
    return [Bullets(tuple(kept.values()), tuple(kept))]


def _everybody(ledger: Ledger, evidence: Evidence) -> Spans:
    shown = _shown(evidence)
    if shown[shown["dimension"] == OVERALL].empty:
        return ("The WER of everybody is not in the release.",)
    row = {"dimension": OVERALL, "slice": EVERYBODY}
    return told("WER {wer} (interval {interval}).", **_rates(ledger, evidence, row))


def _worst(ledger: Ledger, evidence: Evidence) -> Spans:
    shown = _shown(evidence)
    groups = shown[(shown["dimension"] != OVERALL) & declared(shown["slice"])]
    if groups.empty:
        return ("The release tells the WER of no group.",)
    worst = groups.iloc[int(groups["wer"].to_numpy(float).argmax())]
    row = {"dimension": str(worst["dimension"]), "slice": str(worst["slice"])}
    return told(
        "Of the groups that the release tells, the highest WER is {wer} (interval {interval}): {group}. It is picked "
        "from the same numbers, which an interval does not know.",
        group=f"{_sources(evidence).named(row['dimension'])}: {plain(row['slice'])}",
        **_rates(ledger, evidence, row),
    )


def _what_numbers(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say whether there is noise in the numbers, and what it promises."""
    fact = _facts(ledger, evidence)
    if not _is_private(evidence):
        return told(
            "Exact, of groups of at least {least} people; smaller ones are hidden, and others with them where a "
            "subtraction would show them. This is no differential privacy.",
            least=fact("number", "min_speakers"),
        )
    return told(
        "With noise ({method}, ε = {epsilon}): somebody who makes an even guess about one person can become at most "
        "{sure} sure by them{but}. All releases of the corpus so far cost ε = {spent} of {total}.",
        method=fact("text", "method"),
        epsilon=fact("number", "recorded", "epsilon"),
        but=told(", but for a chance of {delta}", delta=fact("number", "delta")) if evidence.facts["delta"] else "",
        sure=fact("percent", "even_guess"),
        spent=fact("number", "budget", "spent", "epsilon"),
        total=fact("number", "budget", "epsilon"),
    )


def _method(ledger: Ledger, evidence: Evidence) -> list[Block]:
    fact = _facts(ledger, evidence)
    opening = told(
        "Measured on {corpus} by the recogniser {system}; words were compared after {normalizer}.",
        corpus=fact("text", "corpus", "name"),
        system=fact("text", "system", "name"),
        normalizer=fact("text", "normalizer"),
    )
    if not _is_private(evidence):
        return [Paragraph(opening)]
    names = ("mechanism", "statistic", "caps", "cost")
    return [Paragraph(opening), Bullets(tuple((fact("text", "statement", name),) for name in names))]


def _served(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return the table of groups, worst first in each attribute, and how many are not told."""
    shown = _shown(evidence)
    rank = {name: place for place, name in enumerate(dict.fromkeys(shown["dimension"]))}
    rows = shown.assign(_rank=shown["dimension"].map(rank)).sort_values(
        ["_rank", "wer"], ascending=[True, False], kind="stable"
    )
    if rows.empty:
        return [Paragraph(("The release tells no group: of all of them noise would be more than is of use.",))]
    private = _is_private(evidence)
    keys = list(zip(rows["dimension"].astype(str), rows["slice"].astype(str), strict=True))[:MAX_ROWS]
    caption = told(
        "How groups are served{of}, worst first within each attribute. One row of {file} each{more}. {source}",
        of=evidence.of,
        file=CSV,
        more=f"; the first {MAX_ROWS}, the file has all" if len(rows) > MAX_ROWS else "",
        source=_sources(evidence).sentence,
    )
    people = "people" if evidence.facts.get("statistic") == "public_words" else "people, with noise"
    about = ("expected error", people) if private else ("people", "utterances", "words")
    columns = ("expected_error", "n_speakers") if private else ("n_speakers", "n_utterances", "reference_words")
    cells = tuple(_cells(ledger, evidence, key, columns) for key in keys)
    table = Table(f"groups-{evidence.place}", caption, ("attribute", "group", "WER", "WER interval", *about), cells)
    return [table, *([_withheld(ledger, evidence)] if private else [])]


def _cells(ledger: Ledger, evidence: Evidence, key: tuple[str, str], columns: Sequence[str]) -> tuple[Spans, ...]:
    row = dict(zip(("dimension", "slice"), key, strict=True))
    rates = _rates(ledger, evidence, row)
    about = (
        ledger.cite(evidence, CSV, name, "size" if name == "expected_error" else "count", row=row) for name in columns
    )
    return (
        (_sources(evidence).cell(key[0]),),
        (plain(key[1]),),
        (rates["wer"],),
        (rates["interval"],),
        *((claim,) for claim in about),
    )


def _withheld(ledger: Ledger, evidence: Evidence) -> Block:
    text = told(
        "{n} more groups are in the release without a WER: of these the noise would be more than {error} points.",
        n=ledger.count(evidence, CSV, {"worth": False}),
        error=_facts(ledger, evidence)("whole_points", "settings", "largest_error"),
    )
    return Paragraph(text)


def _protected(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return who is protected, and from what nobody is."""
    fact = _facts(ledger, evidence)
    who = [(fact("text", "statement", name),) for name in ("unit", "neighbouring")] if _is_private(evidence) else []
    limits = evidence.facts["not_protected"]
    n_limits = len(limits) if isinstance(limits, list) else 0
    uncovered = tuple((fact("text", "not_protected", str(place)),) for place in range(n_limits))
    parts: list[Block] = [Paragraph(_what_numbers(ledger, evidence)), *([Bullets(tuple(who))] if who else [])]
    return [*parts, Paragraph(("It does not protect against:",)), *([Bullets(uncovered)] if uncovered else [])]


def _provenance(ledger: Ledger, evidence: Evidence) -> list[Block]:
    fact = _facts(ledger, evidence)
    text = told(
        "From the release {folder}, made {made} with harness {version}; its line in the ledger of the corpus is "
        "{receipt}…; digest of its files (SHA-256) {digest}.",
        folder=plain(evidence.folder),
        made=fact("text", "made"),
        version=fact("text", "harness"),
        receipt=fact("digest", "receipt"),
        digest=evidence.digest,
    )
    return [Paragraph(text)]


def _not_released(_ledger: Ledger, _evidence: Evidence) -> list[Block]:
    texts = (
        "Gaps between groups were not tested for this card: a release tells rates, and a difference of two has the "
        "errors of both.",
        "Kinds of errors, speed, conditions and single recordings are not in a release.",
    )
    return [Bullets(tuple((text,) for text in texts))]


def _facts(ledger: Ledger, evidence: Evidence) -> Callable[..., Claim]:
    def fact(unit: str, *parts: str) -> Claim:
        return ledger.cite(evidence, JSON, pointer(*parts), unit)

    return fact


def _rates(ledger: Ledger, evidence: Evidence, row: dict[str, str]) -> dict[str, Claim]:
    return {
        "wer": ledger.cite(evidence, CSV, "wer", "percent", row=row),
        "interval": ledger.cite(evidence, CSV, ("wer_low", "wer_high"), "percent_interval", row=row),
    }


def _shown(evidence: Evidence) -> pd.DataFrame:
    """Return the rows of which a WER is told."""
    table = evidence.table(CSV)
    return table[table["wer"].notna()]


def _is_private(evidence: Evidence) -> bool:
    return evidence.facts.get("epsilon") is not None


def _sources(evidence: Evidence) -> Sources:
    return Sources.of_manifest(mapping(evidence.facts["manifest"]))
