"""What a service calls a recording in, the names out by which the manifest may know it.

>>> names_of("https://my.bucket/calls/u%201.wav?signature=x")
('u 1', 'u 1.wav', 'calls/u 1')
"""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

AUDIO_SUFFIXES = (
    *(".aac", ".aif", ".aiff", ".amr", ".au", ".flac", ".m4a", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpga"),
    *(".oga", ".ogg", ".opus", ".sph", ".wav", ".webm", ".wma"),
)


def without_audio_suffix(name: str) -> str:
    """Return a name without the ending of a recording's file; other dots belong to the name."""
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in AUDIO_SUFFIXES else name


def names_of(uri: str) -> tuple[str, ...]:
    """Return the names of the recording at an address or path, the shortest first; none where it has none."""
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path) if parts.scheme else uri
    except ValueError:  # no address after all
        path = uri
    path = path.replace("\\", "/").strip("/")
    file = PurePosixPath(path).name
    return tuple(name for name in dict.fromkeys((without_audio_suffix(file), file, without_audio_suffix(path))) if name)


def names_of_file(relative: str) -> tuple[str, ...]:
    """Return the names of a recording whose transcript is in a file: `calls/u1.wav.json` is of `calls/u1.wav`."""
    stem = str(PurePosixPath(relative).with_suffix(""))
    return tuple(dict.fromkeys((stem, without_audio_suffix(stem))))
