"""A checked `Kit` in; a folder with manifest, datasheet and answers out, and the manifest as pipelines load it."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

from harness.corpus.datasheet import DATASHEET_FILE
from harness.corpus.declaring import datasheet_text
from harness.corpus.kit.answers import KIT_FILE, answers_text
from harness.corpus.kit.kit import Kit
from harness.corpus.manifest import Manifest
from harness.errors import StorageError, UsageError

MANIFEST_FILE = "manifest.jsonl"


def write_kit(kit: Kit, out: Path | str) -> Manifest:
    """Write `manifest.jsonl`, `datasheet.yaml` and `kit.yaml`, each whole or not at all, and load the manifest.

    A kit that was written there before is written anew; what was corrected in its datasheet by hand is in the kit that
    was read with the same `out`.

    Returns:
        The manifest; its notes begin with those of the kit.

    Raises:
        UsageError: The folder holds a manifest or a datasheet that no kit has written.
        StorageError: It cannot be written.
    """
    out = Path(out)
    _check_own(out)
    made = {
        "made": {
            "spreadsheet_sha256": _digest(kit.folder / kit.spreadsheet),
            "rows": kit.n_rows,
            "rows_in_use": len(kit.records),
            "recordings_without_row": list(kit.without_row),
            "notes": list(kit.notes),
            "left_out": list(kit.left_out),
        }
    }
    files = {
        KIT_FILE: answers_text(
            kit.columns, kit.spreadsheet, kit.sheet, kit.options, made=made
        ),  # first: it owns the rest
        DATASHEET_FILE: datasheet_text(replace(kit.datasheet, description=_description(kit))),
        MANIFEST_FILE: "".join(json.dumps(dict(record.fields), ensure_ascii=False) + "\n" for record in kit.records),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _write(out / name, text)
    except OSError as error:
        raise StorageError(f"{out}: cannot write ({error.strerror}). Make room, or choose another folder.") from error
    manifest = Manifest.load(out / MANIFEST_FILE, audio_root=kit.folder)
    left_out = (
        f"{kit.n_rows - len(kit.records)} of {kit.n_rows} rows of the spreadsheet are left out: {KIT_FILE} lists them",
    )
    return replace(manifest, notes=(*(left_out if kit.left_out else ()), *kit.notes, *manifest.notes))


def _check_own(out: Path) -> None:
    if (out / KIT_FILE).exists():
        return
    for name in (MANIFEST_FILE, DATASHEET_FILE):
        if os.path.lexists(out / name):
            raise UsageError(
                f"{out / name}: is there and is of no kit. Choose another folder, or move it away; nothing was written."
            )


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _description(kit: Kit) -> str:
    if kit.datasheet.description:
        return kit.datasheet.description
    sheet = f", sheet {kit.sheet}" if kit.sheet else ""
    return f"A customer's recordings, by {Path(kit.spreadsheet).name}{sheet}. How people were asked is not known."
