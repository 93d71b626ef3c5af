"""Casual Conversations in, version 1 with its transcriptions or 2 with yours; a record for each transcribed video out.

Version 1, relied on as its annotations unpack: `CasualConversations_transcriptions.json`, an array with an object for
each video: `video_path` (`CasualConversationsA/1140/1140_00.MP4`), `subject_id, age, gender, skin-type, is_dark,
transcription, transcription_timestamp, duration_ms`. `CasualConversations.json` has, by subject, `files` and `label`
with `age, gender, skin-type`; it is asked where a transcription does not say.

Version 2: `CasualConversationsV2.json`, an array with an object for each video: `video_name`
(`0000_english_scripted_1.mp4`), `subject_id, age, gender, native_language, geo_location` (`country`, `state_region`)
and much that annotators saw. Meta is not known to publish transcriptions of it: they are taken from a file of your own
beside it, `*transcription*.json`, an array of `video_name` (or `video_path`) and `transcription`.

Transcribers marked times and speakers in square brackets and events in angle brackets; those are dropped, words between
two tags are kept. `[secondary_1.668_secondary]` is the second at which somebody else begins; how far their words reach
is not documented, so they stay in the reference and `other_voices` says that there is such a mark. Skin tone is not
imported: annotators read it off a face; nobody said it, and no voice has it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.json_arrays import array_objects
from harness.corpus.importers.layouts import ALL, NO_RECORDING, NO_TRANSCRIPT, children, is_plain_name, parts, refusing
from harness.errors import ManifestError, TextFileError, UsageError

TRANSCRIPTIONS, SUBJECTS, VIDEOS = (
    "CasualConversations_transcriptions.json",
    "CasualConversations.json",
    "CasualConversationsV2.json",
)
KINDS = ("scripted", "nonscripted")  # of version 2
MOST_BYTES = 100_000_000  # of the file of subjects; the release's has about 3,000 of them
LANGUAGES = {  # words in names of version 2's videos
    "english": "en", "hindi": "hi", "indonesian": "id", "italian": "it", "portuguese": "pt", "spanish": "es",
    "tagalog": "tl", "tamil": "ta", "telugu": "te", "vietnamese": "vi",
}  # fmt: skip
_MARKS, _TAGS = re.compile(r"\[[^\]]*\]"), re.compile(r"<[^>]*>")
_VIDEO = re.compile(r"[^_]+_(?P<language>[A-Za-z]+)_(?P<kind>scripted|nonscripted)_[0-9]+\.[A-Za-z0-9]+")
_HEARD = (".wav", ".flac", ".mp3", ".ogg", ".m4a")  # in the order they are looked for; then the video itself


@dataclass(frozen=True, slots=True)
class _Release:
    """Is what a copy of version 2 has.

    Attributes:
        videos: The file that names them.
        texts: Transcriptions by the video's file name.
        kinds: Those that are read.
        root: The folder that has the videos somewhere in it; None where there are none.
    """

    videos: Path
    texts: Mapping[str, object]
    kinds: tuple[str, ...]
    root: Path | None


def read_casual_conversations(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads the version that the source has; of version 2, `split` takes the scripted or the nonscripted videos.

    Raises:
        UsageError: The source has no transcriptions of either version.
    """
    if (source / VIDEOS).is_file():
        return _version_2(source, options, ledger)
    if options.split is not None:
        raise UsageError(f"split={options.split}: version 1 has no parts. Leave split out.")
    transcriptions = source if source.is_file() else source / TRANSCRIPTIONS
    if not transcriptions.is_file():
        found = ", ".join(each.name for each in children(source) if each.suffix == ".json") or "no JSON file"
        raise UsageError(
            f"source={source}: neither {TRANSCRIPTIONS} (version 1) nor {VIDEOS} (version 2) in it; found {found}. "
            "Name the folder of Casual Conversations that its annotations were unpacked to."
        )
    _check_keys(transcriptions, ("video_path", "transcription"))
    root = transcriptions.parent
    has_videos = any(each.is_dir() and each.name.startswith("CasualConversations") for each in children(root))
    _remark_on_videos(ledger, has_videos=has_videos)
    sheet = replace(datasheet("casual_conversations"), version="1", language="en")
    audio_root = root if has_videos else None
    return Corpus(sheet, _transcribed(transcriptions, audio_root, ledger), audio_root)


