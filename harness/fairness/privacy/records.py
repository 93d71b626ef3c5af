"""What a private table is made of and comes with: its columns, its cost, its proofs, and what it says of itself."""

from dataclasses import dataclass

import pandas as pd

PRIVATE_COLUMNS = (
    "dimension", "slice", "wer", "wer_low", "wer_high", "expected_error", "n_speakers", "worth", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spent:
    """Is what a release cost, as OpenDP's proof says: at most `epsilon`, but for a chance of `delta`."""

    epsilon: float
    delta: float  # 0 for laplace
    rho: float | None = None  # of zero-concentrated privacy, for gaussian: adds up tighter over releases


@dataclass(frozen=True, slots=True)
class Proof:
    """Is one use of noise and what OpenDP says it costs; `dimension` and `quantity` name what was counted."""

    dimension: str
    quantity: str
    mechanism: str
    unit: float  # what one step of the integers is, in errors, words, speakers or rates
    sensitivity: int  # steps that one speaker can change, over all slices of the dimension
    scale: float  # of the noise, in steps
    loss: float  # epsilon for laplace, rho for gaussian


@dataclass(frozen=True, slots=True)
class Statement:
    """Says in words what was done; the same for any data of one design."""

    mechanism: str
    unit: str
    neighbouring: str
    statistic: str
    caps: str
    cost: str
    limits: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return all of it, a sentence or two each."""
        return (
            self.mechanism, self.unit, self.neighbouring, self.statistic, self.caps, self.cost, *self.limits,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PrivateTable:
    """Holds a private table, one row a declared slice, and what it cost.

    `frame` has PRIVATE_COLUMNS: rates are fractions; `wer` and its interval are NaN where `worth` is False and `reason`
    says why; `expected_error` is the root mean square of what the noise does to `wer`; `n_speakers` has noise, and is
    NaN where it was not released.
    """

    frame: pd.DataFrame
    cost: Spent
    statement: Statement
    proofs: tuple[Proof, ...]
