"""What was found of a corpus in, the sections of its page out, in a reader's order."""

from harness.report.described.amounts import lengths_section, repeats_section
from harness.report.described.made import made_section, reading_section
from harness.report.described.seen import Seen
from harness.report.described.shows import gaps_section, texts_section
from harness.report.described.who import crossed_section, people_section, told_section
from harness.report.html.parts import Section


def sections(seen: Seen) -> list[Section]:
    """Return the sections that have something to say."""
    found = [
        people_section(seen),
        told_section(seen),
        gaps_section(seen),
        crossed_section(seen),
        texts_section(seen),
        lengths_section(seen),
        repeats_section(seen),
        made_section(seen),
        reading_section(seen),
    ]
    return [section for section in found if section is not None]
