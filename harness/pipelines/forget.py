"""People and folders in; everything that is kept of them, listed or removed, out.

What a run found without them is made anew, so that no number of its tables has them. A command that is stopped is given
again and goes on: every folder that was begun says so until it is whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.pipelines.forgetting_others import forget_other
from harness.pipelines.forgetting_runs import forget_folder, forget_run, hides_of
from harness.pipelines.remaking import Recall
from harness.results.forgetting.answer import Forgotten, Row, State
from harness.results.forgetting.corpora import ManifestOfThem, ManifestSource, recordings_of, withdraw
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.ledger import Audit
from harness.results.forgetting.others import elsewhere
from harness.results.forgetting.people import Sought
from harness.results.forgetting.runs import heard_in
from harness.results.forgetting.survey import Place, Survey, survey
from harness.results.run import LEVELS
from harness.transcription.caching.forgetting import CachedOfThem, Clips, cached_of, forget_cached
from harness.transcription.progress import CountedProgress, stage

EXIT_NOT_ALL = 1
_BEFORE_RUNS = (Kind.export, Kind.bundle, Kind.cache_export, Kind.bounty)  # what is known by runs goes before them
_RUNS = (Kind.run, Kind.baseline, Kind.unfinished)


@dataclass(frozen=True, kw_only=True)
class ForgetJob:
    """Holds what `harness forget` needs, as ordinary objects.

    Attributes:
        speaker_ids: Who.
        salt: That ids were hashed with; None: none is set.
        where: Folders that are looked through.
        manifests: That they are in, beside those of the runs that are found.
        corpus: Names or patterns of the corpora that are meant; none: the one that they are in.
        cache: The transcript cache.
        apply: Whether anything is removed.
        list_withdrawn: Whether the lists beside their manifests are to name them.
        recordings: Whether recordings are decoded to find what the cache keeps.
        recall: Reads what a run was made with.
    """

    speaker_ids: frozenset[str]
    salt: bytes | None
    where: tuple[Path, ...]
    manifests: tuple[ManifestSource, ...] = ()
    corpus: tuple[str, ...] = ()
    cache: Path
    apply: bool = False
    list_withdrawn: bool = True
    recordings: bool = True
    recall: Recall


@dataclass(frozen=True, slots=True)
class ForgetOutcome:
    """Says what was found or removed, and how the command ends: with 1 where something should be gone and is not."""

    answer: Forgotten
    exit_status: int = EXIT_WITHIN_POLICY


@dataclass(frozen=True, slots=True)
class _Found:
    """Holds who is sought and what was found of them."""

    sought: Sought
    survey: Survey
    clips: Clips
    answer: Forgotten


def forget(job: ForgetJob) -> ForgetOutcome:
    """List everything that is kept of people; with `apply`, remove it.

    Raises:
        UsageError: Nobody is named, a folder is not there, or an id is in several corpora and nothing says which.
        StorageError: The ledger cannot be written.
    """
    sought = Sought(job.speaker_ids, job.salt)
    found = survey(job.where, job.manifests, sought)
    found = found.of(job.corpus) if job.corpus else found
    clips, n_unheard = _clips(job, found)
    cached, unread = _cached(job.cache, clips)
    rows = [
        *(_of_manifest(each, job) for each in found.manifests),
        *_of_cache(cached),
        *(row for row in elsewhere(found, clips, sought) if not _is_of_another(row, job)),
        *map(_of_place, found.places),
    ]
    hide = hides_of(sought, found.theirs)
    answer = Forgotten(
        n_speakers=len(sought),
        n_absent=sought.n_absent,
        n_near=sought.n_near,
        corpora=tuple(found.corpora),
        rows=tuple(replace(row, note=hide(row.note)) for row in rows),
        remarks=(*map(hide, found.problems), *unread, *_unheard(n_unheard)),
        is_applied=job.apply,
    )
    if not job.apply:
        return ForgetOutcome(answer, EXIT_NOT_ALL if unread else EXIT_WITHIN_POLICY)
    _check_one_corpus(answer, job)
    answer = _applied(job, _Found(sought, found, clips, answer))
    return ForgetOutcome(answer, EXIT_NOT_ALL if unread or answer.n(State.left) else EXIT_WITHIN_POLICY)


def _is_of_another(row: Row, job: ForgetJob) -> bool:
    """Say whether a bounty is of a corpus that is not meant."""
    is_named = row.kind is Kind.bounty and bool(row.corpus) and bool(job.corpus)
    return is_named and not any(fnmatchcase(row.corpus, each) for each in job.corpus)


def _check_one_corpus(found: Forgotten, job: ForgetJob) -> None:
    """Refuse to take people of two corpora for one because their ids are alike."""
    of_bounties = (row.corpus for row in found.rows if row.kind is Kind.bounty and row.corpus)
    corpora = list(dict.fromkeys([*found.corpora, *of_bounties]))
    if len(corpora) > 1 and not job.corpus:
        raise UsageError(
            f"the ids are in {len(corpora)} corpora: {', '.join(corpora)}. They may be other people there. Say which "
            f"are meant: corpus={corpora[0]}, or corpus='*' for all. Nothing was removed."
        )


def _clips(job: ForgetJob, found: Survey) -> tuple[Clips, int]:
    """Return what the cache may know of their clips, and how many recordings cannot be heard."""
    heard = {each for place in found.places if place.theirs for each in heard_in(place.path, place.theirs)}
    clips = [clip for manifest in found.manifests for clip in manifest.clips] if job.recordings else []
    digests, lengths, n_unheard = set(), set(), 0
    if job.cache.is_file() and clips:
        with CountedProgress(len(clips), doing="hearing recordings", done="recordings heard") as progress:
            for recording in recordings_of(clips):
                progress.count(1, int(recording is None))
                if recording is None:
                    n_unheard += 1
                else:
                    digests.add(recording[0])
                    lengths.add(recording[1])
    return Clips(frozenset(digests), frozenset(heard), frozenset(lengths)), n_unheard


def _cached(path: Path, clips: Clips) -> tuple[CachedOfThem, tuple[str, ...]]:
    try:
        with stage("looking into the cache"):
            return cached_of(path, clips), ()
    except HarnessError as error:
        return CachedOfThem(path, 0, 0, ()), (f"The cache was not looked into: {error}",)


def _unheard(n_unheard: int) -> Iterator[str]:
    if n_unheard:
        yield (
            f"Recordings of theirs that are gone or cannot be heard: {n_unheard}. What the cache has of them is found "
            "only where a run tells what was heard in them. harness cache action=prune prune.all=true leaves nothing."
        )


def _of_place(place: Place) -> Row:
    note = place.problem or ("a forgetting was stopped here" if place.marker is not None else "")
    return Row(place.path, place.kind, place.corpus, place.n_utterances, State.found, note)


def _of_cache(cached: CachedOfThem) -> Iterator[Row]:
    if cached.n_transcripts or cached.damaged:
        notes = [f"{cached.n_by_length} of them by their length alone"] if cached.n_by_length else []
        notes += [f"{len(cached.damaged)} damaged files beside it go whole"] if cached.damaged else []
        yield Row(cached.path, Kind.cache, "", cached.n_transcripts, State.found, "; ".join(notes))


def _of_manifest(manifest: ManifestOfThem, job: ForgetJob) -> Row:
    n_utterances = len(manifest.theirs.utterance_ids)
    row = Row(manifest.source.path, Kind.manifest, manifest.name, n_utterances, State.remains)
    if manifest.is_listed:
        return replace(row, note="its withdrawn.txt names them; rows and recordings are yours to delete")
    if not job.list_withdrawn:
        return replace(row, note="list_withdrawn=false: every later run will have them")
    return replace(row, state=State.found, note=f"{manifest.list.name} beside it will name them")


def _applied(job: ForgetJob, found: _Found) -> Forgotten:
    """Clear every place; what keeps one from being cleared is said, and the others are cleared all the same."""
    to_do = [row for row in found.answer.rows if row.state is State.found]
    audit = Audit(job.where[0], found.sought)
    if to_do:
        audit.begun(to_do, found.answer)
    hide = hides_of(found.sought, found.survey.theirs)
    after: dict[tuple[Path, Kind], Row] = {}
    with CountedProgress(len(to_do), doing="forgetting", done="places cleared") as progress:
        for row, clear in _steps(job, found):
            done = _tried(row, clear, hide)
            after[row.path, row.kind] = done
            progress.count(1, int(done.state is State.left))
    known = {(row.path, row.kind) for row in found.answer.rows}
    rows = [after.get((row.path, row.kind), row) for row in found.answer.rows]
    rows += [row for key, row in after.items() if key not in known and row.state is State.left]
    answer = replace(found.answer, rows=tuple(rows))
    if to_do:
        audit.done(answer)
    return replace(answer, ledger=audit.path if to_do else None)


def _steps(job: ForgetJob, found: _Found) -> Iterator[tuple[Row, Callable[[], str]]]:
    """Yield every place with what clears it and says what became of it.

    The lists come first, so that no run that begins now has them; then what is known by what runs say of them; then
    runs, those last whose gaps are placed beside another run's; then what is made of runs.
    """
    rows = {(row.path, row.kind): row for row in found.answer.rows if row.state is State.found}
    for manifest in found.survey.manifests:
        if (row := rows.get((manifest.source.path, Kind.manifest))) is not None:
            yield row, partial(_withdrawn, manifest)
    if job.cache.is_file():
        nothing = Row(job.cache, Kind.cache, "", 0, State.found)
        yield rows.get((job.cache, Kind.cache), nothing), partial(_cleared, job.cache, found.clips)
    others = [row for row in rows.values() if row.kind not in (*_RUNS, Kind.manifest, Kind.cache)]
    places = {(place.path, place.kind): place for place in found.survey.places}
    before = [row for row in others if row.kind in _BEFORE_RUNS]
    for row in before:
        yield row, partial(forget_other, row, found.survey, found.clips, sought=found.sought)
    for place in sorted(places.values(), key=lambda each: (each.path / LEVELS).is_file()):
        yield rows[place.path, place.kind], partial(_place, place, job, found.sought)
    for row in others:
        if (row.path, row.kind) not in places and row not in before:
            yield row, partial(forget_other, row, found.survey, found.clips, sought=found.sought)


def _place(place: Place, job: ForgetJob, sought: Sought) -> str:
    if place.kind in _RUNS:
        return forget_run(place, job.recall, sought)
    return forget_folder(place, sought)


def _withdrawn(manifest: ManifestOfThem) -> str:
    withdraw(manifest)
    return f"{manifest.list.name} beside it names them now; rows and recordings are yours to delete"


def _cleared(path: Path, clips: Clips) -> str:
    n = forget_cached(path, clips).n_transcripts
    return f"{n} transcript{'' if n == 1 else 's'} removed, the file written anew"


def _tried(row: Row, clear: Callable[[], str], hide: Callable[[str], str]) -> Row:
    try:
        with stage(f"forgetting: {row.kind.value}"):
            return replace(row, state=State.done, note=hide(clear()))
    except (HarnessError, OSError) as error:
        return replace(row, state=State.left, note=hide(str(error)))
