"""A release in, `release.html` out: who is served how well, what that protects, what not, and what it cost."""

from harness.fairness.membership import OVERALL
from harness.report import charts
from harness.report.html.parts import Drawing, Facts, Listing, Part, Section, Table, Words, typeset
from harness.report.pages import page
from harness.report.releases import words
from harness.report.wording import how_many, mapping, plain
from harness.results.releases.record import CSV, JSON, Release

MOST_ROWS = 1_000
_READING: tuple[tuple[str, object], ...] = (
    ("WER", "word error rate: words substituted, left out or made up, over words spoken."),
    (
        "expected error",
        "what the noise alone does to a WER, in points: the one without noise is about so far from it.",
    ),
    ("interval", "where the WER of such people would lie in most repetitions, with other people and other noise."),
    ("people, with noise", "about how many; the true number is not told. A slice nobody is in has a row, too."),
    ("ε (epsilon)", "how much one person can change what is shown; the smaller, the better they are protected."),
    ("undeclared, declined", "not recorded; asked and not answered. They are counted and compared with nobody."),
)
_EXACT_ONLY = ("WER", "undeclared, declined")


def render_page(release: Release) -> str:
    """Return the page as one HTML file."""
    found = [_served(release), _protects(release), _not_protected(release), _made(release), _reading(release)]
    kind = "Private release" if release.is_private else "Release of exact numbers"
    return page(
        "sections",
        title=words.title(release),
        description=words.lede(release),
        charts={part.name: part.spec for each in found for part in each.parts if isinstance(part, Drawing)},
        sections=[(section.id, section.short) for section in found],
        parts=found,
        kicker=f"{kind}, made {plain(release.facts['made'])}",
        lede=words.lede(release),
        headline=_headline(release),
        typeset=typeset,
    )


def _headline(release: Release) -> list[tuple[str, str, str]]:
    shown, table = words.drawn(release), release.table
    slices = ("slices", f"{len(shown):,} of {len(table):,}", "are told well enough to be of use")
    if not release.is_private:
        hidden = sum(int(str(n)) for n in mapping(release.facts["n_hidden"]).values())
        least = ("people in a slice", str(release.facts["min_speakers"]), "at least; smaller ones are hidden")
        n_shown = int((shown["dimension"] != OVERALL).sum())
        return [("slices", f"{n_shown:,}", f"{hidden:,} more are hidden"), least]
    epsilon = float(str(mapping(release.facts["recorded"])["epsilon"]))
    told = mapping(release.facts["budget"])
    total, spent = (float(str(each["epsilon"])) for each in (told, mapping(told["spent"])))
    sure = ("ε (epsilon)", f"{epsilon:g}", f"an even guess about one person becomes at most {words.sure(epsilon)} sure")
    cost = ("budget of ε", f"{spent:g} of {total:g}", "spent by all releases of this corpus")
    return [slices, sure, cost]


def _served(release: Release) -> Section:
    shown = words.drawn(release)
    parts: list[Part] = [Words(words.counts(release))]
    if (shown["dimension"] != OVERALL).any():
        spec = charts.spec(charts.forest(shown, noted=words.noted(release)))
        line = "its interval, which holds noise and sampling" if release.is_private else "its interval"
        parts.append(Drawing("served", spec, f"Dot: WER; line: {line}.", "served-table"))
    rows = words.rows(release)[:MOST_ROWS]
    more = len(release.table) - len(rows)
    caption = " ".join(
        [
            words.sources_of(release).sentence,
            f"{how_many(more, 'more row is', 'more rows are')} in {CSV}." if more else "",
        ]
    ).strip()
    parts.append(Table("served-table", words.headers(release), rows, caption or "Every slice."))
    return Section("served", "Who is served how well", "Served", parts)


def _protects(release: Release) -> Section:
    parts: list[Part] = [Words(text) for text in words.promise(release)]
    parts.append(Listing(words.how_counted(release)))
    if release.is_private:
        parts.append(Words(words.budget(release)))
    heading = "What it protects, and what that cost" if release.is_private else "What is hidden"
    return Section("protects", heading, "Protects", parts)


def _not_protected(release: Release) -> Section:
    return Section("not-protected", "What it does not protect", "Does not", [Listing(words.not_protected(release))])


def _made(release: Release) -> Section:
    return Section("made", "How this was made", "Provenance", [Facts(made_pairs(release))])


def made_pairs(release: Release) -> list[tuple[str, object]]:
    """Return what someone needs to know what was measured: names and texts."""
    facts, corpus, system = release.facts, mapping(release.facts["corpus"]), mapping(release.facts["system"])
    recogniser = ", ".join(f"{name} {value}" for name, value in system.items() if name != "name" and value is not None)
    opendp = f", OpenDP {facts.get('opendp')}" if release.is_private else ""
    pairs = [
        ("corpus", f"{corpus.get('name')}, version {corpus.get('version') or 'not stated'}"),
        ("licence of the corpus", str(corpus.get("license") or "not stated")),
        ("recogniser", f"{system.get('name')}{f' ({recogniser})' if recogniser else ''}"),
        ("words compared", f"after {facts['normalizer']}"),
        ("method", str(facts["method"])),
        ("made with", f"harness {facts['harness']}{opendp}"),
        ("receipt", f"{facts['receipt']}: the line of the corpus's ledger that this release is written down in"),
        ("files beside this one", f"{CSV}, {JSON}"),
    ]  # fmt: skip
    return [(name, plain(told)) for name, told in pairs]


def _reading(release: Release) -> Section:
    pairs = _READING if release.is_private else tuple(pair for pair in _READING if pair[0] in _EXACT_ONLY)
    return Section("reading", "How to read this", "How to read", [Facts(pairs)])
