"""Measure what bounties accept in which no alternative is better, and what a checker of raw errors would.

    python benchmarks/bounty.py [--bounties 1000] [--seed 8] [--artie FOLDER]

Hunters ask what the development half makes look best and use every answer. `--artie` names a folder with
`artie-bias-corpus.tsv` and `predictions/`; then real transcripts are hunted too, their systems dealt anew to every
speaker. The last checker compares raw errors on the holdout and answers as long as it is asked, as verifiers do.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from harness.fairness.bounty import Assumed, BountyRules, Holdout, PointerDecisionList, Question, State, answer, closed
from harness.predicates import Column, ColumnKind, Predicate, parse
from harness.scoring.alignment import word_counts
from harness.scoring.normalization import WhisperEnglish

HERE = str(Path(__file__).resolve().parent)
if HERE in sys.path:
    sys.path.remove(HERE)  # where another benchmark has the name of a package that is needed

RULES = BountyRules()
ACCENTS = {"us": 0.4, "england": 0.2, "indian": 0.15, "scottish": 0.1, "african": 0.08, "undeclared": 0.07}
AGES = {"teens": 0.2, "twenties": 0.4, "forties": 0.4}
NAIVE_GAIN = 0.001  # that a verifier of raw errors asks for
N_TRAITS = 50  # columns that say nothing, for hunters who try their luck


@dataclass(frozen=True, slots=True)
class Design:
    """Says how errors of a corpus come about; both halves have `n_speakers`."""

    name: str
    n_speakers: int = 200
    spread: float = 0.5  # standard deviation of the log rate over speakers
    burst: float = 0.3  # variance of the rate's factor over utterances
    talk: float = 0.0  # standard deviation of the log number of utterances over speakers
    one_speaks_half: bool = False
    same: float = 0.0  # share of utterances in which systems hear the same
    traits: bool = False  # hunters ask about columns that say nothing
    terrible: float = 0.0  # share of speakers for whom alternatives fail; they gain as much elsewhere


DESIGNS = (
    Design("200 speakers"),
    Design("200 speakers, columns without a meaning", traits=True),
    Design("30 speakers", n_speakers=30),
    Design("skewed, clustered: log rate sd 1.2, bursts", spread=1.2, burst=2.0),
    Design("some speak ten times as much", talk=1.0),
    Design("one speaker says half of all", one_speaks_half=True),
    Design("ties: 95 % of utterances heard alike", same=0.95),
    Design("a little better, terrible for 2 % of 50 speakers", n_speakers=50, terrible=0.02, traits=True),
    Design("a little better, terrible for 2 % of 200", terrible=0.02, traits=True),
    Design("a little better, terrible for 2 % of 800", n_speakers=800, terrible=0.02, traits=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Hunt:
    """Holds both halves of a corpus, what hunters may ask, and who is meant on the development half."""

    development: Holdout
    holdout: Holdout
    groups: Sequence[Predicate]
    systems: Sequence[str]
    columns: Mapping[str, Column]


HuntOf = Callable[[np.random.Generator], Hunt]


def hunt_of(design: Design, rng: np.random.Generator, *, n_systems: int = 4) -> Hunt:
    """Return a corpus in which no system is better than another, split by speaker."""
    development, holdout = (_half(design, rng, n_systems) for _ in range(2))
    columns = {name: _column(development.frame[name]) for name in development.frame}
    texts = traits_asked(columns) if design.traits else asked(columns)
    groups = [parse(text, columns) for text in texts]
    return Hunt(development, holdout, groups, [f"system_{k}" for k in range(1, n_systems)], columns)


def _half(design: Design, rng: np.random.Generator, n_systems: int) -> Holdout:
    n = design.n_speakers
    n_utterances = 1 + rng.poisson(2 * np.exp(rng.normal(0, design.talk, n)))
    if design.one_speaks_half:
        n_utterances[0] = n_utterances[1:].sum()
    people = pd.DataFrame(
        {
            "accent": rng.choice(list(ACCENTS), n, p=list(ACCENTS.values())),
            "age": rng.choice(list(AGES), n, p=list(AGES.values())),
            "gender": rng.choice(["female", "male"], n),
        }
    )
    n_traits = N_TRAITS if design.traits else 0
    traits = pd.DataFrame(rng.random((n, n_traits)).round(3), columns=[f"trait_{k}" for k in range(n_traits)])
    speakers = np.repeat(np.arange(n), n_utterances)
    frame = pd.concat([people, traits], axis=1).iloc[speakers].reset_index(drop=True)
    frame = frame.assign(snr_db=rng.normal(20, 8, len(speakers)).round(1)).astype(dict.fromkeys(people, object))
    frame.columns = frame.columns.astype(object)  # which predicates look up faster
    words = rng.integers(5, 20, len(speakers))
    rate = 0.15 * np.exp(rng.normal(0, design.spread, n))[speakers] * np.exp(-(frame["snr_db"] - 20) / 40).to_numpy()
    errors = {"system_0": _heard(rate, words, design, rng)}
    for k in range(1, n_systems):
        alike = rng.random(len(words)) < design.same
        errors[f"system_{k}"] = np.where(alike, errors["system_0"], _heard(rate, words, design, rng))
        if design.terrible:
            errors[f"system_{k}"] = _terrible(errors["system_0"], words, speakers, design, rng)
    return Holdout(frame, speakers, words, errors)


def _heard(rate: np.ndarray, words: np.ndarray, design: Design, rng: np.random.Generator) -> np.ndarray:
    burst = rng.gamma(1 / design.burst, design.burst, len(words))
    return rng.binomial(words, np.minimum(rate * burst, 0.95))


def _terrible(
    own: np.ndarray, words: np.ndarray, speakers: np.ndarray, design: Design, rng: np.random.Generator
) -> np.ndarray:
    """Hear nothing of a few speakers, and of the others as many words more as makes both even on average."""
    fails = rng.random(speakers.max() + 1)[speakers] < design.terrible
    lost = design.terrible * float((words - own).sum())
    helped = rng.binomial(own, min(lost / ((1 - design.terrible) * max(1, own.sum())), 1))
    return np.where(fails, words, own - helped)


def _column(values: pd.Series) -> Column:
    if values.dtype.kind == "f":
        return Column(str(values.name), ColumnKind.number)
    return Column(str(values.name), ColumnKind.text, tuple(sorted(values.unique())))


def asked(columns: Mapping[str, Column]) -> list[str]:
    """Return everybody, every value, every pair of values of two columns, and cuts of numbers."""
    singles = {
        name: [f'`{name}` == "{value}"' for value in column.values]
        if column.kind is ColumnKind.text
        else [f"`{name}` < {cut}" for cut in (8, 14, 20)] + [f"`{name}` >= {cut}" for cut in (14, 20, 26)]
        for name, column in columns.items()
    }
    pairs = [f"{a} and {b}" for one, other in combinations(singles.values(), 2) for a in one for b in other]
    return ["true", *(each for several in singles.values() for each in several), *pairs]


def traits_asked(columns: Mapping[str, Column]) -> list[str]:
    """Return questions that are nearly independent: half of all speakers, by traits that say nothing."""
    return [f"{name} {half} 0.5" for name in columns if name.startswith("trait_") for half in ("<", ">=")]


def hunted(hunt: Hunt, rules: BountyRules) -> State:
    """Return the state that a hunter leaves who asks what the development half makes look best, and uses every answer.

    After an acceptance everything is measured again against the new list, what was rejected may be asked again, and
    the accepted group is crossed with all others.
    """
    state, groups = State.opened("system_0"), list(hunt.groups)
    while not closed(state, rules):
        for question in _best_first(hunt, state, groups):
            answered = answer(state, question, hunt.holdout, rules)
            state = answered.state
            if answered.answer.accepted:
                crossed = (f"({question.predicate.text}) and ({each.text})" for each in hunt.groups)
                groups += [parse(text, hunt.columns) for text in crossed]
                break
            if closed(state, rules):
                break
        else:
            break
    return state


def _best_first(hunt: Hunt, state: State, groups: Sequence[Predicate]) -> list[Question]:
    """Return questions by what they gain on the development half, in standard errors."""
    half = hunt.development
    own, starts = state.decisions.errors(half), np.flatnonzero(np.r_[True, np.diff(half.speakers) > 0])
    masks = np.array([group.mask(half.frame) for group in groups])
    found = []
    for system in hunt.systems:
        gains = np.add.reduceat(masks * (own - half.errors[system]), starts, axis=1)  # (n_groups, n_speakers)
        found.append(gains.sum(axis=1) / np.sqrt(np.maximum((gains**2).sum(axis=1), 1)))
    scores = np.array(found)  # (n_systems, n_groups)
    order = np.argsort(-scores, axis=None, kind="stable")
    return [Question(groups[k % len(groups)], hunt.systems[k // len(groups)]) for k in order]


def artie_hunt(scores: Mapping[str, pd.DataFrame], rng: np.random.Generator) -> Hunt:
    """Return Artie's halves, the names of its four systems dealt anew to every speaker: none is better than another."""
    names = list(scores)
    first = scores[names[0]]
    codes, _ = pd.factorize(first["speaker_id"])
    dealt = rng.permuted(np.tile(np.arange(len(names)), (codes.max() + 1, 1)), axis=1)[codes]  # (n, n_systems)
    errors = np.array([scores[name]["errors"] for name in names])
    swapped = {f"system_{k}": errors[dealt[:, k], np.arange(len(codes))] for k in range(len(names))}
    held = rng.permutation(codes.max() + 1)[codes] < (codes.max() + 1) // 2
    development, holdout = (half_of(first, swapped, side) for side in (~held, held))
    columns = {name: _column(first[name]) for name in development.frame}
    groups = [parse(text, columns) for text in asked(columns)]
    return Hunt(development, holdout, groups, [f"system_{k}" for k in range(1, len(names))], columns)


