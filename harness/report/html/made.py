"""A run in, how it was made and how to read it out."""

from harness.report.conditions import UnderConditions
from harness.report.html.measured import Measured
from harness.report.html.parts import Facts, Section
from harness.report.pages import verdict
from harness.report.wording import mapping, plain

_OF_CONDITIONS = (
    ("condition", "what was done to every clip before it was heard: noise, a line, a room; clean is nothing."),
    ("harm", "what a condition adds to a slice's WER: the same clips, under the condition and clean, in points."),
    ("extra harm", "a slice's harm less that of everybody else; above 0 the condition hurts the slice more."),
    ("ratio of extra harm", "how many times word errors grew for the slice, over how many times for everybody else."),
    ("crossing", "the level of a sweep at which a slice's WER reaches the one that was named as still of use."),
)


def made_section(measured: Measured) -> Section:
    """Return what someone needs to make the same numbers again."""
    facts, manifest = measured.facts, mapping(measured.facts["manifest"])
    attributes = ", ".join(
        f"{name} ({mapping(about).get('kind')}, {measured.sources.word(name)})"
        for name, about in measured.attributes.items()
    )
    backend = ", ".join(f"{key} {value}" for key, value in mapping(facts.get("backend")).items() if value is not None)
    transcripts = mapping(facts.get("hypotheses"))
    harness = mapping(facts["versions"]).get("asr-fairness-harness")
    pairs: list[tuple[str, object]] = [
        ("manifest", f"{manifest['name']}, digest {str(manifest.get('digest'))[:16]}"),
        ("what it is", manifest.get("description") or "no description"),
        *([("known of it", " ".join(caveats))] if (caveats := manifest.get("caveats")) else []),
        ("licence", manifest.get("license") or "not stated"),
        *([("to be cited as", manifest["citation"])] if manifest.get("citation") else []),
        ("attributes", attributes or "none"),
        ("normaliser", facts["normalizer"]),
        ("recogniser", backend or "transcripts made elsewhere"),
        *([("transcripts", f"{transcripts['file']}, digest {str(transcripts['digest'])[:16]}")] if transcripts else []),
        ("policy", _policy(measured)),
        ("made", f"{facts['finished']} on {facts['platform']}, Python {facts['python']}{_device(measured)}"),
        ("harness", f"{harness}, commit {facts['commit'] or 'unknown'}, seed {facts['seed']}"),
        ("files beside this one", "config.yaml and run.json say everything; scores.parquet has every utterance."),
    ]
    return Section("made", "How this was made", "Provenance", [Facts([(name, plain(told)) for name, told in pairs])])


def reading_section(measured: Measured, under: UnderConditions | None = None) -> Section:
    """Return the words of the report, in a line each."""
    summary = measured.summary
    level, margin = f"{100 * summary['confidence']:g} %", f"{100 * summary['margin']:g} points"
    equal = f"{100 - 200 * mapping(measured.facts['policy'])['alpha']:g} %"  # of two one-sided tests
    pairs: list[tuple[str, object]] = [
        (
            "WER",
            "word error rate: words heard as others, lost or made up, as a share of the words said.",
        ),
        ("slice", "the utterances of those who share a value: an accent, an age, a condition, or two at once."),
        ("gap", "a slice's WER less its comparator's, in points; above 0 the slice is served worse."),
        ("interval", f"{level}, made by resampling speakers, not utterances: one person's errors come together."),
        (verdict("disparity"), f"worse than the comparator by at least {margin}, shown by a corrected test."),
        (verdict("advantage"), "the mirror image: better by at least the margin."),
        (
            verdict("within_margin"),
            f"equal: the whole {equal} interval lies inside the margin; shown is that of {level}.",
        ),
        (verdict("inconclusive"), "neither; with so few people a gap may be there and not be seen."),
        (verdict("insufficient"), "too few speakers, utterances or words; no test was run."),
        *(_OF_CONDITIONS if under else ()),
        ("undeclared, declined", "not recorded; asked and not answered. They are measured and never compared."),
        *((f"{word} attributes", told) for word, told in measured.sources.meanings),
    ]
    return Section("reading", "How to read this", "How to read", [Facts(pairs)])


def _device(measured: Measured) -> str:
    device = measured.facts["device"]  # None of a run that was heard by something that has none
    return f", device {device}" if device else ""


def _policy(measured: Measured) -> str:
    policy = mapping(measured.facts["policy"])
    return (
        f"{policy['name']}: comparator {policy['comparator']}, margin {100 * policy['margin']:g} points, correction "
        f"{policy['correction']}, at least {policy['min_speakers']} speakers, {policy['min_utterances']} utterances "
        f"and {policy['min_words']} words"
    )
