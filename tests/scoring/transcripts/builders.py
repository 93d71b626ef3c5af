"""What tests of transcripts share: files by name, small manifests of segments, and the frame's texts."""

import json
from pathlib import Path

from harness.corpus import Manifest
from harness.corpus.people import WITHDRAWN_FILE
from harness.scoring.transcripts import read_hypotheses

SERVICES = Path(__file__).parent / "services"


def service(name):
    """Return a document as a service writes it."""
    return json.loads((SERVICES / f"{name}.json").read_text(encoding="utf-8"))


def written(folder, name, content):
    """Write a file of bytes, text or JSON; return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    return path


def texts_of(frame):
    return dict(zip(frame["utterance_id"], frame["text"], strict=True))


def heard_in(path, **options):
    """Return what was heard, one object a row."""
    return read_hypotheses(path, **options)["heard"].tolist()


def segments(folder, rows, *, name="segments.jsonl", withdrawn=(), derived_ids=False):
    """Return a manifest of utterances in recordings: (id, audio, offset, duration[, channel]), each of one speaker.

    Args:
        folder: Where it is written.
        rows: The utterances.
        name: Of the file.
        withdrawn: Ids of utterances whose speakers withdrew.
        derived_ids: Whether the file has no ids.
    """
    keys = ("utterance_id", "audio_filepath", "offset", "duration", "channel")
    lines = [dict(zip(keys, row, strict=False)) | {"text": "a", "speaker_id": row[0]} for row in rows]
    lines = [{key: line[key] for key in line if key != "utterance_id" or not derived_ids} for line in lines]
    written(folder, WITHDRAWN_FILE, "".join(f"{speaker_id}\n" for speaker_id in withdrawn))
    path = written(folder, name, "".join(json.dumps(line) + "\n" for line in lines))
    return Manifest.load(path, require_audio=False)