def spoken(transcription: str) -> str:
    """Returns the words of a transcription without its marks.

    >>> spoken("[0.000] well %um <colloquial>gonna</colloquial> go <spk_noise> [2.140]")
    'well um gonna go'
    """
    words = _TAGS.sub(" ", _MARKS.sub(" ", transcription)).replace("%", "").replace("=", "")
    return " ".join(words.split())


def _transcribed(path: Path, root: Path | None, ledger: Ledger) -> Iterator[Record]:
    """Yields records of version 1."""
    labels: Mapping[str, Mapping[str, object]] | None = None
    for line, found in array_objects(path, refusing(path.name, ledger)):
        place = f"{path.name}:{line}"
        video = found.get("video_path")
        if not isinstance(video, str) or not all(map(is_plain_name, video.split("/"))):
            ledger.refuse(place, f"has the video_path {shown(video)}; expected one such as FOLDER/1140/1140_00.MP4.")
            continue
        text = _text(found.get("transcription"), place, ledger)
        audio = _heard(root, video)
        if text is not None and root is not None and audio is None:
            ledger.leave_out(place, NO_RECORDING)
        elif text is not None:
            subject = _value(found.get("subject_id")) or (video.split("/")[-2] if "/" in video else None)
            if labels is None and not {"age", "gender"} <= found.keys():
                labels = _labels(path.parent / SUBJECTS)
            said = {**(labels or {}).get(subject or "", {}), **found}
            marked = f"{found.get('transcription_timestamp', '')}{found.get('transcription', '')}"
            yield Record(
                file=path.name,
                line=line,
                utterance_id=video.rpartition(".")[0] or video,
                text=text,
                audio=audio,
                speaker_id=subject,
                duration=_seconds(found.get("duration_ms")),
                attributes={
                    "age": _value(said.get("age")),
                    "gender": _value(said.get("gender")),
                    "other_voices": "yes" if "[secondary_" in marked else "no",
                },
            )


