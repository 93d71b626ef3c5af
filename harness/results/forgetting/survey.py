"""Folders, manifests and people in; everything that keeps them, in which corpus, and what becomes of it, out.

A person is known to a corpus, not to the world: `speaker 12` of two corpora are two people. Files without a column of
speakers are searched by the ids of utterances of the same corpus alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.results.forgetting.corpora import ManifestOfThem, ManifestSource, look_into
from harness.results.forgetting.folders import n_rows
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.looking import Seen, seen_in
from harness.results.forgetting.marker import Marker, marker_in
from harness.results.forgetting.people import Sought, Theirs
from harness.results.forgetting.runs import Origin, facts_of, n_rows_of, origin_of, theirs_in
from harness.results.forgetting.sources import source_of
from harness.results.run import CONFIG
from harness.scoring.transcripts.stems import stem
from harness.transcription.progress import CountedProgress

_OF_RUNS = (Kind.run, Kind.baseline, Kind.unfinished, Kind.audit, Kind.describe, Kind.measured)


@dataclass(frozen=True, slots=True)
class Place:
    """Is something that keeps, or may keep, somebody.

    Attributes:
        path: A folder or a file.
        kind: Which.
        corpus: What their corpus is called; empty where it is of none.
        theirs: What they are known by in it.
        n_utterances: Rows of theirs; 0 where nobody counts them.
        marker: The note of a forgetting that was stopped here; None: none was.
        problem: Why it cannot be looked into; empty: it can.
    """

    path: Path
    kind: Kind
    corpus: str = ""
    theirs: Theirs = field(default_factory=Theirs)
    n_utterances: int = 0
    marker: Marker | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """Is all that was found.

    Attributes:
        places: What keeps somebody, runs first.
        manifests: That have them.
        corpora: What is known of them, by the name of the corpus.
        others: Everything else that was seen, for what is found by other means.
        quiet: Runs and the like that keep nothing of them in their tables.
        told: What runs and manifests call these corpora, and their digests from before anybody was forgotten.
        last: When somebody was last forgotten in a run of these corpora, seconds since 1970; 0: never.
        problems: Of manifests that could not be read.
    """

    places: tuple[Place, ...]
    manifests: tuple[ManifestOfThem, ...]
    corpora: dict[str, Theirs]
    others: tuple[Place, ...]
    quiet: tuple[Place, ...]
    told: frozenset[str]
    last: float
    problems: tuple[str, ...]

    @property
    def theirs(self) -> Theirs:
        """Return all that is known of them."""
        known = Theirs()
        for each in self.corpora.values():
            known = known | each
        return known

    def of(self, corpus: Sequence[str]) -> "Survey":
        """Return the part that is of some corpora, by names or shell patterns.

        Raises:
            UsageError: A pattern fits none.
        """
        unknown = [each for each in corpus if not any(fnmatchcase(name, each) for name in self.corpora)]
        if unknown and self.corpora:
            raise UsageError(f"corpus={unknown[0]}: they are in no such corpus, but in {', '.join(self.corpora)}.")
        kept = {
            name: theirs for name, theirs in self.corpora.items() if any(fnmatchcase(name, each) for each in corpus)
        }
        return replace(
            self,
            places=tuple(
                each for each in self.places if each.corpus in kept or each.marker is not None or each.problem
            ),
            manifests=tuple(each for each in self.manifests if each.name in kept),
            corpora=kept,
        )


def survey(folders: Sequence[Path], manifests: Sequence[ManifestSource], sought: Sought) -> Survey:
    """Look through folders and manifests.

    Raises:
        UsageError: A folder or a manifest that was named is not there.
    """
    with CountedProgress(None, doing="looking", done="places looked at") as progress:
        found = []
        for seen in seen_in(folders):
            found.append(_looked_at(seen, sought))
            progress.count(1, int(bool(found[-1][0].problem)))
    known = _Known()
    for place, origin in found:
        if place.theirs:
            known.add(origin, place.theirs)
    read, problems = _manifests(found, manifests, sought, known)
    for manifest, origin in read:
        known.add(origin, manifest.theirs)
    places = [_named(place, origin, known) for place, origin in found if place.kind in _OF_RUNS]
    of_runs = sorted(_keeping(places), key=lambda place: _OF_RUNS.index(place.kind))
    keeping = {place.path for place in of_runs}
    known_by = [origin for _, origin in found if known.corpus(origin)]
    told = {each for origin in known_by for each in (origin.name, origin.digest) if each}
    return Survey(
        tuple(of_runs),
        tuple(replace(manifest, name=known.corpus(origin)) for manifest, origin in read),
        known.corpora,
        tuple(place for place, _ in found if place.kind not in _OF_RUNS),
        tuple(place for place in places if place.path not in keeping),
        frozenset(told | {each for manifest, _ in read for each in (manifest.digest, manifest.name)}),
        max((origin.forgotten for origin in known_by), default=0.0),
        tuple(problems),
    )


class _Known:
    """Keeps what each corpus knows of them: runs of one manifest, or of one name that share utterances."""

    def __init__(self) -> None:
        self.corpora: dict[str, Theirs] = {}
        self._by: dict[tuple[str, str], str] = {}

    def add(self, origin: Origin, theirs: Theirs) -> None:
        name = self.corpus(origin) or self._name(origin, theirs)
        self.corpora[name] = self.corpora.get(name, Theirs()) | theirs
        for key in self._keys(origin):
            self._by[key] = name

    def corpus(self, origin: Origin) -> str:
        """Return what the corpus of a run is called; empty where it is not known."""
        return next((self._by[key] for key in self._keys(origin) if key in self._by), "")

    def _keys(self, origin: Origin) -> list[tuple[str, str]]:
        """Return what tells a corpus: a relative path alone may be that of another one, seen from elsewhere."""
        path = str(Path(origin.path).absolute()) if origin.path else ""
        return [key for key in (("", origin.digest), (origin.name, path)) if key[1]]

    def _name(self, origin: Origin, theirs: Theirs) -> str:
        known = self.corpora.get(origin.name)
        if known is None or _stems(known.utterance_ids) & _stems(theirs.utterance_ids):
            return origin.name
        return f"{origin.name} ({origin.path or origin.digest[:12]})"


def _stems(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(map(stem, ids))


def _looked_at(seen: Seen, sought: Sought) -> tuple[Place, Origin]:
    """Return what is in a place by its own means, and of which manifest it is."""
    facts = facts_of(seen.path) if seen.kind in _OF_RUNS or seen.kind is Kind.derived else None
    origin = origin_of(facts or {"fingerprint": {}})
    place = Place(seen.path, seen.kind)
    if seen.kind not in _OF_RUNS:
        return place, origin
    try:
        place = replace(place, marker=marker_in(seen.path))
        theirs = theirs_in(seen.path, sought) if seen.kind in (Kind.run, Kind.baseline) else None
    except HarnessError as error:
        return replace(place, problem=str(error)), origin
    return (place if theirs is None else replace(place, theirs=theirs, n_utterances=len(theirs.utterance_ids))), origin


def _manifests(
    found: Sequence[tuple[Place, Origin]], named: Sequence[ManifestSource], sought: Sought, known: _Known
) -> tuple[list[tuple[ManifestOfThem, Origin]], list[str]]:
    """Read the manifests that are named, and those of runs that have them or that cannot tell."""
    sources: dict[Path, tuple[ManifestSource, Origin]] = {}
    for source in named:
        if not source.path.is_file():
            raise UsageError(f"manifests={source.path}: no such file. Name the manifests that they are in.")
        sources[source.path.absolute()] = (source, Origin(source.path.stem, str(source.path), ""))
    problems: list[str] = []
    for place, origin in found:
        if place.kind is Kind.manifest:
            path = place.path / "manifest.jsonl"
            if path.is_file():
                sources.setdefault(path.absolute(), (ManifestSource(path), Origin(path.parent.name, str(path), "")))
        elif place.kind in _OF_RUNS and (
            place.theirs or origin.forgotten or place.kind not in (Kind.run, Kind.baseline)
        ):
            told = source_of(place.path / CONFIG)
            if told is not None and told.path.is_file():
                sources.setdefault(told.path.absolute(), (told, origin))
            elif place.theirs:
                problems.append(
                    f"{place.path}: its manifest is not where it was, seen from here; manifests=[FILE] names it"
                )
    read = []
    for source, origin in sources.values():
        try:
            manifest = look_into(source, sought)
        except HarnessError as error:
            problems.append(f"{source.path}: cannot be read as a manifest: {str(error).splitlines()[0]}")
            continue
        if manifest is not None:
            is_named = known.corpus(origin) or origin.digest
            read.append((manifest, origin if is_named else replace(origin, name=manifest.name)))
    return read, problems


def _named(place: Place, origin: Origin, known: _Known) -> Place:
    """Return a place with the name of its corpus and all that is known of them there."""
    corpus = known.corpus(origin)
    theirs = known.corpora.get(corpus, Theirs())
    if place.kind in (Kind.run, Kind.baseline):
        return replace(place, corpus=corpus, theirs=place.theirs | theirs if place.theirs else Theirs())
    return replace(place, corpus=corpus, theirs=theirs)


def _keeping(places: Iterable[Place]) -> Iterable[Place]:
    """Yield the places that keep somebody, or where a forgetting was stopped, or that cannot be looked into."""
    for place in places:
        if place.marker is not None or place.problem:
            yield place
        elif place.kind in (Kind.run, Kind.baseline):
            if place.theirs:
                yield place
        elif place.theirs:
            try:
                n_theirs = _n_rows(place)
            except HarnessError as error:
                yield replace(place, problem=str(error))
                continue
            if n_theirs:
                yield replace(place, n_utterances=n_theirs)


def _n_rows(place: Place) -> int:
    if place.kind in (Kind.describe, Kind.measured):
        return n_rows(place.path, place.kind, place.theirs)
    return n_rows_of(place.path, place.theirs)
