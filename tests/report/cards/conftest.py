"""One run of groups for all tests of cards: they read it, and copy it before they change anything."""

import pytest

from harness.report.cards.card import make_card
from tests.report.cards.builders import authored, run_of_groups, written


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return run_of_groups(tmp_path_factory.mktemp("groups"))


@pytest.fixture(scope="session")
def card(run):
    return make_card([run], authored())


@pytest.fixture(scope="session")
def folder(run, tmp_path_factory):
    """Return the folder of a written card, which no test may change."""
    from tests.report.cards.builders import STATED

    return written(tmp_path_factory.mktemp("card") / "card", run, stated=STATED)
