"""A run and utterances of it in, where a browser finds their recordings out, as long as the manifest is as it was."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from harness.corpus import Manifest
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import HarnessError
from harness.report.wording import mapping, plain
from harness.results import Run
from harness.results.run import CONFIG

MOST_ROWS = 200_000  # of a manifest that is read for the sake of its recordings: some 2 s
_COLUMN = "audio_filepath"
_NAMES_NONE = "the manifest names none."
NOT_FOUND = "Recordings not found: "


@dataclass(frozen=True, slots=True)
class Recording:
    """Says where an utterance is to be heard.

    Attributes:
        address: Below the run's folder a relative one, else a `file:` URI; percent-encoded.
        start_s: Seconds into the recording; None: at its beginning.
        end_s: Seconds into the recording; None: at its end.
    """

    address: str
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Recordings:
    """Holds what was found.

    Attributes:
        found: By utterance id; those without a recording are absent.
        note: Why none was looked for; empty where they were.
    """

    found: Mapping[str, Recording]
    note: str


def recordings(run: Run, utterance_ids: Sequence[str]) -> Recordings:
    """Find the recordings of some utterances of a run."""
    manifest = _manifest(run)
    if isinstance(manifest, str):
        return Recordings({}, NOT_FOUND + manifest)
    wanted = manifest.frame[manifest.frame["utterance_id"].isin(set(utterance_ids))]
    if wanted["audio_filepath"].isna().all():
        return Recordings({}, NOT_FOUND + _NAMES_NONE)
    return Recordings(_found(wanted, run.path.absolute()), "")


def _manifest(run: Run) -> Manifest | str:
    """Return the manifest of a run as it was then, or why there is none."""
    wrote = mapping(run.facts["manifest"])
    if int(run.facts.get("n_rows_in") or 0) > MOST_ROWS:
        return f"the manifest has more than {MOST_ROWS:,} rows."
    try:
        options = mapping(yaml_mapping((run.path / CONFIG).read_bytes(), CONFIG).get("manifest"))
        columns = {str(name): str(column) for name, column in mapping(options.get("columns")).items()}
        path = Path(str(options.get("path")))
        if not path.is_file():
            return f"{CONFIG} names no manifest that is still there."
        if columns.get(_COLUMN, _COLUMN).encode(errors="surrogatepass") not in path.read_bytes():
            return _NAMES_NONE  # what a large manifest of transcripts is asked before it is read
        manifest = _loaded(path, columns, options)
    except (HarnessError, OSError, ValueError) as error:
        return f"the manifest cannot be read as {CONFIG} says ({plain(error)[:200]})."
    if manifest.digest != wrote.get("digest"):
        return "the manifest or its datasheet has changed since the run."
    return manifest


def _loaded(path: Path, columns: Mapping[str, str], options: Mapping[str, Any]) -> Manifest:
    audio_root = options.get("audio_root")
    return Manifest.load(
        path,
        columns=columns,
        audio_root=audio_root if isinstance(audio_root, str) and Path(audio_root).is_dir() else None,
        allow_outside=bool(options.get("allow_outside")),
        require_audio=False,  # checking every file of a large corpus takes longer than reading it
    )


def _found(rows: pd.DataFrame, folder: Path) -> dict[str, Recording]:
    addresses = {path: _address(path, folder) for path in set(rows["audio_filepath"].dropna())}
    columns = (rows[name] for name in ("utterance_id", "audio_filepath", "offset", "duration"))
    return {
        utterance_id: _recording(address, offset_s, duration_s)
        for utterance_id, path, offset_s, duration_s in zip(*columns, strict=True)
        if (address := addresses.get(path)) is not None
    }


def _recording(address: str, offset_s: float, duration_s: float) -> Recording:
    end_s = None if math.isnan(duration_s) else offset_s + duration_s
    return Recording(address, offset_s if offset_s > 0 else None, end_s)


def _address(path: str, folder: Path) -> str | None:
    """Return what a page in `folder` writes to reach a file; None where there is no such file."""
    if not os.path.isfile(path):  # noqa: PTH113 - False for names that no file can have, where Path raises
        return None
    if Path(path).is_relative_to(folder):
        return quote(os.fsencode(Path(path).relative_to(folder)))
    return Path(path).as_uri()
