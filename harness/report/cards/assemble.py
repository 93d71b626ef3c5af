"""The runs of a service in, its card out, under the headings of AWS's AI service cards, as blocks.

What the author stated has fixed places, whatever it says, so that a card can be checked without knowing it.
"""

from collections.abc import Callable, Iterator, Sequence

from harness.report.cards.authored import FIELDS
from harness.report.cards.blocks import Block, Bullets, Document, Heading, Paragraph, Section, Spans, Stated, told
from harness.report.cards.confounding import confounding
from harness.report.cards.datasets import as_before, dataset, same_data
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.fairness import fairness, robustness
from harness.report.cards.method import is_same_method, method, same_method
from harness.report.cards.performance import headline, overall_table, speed
from harness.report.cards.unmeasured import unmeasured
from harness.report.cards.verdicts import policy_held
from harness.report.wording import mapping, plain
from harness.results.run import FACTS

IDENTITY_PLACE, NOT_STATED_PLACE, CONFIGURATIONS_PLACE = "identity", "not_stated", "configurations"
_GLOSSARY = (
    "WER, word error rate: words substituted, left out or made up, over words spoken. It can exceed 100 %.",
    "Word F1: the harmonic mean of recall (of the words spoken, those recognised) and precision (of the words "
    "returned, those that were spoken). It is another measure than WER, and higher is better.",
    "Group: the utterances of people who share a value of an attribute, or one value of each of several (an "
    "intersection).",
    "Gap: a group's WER less that of whom it is compared with, in points (hundredths of the words spoken).",
    "Interval: where the rate would lie in most repetitions with other people of the same kind.",
    "Inconclusive: no gap was shown, and neither was equality; it is not the same as no gap.",
    "Undeclared: not recorded. Declined: asked and not answered. Both are measured and in no group.",
)

_Part = Callable[[Ledger, Evidence], Sequence[Block]]


def assemble(runs: Sequence[Evidence]) -> Document:
    """Return what the runs say of the service, and the places for what its author says."""
    ledger = Ledger()
    return Document(
        (
            Section("service", "", (Stated(IDENTITY_PLACE), _how_to_read(), Stated(NOT_STATED_PLACE))),
            Section("at-a-glance", "At a glance", _each(ledger, runs, headline, level=3)),
            Section("overview", "Overview", (Stated("overview"), Stated(CONFIGURATIONS_PLACE))),
            Section(
                "use-cases",
                "Intended use cases and limitations",
                (*_stated("intended_uses"), *_stated("out_of_scope_uses"), *_stated("limitations")),
            ),
            Section("design", "Design of the service", tuple(_design(ledger, runs))),
            Section(
                "deployment", "Deployment and performance optimization best practices", (Stated("deployment_advice"),)
            ),
            Section("not-measured", "What was not measured", _each(ledger, runs, _not_measured, level=3)),
            Section("further-information", "Further information", (Stated("further_information"),)),
            Section("glossary", "Glossary", (Bullets(tuple((text,) for text in _GLOSSARY)),)),
        )
    )


def _how_to_read() -> Block:
    return Paragraph(
        told(
            "Every number of this card was read from a run of the harness, and can be traced to the file and row it "
            "came from and checked again: harness service_card verify=CARD run=RUN. What is marked as stated are the "
            "words of the card's author; nobody measured them."
        )
    )


def _design(ledger: Ledger, runs: Sequence[Evidence]) -> list[Block]:
    return [
        *_stated("machine_learning"),
        *_stated("performance_expectations"),
        overall_table(ledger, runs),
        *_each(ledger, runs, speed),
        Heading("Confounding conditions, as measured"),
        *_each(ledger, runs, confounding),
        Heading("Test-driven methodology"),
        *_methodology(ledger, runs),
        *_stated("fairness_and_bias"),
        *_each(ledger, runs, fairness),
        *_stated("explainability"),
        *_stated("robustness"),
        *_each(ledger, runs, robustness),
        *_stated("privacy_and_security"),
        *_stated("transparency"),
        *_each(ledger, runs, _provenance),
        *_stated("governance"),
        *_each(ledger, runs, _policy),
    ]


def _methodology(ledger: Ledger, runs: Sequence[Evidence]) -> Iterator[Block]:
    """Yield data and method of every configuration, what is as for an earlier one said once."""
    for place, evidence in enumerate(runs):
        yield from _named(evidence)
        first = next((each for each in runs[:place] if same_data(evidence, each)), None)
        yield from dataset(ledger, evidence) if first is None else as_before(ledger, evidence, first)
        like = next((each for each in runs[:place] if is_same_method(evidence, each)), None)
        yield from method(ledger, evidence) if like is None else same_method(ledger, evidence, like)


def _each(ledger: Ledger, runs: Sequence[Evidence], part: _Part, *, level: int = 4) -> tuple[Block, ...]:
    """Return a part of every configuration, under its name where there are several."""
    found: list[Block] = []
    for evidence in runs:
        blocks = part(ledger, evidence)
        found += [*_named(evidence, level=level), *blocks] if blocks else []
    return tuple(found)


def _named(evidence: Evidence, *, level: int = 4) -> tuple[Block, ...]:
    several = evidence.n_configurations > 1
    return (Heading(f"Configuration {plain(evidence.name)}", level=level),) if several else ()


def _stated(field: str) -> tuple[Block, ...]:
    return Heading(FIELDS[field]), Stated(field)


def _not_measured(ledger: Ledger, evidence: Evidence) -> list[Block]:
    return [Bullets(unmeasured(ledger, evidence))]


def _policy(ledger: Ledger, evidence: Evidence) -> list[Block]:
    return [Paragraph(told("Policy {text}", text=policy_held(ledger, evidence)))]


def _provenance(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Say which run the numbers are from."""
    facts = evidence.facts

    def fact(*parts: str) -> Spans:
        return (ledger.cite(evidence, FACTS, pointer(*parts), "text"),)

    package = "asr-fairness-harness"
    return [
        Paragraph(
            told(
                "Measured by the run {folder}, finished {finished}, harness {version}{commit}; digest of its tables "
                "(SHA-256) {digest}.",
                folder=plain(evidence.folder),
                finished=fact("finished"),
                version=fact("versions", package) if package in mapping(facts["versions"]) else "of unknown version",
                commit=told(", commit {commit}", commit=fact("commit")) if facts.get("commit") else "",
                digest=evidence.digest,
            )
        )
    ]
