"""How far private rates lie from those without noise, how often their intervals hold the truth, and what that takes.

Every corpus is a slice of a dimension that many of them share: each speaker is in one, so all are released at once.
    python benchmarks/privacy.py        (a minute and a half on one core)
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.fairness.privacy import Caps, PrivacyOptions, ReleaseMethod, Statistic, expected_error, private_table

WER, SPEAKER_SD = 0.15, 0.085  # of speakers' own rates, beta; with the words below a mean of 30 has an error of .016
WORDS = (100, 500)  # a speaker, uniform
CAPS = Caps(words=500, errors=250, rate=0.5)
STATISTICS = {"A": Statistic.ratio_of_sums, "B": Statistic.mean_of_speakers, "C": Statistic.public_words}
N_CORPORA = 2_000
_SHOW_ALL = 1.0  # expected error: nothing is withheld


def corpora(n_corpora: int, n_speakers: int, rng: np.random.Generator, *, wer: float = WER) -> pd.DataFrame:
    """Return scores, one row a speaker, of slices named by numbers from 0."""
    n_rows, sd = n_corpora * n_speakers, SPEAKER_SD * wer / WER
    heaps = wer * (1 - wer) / sd**2 - 1
    words = rng.integers(WORDS[0], WORDS[1], n_rows, endpoint=True)
    errors = rng.binomial(words, rng.beta(wer * heaps, (1 - wer) * heaps, n_rows))
    names = np.char.mod("%d", np.arange(n_rows))
    return pd.DataFrame(
        {
            "utterance_id": names,
            "speaker_id": names,
            "corpus": np.repeat(np.char.mod("%d", np.arange(n_corpora)), n_speakers),
            "hits": words - errors,
            "substitutions": errors,
            "deletions": 0,
            "insertions": 0,
        }
    )


def options_of(letter: str, epsilon: float, **more: object) -> PrivacyOptions:
    return PrivacyOptions(
        statistic=STATISTICS[letter],
        words_are_public=letter == "C",
        epsilon=epsilon,
        caps=CAPS,
        **{"largest_error": _SHOW_ALL, **more},
    )


def released(scores: pd.DataFrame, options: PrivacyOptions) -> pd.DataFrame:
    """Return the private table of the corpora, without the rows of what is not declared."""
    names = scores["corpus"].unique().tolist()
    frame = private_table(scores, dimensions={"corpus": names}, options=options).frame
    return frame[frame["slice"].isin(names)].reset_index(drop=True)


def without_noise(scores: pd.DataFrame, letter: str) -> np.ndarray:
    """Return the statistic of every corpus without noise and without caps."""
    words = scores["hits"] + scores["substitutions"]
    by = scores["corpus"].to_numpy()
    if letter == "B":
        return (scores["substitutions"] / words).groupby(by, sort=False).mean().to_numpy()
    return (scores["substitutions"].groupby(by, sort=False).sum() / words.groupby(by, sort=False).sum()).to_numpy()


def root_mean_square(values: np.ndarray) -> tuple[float, float]:
    """Return it and its standard error over corpora."""
    square = float(np.mean(values**2))
    return square**0.5, float(np.std(values**2) / len(values) ** 0.5 / (2 * square**0.5))


def errors_of_noise() -> Iterator[str]:
    rng = np.random.default_rng(8)
    yield "| n | epsilon | sampling | A | A, split evenly | B | C | A, B, C expected |\n" + "|---" * 8 + "|"
    for n_speakers, epsilon in ((30, 1), (100, 1), (400, 1), (30, 4), (100, 4), (400, 4)):
        scores = corpora(N_CORPORA, n_speakers, rng)
        cells, plans = [], []
        for letter in STATISTICS:
            options = options_of(letter, epsilon, spread_share=0.0)
            found, error = root_mean_square(released(scores, options)["wer"].fillna(0) - without_noise(scores, letter))
            cells.append(f"{found:.4f} ({error:.4f})")
            plan = expected_error(n_speakers, options, dimensions={"corpus": ("0",)}, words_per_speaker=300)
            plans.append(f"{plan:.4f}")
        even = options_of("A", epsilon, spread_share=0.0, expected_wer=CAPS.errors / CAPS.words)
        found, error = root_mean_square(released(scores, even)["wer"].fillna(0) - without_noise(scores, "A"))
        cells.insert(1, f"{found:.4f} ({error:.4f})")
        sampling = without_noise(scores, "A").std()
        yield f"| {n_speakers} | {epsilon} | {sampling:.4f} | {' | '.join(cells)} | {', '.join(plans)} |"


def with_caps(letter: str, wer: float, rng: np.random.Generator) -> float:
    """Return what the statistic of infinitely many speakers is, caps and all, without noise."""
    scores = corpora(1, 400_000, rng, wer=wer)
    errors, words = scores["substitutions"], scores["hits"] + scores["substitutions"]
    if letter == "B":
        return float((errors / words).clip(upper=CAPS.rate).mean())
    return float(errors.clip(upper=CAPS.errors).sum() / words.sum())


def coverage() -> Iterator[str]:
    rng = np.random.default_rng(9)
    yield (
        "| WER | n | epsilon | | covered (width): A | B | C | without a share for the spread: A | B | C |\n"
        + "|---" * 10
        + "|"
    )
    sizes = ((10, 1), (30, 1), (100, 1), (400, 1), (2000, 1), (30, 4), (100, 4), (400, 4))
    for wer, n_speakers, epsilon in (*((WER, *size) for size in sizes), (0.05, 400, 1), (0.3, 400, 1), (0.3, 100, 4)):
        scores = corpora(min(N_CORPORA, 400_000 // n_speakers), n_speakers, rng, wer=wer)
        cells = [
            _covered(scores, options_of(letter, epsilon, spread_share=share), with_caps(letter, wer, rng))
            for share in (0.1, 0.0)
            for letter in STATISTICS
        ]
        yield f"| {wer} | {n_speakers} | {epsilon} | laplace | {' | '.join(cells)} |"
    scores = corpora(N_CORPORA, 100, rng)
    cells = [
        _covered(scores, options_of(letter, 4, method=ReleaseMethod.gaussian), with_caps(letter, WER, rng))
        for letter in STATISTICS
    ]
    yield f"| {WER} | 100 | 4 | gaussian | {' | '.join(cells)} | | | |"


def shown_only() -> Iterator[str]:
    """Slices at the edge of being shown: those whose noisy number of speakers came out large are picked."""
    rng = np.random.default_rng(10)
    yield "| n | shown | covered | root mean square of noise | mean expected error |\n" + "|---" * 5 + "|"
    for n_speakers in (55, 65, 75, 100):
        scores = corpora(N_CORPORA, n_speakers, rng)
        frame = released(scores, options_of("B", 1, largest_error=0.02))
        shown = frame["worth"].to_numpy()
        apart = (frame["wer"].to_numpy() - without_noise(scores, "B"))[shown]
        held = ((frame["wer_low"] <= WER) & (frame["wer_high"] >= WER))[shown].mean()
        yield (
            f"| {n_speakers} | {shown.mean():.3f} | {held:.3f} | {np.sqrt(np.mean(apart**2)):.4f} "
            f"| {frame['expected_error'][shown].mean():.4f} |"
        )


def _covered(scores: pd.DataFrame, options: PrivacyOptions, truth: float) -> str:
    frame = released(scores, options)
    held = ((frame["wer_low"] <= truth) & (frame["wer_high"] >= truth)) | frame["wer"].isna()
    return f"{held.mean():.3f} ({(frame['wer_high'] - frame['wer_low']).median():.3f})"


if __name__ == "__main__":
    for part in (errors_of_noise, coverage, shown_only):
        for line in part():
            print(line, flush=True)
