"""A recording, or a segment of one, in; its waveform out: float32, mono, 16 kHz, `(num_samples,)`, finite.

Decoding is libsndfile's (WAV, FLAC, OGG Vorbis, Opus, MP3 and its other formats). What cannot be heard as it was
recorded is an `AudioError` that names the file, never a shorter or silent waveform: nothing downstream checks again.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from harness.errors import AudioError

SAMPLE_RATE = 16_000  # Hz, the input rate of Whisper and of PocketSphinx's US English model
Waveform: TypeAlias = npt.NDArray[np.float32]

LOWEST_SAMPLE_RATE = 4_000  # Hz; telephones have 8,000, and a header of 1 Hz would become terabytes at 16 kHz
END_TOLERANCE_S = 0.1  # manifests round durations, and MP3 decoders differ by an encoder delay of up to 50 ms
_MPEG_TOLERANCE = 1152  # samples; one MPEG-1 frame, which a length taken from the bit rate may be wrong by
_MPEG_LEAD = 20 * 1152  # samples; MP3 frames borrow bits from those before them, and the first after a seek are silent
_STREAMED_SIZE = 0x7FFF_0000  # bytes; recorders that cannot seek back write a length at or above this
_LARGEST_KERNEL = (
    20_000_000  # resampling coefficients: 80 MB; 44.1 kHz needs 71 thousand, a rate of 44,101 Hz 700 million
)
_LAYER_III_KBPS = (  # by the header's four bits, of MPEG-1 and of MPEG-2 and 2.5 (ISO 11172-3 and 13818-3, §2.4.2.3)
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_OGG_TAIL = 65_307 + 27  # bytes; the longest page, so that the last one begins within it

_WAV_SIZES = re.compile(r"^\s*(?:data|SSND|riff)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_KNOWN_BEGINNINGS = (  # (first byte's offset, bytes, what such a file is)
    (4, b"ftyp", "an MPEG-4 file (AAC or ALAC)"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"\xff\xf1", "an AAC stream"),
    (0, b"\xff\xf9", "an AAC stream"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the recording (run `git lfs pull`)"),
    (0, b"OggS", "an OGG file that is damaged, or cut short, or of another codec"),
    (0, b"fLaC", "a damaged FLAC file"),
    (0, b"RIFF", "a WAV file that is damaged or of another encoding"),
    (0, b"<", "a web page or XML, not a recording"),
)


@dataclass(frozen=True, slots=True)
class AudioHeader:
    """Is what a recording's header says of it.

    Attributes:
        sample_rate: Hz, as recorded.
        num_samples: Of each channel, at that rate.
        num_channels: How many there are.
    """

    sample_rate: int
    num_samples: int
    num_channels: int

    @property
    def duration_s(self) -> float:
        """Returns the length in seconds."""
        return self.num_samples / self.sample_rate


def read_waveform(path: Path | str, *, offset_s: float = 0.0, duration_s: float | None = None) -> Waveform:
    """Decodes a recording or a segment of one; the rest of a long file is not read.

    Channels are averaged. An end up to 0.1 s beyond the recording's is its end: manifests round.

    Args:
        path: The recording.
        offset_s: Where the segment begins, in seconds, >= 0.
        duration_s: How long it is, in seconds, > 0; None means to the end.

    Returns:
        The waveform, `(num_samples,)` with at least one sample, nominally in [-1, 1].

    Raises:
        AudioError: when the file is missing, empty, cut short, of an unknown format or rate, when the segment is not
            inside it, or when a sample is not a finite number.
    """
    path = Path(path)
    with _opened(path) as recording:
        if recording.samplerate < LOWEST_SAMPLE_RATE:
            raise AudioError(
                f"{path}: a sample rate of {recording.samplerate} Hz; expected at least {LOWEST_SAMPLE_RATE}. Its "
                "header is wrong, or it holds no speech"
            )
        start, stop = _frame_range(path, recording, offset_s=offset_s, duration_s=duration_s)
        frames = _read_frames(path, recording, start, stop)  # (num_frames, num_channels)
        sample_rate = int(recording.samplerate)
    if not np.isfinite(frames).all():
        raise AudioError(
            f"{path}: {int((~np.isfinite(frames)).sum())} samples are not finite numbers; "
            "expected every sample finite. Decode or export the recording again"
        )
    mono = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)  # (num_frames,)
    return np.ascontiguousarray(mono) if sample_rate == SAMPLE_RATE else _resampled(path, mono, sample_rate)


def audio_duration_s(path: Path | str) -> float:
    """Returns a recording's length in seconds; errors are those of `audio_header`."""
    return audio_header(path).duration_s


