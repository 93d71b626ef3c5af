"""A table in; a Kaldi data folder out, sorted as Kaldi wants it, with what a recogniser returned where there is a run.

```
text, utt2spk, spk2utt         what was said, who spoke; where nobody knows, an utterance is its own speaker
wav.scp                        recordings
segments                       where they are longer than utterances, or not all lengths known; -1 is a recording's end
utt2dur, utt2lang              seconds (without segments) and language; only where every utterance has one
utt2X                          a file for each attribute X
hyp, failed                    with a run: what was returned, one line an utterance, empty where it failed; and why
exact.jsonl, datasheet.yaml    what all these cannot say: ids with blanks, texts of several lines; what attributes are
```

Kaldi's own scripts read a folder whose ids begin with the speaker's; where they do not, `validate_data_dir.sh` wants
`--no-spk-sort`. With several conditions there are `hyp_CONDITION` and `failed_CONDITION`. What was counted of a
hypothesis has no place here: `format=nemo` or `format=parquet` have it. A recording whose path Kaldi would run as a
command is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.corpus.importers.exported import EXACT_FILE, Told, exact_line
from harness.corpus.importers.kaldi import DURATIONS as UTTERANCE_DURATIONS
from harness.corpus.importers.kaldi import LANGUAGES, SEGMENTS, TO_THE_END, attribute_word
from harness.corpus.importers.kaldi_files import BY_SPEAKER, SPEAKERS, TEXT
from harness.corpus.importers.wav_scp import WAV_SCP
from harness.corpus.spans import end_text, seconds_text
from harness.corpus.tokens import one_line, token
from harness.results.exporters.json_lines import by_condition, rows, write_datasheet, write_json_lines
from harness.results.exporters.lines import (
    Spoken,
    as_line,
    check_entries,
    recording_names,
    remove_stale,
    utterances,
    write_lines,
)
from harness.results.exporters.table import ExportTable

_STALE = (SEGMENTS, WAV_SCP, EXACT_FILE, "utt2*", "hyp", "hyp_*", "failed", "failed_*")


@dataclass(frozen=True, slots=True)
class _Keyed:
    """Is an utterance under the words that Kaldi's files have for it and its speaker."""

    key: str
    speaker: str
    spoken: Spoken


def write_kaldi(table: ExportTable, out: Path) -> list[Path]:
    """Writes the folder; returns the files.

    Raises:
        UsageError: The path of a recording would mean something else in `wav.scp`.
    """
    keyed = sorted((_keyed(each) for each in utterances(table)), key=lambda each: each.key)
    check_entries((each.spoken for each in keyed), "kaldi")
    have_languages = all(each.spoken.language for each in keyed)
    files: dict[str, Iterable[str]] = {
        TEXT: (f"{each.key} {one_line(each.spoken.text)}".rstrip(" ") for each in keyed),
        SPEAKERS: (f"{each.key} {each.speaker}" for each in keyed),
        BY_SPEAKER: _by_speaker(keyed),
        **(_segmented(keyed) if _are_segments(keyed) else _whole(keyed)),
        LANGUAGES: (f"{each.key} {each.spoken.language}" for each in keyed if have_languages),
        **{f"utt2{attribute_word(each.name)}": _values(keyed, each.name) for each in table.attributes},
        **(_heard(table) if table.has_run else {}),
    }
    written = write_lines(out, {name: lines for name, each in files.items() if (lines := list(each)) or name == TEXT})
    written += (
        [write_json_lines(out / EXACT_FILE, exact)]
        if (exact := list(_exact(keyed, have_languages=have_languages)))
        else []
    )
    written.append(write_datasheet(table, out))
    remove_stale(out, _STALE, written)
    return written


def _keyed(spoken: Spoken) -> _Keyed:
    key = token(spoken.utterance_id)
    return _Keyed(key, key if spoken.speaker_id is None else token(spoken.speaker_id), spoken)


def _by_speaker(keyed: Iterable[_Keyed]) -> Iterator[str]:
    for speaker, spoken in groupby(sorted(keyed, key=lambda each: each.speaker), key=lambda each: each.speaker):
        yield f"{speaker} {' '.join(each.key for each in spoken)}"


def _are_segments(keyed: Sequence[_Keyed]) -> bool:
    """Returns whether recordings are other than their utterances, or `utt2dur` would not have every utterance."""
    heard = [each.spoken.audio for each in keyed if each.spoken.audio is not None]
    unknown = [each for each in keyed if each.spoken.duration_s is None]
    is_part = len(set(heard)) < len(heard) or any(each.spoken.offset_s for each in keyed)
    return is_part or 0 < len(unknown) < len(keyed)


def _whole(keyed: list[_Keyed]) -> dict[str, Iterable[str]]:
    return {
        WAV_SCP: (f"{each.key} {each.spoken.audio}" for each in keyed if each.spoken.audio is not None),
        UTTERANCE_DURATIONS: (
            f"{each.key} {seconds_text(each.spoken.duration_s)}" for each in keyed if each.spoken.duration_s is not None
        ),
    }


def _segmented(keyed: list[_Keyed]) -> dict[str, Iterable[str]]:
    names = recording_names((each.spoken.audio for each in keyed), taken=(each.key for each in keyed))
    return {
        WAV_SCP: sorted(f"{name} {path}" for path, name in names.items()),
        SEGMENTS: (f"{each.key} {_recording(each, names)} {_span(each.spoken)}" for each in keyed),
    }


def _recording(each: _Keyed, names: Mapping[str, str]) -> str:
    """Returns the name of a recording; one that nobody names has the utterance's."""
    return each.key if each.spoken.audio is None else names[each.spoken.audio]


def _span(spoken: Spoken) -> str:
    end = TO_THE_END if spoken.duration_s is None else end_text(spoken.offset_s, spoken.duration_s)
    return f"{seconds_text(spoken.offset_s)} {end}"


def _values(keyed: Iterable[_Keyed], name: str) -> Iterator[str]:
    for each in keyed:
        if line := as_line(each.spoken.attributes[name]):
            yield f"{each.key} {line}"


def _heard(table: ExportTable) -> dict[str, Iterable[str]]:
    files: dict[str, Iterable[str]] = {}
    for name, frame in by_condition(table):
        end = name and f"_{name}"
        heard = sorted(
            (token(str(row["utterance_id"])), row["pred_text"], row["error"])
            for row in rows(frame, ("utterance_id", "pred_text", "error"))
        )
        files[f"hyp{end}"] = [f"{key} {one_line(str(text or ''))}".rstrip(" ") for key, text, _ in heard]
        files[f"failed{end}"] = [
            f"{key} {one_line(str(error or ''))}".rstrip(" ") for key, text, error in heard if text is None
        ]
    return files


def _exact(keyed: Sequence[_Keyed], *, have_languages: bool) -> Iterator[dict[str, object]]:
    nobody_known = all(each.speaker == each.key for each in keyed)
    for each in keyed:
        spoken = each.spoken
        exact = {
            "utterance_id": spoken.utterance_id,
            "text": spoken.text,
            "speaker_id": spoken.speaker_id,
            "language": spoken.language,
        }
        written = {
            "utterance_id": each.key,
            "text": one_line(spoken.text),
            "speaker_id": None if nobody_known else each.speaker,
            "language": spoken.language if have_languages else None,
        }
        attributes = {name: as_line(value) for name, value in spoken.attributes.items()}
        line = exact_line(each.key, Told(written, attributes), Told(exact, spoken.attributes))
        if line is not None:
            yield line
