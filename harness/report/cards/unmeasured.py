"""A run in, what it did not measure out: a reader must not take silence for equality."""

from harness.corpus.attributes import INTERSECTION_SEPARATOR
from harness.fairness.membership import OVERALL
from harness.report.cards.blocks import Spans, joined, told
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.groups import attribute_name
from harness.report.cards.performance import EVERYONE
from harness.report.wording import mapping, plain
from harness.results.run import ADJUSTED, FACTS, METRICS, NORMALIZERS, SLICES

_CONDITION, _IN_SILENCE = "condition", "non_speech_hallucination_rate"


def unmeasured(ledger: Ledger, evidence: Evidence) -> tuple[Spans, ...]:
    """Return one text for each thing that the run says nothing about."""
    facts, manifest = evidence.facts, mapping(evidence.facts["manifest"])
    attributes = [str(name) for name in mapping(manifest["attributes"])]
    sliced_by = facts["sliced_by"] if isinstance(facts["sliced_by"], list) else []
    told_of = {part for name in sliced_by for part in str(name).split(INTERSECTION_SEPARATOR)}
    passed_over = [name for name in attributes if name not in told_of]
    measured = [(attribute_name(evidence, name),) for name in attributes if name in told_of]
    found: list[Spans] = [
        told(
            "Anything that people are or said beyond {attributes}: no group by it was looked at.",
            attributes=joined([*measured]) if measured else "nothing at all",
        )
    ]
    if passed_over:
        names = joined([(plain(name),) for name in passed_over])
        found.append(told("Attributes that the data has and the run was not sliced by: {names}.", names=names))
    if not any(INTERSECTION_SEPARATOR in str(name) for name in sliced_by) and len(told_of) > 1:
        found.append(("Intersections of attributes, such as an accent and a gender together.",))
    found += _without_people(ledger, evidence)
    if _CONDITION not in told_of:
        found.append(
            ("Noise, reverberation, telephone bandwidth and other conditions: recordings were used as they are.",)
        )
    found += _without_files(evidence)
    if not mapping(facts.get("speed")).get("n_recognised"):
        found.append(("Speed, latency and cost.",))
    found.append(_texts_alone(ledger, evidence))
    return tuple(found)


def _without_people(ledger: Ledger, evidence: Evidence) -> list[Spans]:
    n_speakers = ledger.cite(evidence, SLICES, "n_speakers", "count", row=EVERYONE)
    if n_speakers.values[0]:
        return []
    text = "How much people differ: {n} speakers have an id, so there are no intervals and no tests."
    return [told(text, n=n_speakers)]


def _without_files(evidence: Evidence) -> list[Spans]:
    """Say which evidence the run was made without."""
    absent = {
        METRICS: "Word F1, recall and precision, and texts returned where nothing was said.",
        ADJUSTED: "Gaps with other things held equal.",
        NORMALIZERS: "Whether verdicts depend on the normaliser.",
    }
    found: list[Spans] = [(text,) for file, text in absent.items() if not evidence.has(file)]
    metrics = evidence.table(METRICS)
    silence = metrics[(metrics["metric"] == _IN_SILENCE) & (metrics["dimension"] == OVERALL)]
    if not silence.empty and silence["value"].isna().all():
        found.append(("Text returned where nobody spoke: the data has no utterance without words.",))
    return found


def _texts_alone(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say that one set of texts was measured once."""
    key = pointer("finished")
    finished = ledger.cite(evidence, FACTS, key, "text")
    return told(
        "Change over time: the texts were measured once, on {finished}, and a service changes.", finished=finished
    )
