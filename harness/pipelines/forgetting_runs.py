"""A folder that keeps people in; the same without them, its numbers made anew, out, and what is to be said of it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.corpus import Manifest
from harness.corpus.people import Withdrawn, hiding
from harness.errors import HarnessError, RunDirectoryError
from harness.pipelines.measured_rows import MeasuredRow
from harness.pipelines.measured_table import property_table
from harness.pipelines.remaking import Notes, Recall, made_anew
from harness.provenance import commit, digest_of_file, version
from harness.report.described.markdown import write_markdown
from harness.report.described.page import write_page
from harness.report.described.seen import PAGE
from harness.report.invariance import write_invariance_report
from harness.results import Run
from harness.results.baselines import BLESSING, CURRENT, KEPT
from harness.results.forgetting.folders import PROPERTIES, ROWS, clear
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.marker import Marker, alone_in, begun, marker_in, unmark
from harness.results.forgetting.mentions import Needles, files_of, mentions
from harness.results.forgetting.people import Sought, Theirs
from harness.results.forgetting.runs import DERIVED, FORGOTTEN, facts_of, hypotheses_of, remove_derived, remove_rows
from harness.results.forgetting.survey import Place
from harness.results.run import CONFIG, FACTS, HTML, LEVELS, REPORT, SCORES, SUMMARY
from harness.transcription.sessions import FILE as SESSIONS

_REDACTED = re.compile(rb'<p class="note">Left out of this file: ([a-z ]+)\.</p>')
_DATE = 10  # characters of a date, without the time
_WHOLE = (SCORES, CONFIG, FACTS, LEVELS, SESSIONS, "unmatched.csv", BLESSING)  # with DERIVED and the hypotheses


def forget_run(place: Place, recall: Recall, sought: Sought) -> str:
    """Remove people from a run or a baseline and make its numbers anew; return what became of it.

    Raises:
        RunDirectoryError: Somebody works in it, it is damaged, or another forgetting was stopped in it.
        StorageError: It cannot be written.
    """
    folder, hides = place.path, hides_of(sought, place.theirs)
    with alone_in(folder):
        marker = _begun(place, sought, hides)
        if not marker.is_removed:
            remove_derived(folder)
            remove_rows(folder, place.theirs)
            marker = marker.removed(folder)
        if REPORT not in marker.had and place.kind is not Kind.baseline:
            told = "it had not ended, and is left so"
        elif not len(Run(folder).scores):
            _remove_whole(folder)
            return "nobody else was in it: it is gone"
        else:
            told = _made_anew(folder, recall, marker, hides)
        unmark(folder)
    _check_gone(folder, sought, place.theirs)
    return told


def hides_of(sought: Sought, theirs: Theirs) -> Callable[[str], str]:
    """Return what takes their ids out of a text."""
    names = {each for each in sought.written | set(theirs.needles) if each.strip()}
    return hiding(Withdrawn(frozenset(names)))


def _begun(place: Place, sought: Sought, hides: Callable[[str], str]) -> Marker:
    """Note that a forgetting begins, or go on with the one that was stopped here.

    Raises:
        RunDirectoryError: That one was of other people, whose rows are not all gone yet.
    """
    folder, before = place.path, marker_in(place.path)
    n_speakers, n_utterances = len(place.theirs.speaker_ids), place.n_utterances
    if before is None:
        had = [name for name in DERIVED if (folder / name).is_file()]
        new = begun(sought.speaker_ids, n_speakers=n_speakers, n_utterances=n_utterances, had=had)
        return replace(new, redact=_redacted(folder / HTML), notes=_notes_of(folder, hides)).write(folder)
    if before.is_of(sought.speaker_ids):
        return before
    if not before.is_removed:
        raise RunDirectoryError(
            f"{folder}: forgetting other people was stopped here. Give that command again first, then this one."
        )
    if not place.theirs:
        return before
    new = begun(
        sought.speaker_ids,
        n_speakers=before.n_speakers + n_speakers,
        n_utterances=before.n_utterances + n_utterances,
        had=before.had,
    )
    return replace(new, at=before.at, redact=before.redact, notes=before.notes).write(folder)


def _redacted(page: Path) -> tuple[str, ...]:
    """Return what the page of a run leaves out: one that was made for others to see stays so."""
    found = _REDACTED.search(page.read_bytes()) if page.is_file() else None
    return () if found is None else tuple(found[1].decode().split(" and "))


def _notes_of(folder: Path, hides: Callable[[str], str]) -> tuple[str, ...]:
    try:
        told = Run(folder).summary.get("notes")
    except (OSError, RunDirectoryError):
        return ()
    return tuple(note for note in map(str, told) if hides(note) == note) if isinstance(told, list) else ()


def _made_anew(folder: Path, recall: Recall, marker: Marker, hides: Callable[[str], str]) -> str:
    """Make the numbers of a run anew; where they cannot be, the run stays without any and says why."""
    run, facts = Run(folder), facts_of(folder)
    if facts is None:
        raise RunDirectoryError(f"{folder / FACTS}: not that of a run. Remove the folder.")
    is_copy = (folder / BLESSING).is_file()
    notes = _told(facts, marker, hides)
    try:
        made_anew(run, facts, marker.notes, recall(folder), notes)
    except HarnessError as error:
        if is_copy:
            _remove_whole(folder)
            return f"its numbers cannot be made anew, so the baseline is gone: {_first_line(error)}"
        remove_derived(folder)
        run.write_json(FACTS, {**facts, **notes.facts})
        return f"its numbers could not be made anew and are gone: {_first_line(error)}"
    if is_copy:
        _bless_anew(folder)
    return "made anew without them"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _told(facts: Mapping[str, object], marker: Marker, hides: Callable[[str], str]) -> Notes:
    """Return what a run says of those who are gone: how many, when, and by which harness it was made anew.

    A command that was stopped may have written it already: then it is written once more in its place.
    """
    now = {
        "on": marker.at[:_DATE],
        "at": marker.at,
        "n_speakers": marker.n_speakers,
        "n_utterances": marker.n_utterances,
        "made_anew_by": {"harness": version("asr-fairness-harness"), "commit": commit()},
    }
    notes = facts.get(FORGOTTEN)
    earlier = [each for each in notes if isinstance(each, Mapping)] if isinstance(notes, list) else []
    written = next((each for each in earlier if each.get("at") == marker.at), {})
    about = facts.get("manifest")
    before = about.get("withdrawn") if isinstance(about, Mapping) else None
    n_speakers, n_utterances = (
        _count(before, name) - _count(written, name) + n
        for name, n in (("n_speakers", marker.n_speakers), ("n_utterances", marker.n_utterances))
    )
    return Notes(
        told=(forgotten_note(now),),
        facts={FORGOTTEN: [*(each for each in earlier if each is not written), now]},
        n_withdrawn=(n_speakers, n_utterances),
        had=frozenset(marker.had),
        redact=marker.redact,
        hides=lambda note: hides(note) != note,
    )


def _count(told: object, name: str) -> int:
    value = told.get(name) if isinstance(told, Mapping) else None
    return value if isinstance(value, int) else 0


def forgotten_note(told: Mapping[str, object]) -> str:
    """Say on the face of a run that its numbers are not those that it had."""
    n_speakers, n_utterances = told["n_speakers"], told["n_utterances"]
    people = "person was" if n_speakers == 1 else "people were"
    return (
        f"{n_speakers} {people} forgotten on {told['on']}: {n_utterances} utterances were removed, and every number "
        "here was made anew from the others"
    )


def _bless_anew(folder: Path) -> None:
    """Keep of a baseline what a baseline keeps, and vouch for it as it is now."""
    for path in folder.iterdir():
        if path.name in (*DERIVED, "hypotheses") and path.name not in KEPT and path.is_file():
            path.unlink()
    told = json.loads((folder / BLESSING).read_text(encoding="utf-8"))
    digests = {name: digest_of_file(folder / name) for name in KEPT}
    Run(folder).write_json(BLESSING, told | {"digests": digests})


def _remove_whole(folder: Path) -> None:
    """Remove a run in which nobody is left, and its folder where nothing else is in it; its marker goes last."""
    for path in hypotheses_of(folder):
        path.unlink(missing_ok=True)
    for name in (*DERIVED, *_WHOLE):
        (folder / name).unlink(missing_ok=True)
    current = folder.parent / CURRENT
    if current.is_file() and current.read_text(encoding="utf-8", errors="replace").strip() == folder.name:
        current.unlink()
    unmark(folder)
    for path in (folder / "hypotheses", folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def forget_folder(place: Place, sought: Sought) -> str:
    """Remove people from an audit, a description or a measured manifest, and draw its pages anew.

    Raises:
        RunDirectoryError: Somebody works in it, or it is damaged.
        StorageError: It cannot be written.
    """
    folder = place.path
    with alone_in(folder):
        marker = marker_in(folder)
        if marker is None:
            had = [name for name in (REPORT, PAGE, SUMMARY) if (folder / name).is_file()]
            marker = begun(
                sought.speaker_ids,
                n_speakers=len(place.theirs.speaker_ids),
                n_utterances=place.n_utterances,
                had=had,
            ).write(folder)
        elif not marker.is_of(sought.speaker_ids):
            raise RunDirectoryError(
                f"{folder}: forgetting other people was stopped here. Give that command again first."
            )
        for name in (REPORT, PAGE):
            (folder / name).unlink(missing_ok=True)
        if place.kind is Kind.audit:
            remove_rows(folder, place.theirs)
        else:
            clear(folder, place.kind, place.theirs)
        _drawn_anew(place, marker)
        unmark(folder)
    _check_gone(folder, sought, place.theirs)
    remains = {Kind.audit: "invariance.csv and summary.json", Kind.describe: "its counts"}.get(place.kind)
    return "" if remains is None else f"{remains} still count them; give its command again"


def _drawn_anew(place: Place, marker: Marker) -> None:
    """Write the pages of a folder anew, with a note of what they no longer have."""
    folder, run = place.path, Run(place.path)
    if place.kind is Kind.measured:
        _properties_anew(folder)
    elif SUMMARY in marker.had and (folder / SUMMARY).is_file():
        summary = run.summary
        note = (
            f"{marker.n_speakers} of these people were forgotten on {datetime.now(UTC):%Y-%m-%d}: what names them was "
            "removed, and counts here still have them"
        )
        notes = summary.get("notes")
        run.write_json(SUMMARY, summary | {"notes": [*(notes if isinstance(notes, list) else []), note]})
        if PAGE in marker.had:
            write_page(run)
        if REPORT in marker.had:
            (write_invariance_report if place.kind is Kind.audit else write_markdown)(run)


def _properties_anew(folder: Path) -> None:
    """Write the table of properties of a measured manifest from the rows that are left."""
    manifest = next(
        (folder / name for name in ("manifest.jsonl", "manifest.parquet") if (folder / name).is_file()), None
    )
    if manifest is None or not (folder / PROPERTIES).is_file():
        return
    lines = (folder / ROWS).read_text(encoding="utf-8").splitlines()
    rows = [MeasuredRow(**json.loads(line)) for line in lines]
    told = Manifest.load(manifest, require_audio=False)
    Run(folder).write_table(PROPERTIES, property_table(told, rows))


def _check_gone(folder: Path, sought: Sought, theirs: Theirs) -> None:
    """Refuse to call done what still names them, whatever file it is in.

    Raises:
        RunDirectoryError: A file names them.
    """
    if not folder.is_dir():
        return
    needles = Needles(needles_of(sought, theirs))
    if found := [path.relative_to(folder).as_posix() for path in files_of(folder) if mentions(path, needles)]:
        raise RunDirectoryError(f"{folder}: {', '.join(found[:5])} still names them. Look into it.")


def needles_of(sought: Sought, theirs: Theirs) -> list[str]:
    """Return what files are searched for: people first, then what they said."""
    people: Iterable[str] = sorted(each for each in sought.written | theirs.speaker_ids if len(each) >= 4)
    telling = set(theirs.needles)
    return [*(each for each in people if not each.isdecimal()), *sorted(telling - set(people))]
