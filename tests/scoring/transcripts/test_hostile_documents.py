"""Any part of a service's JSON may be anything: it is read, or refused in words that name the file."""

import copy
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, HypothesesError
from harness.scoring.transcripts import Format, MatchOptions, match, read_hypotheses
from harness.transcription.store import COLUMNS, Hypothesis, as_lines
from tests.scoring.transcripts.builders import SERVICES, segments, service, texts_of, written

NAMES = sorted(path.stem for path in SERVICES.glob("*.json"))
FORMATS = {name: Format[name.split("_")[0].replace("whisperx", "whisper")] for name in NAMES}
JUNK = [
    *(None, True, False, 0, -1, 7, 0.5, -0.5, 1e308, math.nan, math.inf, -math.inf, 10**400, 10**4000),
    *(
        "",
        " ",
        "x",
        "1.5",
        "nan",
        "1e999",
        "-1s",
        "3.5s",
        "\ud83d",
        "\u202e\u0301🙂",
        "a\nb\tc\x00",
        "../../etc/passwd",
    ),
    *([], {}, [[]], [{}], [None], {"": None}, {"text": []}, [[[[[]]]]], {"seconds": "x"}, {"results": {}}),
    *("http://[", "gs://", "completed", "FAILED", "error", "x" * 100_000),
]
RELAXED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def places(node, at=()):
    """Yield the way to every part of a document."""
    yield at
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*at, key))


def changed(document, at, value):
    """Return a document with one part changed."""
    if not at:
        return value
    document = copy.deepcopy(document)
    parent = document
    for key in at[:-1]:
        parent = parent[key]
    parent[at[-1]] = value
    return document


def document(name):
    return json.loads((SERVICES / "nemo.json").read_text().splitlines()[0]) if name == "nemo" else service(name)


def refusal(path, format):
    """Return what is said of a file that is refused; None of one that is read."""
    try:
        read_hypotheses(path, format=format)
    except HarnessError as error:
        return str(error)


def manifest_of(folder):
    rows = [("u1", "audio/u1.wav", 0, 1), ("u2", "audio/long.wav", 0, 1.0), ("u3", "audio/long.wav", 1.0, 2)]
    return segments(folder, rows)


def outcome(path, manifest, format):
    """Return what is matched, or what is said of a file that is refused."""
    try:
        frame = read_hypotheses(path, format=format)
        return match(frame, manifest, MatchOptions(allow_missing=True, allow_extra=True))
    except HarnessError as error:
        return str(error)


def assert_read_or_refused(path, manifest, format=Format.auto):
    found = outcome(path, manifest, format)
    if isinstance(found, str):
        assert str(path) in found
        return
    for row in found.hypotheses.to_dict("records"):
        assert isinstance(row["utterance_id"], str)
        assert (row["text"] is None) or isinstance(row["text"], str)
        given_row = {name: None if isinstance(row[name], float) else row[name] for name in COLUMNS}
        as_lines([Hypothesis(**given_row, words=row.get("words"))])  # a run can keep it


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return manifest_of(tmp_path_factory.mktemp("manifest"))


@pytest.mark.parametrize("name", NAMES)
def test_every_part_may_be_anything(tmp_path, manifest, name):
    whole = document(name)
    ways = list(places(whole))

    @settings(RELAXED, max_examples=25)
    @given(
        at=st.sampled_from(ways),
        value=st.sampled_from(JUNK),
        file=st.sampled_from(["u1.json", "long.json", "other.json"]),
        format=st.sampled_from([Format.auto, FORMATS[name]]),
    )
    def changes(at, value, file, format):
        assert_read_or_refused(written(tmp_path, file, json.dumps(changed(whole, at, value))), manifest, format)

    changes()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("junk", [None, [], {}, "x", -1], ids=repr)
def test_every_key_may_hold_another_type(tmp_path, name, junk):
    whole = document(name)
    path = tmp_path / "long.json"
    for at in places(whole):
        if all(not key for key in at if isinstance(key, int)):  # the first of each list is enough
            written(tmp_path, path.name, changed(whole, at, junk))
            assert str(path) in (refusal(path, FORMATS[name]) or str(path))


@RELAXED
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["text", "results", "status", "segments", "id", "channels", "alternatives"])
                | st.text(),
                inner,
            )
        ),
    ),
    format=st.sampled_from([*set(FORMATS.values()), Format.auto]),
)
def test_any_json_is_read_or_refused(tmp_path, manifest, value, format):
    assert_read_or_refused(written(tmp_path, "u1.json", json.dumps(value)), manifest, format)


@RELAXED
@given(data=st.binary(max_size=200), format=st.sampled_from([*set(FORMATS.values()), Format.auto]))
def test_any_bytes_are_read_or_refused(tmp_path, manifest, data, format):
    assert_read_or_refused(written(tmp_path, "u1.json", data), manifest, format)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("[" * 200_000 + "]" * 200_000, "nested too deeply", id="nesting"),
        pytest.param('{"text": "a", "text": "b", "segments": []}', "a key stands twice", id="a-key-twice"),
        pytest.param('{"text": "a", "segments": [', "cannot be read as JSON", id="cut-off"),
        pytest.param(b'{"text": "caf\xe9", "segments": []}', "is not UTF-8", id="latin-1"),
        pytest.param('{"text": "\\ud83d", "segments": []}', "a character is cut in half", id="half-a-character"),
        pytest.param(
            '{"text": "a", "segments": [], "duration": 1' + "0" * 5000 + "}", "cannot be read as JSON", id="huge"
        ),
        pytest.param('{"text": "a", "segments": [], "duration": 1' + "0" * 400 + "}", "duration is 1000", id="big"),
        pytest.param('{"text": "a", "segments": [], "duration": NaN}', "expected a finite number", id="nan"),
        pytest.param("", "cannot be read as JSON", id="empty"),
    ],
)
def test_a_hostile_document_is_refused_with_its_name(tmp_path, content, problem):
    path = written(tmp_path, "u1.json", content)
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(path, format=Format.whisper)
    (told,) = raised.value.problems
    assert told.startswith(f"{path}: ")
    assert problem in told
    assert len(told) < len(str(path)) + 300


def test_nan_where_nobody_looks_is_no_reason_to_refuse(tmp_path):
    content = '{"text": "a", "segments": [{"start": 0, "end": 1, "text": "a", "avg_logprob": NaN}]}'
    assert texts_of(read_hypotheses(written(tmp_path, "u1.json", content))) == {"u1": "a"}


def test_bytes_before_the_text_and_other_line_ends_are_read(tmp_path):
    content = b"\xef\xbb\xbf" + json.dumps(service("deepgram"), indent=1).replace("\n", "\r\n").encode()
    assert texts_of(read_hypotheses(written(tmp_path, "u1.json", content))) == {"u1": "The stairs are wet."}