def half_of(rows: pd.DataFrame, errors: Mapping[str, np.ndarray], held: np.ndarray) -> Holdout:
    """Return some rows of a corpus, in order of their speakers."""
    order = np.flatnonzero(held)[np.argsort(rows["speaker_id"].to_numpy(str)[held], kind="stable")]
    codes = pd.factorize(rows["speaker_id"].to_numpy(str)[order])[0]
    frame = rows[["accent", "age", "gender"]].iloc[order].reset_index(drop=True)
    return Holdout(frame, codes, rows["words"].to_numpy()[order], {name: each[order] for name, each in errors.items()})


def artie_scores(folder: Path) -> dict[str, pd.DataFrame]:
    """Return who spoke, words and clipped errors of every clip under each of four recognisers."""
    told = pd.read_csv(folder / "artie-bias-corpus.tsv", sep="\t", dtype=str, keep_default_na=False)
    told = told.assign(path=told["path"].str.replace(".mp3", ".wav"), speaker_id=told["client_id"])
    told[["accent", "age", "gender"]] = told[["accent", "age", "gender"]].replace(
        {"": "undeclared", "NA": "undeclared"}
    )
    normalizer, scores = WhisperEnglish(), {}
    references = [normalizer(text) for text in told["sentence"]]
    for path in sorted((folder / "predictions").glob("*.tsv")):
        heard = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False).set_index("path")["prediction"]
        counts = word_counts(references, [normalizer(text) for text in heard.loc[told["path"]]])
        errors = counts.substitutions + counts.deletions + counts.insertions
        words = counts.hits + counts.substitutions + counts.deletions
        scores[path.stem] = told.assign(words=words, errors=np.minimum(errors, words))
    return scores


