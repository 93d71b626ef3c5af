"""The run directory of a description in, how it was made and how to read it out."""

from harness.report.described.seen import TABLES, Seen
from harness.report.html.parts import Facts, Section
from harness.report.sentences import made_lines
from harness.report.wording import mapping, plain

_WORDS: tuple[tuple[str, object], ...] = (
    ("slice", "the utterances of those who share a value: an accent, an age, or two at once."),
    ("people", "speakers with an id; whoever has none is in no count of people."),
    ("undeclared, declined", "not recorded; asked and not answered. They are counted and never compared."),
    ("gap", "a slice's word error rate less that of everybody else who declared a value, in points."),
    (
        "gap found",
        "how much worse a slice must be for a test to say so; it says nothing about how large any gap is.",
    ),
    (
        "needed",
        "people in the slice, drawn as these were; beyond some hundred words each, more of the same helps little.",
    ),
    ("text", "what the manifest says was said, without case and punctuation."),
)


def made_section(seen: Seen) -> Section:
    """Return what someone needs to describe the same corpus again."""
    return Section("made", "How this was made", "Provenance", [Facts(made_pairs(seen))])


def reading_section(_seen: Seen) -> Section:
    """Return the words of the page, in a line each."""
    return Section("reading", "How to read this", "How to read", [Facts(_WORDS)])


def made_pairs(seen: Seen) -> list[tuple[str, object]]:
    """Return the same as names and texts."""
    manifest, options = mapping(seen.facts["manifest"]), mapping(seen.facts["options"])
    against = ", ".join(f"{row['name']} ({row['digest'][:16]})" for row in seen.facts["against"]) or "none"
    assumed = mapping(seen.facts["plan"])
    plan = ", ".join(f"{name} {assumed[name]}" for name in ("wer", "speaker_cv", "dispersion", "power"))
    pairs: list[tuple[str, object]] = [
        ("manifest", f"{manifest['name']}, digest {str(manifest['digest'])[:16]}"),
        ("what it is", manifest["description"] or "no description"),
        ("licence", manifest["license"] or "not stated"),
        ("citation", manifest["citation"] or "not stated"),
        ("other manifests", against),
        ("options", ", ".join(f"{name} {value}" for name, value in options.items())),
        ("assumed", plan),
        ("policy", f"{seen.summary['policy']}, at least {seen.floor} speakers"),
        *made_lines(seen.facts),
        ("files beside this one", ", ".join(TABLES)),
    ]
    return [(name, plain(told)) for name, told in pairs]