def _version_2(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    kinds = parts(options.split or ALL, KINDS, usual=ALL)
    _check_keys(source / VIDEOS, ("video_name", "subject_id"))
    tables = [each for each in children(source) if "transcription" in each.name.casefold() and each.suffix == ".json"]
    if not tables:
        raise UsageError(
            f"source={source}: {VIDEOS} is there and no transcriptions beside it, which version 2 is not known to come "
            "with; expected yours, such as CasualConversationsV2_transcriptions.json, an array of objects with "
            "video_name and transcription. Without them nothing can be scored."
        )
    has_videos = any(each.is_dir() for each in children(source))
    _remark_on_videos(ledger, has_videos=has_videos)
    release = _Release(source / VIDEOS, _texts(tables[0], ledger), kinds, source if has_videos else None)
    sheet = replace(datasheet("casual_conversations"), version="2")
    return Corpus(sheet, _of_videos(release, ledger), release.root)


def _of_videos(release: _Release, ledger: Ledger) -> Iterator[Record]:
    """Yields records of version 2."""
    name = release.videos.name
    for line, found in array_objects(release.videos, refusing(name, ledger)):
        video = found.get("video_name")
        named = _VIDEO.fullmatch(video) if isinstance(video, str) and is_plain_name(video) else None
        if named is None:
            problem = f"has the video_name {shown(video)}; expected ID_LANGUAGE_scripted_N.mp4. Correct it."
            ledger.refuse(f"{name}:{line}", problem)
            continue
        if named["kind"] not in release.kinds:
            continue
        text = _text(release.texts.get(named[0]), f"{name}:{line}", ledger)
        audio = _heard(release.root, named[0])
        if text is not None and release.root is not None and audio is None:
            ledger.leave_out(f"{name}:{line}", NO_RECORDING)
        elif text is not None:
            yield Record(
                file=name,
                line=line,
                utterance_id=named[0].rpartition(".")[0],
                text=text,
                audio=audio,
                speaker_id=_value(found.get("subject_id")),
                language=LANGUAGES.get(named["language"].casefold()),
                attributes={**_said(found), "scripted": named["kind"]},
            )


def _said(found: Mapping[str, object]) -> dict[str, Value]:
    """Returns what a participant said of themselves and a voice can have."""
    place = found.get("geo_location")
    return {
        "age": _value(found.get("age")),
        "gender": _value(found.get("gender")),
        "native_language": _value(found.get("native_language")),
        "country": _value(place.get("country")) if isinstance(place, dict) else None,
    }


def _text(transcription: object, place: str, ledger: Ledger) -> str | None:
    """Returns words, "" where there are marks alone: nobody spoke; None without a transcription, which is noted."""
    if not isinstance(transcription, str) or not transcription.strip():
        ledger.leave_out(place, NO_TRANSCRIPT)
        return None
    return spoken(transcription)


def _texts(path: Path, ledger: Ledger) -> Mapping[str, object]:
    """Returns transcriptions by the video's file name: 26,467 videos in the release."""
    texts: dict[str, object] = {}
    for line, found in array_objects(path, refusing(path.name, ledger)):
        video = found.get("video_name", found.get("video_path"))
        if isinstance(video, str) and video:
            texts[video.rpartition("/")[2]] = found.get("transcription")
        else:
            ledger.refuse(f"{path.name}:{line}", "has no video_name; expected the file of a video. Add it.")
    return texts


def _labels(path: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns what version 1 says of its subjects; nothing where the file is not there."""
    if not path.is_file():
        return {}
    if path.stat().st_size > MOST_BYTES:
        raise ManifestError([f"{path.name}: is larger than {MOST_BYTES:,} bytes; expected some 3,000 subjects."])
    try:
        found: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ManifestError([f"{path.name}: is not JSON ({str(error)[:100]}). Fetch it again."]) from error
    subjects = found if isinstance(found, dict) else {}
    labels = {str(name): about.get("label") for name, about in subjects.items() if isinstance(about, dict)}
    return {name: label for name, label in labels.items() if isinstance(label, dict)}


def _heard(root: Path | None, video: str) -> str | None:
    """Returns the sound of a video where somebody took it out, else the video; None where neither is there."""
    if root is None:
        return None
    stem = video.rpartition(".")[0]
    for path in (*(f"{stem}{suffix}" for suffix in _HEARD), video):
        for folder in ("", "audio/", "audio_files/", "videos/", "videos_files/"):
            if (root / f"{folder}{path}").is_file():
                return f"{folder}{path}"
    return None


def _remark_on_videos(ledger: Ledger, *, has_videos: bool) -> None:
    if has_videos:
        ledger.remark("where there is a video and no sound file of its name, sound must be taken out of it first")
    else:
        ledger.remark("no videos beside the transcriptions: transcripts made elsewhere can be scored, none heard")


def _check_keys(path: Path, needed: tuple[str, ...]) -> None:
    try:
        _, first = next(array_objects(path, lambda *_: None), (0, dict.fromkeys(needed)))
    except TextFileError as error:
        raise UsageError(f"{error} Is it of Casual Conversations?") from error
    if not set(needed) <= first.keys():
        raise UsageError(
            f"{path.name}: its objects have {', '.join(map(shown, first)) or 'nothing'}; expected "
            f"{' and '.join(needed)} among them. Is it of Casual Conversations?"
        )


def _value(found: object) -> str | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found) or None


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, str | int | float):
        return None
    try:
        length = float(milliseconds) / 1_000
    except (ValueError, OverflowError):
        return None
    return length if 0 < length < float("inf") else None
