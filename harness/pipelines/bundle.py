"""A finished run and the manifest it was made of in, one archive that somebody else can check it by out."""

from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import StorageError, UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.results.bundles import Bundled, Claim, Ids, References, write_bundle
from harness.results.ledger import LedgerError
from harness.results.releases.beside import given_away
from harness.results.releases.budget import Budget
from harness.results.releases.corpus import budget_beside
from harness.scoring.transcripts.stems import with_stems
from harness.transcription.progress import stage

SUFFIX = ".tar"


@dataclass(frozen=True, kw_only=True)
class BundleJob:
    """Holds what `harness bundle` needs, as ordinary objects.

    Attributes:
        claim: What is bundled, with the manifest's own ids.
        out: The archive; None: called as the run directory is, in the current folder.
        references: Whether references and attributes are in it.
        ids: What utterances and speakers are called in it.
    """

    claim: Claim
    out: Path | None = None
    references: References = References.auto
    ids: Ids = Ids.coded


@dataclass(frozen=True, slots=True)
class BundleOutcome:
    """Says what was bundled, and how the command ends."""

    answer: Bundled
    exit_status: int = EXIT_WITHIN_POLICY


def bundle(job: BundleJob) -> BundleOutcome:
    """Write the bundle of a run.

    Its tables are exact: a corpus with private releases has none, its ledger says that one was made, and what it gives
    away of earlier publications is told.

    Raises:
        UsageError: The run cannot be bundled; the message says why.
        StorageError: The archive cannot be written.
    """
    claim = job.claim
    out = job.out or Path(f"{claim.run.path.resolve().name}{SUFFIX}")
    if out.suffix != SUFFIX or out.is_dir():
        raise UsageError(f"out={out}: expected the name of a file that ends in {SUFFIX}.")
    budget = budget_beside(claim.manifest.path, claim.manifest.name)
    budget.check_publish()
    notes = given_away(budget)
    with stage("bundling", n_rows=len(claim.manifest)):
        written = write_bundle(_as_heard(claim), out, references=job.references, ids=job.ids)
    return BundleOutcome(_recorded(budget, claim, replace(written, notes=notes)))


def _as_heard(claim: Claim) -> Claim:
    """Return the claim with the manifest's ids as the hypotheses of the run have them."""
    if not claim.config.get("stem_ids"):
        return claim
    return replace(claim, manifest=with_stems(claim.manifest))


def _recorded(budget: Budget, claim: Claim, written: Bundled) -> Bundled:
    """Write down, once a bundle, that exact numbers are out; where that cannot be, the bundle is whole all the same."""
    try:
        if all(entry.content.get("bundle") != written.digest for entry in budget.account().exact):
            budget.publish({"method": "bundle", "bundle": written.digest, "manifest": claim.manifest.digest})
    except (UsageError, StorageError, LedgerError) as error:
        return replace(written, unrecorded=str(error))
    return replace(written, ledger=budget.path)
