"""Claims in, the numbered notes that say where they were read out: one for each row of each file of each run."""

import json
from dataclasses import dataclass, field

from harness.report.cards.blocks import Claim
from harness.report.wording import plain


@dataclass
class Places:
    """Numbers the rows that claims were read from, in the order in which they are asked for."""

    _claims: dict[str, list[Claim]] = field(default_factory=dict)

    def number(self, claim: Claim) -> int:
        """Return the number of the note of a claim."""
        key = json.dumps(
            [claim.run, claim.file, claim.row.get("dimension") if claim.how != "value" else dict(claim.row)]
        )
        of_row = self._claims.setdefault(f"{claim.how == 'value'}{key}", [])
        if claim not in of_row:
            of_row.append(claim)
        return list(self._claims).index(f"{claim.how == 'value'}{key}") + 1

    def notes(self) -> list[tuple[int, str]]:
        """Return each number and what it says."""
        return [(place, plain(_note(claims))) for place, claims in enumerate(self._claims.values(), start=1)]


def _note(claims: list[Claim]) -> str:
    first = claims[0]
    if first.how == "value":
        columns = ", ".join(dict.fromkeys(column for claim in claims for column in claim.columns))
        return f"{first.run}: {first.file}{f', {first.keys_text}' if first.row else ''}: {columns}"
    return f"{first.run}: {'; '.join(claim.place for claim in claims)}"
