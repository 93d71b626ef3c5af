"""The options of the commands of a bounty in, their schemas out."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from harness.config.corpus_schemas import ExportedManifestOptions
from harness.fairness.bounty import Assumed


@dataclass(kw_only=True)
class BountyRulesOptions:
    """Says what a bounty pays for, and so what an acceptance has to show.

    Attributes:
        n_submissions: Questions that the holdout answers before it is retired.
        n_acceptances: Acceptances before it is retired. More of them make each question stricter.
        alpha: Chance that a bounty accepts any pair that is no better.
        min_gain: Least gain that is accepted, as a share of all reference words of the holdout.
        gain_steps: What an acceptance tells of its gain: the largest of these that is not above it.
        min_speakers: Speakers of a group in the holdout, below which it is not judged.
        assumed: Of alternatives that are no better: `symmetry`, that people gain about as they lose; `nothing`, which
            is proven and shows only large gains of many people.
    """

    n_submissions: int = 100
    n_acceptances: int = 5
    alpha: float = 0.05
    min_gain: float = 0.002
    gain_steps: list[float] = field(default_factory=lambda: [0.002, 0.005, 0.01, 0.02, 0.05])
    min_speakers: int = 10
    assumed: Assumed = Assumed.symmetry


@dataclass(kw_only=True)
class BountyOpenConfig:
    """Is the schema of `harness bounty open`.

    Attributes:
        run: A run directory: the system that is to be improved.
        out: The folder of the bounty, which is made.
        name: What that system is called; None: as its backend or its file of transcripts.
        alternatives: Runs of other systems on the same utterances: `alternatives.NAME=RUN`.
        columns: Attributes that groups may be made of; None: every one that is not inferred.
        development_share: Share of the people whose half is published.
        texts: Whether references and hypotheses of that half are published.
        hypotheses: Whether hunters may hand in transcripts of their own; ids of all utterances are then published.
        backends: What is run for hunters, and the options that they set: `backends.whisper=[model,beam_size]`.
        seed: Of the split, which is secret; None: drawn, so that nobody can guess it.
    """

    run: str = MISSING
    out: str = MISSING
    name: str | None = None
    alternatives: dict[str, str] = field(default_factory=dict)
    manifest: ExportedManifestOptions = field(default_factory=ExportedManifestOptions)
    rules: BountyRulesOptions = field(default_factory=BountyRulesOptions)
    columns: list[str] | None = None
    development_share: float = 0.5
    texts: bool = True
    hypotheses: bool = False
    backends: dict[str, list[str]] = field(default_factory=dict)
    seed: int | None = None


@dataclass(kw_only=True)
class OfBounty:
    """Holds what every command on an open bounty is configured by.

    Attributes:
        bounty: The folder of the bounty.
    """

    bounty: str = MISSING


@dataclass(kw_only=True)
class BountySubmitConfig(OfBounty):
    """Is the schema of `harness bounty submit`.

    Attributes:
        submission: A JSON file as HOW_TO.md of the bounty says; transcripts that it names lie beside it.
    """

    submission: str = MISSING


@dataclass(kw_only=True)
class BountyCheckConfig(OfBounty):
    """Is the schema of `harness bounty check`.

    Attributes:
        timeout_s: After so many seconds a backend that is run for a hunter is ended; None: never.
    """

    timeout_s: float | None = None


@dataclass(kw_only=True)
class BountyStatusConfig(OfBounty):
    """Is the schema of `harness bounty status`."""


@dataclass(kw_only=True)
class BountyCloseConfig(OfBounty):
    """Is the schema of `harness bounty close`."""


@dataclass(kw_only=True)
class BountyVerifyConfig(OfBounty):
    """Is the schema of `harness bounty verify`.

    Attributes:
        receipt: A digest that a hunter kept, of a line that has to be in the ledger.
    """

    receipt: str | None = None


@dataclass(kw_only=True)
class BountyPreviewConfig(OfBounty):
    """Is the schema of `harness bounty preview`; the public folder is enough.

    Attributes:
        submission: A JSON file as HOW_TO.md of the bounty says; transcripts that it names lie beside it.
    """

    submission: str = MISSING


@dataclass(kw_only=True)
class BountyRouteConfig(OfBounty):
    """Is the schema of `harness bounty route`.

    Attributes:
        out: The YAML file, such as `my_configs/backend/routed.yaml`.
        systems: Runs of `harness benchmark` that say which backend a system is: `systems.NAME=RUN`.
        prefix: What the names of measured columns begin with, as in `harness measure`.
        as_recorded: Whether recordings are mono at 16 kHz, so that clipped_share and bandwidth_hz can be asked.
    """

    out: str = MISSING
    systems: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    as_recorded: bool = False
