"""What an owner decides of a release in, checked options out."""

from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.fairness.privacy import PrivacyOptions


@dataclass(kw_only=True)
class ReleaseOptions(PrivacyOptions):
    """Says what is released, and what it may cost.

    Attributes:
        by: Attributes, `overall`, and crossings in quotes of their own, as in `release.by='[age,"accent & gender"]'`;
            None: every attribute of people.
        slices: Values of an attribute, declared before anyone looked: `{accent: [us, indian]}`; else the datasheet's.
        min_speakers: Fewest people of a slice that suppression shows.
        total_epsilon: The budget of the corpus for all its releases, chosen with the first; None: as its ledger says.
        total_delta: The chance, in all releases together, that its promise does not hold.
        ledger: The corpus's ledger, where it does not lie beside the manifest.
        corpus: What the ledger calls the corpus; None: as the run does.
    """

    by: list[str] | None = None
    slices: dict[str, list[str]] = field(default_factory=dict)
    min_speakers: int = 10
    total_epsilon: float | None = None
    total_delta: float = 1e-5
    ledger: str | None = None
    corpus: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        PrivacyOptions.__post_init__(self)
        for name in ("ledger", "corpus"):
            if (found := getattr(self, name)) is not None and not str(found).strip():
                raise UsageError(f"release.{name}= names nothing. Give it a name, or leave it out.")
