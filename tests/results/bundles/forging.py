"""A bundle in; another with changed files, whose digests are right again, out: what somebody who lies would send."""

import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.provenance import digest_of_file
from harness.results.bundles.archive import write_archive
from harness.results.bundles.contents import ABOUT, as_json

Change = Callable[[bytes], bytes | None]  # None: without this file


def contents(bundle: Path) -> dict[str, bytes]:
    """Return what is in a bundle, read by the standard library."""
    with tarfile.open(bundle, "r:") as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames()}
        return {name: file.read() for name, file in files.items() if file is not None}


def forged(bundle: Path, out: Path, changes: Mapping[str, Change], *, told: Mapping[str, object] | None = None) -> Path:
    """Write a bundle with changed files; `told` changes what bundle.json says."""
    files: dict[str, bytes | None] = dict(contents(bundle))
    about = json.loads(files.pop(ABOUT) or b"")
    for name, change in changes.items():
        files[name] = change(files.get(name) or b"")
    with TemporaryDirectory() as folder:
        paths = {}
        for place, (name, content) in enumerate(files.items()):
            if content is not None:
                paths[name] = Path(folder) / str(place)
                paths[name].write_bytes(content)
        about["files"] = {
            name: {"bytes": paths[name].stat().st_size, "sha256": digest_of_file(paths[name])} for name in sorted(paths)
        }
        about |= told or {}
        paths[ABOUT] = Path(folder) / "about"
        paths[ABOUT].write_text(as_json(about))
        write_archive(out, paths)
    return out


def replaced(old: str, new: str, *, times: int = 1) -> Change:
    """Return a change of a text that has to be there."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content, f"{old} is not there"
        return content.replace(old.encode(), new.encode(), times)

    return change


def set_to(content: object) -> Change:
    """Return a change to other content: bytes, a text, or JSON."""
    if isinstance(content, bytes):
        return lambda _: content
    return lambda _: (content if isinstance(content, str) else json.dumps(content)).encode()


def merged(**values: object) -> Change:
    """Return a change of keys of a JSON object."""
    return lambda content: as_json({**json.loads(content), **values}).encode()