def audio_header(path: Path | str) -> AudioHeader:
    """Returns what a recording's header says; no sample is decoded.

    Raises:
        AudioError: when the file is missing, empty, cut short or of an unknown format.
    """
    with _opened(Path(path)) as recording:
        return AudioHeader(int(recording.samplerate), int(recording.frames), int(recording.channels))


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    _check_file(path)
    try:
        recording = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile takes the suffix .raw for headerless
        raise AudioError(_undecodable(path)) from error
    with recording:
        _check_complete(path, recording)
        yield recording


def _check_file(path: Path) -> None:
    if not path.exists():
        raise AudioError(f"{path}: no such file. Check the manifest's audio_filepath and the folder it is relative to")
    if not path.is_file():
        raise AudioError(f"{path}: expected a recording, found a folder or a device")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes). Copy or download it again")


def _undecodable(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64)
    found = next(
        (what for at, magic, what in _KNOWN_BEGINNINGS if head[at : at + len(magic)] == magic),
        f"no known audio format (it begins with {head[:8]!r})",
    )
    return (
        f"{path}: cannot be decoded: the suffix is '{path.suffix}', the content is {found}; expected WAV, FLAC, "
        f"OGG Vorbis, Opus or MP3. If it is audio, convert it: ffmpeg -i {path.name} {path.stem}_converted.flac"
    )


def _check_complete(path: Path, recording: soundfile.SoundFile) -> None:
    """Compares what the header promises with what the file holds; libsndfile itself quietly takes the shorter."""
    promised = [(int(size), int(held)) for size, held in _WAV_SIZES.findall(recording.extra_info)]
    if any(held + 1 < size < _STREAMED_SIZE for size, held in promised):
        size, held = max(promised)
        raise _cut_short(path, f"its header promises {size:,} bytes and it holds {held:,}")
    if recording.format == "OGG" and _ends_inside_an_ogg_page(path):
        raise _cut_short(path, "it ends inside an OGG page")
    if recording.format == "MP3" and _length_is_a_guess(path, int(recording.samplerate)):
        raise AudioError(
            f"{path}: an MP3 of varying bit rate whose header does not say how long it is; decoders guess and lose the "
            f"rest. Convert it: ffmpeg -i {path.name} {path.stem}_converted.flac"
        )
    if recording.frames == 0:
        raise AudioError(f"{path}: the recording has no samples. Record or export it again, or remove the row")


def _ends_inside_an_ogg_page(path: Path) -> bool:
    """Tells whether the last page (RFC 3533 §6) is longer than what is left of the file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _OGG_TAIL))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return True
    return len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _length_is_a_guess(path: Path, sample_rate: int) -> bool:
    """Tells whether an MP3 has neither a length header nor one bit rate; its length is taken from the first frame's."""
    with path.open("rb") as file:
        tag = file.read(10)  # ID3v2: its size is four times seven bits
        begin = 10 + sum(byte << 7 * place for place, byte in enumerate(tag[:5:-1])) if tag[:3] == b"ID3" else 0
        file.seek(begin)
        first_frame = file.read(64)
        if any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI")):
            return False
        stream = first_frame + file.read()
    return _varies_in_bit_rate(stream, sample_rate)


