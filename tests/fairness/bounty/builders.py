"""Holdouts made by hand, and groups of them."""

import numpy as np
import pandas as pd

from harness.fairness.bounty import Holdout
from harness.predicates import Column, ColumnKind, parse

COLUMNS = {"x": Column("x", ColumnKind.number), "place": Column("place", ColumnKind.text, ("a", "b"))}


def group(text):
    return parse(text, COLUMNS)


def rates(*parts, words=10):
    """Return clipped errors from (number of points, rate) pairs."""
    return np.concatenate([np.full(n, round(rate * words)) for n, rate in parts])


def ten_points(copies=1):
    """Return ten points that two pairs overlap on, each said by some speakers in ten words."""
    errors = {
        "f0": rates((10, 0.5)),
        "h1": rates((6, 0.2), (4, 0.9)),
        "h2": rates((4, 0.9), (2, 0.8), (4, 0.1)),
    }
    n = 10 * copies
    return Holdout(
        pd.DataFrame({"x": np.repeat(np.arange(10.0), copies)}),
        np.arange(n),
        np.full(n, 10),
        {name: np.repeat(each, copies) for name, each in errors.items()},
    )


G1, G2 = group("x <= 5"), group("x >= 4")
