"""What is no run in; whether it keeps somebody, by what it says of itself and by the ids in it, out.

What has people as numbers alone is listed where it was made before they were forgotten: it is whoever made it who can
make it anew, and who knows to whom it was sent.
"""

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.results.bounties.folder import CLOSED, DEVELOPMENT, FORGOT, PEOPLE, BountyFolder
from harness.results.bounties.rules import read_rules
from harness.results.bounties.sealing import speakers_and_utterances
from harness.results.bundles.contents import ABOUT
from harness.results.forgetting.answer import Row, State
from harness.results.forgetting.folders import export_record, exported_files, n_cached_lines, n_rows
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.mentions import Needles, files_of, mentions
from harness.results.forgetting.people import SPEAKER, Sought, Theirs, is_telling, theirs_of
from harness.results.forgetting.sources import tracked_by, transcripts_of
from harness.results.forgetting.survey import Place, Survey
from harness.results.run import CONFIG, FACTS
from harness.transcription.caching.forgetting import Clips

_COUNTING = (Kind.audit, Kind.describe)  # what is left of them when their rows are gone
_RELEASES = ("release.json", "releases.jsonl")
_SENT = "has numbers with them; what is published stays published"
_CODED = "may have rows of theirs under a code, and nothing here tells whose the codes are: delete it"
_STALE = "made of numbers that have them; make it anew"
_LARGEST = 4_000_000  # bytes of a file that tells of a bundle


def elsewhere(found: Survey, clips: Clips, sought: Sought) -> tuple[Row, ...]:
    """Return a row for everything that is no run and keeps them, and for what runs say of files that are not theirs."""
    look = _Looking(found, clips, sought)
    rows = [row for place in found.others for row in look.at(place)]
    rows += [row for place in found.places for row in _beside_run(place)]
    rows += list(look.quiet())
    return tuple({(row.path, row.kind): row for row in rows}.values())