def _varies_in_bit_rate(stream: bytes, sample_rate: int) -> bool:
    """Walks from frame to frame until a second bit rate or something that is no layer III frame."""
    bit_rates: set[int] = set()
    position = 0
    while len(bit_rates) < 2 and position + 4 <= len(stream):
        sync, version, packed = stream[position : position + 3]
        is_mpeg_1 = version & 0x18 == 0x18
        kbps = _LAYER_III_KBPS[0 if is_mpeg_1 else 1][packed >> 4]
        if sync != 0xFF or version & 0xE6 != 0xE2 or kbps == 0:
            break
        bit_rates.add(kbps)
        position += (144_000 if is_mpeg_1 else 72_000) * kbps // sample_rate + (packed >> 1 & 1)
    return len(bit_rates) > 1


def _cut_short(path: Path, evidence: str) -> AudioError:
    return AudioError(f"{path}: the recording is cut short or damaged: {evidence}. Copy or download it again")


def _frame_range(
    path: Path, recording: soundfile.SoundFile, *, offset_s: float, duration_s: float | None
) -> tuple[int, int]:
    """Returns the first frame and the one after the last, both inside the recording."""
    length_s = recording.frames / recording.samplerate
    end_s = length_s if duration_s is None else offset_s + duration_s
    asked = f"the segment from offset {offset_s} s, duration {duration_s} s"
    if not (
        math.isfinite(offset_s) and math.isfinite(end_s) and offset_s >= 0 and (duration_s is None or duration_s > 0)
    ):
        raise AudioError(f"{path}: {asked} is no segment; expected a finite offset >= 0 and a finite duration > 0")
    if offset_s >= length_s or end_s > length_s + END_TOLERANCE_S:
        raise AudioError(
            f"{path}: {asked} is not inside the recording, which ends at {length_s:.3f} s. Correct the manifest's row"
        )
    start = round(offset_s * recording.samplerate)
    stop = min(round(end_s * recording.samplerate), recording.frames)
    if stop <= start:
        raise AudioError(f"{path}: {asked} holds no sample at {recording.samplerate} Hz. Correct the manifest's row")
    return start, stop


def _read_frames(path: Path, recording: soundfile.SoundFile, start: int, stop: int) -> npt.NDArray[np.float32]:
    lead = min(start, _MPEG_LEAD) if recording.format == "MP3" else 0
    try:
        recording.seek(start - lead)
        frames: npt.NDArray[np.float32] = recording.read(lead + stop - start, dtype="float32", always_2d=True)[lead:]
    except soundfile.LibsndfileError as error:
        raise _cut_short(path, f"decoding stopped between {start / recording.samplerate:.3f} s and the end") from error
    tolerance = _MPEG_TOLERANCE if recording.format == "MP3" else 0
    if len(frames) == 0 or len(frames) + tolerance < stop - start:
        raise _cut_short(path, f"{stop - start:,} frames were expected from its header and {len(frames):,} decoded")
    return frames


def _resampled(path: Path, mono: Waveform, sample_rate: int) -> Waveform:
    """Changes the rate by windowed-sinc interpolation, torchaudio's defaults (Hann window, 6 zero crossings)."""
    common = math.gcd(sample_rate, SAMPLE_RATE)
    if (sample_rate // common) * (SAMPLE_RATE // common) > _LARGEST_KERNEL:
        raise AudioError(
            f"{path}: a sample rate of {sample_rate} Hz cannot be resampled exactly in reasonable memory. "
            f"Convert it: ffmpeg -i {path.name} -ar {SAMPLE_RATE} {path.stem}_converted.flac"
        )
    import torch

    from harness.audio.torchaudio_door import functional

    with torch.inference_mode():
        resampled = functional().resample(torch.from_numpy(np.ascontiguousarray(mono)), sample_rate, SAMPLE_RATE)
    waveform: Waveform = resampled.numpy()
    return waveform
