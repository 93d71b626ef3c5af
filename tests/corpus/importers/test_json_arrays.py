"""Objects of a JSON array, read one at a time."""

import json
import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus.importers.json_arrays import CHUNK, array_objects
from harness.errors import TextFileError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(path):
    refused = []
    found = list(array_objects(path, lambda line, problem: refused.append((line, problem))))
    return found, refused


@given(
    objects=st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=8),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_objects_are_read_as_the_json_module_reads_them(tmp_path, objects, indent, ascii_only):
    path = tmp_path / "a.json"
    text = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)
    path.write_bytes(text.encode("utf-8", "surrogatepass") if ascii_only else text.encode("utf-8", "replace"))
    found, refused = read(path)
    assert [each for _, each in found] == json.loads(path.read_bytes())
    assert refused == []


def test_objects_longer_than_what_is_read_at_once_are_whole(tmp_path):
    path = tmp_path / "a.json"
    objects = [{"text": "x" * (3 * CHUNK)}, {"text": "é" * (CHUNK - 3)}, {"n": 123456789}]
    path.write_text(json.dumps(objects, ensure_ascii=False), encoding="utf-8")
    assert [each for _, each in read(path)[0]] == objects


def test_every_object_has_the_line_that_it_starts_on(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf[\r\n  {"a":\r\n 1},\n\n  {"b": 2}]\n')
    assert read(path)[0] == [(2, {"a": 1}), (5, {"b": 2})]


def test_what_is_no_object_is_refused_by_its_line(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1},\n 7,\n {"b": 2}]', encoding="utf-8")
    found, refused = read(path)
    assert [line for line, _ in found] == [1, 3]
    assert refused == [(2, "holds 7; expected one JSON object.")]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "a.json:1: begins with ''; expected one JSON array", id="empty"),
        pytest.param(b'{"a": 1}', "a.json:1: begins with '{\"a\": 1}'; expected one JSON array", id="one-object"),
        pytest.param(b'[{"a": 1},\n{"b": ', "a.json:2: is not JSON or cut off", id="cut-off-in-an-object"),
        pytest.param(b'[{"a": 1}\n', "a.json:2: has '' after an object", id="cut-off-between"),
        pytest.param(b'[{"a": 1} {"b": 2}]', "a.json:1: has '{' after an object", id="no-comma"),
        pytest.param(b"[{'a': 1}]", "a.json:1: is not JSON", id="other-quotes"),
        pytest.param(b"[" * 200_000, "a.json:1: is nested too deeply", id="deep"),
        pytest.param(b'[{"a": "\xff"}]', "a.json: its bytes are not UTF-8", id="not-utf-8"),
        pytest.param(b"[" + b"1" * 5_000 + b"]", "a.json:1: is not JSON", id="a-number-of-5000-digits"),
    ],
)
def test_what_is_no_array_is_refused_with_its_line(tmp_path, content, problem):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(TextFileError) as caught:
        read(tmp_path / "a.json")
    assert problem in str(caught.value)


def test_an_array_of_any_length_is_read_in_the_same_memory(tmp_path):
    path = tmp_path / "a.json"
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        file.writelines(f'{{"n": {n}, "text": "{"word " * 20}"}},\n' for n in range(30_000))
        file.write("{}]")
    tracemalloc.start()
    n_read = sum(1 for _ in array_objects(path, lambda *_: None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_read == 30_001
    assert peak < 2_000_000  # bytes, of a file of 4 million


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(TextFileError, match=r"pipe\.json: is a folder, a pipe or a device"):
        list(array_objects(tmp_path / "pipe.json", lambda *_: None))
