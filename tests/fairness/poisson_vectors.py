"""The numbered vectors of METHODS 4 as arrays, and the simulation its timings are of, made anew."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.fairness.regression.poisson import Cells, cells_of

WORDS = """10,12,8,15 9,11,14,7 13,10,12,9 8,16,10,11 12,9,10,14 10,10,13,8 15,9,11,12 7,13,10,10"""
V4_1 = """0,1,0,1 3,4,5,3 1,2,1,2 0,1,0,0 5,6,4,8 1,2,2,1 8,6,7,9 1,2,1,1"""
V4_2 = """1,2,0,3 0,1,1,0 2,1,3,2 1,2,0,1 3,2,4,5 1,2,3,1 6,3,4,5 2,3,2,4"""


@dataclass(frozen=True)
class Rows:
    """Holds utterances; the columns of the design are everybody, the covariates, and the slice."""

    errors: np.ndarray
    words: np.ndarray
    design: np.ndarray
    speakers: np.ndarray

    @property
    def cells(self) -> Cells:
        return cells_of(self.errors, self.words, self.design, self.speakers)


def fixture(errors: str) -> Rows:
    """Return V4.1 or V4.2: 8 speakers of 4 utterances, every other one noisy; columns everybody, noisy, slice."""
    noisy, inside = np.tile([0.0, 1.0], 16), np.repeat([0.0, 1.0], 16)
    design = np.column_stack([np.ones(32), noisy, inside])
    return Rows(_numbers(errors), _numbers(WORDS), design, np.repeat(np.arange(8), 4))


def simulation(n_speakers: int, n_utterances: int) -> pd.DataFrame:
    """Return the simulation of V4.3: the truth is (-1.8, .4, .3, .15) and a speaker sd of .5."""
    rng = np.random.default_rng(20260101)
    n_rows = n_speakers * n_utterances
    inside = (rng.random(n_speakers) < 0.4).astype(int)
    noisy = (rng.random(n_rows) < 0.3).astype(int)
    z, words = rng.normal(size=n_rows), rng.integers(3, 26, n_rows)
    effects = rng.normal(0, 0.5, n_speakers)
    speakers = np.repeat(np.arange(n_speakers), n_utterances)
    means = words * np.exp(-1.8 + 0.4 * inside[speakers] + 0.3 * noisy + 0.15 * z + effects[speakers])
    names = [f"s{speaker:05d}" for speaker in speakers]
    columns = {"spk": names, "grp": inside[speakers], "noisy": noisy, "z": z.round(6), "N": words}
    return pd.DataFrame({**columns, "y": rng.poisson(means)})


def rows_of(table: pd.DataFrame) -> Rows:
    """Return a simulation as arrays; columns everybody, noisy, z, slice."""
    design = np.column_stack([np.ones(len(table)), table[["noisy", "z", "grp"]].to_numpy(float)])
    speakers = pd.factorize(table["spk"])[0]
    return Rows(table["y"].to_numpy(float), table["N"].to_numpy(float), design, speakers)


def _numbers(text: str) -> np.ndarray:
    return np.array([float(number) for row in text.split() for number in row.split(",")])
