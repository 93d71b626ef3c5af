"""What a card says has a version: a card that another harness made must not be taken for a forged one."""

import hashlib

from harness.report.cards import markdown
from harness.report.cards.blocks import CARD_VERSION

RECORDED = {1: "39efa8b9014b6c0a"}  # of what a card says, without its numbers


def wording(card):
    """Return the lines of a card with # for every claim, but for tables' rows and what differs from run to run."""
    lines = markdown.expected_lines(card.document)
    said = ["".join("#" if piece.claim else piece.text for piece in line.pieces) for line in lines]
    kept = [text for text in said[: said.index("## Sources")] if not text.startswith(("| ", "Measured by the run"))]
    return "\n".join(kept)


def test_another_wording_is_another_version(card):
    found = hashlib.sha256(wording(card).encode()).hexdigest()[:16]
    assert found == RECORDED[CARD_VERSION], (
        f"a card reads otherwise than version {CARD_VERSION} did, and cards that exist could not be checked any more. "
        f"Raise CARD_VERSION in harness/report/cards/blocks.py and record {found!r} for it here."
    )
