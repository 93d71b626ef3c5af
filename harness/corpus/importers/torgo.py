"""TORGO in, dysarthric speakers and controls; a record for each recording of a prompt that has words out.

Layout, relied on as the University of Toronto's archives unpack: `[F|FC|M|MC/]SPEAKER/SESSION/` with
`prompts/NNNN.txt`, `wav_arrayMic/NNNN.wav` and `wav_headMic/NNNN.wav`; some sessions have one microphone only. A
speaker is `F` or `M`, a `C` for the control group, and two digits. Prompts are what the screen showed, not what was
said:

- words to read, sometimes with a remark in square brackets, which nobody reads and which is dropped;
- an instruction in brackets, such as `[say Oh-B-Eee again and again]`: no transcript;
- the name of a picture to be described, such as `input/images/kitchen9.jpg`: no transcript;
- `xxx`: what was said is not known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record, Value
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.layouts import (
    ALL,
    NO_RECORDING,
    NO_TRANSCRIPT,
    child,
    children,
    files_by_stem,
    parts,
    words_of,
)
from harness.errors import UsageError

MICROPHONES = ("arrayMic", "headMic")
INSTRUCTION = "its prompt is an instruction, not words to read"
PICTURE = "its prompt is a picture to describe; nobody wrote down what was said"
NOT_KNOWN = "its prompt is xxx: what was said is not known"
_SPEAKER = re.compile(r"(?P<gender>[FM])(?P<control>C?)[0-9]{2}", re.IGNORECASE)
_REMARK = re.compile(r"\[[^\]]*\]?")
_IMAGE = re.compile(r".*\.(jpg|jpeg|png|gif|bmp)", re.IGNORECASE)


def read_torgo(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads what both microphones recorded, or with `split` the one it names.

    Raises:
        UsageError: There is no folder of a speaker with sessions in it.
    """
    known = {each.casefold(): each for each in MICROPHONES}
    chosen = [known[each] for each in parts(options.split or ALL, tuple(known), usual=ALL)]
    source = source.absolute()
    sessions = _sessions(source)
    has_audio = any(child(each, f"wav_{microphone}") for each in sessions for microphone in MICROPHONES)
    if not has_audio:
        ledger.remark("no folders wav_arrayMic or wav_headMic: transcripts made elsewhere can be scored, none heard")
    elif len(chosen) > 1:
        ledger.remark("what two microphones recorded at once is there twice: split=headMic or arrayMic takes one")
    records = _records(source, sessions, chosen if has_audio else (), ledger)
    return Corpus(datasheet("torgo"), records, source if has_audio else None)


def prompt_words(prompt: str) -> tuple[str, str]:
    """Returns the words of a prompt and, where it has none, the reason.

    >>> prompt_words("row [as in a row of boats]")
    ('row', '')
    """
    words = " ".join(_REMARK.sub(" ", prompt).split())
    if not prompt.strip():
        return "", NO_TRANSCRIPT
    if not words:
        return "", INSTRUCTION
    if _IMAGE.fullmatch(words):
        return "", PICTURE
    if words.casefold() == "xxx":
        return "", NOT_KNOWN
    return words, ""


def _records(source: Path, sessions: Sequence[Path], microphones: Sequence[str], ledger: Ledger) -> Iterator[Record]:
    for session in sessions:
        name = session.relative_to(source).as_posix()
        folders = {each: child(session, f"wav_{each}") for each in microphones}
        recordings = {each: files_by_stem(folder, ".wav") for each, folder in folders.items()}
        prompts = child(session, "prompts")
        texts = files_by_stem(prompts, ".txt")
        for number in sorted({*texts, *(stem for files in recordings.values() for stem in files)}):
            if prompts is None or number not in texts:
                ledger.leave_out(f"{name}/{number}", NO_TRANSCRIPT)
                continue
            place = f"{name}/{prompts.name}/{texts[number]}"
            words = _words(prompts / texts[number], place, ledger)
            if words is None:
                continue
            said = Record(
                file=place,
                line=1,
                utterance_id=number,
                text=words,
                speaker_id=session.parent.name.upper(),
                attributes=_attributes(session.parent.name),
            )
            paths: dict[str, str | None] = {
                each: f"{name}/{folder.name}/{recordings[each][number]}"
                for each, folder in folders.items()
                if folder is not None and number in recordings[each]
            }
            if microphones and not paths:
                ledger.leave_out(place, NO_RECORDING)
            yield from _heard(said, session.name, paths if microphones else {"": None})


def _heard(said: Record, session: str, paths: Mapping[str, str | None]) -> Iterator[Record]:
    """Yields a prompt once for each microphone that has it, with the name of its session and microphone in its id."""
    for microphone, path in paths.items():
        names = (said.speaker_id or "", session, *([microphone] if microphone else []), said.utterance_id)
        attributes = {**said.attributes, **({"microphone": microphone} if microphone else {})}
        yield replace(said, utterance_id="_".join(names), audio=path, attributes=attributes)


def _attributes(speaker: str) -> Mapping[str, Value]:
    """Returns what the letters of a speaker's code say."""
    found = _SPEAKER.fullmatch(speaker)
    if found is None:
        return {}
    return {"speech": "control" if found["control"] else "dysarthric", "gender": found["gender"].upper()}


def _words(path: Path, place: str, ledger: Ledger) -> str | None:
    prompt = words_of(path, place, ledger)
    if prompt is None:
        return None
    words, reason = prompt_words(prompt)
    if reason:
        ledger.leave_out(place, reason)
        return None
    return words


def _sessions(source: Path) -> list[Path]:
    """Returns sessions by speaker: a few dozen in the release."""
    speakers = (source, *children(source), *(below for each in children(source) for below in children(each)))
    found = [
        session
        for speaker in speakers
        if _SPEAKER.fullmatch(speaker.name)
        for session in children(speaker)
        if session.is_dir() and session.name.casefold().startswith("session") and child(session, "prompts")
    ]
    if not found:
        raise UsageError(
            f"source={source}: no F01/Session1/prompts or the like in it. Name the folder of TORGO that has the "
            "folders of its speakers, or F, FC, M and MC with these in them."
        )
    return found
