"""The installed vl-convert in, the JavaScript that draws Vega-Lite charts out, kept in the user's cache folder.

Making it takes seconds and its bytes depend on vl-convert's version alone, so it is made once for a version.
"""

import hashlib
import logging
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from harness.provenance import version

log = logging.getLogger(__name__)

_SNIPPET = "window.vegaEmbed = vegaEmbed;"
_FOLDER = "asr-fairness-harness"  # the transcript cache's, too


@lru_cache(maxsize=1)
def bundle() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script, from the cache where it holds the version's, whole."""
    file = _file()
    kept = _read(file) if file is not None else None
    if kept is not None:
        return kept
    import vl_convert

    made = str(vl_convert.javascript_bundle(_SNIPPET)).replace("\r\n", "\n").replace("</script", "<\\/script")
    if file is not None:
        _keep(file, made)
    return made


def _file() -> Path | None:
    """Return where the script is kept; None where there is no home folder."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        parent = named if named.is_absolute() else Path.home() / ".cache"  # XDG Base Directory Specification 0.8
    except RuntimeError:
        return None
    return parent / _FOLDER / f"vega-{version('vl-convert-python')}.js"


def _read(file: Path) -> str | None:
    """Return the script; None where there is none, or it is not what was written."""
    try:
        digest, _, script = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return script.decode() if digest == _digest(script) else None


def _keep(file: Path, script: str) -> None:
    """Write the script whole or not at all; a folder that cannot be written costs the next report its seconds."""
    content = script.encode()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(_digest(content) + b"\n" + content)
            Path(part).replace(file)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        log.debug("%s: the charts' script is not kept (%s)", file, error)


def _digest(script: bytes) -> bytes:
    return hashlib.sha256(script).hexdigest().encode()
