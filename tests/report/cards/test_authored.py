"""What an author states is kept as it is, what is missing is said to be, and what cannot be meant is refused."""

import pytest
import yaml

from harness.errors import UsageError
from harness.report.cards.authored import (
    CONFIGURATIONS,
    FIELDS,
    IDENTITY,
    NOTHING_STATED,
    parse_authored,
    read_authored,
)
from tests.shared import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.yaml"))


def refusal(content):
    with pytest.raises(UsageError) as refused:
        parse_authored(content, "card.yaml")
    return str(refused.value)


def test_a_field_that_says_nothing_is_not_stated():
    stated = parse_authored({"service": "S", "overview": "", "limitations": [], "contact": None}, "card.yaml")
    assert set(stated.stated) == {"service"}
    assert "Overview" in stated.not_stated
    assert "Limitations" in stated.not_stated
    assert len(stated.not_stated) == len({**IDENTITY, **FIELDS}) - 1


def test_nothing_is_stated_where_nobody_wrote():
    assert len(NOTHING_STATED.not_stated) == len({**IDENTITY, **FIELDS})
    assert NOTHING_STATED.as_json() == {}


def test_paragraphs_and_items_stay_apart():
    stated = parse_authored({"overview": "one\ntwo\n \nthree", "limitations": ["a\nb", "c"]}, "card.yaml").stated
    assert stated["overview"].texts == ("one two", "three")
    assert not stated["overview"].is_list
    assert stated["limitations"].texts == ("a b", "c")
    assert stated["limitations"].is_list


def test_numbers_and_dates_are_texts():
    stated = parse_authored(yaml.safe_load("{version: 2, date: 2026-11-01, service: 7}"), "card.yaml")
    assert [stated.line(field) for field in ("version", "date", "service")] == ["2", "2026-11-01", "7"]


def test_what_was_read_can_be_written_and_read_again():
    content = {
        "service": ["two", "lines"],
        "overview": "one\n\ntwo",
        "limitations": ["a"],
        CONFIGURATIONS: [{"run": "r", "name": "n"}],
    }
    stated = parse_authored(content, "card.yaml")
    assert parse_authored(stated.as_json(), "card.json") == stated


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"servise": "S"}, "Did you mean service?", id="typing-error"),
        pytest.param({"zzz": 1}, "Known keys: service, provider", id="something-else"),
        pytest.param({7: "S"}, "unknown key 7", id="no-text-for-a-key"),
        pytest.param({"governance": True}, "Put it in quotes", id="yes-or-no"),
        pytest.param({"version": 2.10}, "has version=2.1: YAML drops", id="a-zero-that-yaml-drops"),
        pytest.param({"overview": {"a": "b"}}, "expected a text, or a list of texts", id="mapping"),
        pytest.param({"limitations": [["a"]]}, "expected a text, or a list of texts", id="list-in-a-list"),
        pytest.param({CONFIGURATIONS: "en-US"}, "expected a list", id="configurations-as-text"),
        pytest.param({CONFIGURATIONS: [{"run": "r"}]}, "has no name", id="configuration-without-name"),
        pytest.param({CONFIGURATIONS: [{"name": "a", "runs": "r"}]}, "Did you mean run?", id="configuration-key"),
        pytest.param({CONFIGURATIONS: [{"name": "a"}, {"name": "a"}]}, "more than once", id="same-name-twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(content, message):
    assert message in refusal(content)


def test_every_problem_is_named_at_once():
    said = refusal({"servise": "S", "governance": False, "overview": {}})
    assert len(said.splitlines()) == 3
    assert all(line.startswith("card.yaml: ") for line in said.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("service: [", id="not-yaml"),
        pytest.param("- a", id="no-mapping"),
        pytest.param("service: a\nservice: b", id="a-key-twice"),
        pytest.param("service: !!python/object/apply:os.getcwd []", id="an-object"),
        pytest.param("", id="empty"),
    ],
)
def test_a_file_that_is_no_mapping_of_plain_data_is_refused(tmp_path, text):
    path = tmp_path / "card.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"card\.yaml"):
        read_authored(path)


def test_a_file_that_is_not_there_says_what_to_copy(tmp_path):
    with pytest.raises(UsageError, match=r"examples/service_card\.yaml"):
        read_authored(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_read(path):
    assert read_authored(path).line("service")


def test_the_example_to_copy_has_every_field():
    stated = read_authored(REPOSITORY / "examples" / "service_card.yaml")
    assert stated.not_stated == ()
    assert CONFIGURATIONS in (REPOSITORY / "examples" / "service_card.yaml").read_text()