def print_null(hunts: Mapping[str, HuntOf], n_bounties: int, seed: int, rules: BountyRules) -> None:
    """Print how many bounties without a better alternative accept anything."""
    for name, hunt in hunts.items():
        start, n_false, n_asked = time.perf_counter(), 0, 0
        for number in range(n_bounties):
            state = hunted(hunt(np.random.default_rng([seed, number])), rules)
            n_false += bool(state.repairs)
            n_asked += len(state.answers)
        low, high = exact_interval(n_false, n_bounties)
        seconds = time.perf_counter() - start
        print(
            f"| {name} | {n_asked / n_bounties:.0f} | {n_false} of {n_bounties} | {low:.4f} to {high:.4f} |"
            f" {seconds:.0f} s |",
            flush=True,
        )


def exact_interval(n: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Clopper and Pearson 1934)."""
    low = float(betaincinv(n, total - n + 1, 0.025)) if n else 0.0
    return low, float(betaincinv(n + 1, total - n, 0.975)) if n < total else 1.0


def print_naive(n_bounties: int, seed: int) -> None:
    """Print what a checker of raw errors accepts of noise, and what the list then claims to have gained."""
    n_accepted, claimed = [], []
    for number in range(n_bounties):
        hunt = hunt_of(DESIGNS[0], np.random.default_rng([seed, number]))
        decisions = naively(hunt, RULES.n_submissions)
        before = int(hunt.holdout.errors["system_0"].sum())
        n_accepted.append(len(decisions.groups))
        claimed.append((before - int(decisions.errors(hunt.holdout).sum())) / before)
    print(
        f"raw gain >= {NAIVE_GAIN}: something accepted in {np.mean(np.array(n_accepted) > 0):.3f} of {n_bounties}, "
        f"{np.mean(n_accepted):.1f} pairs each; the holdout shows {np.mean(claimed):.1%} fewer errors where none are",
        flush=True,
    )


def naively(hunt: Hunt, n_questions: int) -> PointerDecisionList:
    """Return the list of a checker that accepts whatever lowers the errors on the holdout by a thousandth of words."""
    decisions, done = State.opened("system_0").decisions, set[tuple[str, str]]()
    while len(done) < n_questions:
        for question in _best_first(hunt, State(decisions), hunt.groups):
            if (question.predicate.text, question.system) in done or len(done) == n_questions:
                continue
            done.add((question.predicate.text, question.system))
            gains = decisions.errors(hunt.holdout) - hunt.holdout.errors[question.system]
            gain = gains[question.predicate.mask(hunt.holdout.frame)].sum() / hunt.holdout.words.sum()
            if gain >= NAIVE_GAIN:
                decisions = decisions.updated(question.predicate, question.system, hunt.holdout).decisions
                break
    return decisions


def main() -> None:
    """Print tables as `benchmarks/README.md` has them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bounties", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--artie", type=Path)
    options = parser.parse_args()
    hunts = {design.name: lambda rng, design=design: hunt_of(design, rng) for design in DESIGNS}
    if options.artie is not None:
        scores = artie_scores(options.artie)
        hunts["Artie, four recognisers dealt by speaker"] = lambda rng: artie_hunt(scores, rng)
    print_naive(min(options.bounties, 200), options.seed)
    print_null(hunts, options.bounties, options.seed, RULES)
    print("| assuming nothing: | | | | |")
    unlucky = {design.name: hunts[design.name] for design in DESIGNS if design.terrible}
    print_null(unlucky, options.bounties, options.seed, replace(RULES, assumed=Assumed.nothing))


if __name__ == "__main__":
    main()
