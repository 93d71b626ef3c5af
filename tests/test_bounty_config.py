"""The options of a bounty are those of its rules, and what a configuration may offer hunters runs nothing of theirs."""

from dataclasses import asdict, fields

import pytest

from harness.config.bounty_jobs import _check_backends
from harness.config.bounty_schemas import BountyRulesOptions
from harness.errors import UsageError
from harness.fairness.bounty import BountyRules
from tests.builders import harness
from tests.pipelines.bounties import runs


def test_the_options_are_those_of_the_rules_and_have_their_defaults():
    ours, theirs = asdict(BountyRulesOptions()), asdict(BountyRules())
    assert [each.name for each in fields(BountyRulesOptions)] == [each.name for each in fields(BountyRules)]
    assert ours | {"gain_steps": tuple(ours["gain_steps"])} == theirs


OFFERS = [
    pytest.param({"command": ["command"]}, "backends.command: cannot be offered", id="a-program"),
    pytest.param({"router": []}, "backends.router: cannot be offered", id="other-backends"),
    pytest.param({"../evil": []}, r"backends.\.\./evil: cannot be offered", id="a-path"),
    pytest.param({"whisper": ["temper"]}, "backends.whisper: has no option 'temper'", id="no-option"),
    pytest.param({"whisper": ["_target_"]}, "has no option '_target_'", id="the-target"),
]


@pytest.mark.parametrize(("backends", "said"), OFFERS)
def test_what_cannot_be_offered_to_hunters_is_refused(backends, said):
    with pytest.raises(UsageError, match=said):
        _check_backends(backends)


COMMANDS = [
    pytest.param(("run=runs/base", "out=b"), "nothing could be claimed", id="nothing-on-offer"),
    pytest.param(
        ("run=runs/base", "out=b", "alternatives.base=runs/other"), "the system to be improved", id="one-name"
    ),
    pytest.param(
        ("run=runs/base", "out=b", "name='a b'", "alternatives.o=runs/other"), "the system 'a b'", id="a-blank"
    ),
    pytest.param(("run=runs/base", "out=''", "alternatives.o=runs/other"), "out= names nothing", id="no-folder"),
    pytest.param(("run=runs/base", "out=b", "alternatives.o=runs/other", "seed=-1"), "seed=-1", id="a-seed-below-0"),
    pytest.param(("run=runs/base", "out=b", "alternatives.o=gone"), "gone", id="no-run"),
    pytest.param(
        ("run=runs/base", "out=b", "alternatives.o=runs/other", "rules.alpha=2"), "alpha=2", id="no-probability"
    ),
    pytest.param(
        ("run=runs/base", "out=b", "alternatives.o=runs/other", "development_share=1"), "development_share=1", id="all"
    ),
    pytest.param(
        ("run=runs/base", "out=b", "alternatives.o=runs/other", "columns=[gender]"), "columns names", id="no-attribute"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize(("words", "said"), COMMANDS)
def test_an_option_that_means_nothing_is_refused_and_nothing_is_opened(folder, words, said):
    ended = harness("bounty", "open", *words, cwd=folder)
    assert ended.exit_status == 2
    assert said in ended.err
    assert not (folder / "b").exists()


def test_a_path_alone_is_the_bounty_and_a_name_with_a_hyphen_is_a_system(folder):
    words = ("run=runs/base", "alternatives.en-GB=runs/other", "out=named", "rules.assumed=nothing")
    assert harness("bounty", "open", *words, cwd=folder).exit_status == 0
    ended = harness("bounty", "status", "named", cwd=folder)
    assert ended.exit_status == 0, ended.err
    assert "0 of 100 submissions" in ended.out
    assert "base" in (folder / "named/public/HOW_TO.md").read_text()
