"""A run's settings in, how it counted and how it judged out: two paragraphs that are right for that run."""

from collections.abc import Mapping
from pathlib import PurePath

from harness.fairness import Verdict
from harness.fairness.power import POWER
from harness.report.cards.blocks import Block, Bullets, Claim, Paragraph, Spans, joined, told
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.verdicts import comparator_words, margin_text
from harness.report.wording import mapping, plain
from harness.results.run import FACTS, METRICS, SUMMARY

_CORRECTIONS = {
    "holm": "Holm's",
    "max_t": "the step-down max-T",
    "fdr_bh": "the Benjamini-Hochberg",
    "fdr_by": "the Benjamini-Yekutieli",
}
_FAILURES = {"deletions": "every word of their references counts as deleted", "left_out": "their words are not counted"}


def method(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return how words were counted, how gaps were judged, and what the run remarked on."""
    return [
        Paragraph((*_counting(ledger, evidence), *_failed(ledger, evidence))),
        Paragraph(_judging(ledger, evidence)),
        *_remarks(ledger, evidence),
    ]


def same_method(ledger: Ledger, evidence: Evidence, earlier: Evidence) -> list[Block]:
    """Return what differs from the method of an earlier configuration: nothing but where the texts came from."""
    counts = {
        name: ledger.cite(evidence, FACTS, pointer(name), "count") for name in ("n_rows_in", "n_scored", "n_failed")
    }
    text = told(
        "Words were counted and gaps judged as for {earlier}, under the same policy, normaliser and seed. "
        "{transcripts} {n_rows_in} utterances went in, {n_scored} were scored and {n_failed} failed; {n_tested} gaps "
        "were tested.",
        earlier=plain(earlier.name),
        transcripts=transcripts(ledger, evidence),
        n_tested=ledger.cite(evidence, SUMMARY, pointer("n_tested"), "count"),
        **counts,
    )
    return [Paragraph((*text, *_failed(ledger, evidence))), *_remarks(ledger, evidence)]


def is_same_method(evidence: Evidence, earlier: Evidence) -> bool:
    """Say whether two runs counted and judged by the same rules."""
    alike = ("policy", "normalizer", "seed", "sliced_by")
    return evidence.has(METRICS) == earlier.has(METRICS) and all(
        evidence.facts.get(name) == earlier.facts.get(name) for name in alike
    )


def transcripts(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say where the texts came from: a recogniser that the run started, or a file."""
    backend, hypotheses = (mapping(evidence.facts.get(name)) for name in ("backend", "hypotheses"))
    if backend:
        facts = [
            told("{key} {value}", key=plain(key).replace("_", " "), value=_backend_fact(ledger, evidence, key))
            for key, value in backend.items()
            if value is not None and key != "name"
        ]
        name = _fact(ledger, evidence, "backend", "name")
        return told("The run started the recogniser {name} itself ({facts}).", name=name, facts=joined(facts))
    if not hypotheses:
        return ("The run does not say where the texts came from.",)
    return told(
        "The texts were returned elsewhere, before this measurement, and read from {file} (SHA-256 {digest}…): which "
        "release of the recogniser returned them is not in the run.",
        file=_fact(ledger, evidence, "hypotheses", "file"),
        digest=ledger.cite(evidence, FACTS, pointer("hypotheses", "digest"), "digest"),
    )


def system_name(evidence_facts: Mapping[str, object], folder: str) -> str:
    """Return what to call a run that the author gave no name: its backend, its file of transcripts, or its folder."""
    backend, hypotheses = (mapping(evidence_facts.get(name)) for name in ("backend", "hypotheses"))
    named = backend.get("name") or PurePath(str(hypotheses.get("file") or "")).stem
    return plain(named) or plain(folder)


def _counting(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say what was counted, and how."""
    f1 = (
        " Recall is hits over words spoken, precision hits over words returned, word F1 their harmonic mean."
        if evidence.has(METRICS)
        else ""
    )
    return told(
        "How words were counted. {transcripts} Reference and returned text were normalised by the same rules "
        "({normaliser}) and aligned word by word; hits, substitutions, deletions and insertions were summed over "
        "everybody in a group and divided last, so WER is all errors of the group over all words it spoke.{f1} Nobody "
        "was left out: {rows} utterances went in, {scored} were scored and {failed} failed.",
        transcripts=transcripts(ledger, evidence),
        normaliser=ledger.cite(evidence, FACTS, pointer("normalizer"), "text"),
        f1=f1,
        rows=ledger.cite(evidence, FACTS, pointer("n_rows_in"), "count"),
        scored=ledger.cite(evidence, FACTS, pointer("n_scored"), "count"),
        failed=ledger.cite(evidence, FACTS, pointer("n_failed"), "count"),
    )


def _failed(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say what failures count as, and what the WER would be otherwise; nothing where nothing failed."""
    if not evidence.summary["wer_if_failures_were"]:
        return ()
    both = {
        name: ledger.cite(evidence, SUMMARY, pointer("wer_if_failures_were", name), "percent")
        for name in ("deletions", "left_out")
    }
    return told(
        " Of those that failed, {rule}; WER with their words as deletions is {deletions}, with them left out "
        "{left_out}.",
        rule=_FAILURES.get(str(evidence.summary["failures_count_as"]), plain(evidence.summary["failures_count_as"])),
        **both,
    )


def _judging(ledger: Ledger, evidence: Evidence) -> Spans:
    """Say how intervals, tests and verdicts were made."""
    policy = mapping(evidence.facts["policy"])

    def of_policy(key: str, unit: str) -> Claim:
        return ledger.cite(evidence, FACTS, pointer("policy", key), unit)

    several = policy["comparator"] in ("best", "largest")
    picked = " (p-values do not know that it was picked from the same data)" if policy["comparator"] == "best" else ""
    return told(
        "How gaps were judged, under the policy {policy}. The speaker is the unit of evidence: {confidence} intervals "
        "resample speakers ({n_resamples} times, seed {seed}), and each group's WER is tested against that of "
        "{against}{picked} by permuting speakers ({n_permutations} times or more). The p-values of {n_tested} tests "
        "are corrected together{families} by {correction}. A {disparity} is a gap of at least {margin} with a "
        "corrected p below {alpha}, an {advantage} its mirror image; {within} means that the interval of the gap lies "
        "inside the margin, so that equality within it is shown and not assumed; {inconclusive} is what is neither. "
        "Below {min_speakers} speakers, {min_utterances} utterances or {min_words} words, in a group or in {who}, no "
        "test is run: {insufficient}. The gap that would be seen is the one a test finds with a probability of about "
        "{power}.{overrides}",
        policy=of_policy("name", "text"),
        confidence=ledger.cite(evidence, SUMMARY, pointer("confidence"), "whole_percent"),
        n_resamples=of_policy("n_resamples", "count"),
        seed=ledger.cite(evidence, FACTS, pointer("seed"), "number"),
        against=comparator_words(policy),
        picked=picked,
        n_permutations=of_policy("n_permutations", "count"),
        n_tested=ledger.cite(evidence, SUMMARY, pointer("n_tested"), "count"),
        families=", each attribute on its own and all intersections together,"
        if policy.get("family") == "dimension"
        else "",
        correction=_correction(policy),
        disparity=Verdict.disparity.value,
        margin=margin_text(ledger, evidence),
        alpha=of_policy("alpha", "number"),
        advantage=Verdict.advantage.value,
        within=Verdict.within_margin.value.replace("_", " "),
        inconclusive=Verdict.inconclusive.value,
        min_speakers=of_policy("min_speakers", "count"),
        min_utterances=of_policy("min_utterances", "count"),
        min_words=of_policy("min_words", "count"),
        who="that group" if several else "whom it is compared with",
        insufficient=Verdict.insufficient.value,
        power=f"{100 * POWER:g} %",
        overrides=_overrides(ledger, evidence, policy),
    )


def _correction(policy: Mapping[str, object]) -> str:
    name = str(policy["correction"])
    if name == "none":
        return "nothing: every test stands alone, and some of many will find a gap by chance"
    return f"{_CORRECTIONS.get(name, plain(name))} procedure"


def _overrides(ledger: Ledger, evidence: Evidence, policy: Mapping[str, object]) -> Spans:
    """Say what the policy promises otherwise for single dimensions."""
    texts = [
        told(
            "{option} {value} for {dimension}",
            option=option.replace("_", " "),
            value=ledger.cite(evidence, FACTS, pointer("policy", "dimensions", dimension, option), "text"),
            dimension=plain(dimension),
        )
        for dimension, options in mapping(policy["dimensions"]).items()
        for option, value in mapping(options).items()
        if value is not None
    ]
    return told(" Otherwise: {texts}.", texts=joined(texts)) if texts else ()


def _remarks(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what the run itself says that a reader must know."""
    summary = evidence.summary
    notes = summary["notes"]
    texts: list[Spans] = [
        told("{note}.", note=_note(ledger, evidence, place))
        for place in range(len(notes) if isinstance(notes, list) else 0)
    ]
    if summary["n_empty_references"]:
        empty = ledger.cite(evidence, SUMMARY, pointer("n_empty_references"), "count")
        texts.append(told("References without words: {n}; words returned there are insertions.", n=empty))
    return [Bullets(tuple(texts))] if texts else []


def _note(ledger: Ledger, evidence: Evidence, place: int) -> Claim:
    return ledger.cite(evidence, SUMMARY, pointer("notes", str(place)), "text")


def _fact(ledger: Ledger, evidence: Evidence, *parts: str) -> Claim:
    return ledger.cite(evidence, FACTS, pointer(*parts), "text")


def _backend_fact(ledger: Ledger, evidence: Evidence, key: str) -> Spans:
    if key.endswith("sha256"):
        return (ledger.cite(evidence, FACTS, pointer("backend", key), "digest"), "…")
    return (_fact(ledger, evidence, "backend", key),)
