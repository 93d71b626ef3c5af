"""Options, declared slices and a cost in, what a private release says of itself out; the same for any data."""

from collections.abc import Mapping, Sequence

from harness.fairness.privacy.declared import OTHER
from harness.fairness.privacy.mechanisms import Loss
from harness.fairness.privacy.options import PrivacyOptions, ReleaseMethod, Statistic
from harness.fairness.privacy.records import Statement


def statement_of(options: PrivacyOptions, dimensions: Mapping[str, Sequence[str]], loss: Loss) -> Statement:
    """Say which mechanism, whom it protects, what was counted, how it was clipped and what it cost."""
    return Statement(
        mechanism=_mechanism(options),
        unit="The unit of privacy is a speaker with all their utterances.",
        neighbouring=_neighbouring(options),
        statistic=_statistic(options),
        caps=_caps(options),
        cost=_cost(options, dimensions, loss),
        limits=_limits(options),
    )


def _mechanism(options: PrivacyOptions) -> str:
    name = "Gaussian" if options.method is ReleaseMethod.gaussian else "Laplace"
    return f"Integer {name} noise by OpenDP was added to sums over speakers; OpenDP proved what it costs."


def _neighbouring(options: PrivacyOptions) -> str:
    if options.counted is Statistic.public_words:
        return (
            "Two corpora are neighbours when the word errors of one speaker differ. Who took part, their attributes "
            "and their reference words are taken to be published and are not protected."
        )
    return "Two corpora are neighbours when one has a speaker more, with all their utterances."


def _statistic(options: PrivacyOptions) -> str:
    return {
        Statistic.mean_of_speakers: "A slice's WER is the mean over its speakers of their own, each counting once.",
        Statistic.ratio_of_sums: "A slice's WER is its word errors over its reference words; both have noise.",
        Statistic.public_words: "A slice's WER is its word errors, with noise, over its reference words, without.",
    }[options.counted]


def _caps(options: PrivacyOptions) -> str:
    caps = options.caps
    if options.counted is Statistic.mean_of_speakers:
        return f"A speaker's WER above {caps.rate:g} counts as {caps.rate:g}, so high WERs are understated."
    return (
        f"A speaker with more than {caps.words:,} reference words in a dimension counts as if they had read "
        f"{caps.words:,}, with more than {caps.errors:,} word errors then as if they had {caps.errors:,}, so high WERs "
        "are understated."
    )


def _cost(options: PrivacyOptions, dimensions: Mapping[str, Sequence[str]], loss: Loss) -> str:
    count = f"{len(dimensions)} dimension{'s' if len(dimensions) > 1 else ''}"
    if options.method is ReleaseMethod.gaussian:
        return (
            f"The whole table, {count}, cost epsilon {loss.epsilon:.4g} at delta {loss.delta:g} (rho {loss.rho:.4g})."
        )
    return f"The whole table, {count}, cost epsilon {loss.epsilon:.4g}; delta is 0."


def _limits(options: PrivacyOptions) -> tuple[str, ...]:
    return (
        *_shared(options),
        f"Slices were declared beforehand; one without speakers is a row too, and values not declared are '{OTHER}'.",
        "The expected error is what the noise alone does to a WER; intervals hold noise and sampling.",
        f"The WER of a slice with an expected error above {options.largest_error:g} is withheld: it would be noise.",
    )


def _shared(options: PrivacyOptions) -> tuple[str, ...]:
    wide = {name: n_cells for name, n_cells in sorted(options.cells.items()) if n_cells > 1}
    if options.counted is Statistic.mean_of_speakers:
        but = "".join(f", or {n_cells:,} of {name}" for name, n_cells in wide.items())
        return (f"A speaker counts in full in one slice of a dimension{but}; who is in more counts in each with less.",)
    times = "".join(f"; {n_cells:,} times as much for {name}" for name, n_cells in wide.items())
    return (f"These caps hold for all slices of a dimension together{times}.",)
