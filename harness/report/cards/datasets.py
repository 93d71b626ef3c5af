"""A run's manifest in, what was measured on and where its attributes come from out: the datasheet's extract."""

from harness.report.cards.blocks import Block, Paragraph, Spans, Table, told
from harness.report.cards.evidence import Evidence, Ledger, pointer
from harness.report.cards.groups import in_no_group, provenance_of_all
from harness.report.cards.performance import EVERYONE, single_attributes
from harness.report.sources import MEANS
from harness.report.wording import mapping, plain
from harness.results.run import FACTS, SLICES

_TEXTS = ("name", "version", "license", "language", "homepage", "description", "citation")  # as the run keeps them


def dataset(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what the recordings are, and what is known of each attribute."""
    return [*_opening(ledger, evidence), *_attributes(ledger, evidence)]


def who_was_measured(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return, for each attribute of people, who is in a group with enough people and who is in none."""
    dimensions = single_attributes(evidence)
    if not dimensions:
        return []
    caption = told(
        "Who was measured{of}, of {all} people: those in a group with enough people, and those in none, because their "
        "group is too small, because nothing was recorded (undeclared) or because they were asked and did not answer "
        "(declined). Somebody with several values counts in each. Rows of slices.csv, added up.{source}",
        of=evidence.of,
        source=provenance_of_all(evidence),
        all=ledger.cite(evidence, SLICES, "n_speakers", "count", row=EVERYONE),
    )
    headers = (
        *("attribute", "groups with enough people", "people in these", "groups with too few", "people in those"),
        *("undeclared", "declined", "which are too small (people)"),
    )
    rows = tuple(in_no_group(ledger, evidence, name) for name in dimensions)
    return [Table(f"measured-{evidence.place}", caption, headers, rows)]


def same_data(evidence: Evidence, earlier: Evidence) -> bool:
    """Say whether two runs measured the same utterances, as their manifests' digests tell."""
    manifests = [mapping(each.facts["manifest"]) for each in (evidence, earlier)]
    return bool(manifests[0].get("digest")) and manifests[0] == manifests[1]


def as_before(ledger: Ledger, evidence: Evidence, earlier: Evidence) -> list[Block]:
    """Say that a configuration was measured on the same utterances as an earlier one."""
    digest = ledger.cite(evidence, FACTS, pointer("manifest", "digest"), "digest")
    text = "Measured on the same data as {earlier}: manifest {digest}… (SHA-256), the same utterances and people."
    return [Paragraph(told(text, earlier=plain(earlier.name), digest=digest))]


def datasheet(evidence: Evidence) -> dict[str, object]:
    """Return what the manifest's datasheet declares, as the run keeps it, for service_card.json."""
    manifest = mapping(evidence.facts["manifest"])
    return {
        "run": evidence.name,
        "declared": bool(manifest.get("datasheet")),
        **{key: manifest.get(key) or None for key in _TEXTS},
        "digest": manifest.get("digest"),
        "attributes": {
            str(name): {key: mapping(about).get(key) for key in ("kind", "provenance", "order")}
            for name, about in mapping(manifest["attributes"]).items()
        },
    }


def _opening(ledger: Ledger, evidence: Evidence) -> list[Block]:
    manifest = mapping(evidence.facts["manifest"])

    def fact(key: str, unit: str = "text") -> Spans:
        if not manifest.get(key):
            return ("not stated",)
        return (ledger.cite(evidence, FACTS, pointer("manifest", key), unit),)

    text = told(
        "Measured on {name}, version {version}, licence {license}, manifest {digest}… (SHA-256): {n_utterances} "
        "utterances and {words} words of {n_speakers} people. {description}",
        **{key: fact(key) for key in ("name", "version", "license")},
        digest=fact("digest", "digest"),
        n_utterances=ledger.cite(evidence, SLICES, "n_utterances", "count", row=EVERYONE),
        words=ledger.cite(evidence, SLICES, "reference_words", "count", row=EVERYONE),
        n_speakers=ledger.cite(evidence, SLICES, "n_speakers", "count", row=EVERYONE),
        description=told("Its datasheet says: “{text}”", text=fact("description"))
        if manifest.get("description")
        else "Its datasheet does not say what it is.",
    )
    missing = (
        () if manifest.get("datasheet") else (" There is no datasheet: attributes are taken as annotated by others.",)
    )
    return [Paragraph((*text, *missing)), *_caveats(ledger, evidence)]


def _caveats(ledger: Ledger, evidence: Evidence) -> list[Block]:
    """Return what a reader of any number about the data should know, as its datasheet says."""
    caveats = mapping(evidence.facts["manifest"]).get("caveats")
    if not isinstance(caveats, list) or not caveats:
        return []
    said: list[Spans] = [
        (" “", ledger.cite(evidence, FACTS, pointer("manifest", "caveats", str(number)), "text"), "”")
        for number in range(len(caveats))
    ]
    return [Paragraph(("Known of it, by its datasheet:", *(span for spans in said for span in spans)))]


def _attributes(ledger: Ledger, evidence: Evidence) -> list[Block]:
    attributes = mapping(mapping(evidence.facts["manifest"])["attributes"])
    if not attributes:
        return [Paragraph(("The data has no attributes, so nothing is known of who spoke.",))]
    rows = tuple(
        (
            (plain(name),),
            (ledger.cite(evidence, FACTS, pointer("manifest", "attributes", str(name), "kind"), "words"),),
            (ledger.cite(evidence, FACTS, pointer("manifest", "attributes", str(name), "provenance"), "words"),),
            (MEANS.get(str(mapping(about).get("provenance")).replace("_", "-"), ""),),
        )
        for name, about in attributes.items()
    )
    caption = told("Attributes{of}, and where their values come from (run.json).", of=evidence.of)
    return [Table(f"attributes-{evidence.place}", caption, ("attribute", "kind", "provenance", "which is"), rows)]
