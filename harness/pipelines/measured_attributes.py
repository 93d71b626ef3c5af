"""What can be measured of a recording in, the attributes that a datasheet declares of it out: meaning, unit, bins."""

from harness.audio.measurements import VERSION
from harness.corpus import Attribute, AttributeKind, Provenance

NOTE = "measurement_note"  # the column that says why cells are empty; no attribute
_BY = f"Measured by harness measure, version {VERSION}; empty where it cannot be told, {NOTE} says why."

# Speaking rate is acoustic, too: it is how something was said, not what; the demo's rate is declared so.
_MEASURED: dict[str, tuple[str, tuple[float, ...]]] = {  # meaning, and edges that a reader would ask for
    "level_dbfs": (
        "Level of the whole recording in dB: mean square of all samples, a full-scale sine having -3.",
        (-40, -30, -20),
    ),
    "speech_level_dbfs": (
        "Level of the speech in dB while somebody speaks (ITU-T P.56); telephony aims at -26.",
        (-40, -30, -20),
    ),
    "speech_share": (
        "Share of the recording in which somebody speaks (ITU-T P.56, pauses up to 0.2 s counted in).",
        (0.4, 0.6, 0.8),
    ),
    "snr_db": (
        "Speech over noise in dB: active speech power over the power of the quietest fifth of 20 ms frames; an "
        "estimate, good to about 3 dB and too high under loud noise that comes and goes.",
        (0, 10, 20),
    ),
    "clipped_share": (
        "Share of samples in flat tops: three or more equal ones in a row at the largest or smallest value.",
        (0.0001, 0.001, 0.01),
    ),
    "bandwidth_hz": (
        "Upper edge of the band in Hz, above which lies a ten-thousandth of the energy; at most 8000. Telephones have "
        "about 3400, recordings at 8 kHz at most 4000.",
        (4800, 7200),
    ),
    "words_per_s": (
        "Speaking rate: words of the reference by seconds in which somebody speaks (ITU-T P.56).",
        (2, 3, 4),
    ),
}

PROPERTIES = tuple(_MEASURED)


def measured_attributes(prefix: str) -> tuple[Attribute, ...]:
    """Returns the declarations, in the order of the columns, each name with the prefix before it.

    Raises:
        ManifestError: The prefix makes no name.
    """
    return tuple(
        Attribute(
            f"{prefix}{name}",
            AttributeKind.acoustic,
            Provenance.measured,
            f"{meaning} {_BY}",
            bins=tuple(map(float, edges)),
        )
        for name, (meaning, edges) in _MEASURED.items()
    )
