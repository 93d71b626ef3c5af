"""Which conditions belong to one sweep, and levels that cannot be meant."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness.conditions.sweeps import Level, levels_of, swept
from tests.fairness.conditions.builders import levels

KITCHEN = levels({"kitchen_20db": 20.0, "kitchen_5db": 5.0}, "kitchen")
PHONE = pd.DataFrame({"condition": ["phone"], "sweep": "phone", "parameter": None, "level": np.nan})


def test_conditions_of_one_sweep_belong_together_and_others_stand_alone():
    told = levels_of(["clean", "kitchen_5db", "kitchen_20db", "phone", "clip"], pd.concat([KITCHEN, PHONE]))
    assert list(told) == ["kitchen_20db", "kitchen_5db", "phone", "clip"]
    assert told["kitchen_5db"] == Level("kitchen", "snr_db", 5.0)
    assert (told["clip"].sweep, np.isnan(told["clip"].level)) == ("", True)
    assert swept(told) == {"kitchen": ["kitchen_20db", "kitchen_5db"]}


def test_without_levels_nothing_is_a_sweep():
    assert swept(levels_of(["clean", "a", "b"], None)) == {}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param(KITCHEN.drop(columns="level"), "level", id="no-level"),
        pytest.param(KITCHEN.assign(level=[20.0, np.inf]), "kitchen_5db", id="no-number"),
        pytest.param(KITCHEN.assign(level=["20", "five"]), "kitchen_5db", id="a-text"),
        pytest.param(pd.concat([KITCHEN, KITCHEN]), "two rows of 'kitchen_20db'", id="twice"),
        pytest.param(levels({"kitchen_99db": 99.0}, "kitchen"), "kitchen_99db", id="not-in-the-scores"),
    ],
)
def test_levels_that_cannot_be_meant_are_named(table, said):
    with pytest.raises(UsageError, match=said):
        levels_of(["clean", "kitchen_20db", "kitchen_5db"], table)