class _Looking:
    """Knows what is looked for."""

    def __init__(self, found: Survey, clips: Clips, sought: Sought) -> None:
        self._found, self._clips, self._sought = found, clips, sought
        self._theirs = found.theirs
        people = sorted(each for each in sought.written | self._theirs.speaker_ids if is_telling(each))
        self._needles = Needles([*people, *(each for each in self._theirs.needles if each not in people)])
        self._names = Needles(sorted(found.told))
        self._is_now = any(place.theirs for place in found.places)
        self._runs = {place.path.resolve().name for place in found.places if place.theirs}
        self._at = {
            Kind.derived: self._derived,
            Kind.export: self._export,
            Kind.bundle: self._bundle,
            Kind.log: self._log,
            Kind.cache_export: self._cached,
            Kind.bounty: self._bounty,
            Kind.aggregate: self._aggregate,
            Kind.other: self._other,
        }

    def at(self, place: Place) -> Iterator[Row]:
        """Yield a row where a place keeps them; one that cannot be read is told, too."""
        look = self._at.get(place.kind)
        if look is not None:
            try:
                yield from look(place.path)
            except (HarnessError, OSError) as error:
                yield Row(place.path, place.kind, "", 0, State.found, f"cannot be read: {str(error).splitlines()[0]}")

    def quiet(self) -> Iterator[Row]:
        """Yield what else is to be said of runs that have no rows of theirs: options that name them, counts."""
        for place in self._found.quiet:
            for path in (place.path / CONFIG, place.path / FACTS):
                if mentions(path, self._needles):
                    yield Row(path, Kind.other, "", 0, State.remains, "an option or a note names them")
            facts = place.path / FACTS
            if place.kind in _COUNTING and place.corpus in self._found.corpora and self._is_stale(facts):
                yield Row(place.path, place.kind, place.corpus, 0, State.remains, _STALE)

    def _is_stale(self, path: Path) -> bool:
        """Say whether something was made before people of its corpora were forgotten, or are now."""
        return self._is_now or path.stat().st_mtime < self._found.last

    def _derived(self, folder: Path) -> Iterator[Row]:
        n = n_rows(folder, Kind.derived, Theirs(self._theirs.speaker_ids))
        if n:
            yield Row(folder, Kind.derived, "", n, State.found)
        elif mentions(folder / FACTS, self._names) and self._is_stale(folder / FACTS):
            yield Row(folder, Kind.derived, "", 0, State.remains, _STALE)

    def _export(self, folder: Path) -> Iterator[Row]:
        files, record = exported_files(folder), export_record(folder)
        manifest = record.get("manifest")
        digest = manifest.get("digest") if isinstance(manifest, Mapping) else None
        is_theirs = digest in self._found.told or record.get("run") in self._runs
        if files and (is_theirs or any(mentions(path, self._needles) for path in files)):
            yield Row(folder, Kind.export, "", 0, State.found)

    def _bundle(self, path: Path) -> Iterator[Row]:
        digest = _digest_in_bundle(path)
        if digest in self._found.told or (digest is not None and mentions(path, self._needles)):
            yield Row(path, Kind.bundle, "", 0, State.found, "what was sent of it is not here to be removed")
        elif digest is None:
            yield from self._other(path)

    def _log(self, path: Path) -> Iterator[Row]:
        if mentions(path, self._needles):
            yield Row(path, Kind.log, "", 0, State.found)

    def _cached(self, path: Path) -> Iterator[Row]:
        if n := n_cached_lines(path, self._clips):
            yield Row(path, Kind.cache_export, "", n, State.found)

    def _bounty(self, folder: Path) -> Iterator[Row]:
        bounty = BountyFolder(folder)
        theirs, said = self._in_bounty(bounty), self._theirs.utterance_ids
        is_theirs = bool(theirs) and (not said or bool(said & theirs.utterance_ids))
        entries = {entry.kind for entry in bounty.ledger.entries()}
        to_go = bounty.of_people if is_theirs or FORGOT in entries else []
        if to_go:
            note = "" if CLOSED in entries else "it is open: close it first (harness bounty close)"
            n = len(theirs.utterance_ids) if is_theirs else 0
            yield Row(folder, Kind.bounty, self._corpus_of(bounty, theirs) if n else "", n, State.found, note)
        elif note := self._why_remains(bounty, theirs):
            yield Row(folder, Kind.bounty, "", 0, State.remains, note)
        for path in files_of(folder) if to_go or not theirs else ():
            if not any(path.is_relative_to(each) for each in to_go) and mentions(path, self._needles):
                yield Row(path, Kind.other, "", 0, State.remains, "names them: delete it, or what it says of them")

    def _in_bounty(self, bounty: BountyFolder) -> Theirs:
        """Return what a bounty has of people of their ids: ids alone may be somebody else's, of another corpus."""
        rows = speakers_and_utterances(bounty)
        people = self._sought.among(rows[SPEAKER].unique())
        return theirs_of(rows, people) if people else Theirs()

    def _corpus_of(self, bounty: BountyFolder, theirs: Theirs) -> str:
        """Return what the corpus of a bounty is called; empty where damaged rules do not say."""
        known = self._found.corpora.items()
        with suppress(HarnessError):
            mine = (name for name, each in known if each.utterance_ids & theirs.utterance_ids)
            return next(mine, None) or read_rules(bounty.rules).name
        return ""

    def _why_remains(self, bounty: BountyFolder, theirs: Theirs) -> str:
        """Say what is to be decided about a bounty in which nothing is known to be theirs; empty: nothing is."""
        if theirs:
            return "somebody of that id said other utterances in it: of another corpus, or of this one's earlier table"
        if not (mentions(bounty.rules, self._names) and self._is_stale(bounty.rules)):
            return ""
        is_old = (bounty.public / DEVELOPMENT).is_file() and not (bounty.sealed / PEOPLE).is_file()
        return _CODED if is_old else _SENT

    def _aggregate(self, path: Path) -> Iterator[Row]:
        files = [path] if path.is_file() else list(files_of(path))
        named = any(mentions(each, self._needles) for each in files)
        if named:
            yield Row(path, Kind.aggregate, "", 0, State.remains, "it names them")
        elif any(mentions(each, self._names) for each in files) and self._is_stale(files[0]):
            yield Row(path, Kind.aggregate, "", 0, State.remains, _SENT if path.name in _RELEASES else _STALE)

    def _other(self, path: Path) -> Iterator[Row]:
        if mentions(path, self._needles):
            yield Row(path, Kind.other, "", 0, State.remains)


def _digest_in_bundle(path: Path) -> str | None:
    """Return the digest of the manifest that a bundle is about; None where it is no bundle."""
    try:
        with tarfile.open(path, "r:") as archive:
            told = [_json_in(archive, name) for name in (ABOUT, FACTS)]
    except (OSError, ValueError, KeyError, RecursionError, tarfile.TarError):
        return None
    manifest = told[1].get("manifest")
    return str(manifest.get("digest")) if isinstance(manifest, dict) else ""


def _json_in(archive: tarfile.TarFile, name: str) -> dict[str, object]:
    member = archive.getmember(name)
    file = archive.extractfile(member) if member.isreg() and member.size <= _LARGEST else None
    told = json.loads(file.read()) if file is not None else None
    if not isinstance(told, dict):
        raise ValueError(f"{name}: no JSON object of at most {_LARGEST} bytes")
    return told


def _beside_run(place: Place) -> Iterator[Row]:
    """Yield what a run was made of or copied to, which is not the harness's to change."""
    if not place.theirs:
        return
    config = place.path / CONFIG
    if (transcripts := transcripts_of(config)) is not None:
        yield Row(transcripts, Kind.transcripts, place.corpus, 0, State.remains)
    if (tracked := tracked_by(config)) is not None:
        note = f"experiment {tracked.experiment} of {tracked.uri}"
        yield Row(place.path, Kind.tracking, place.corpus, 0, State.remains, note)
