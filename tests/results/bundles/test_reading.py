"""Whatever somebody sends as a bundle is refused with words, or is what it says: within a second, and nothing runs."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.results.bundles import opened_bundle
from tests.pipelines.bundles import PLAIN, bundled, rescored
from tests.results.bundles.forging import contents, forged, merged, replaced, set_to

HEARD, MANIFEST, ABOUT, CONFIG, FACTS = (
    "hypotheses/0001.jsonl", "manifest.jsonl", "bundle.json", "config.json", "run.json",
)  # fmt: skip
SUMMARY, SHEET = "tables/summary.json", "datasheet.yaml"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return bundled(rescored(tmp_path_factory.mktemp("made"), *PLAIN))


def read(path):
    """Read all of a bundle that a check of it begins with."""
    with opened_bundle(path) as received:
        return received.manifest(None), received.hypotheses(), received.versions


def refusal(path):
    started = time.process_time()
    with pytest.raises(HarnessError) as raised:
        read(path)
    assert time.process_time() - started < 1
    return str(raised.value)


def test_an_honest_bundle_is_read(bundle):
    manifest, hypotheses, versions = read(bundle)
    assert (len(manifest), len(hypotheses)) == (48, 48)
    assert versions["numpy"]


@pytest.mark.parametrize(
    ("option", "licence", "why"),
    [
        pytest.param("withhold", "CC0-1.0", "who made it withholds them", id="by-option"),
        pytest.param("auto", "CC-BY-NC-4.0", "its licence is not stated, or not known", id="by-licence"),
    ],
)
def test_why_references_are_not_in_it_is_told_as_it_was(tmp_path, option, licence, why):
    sent = bundled(rescored(tmp_path, *PLAIN, license=licence), f"references={option}")
    said = refusal(sent)
    assert why in said
    assert "manifest.path=FILE" in said


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_byte_of_it_can_be_changed_unseen(bundle, tmp_path_factory, data):
    content = bytearray(bundle.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    sent = tmp_path_factory.getbasetemp() / "changed.tar"
    sent.write_bytes(content)
    refusal(sent)


CHANGES = [
    pytest.param({SUMMARY: lambda _: None}, {}, "has no tables/summary.json", id="without-a-claim"),
    pytest.param({HEARD: lambda _: None}, {}, "has no hypotheses", id="without-hypotheses"),
    pytest.param({SHEET: lambda _: None}, {}, "they are not", id="without-a-datasheet"),
    pytest.param({}, {"version": 2}, "version 2", id="later-version"),
    pytest.param({}, {"format": "zip"}, "something else", id="another-format"),
    pytest.param({}, {"pipeline": "compare"}, "pipeline", id="another-pipeline"),
    pytest.param({}, {"ids": ["coded"]}, "ids", id="list-for-a-word"),
    pytest.param({}, {"why": ["auto"]}, "why", id="list-for-a-reason"),
    pytest.param({}, {"n_utterances": 10**12}, "n_utterances", id="too-many"),
    pytest.param({}, {"n_utterances": 47}, "not those", id="another-number"),
    pytest.param({}, {"files": []}, "they are not", id="no-files"),
    pytest.param({}, {"files": {"../x": {"sha256": "0" * 64}}}, "they are not|in both", id="a-path-in-the-list"),
    pytest.param({}, {"manifest": {"digest": "x"}}, "no SHA-256", id="no-digest"),
    pytest.param({}, {"references": "withheld"}, "they are not", id="says-withheld"),
    pytest.param({CONFIG: set_to("[" * 100_000)}, {}, "not JSON", id="nested-configuration"),
    pytest.param({CONFIG: set_to("[]")}, {}, "expected a JSON object", id="list"),
    pytest.param({CONFIG: set_to('{"seed": NaN}')}, {}, "not JSON", id="no-number"),
    pytest.param({CONFIG: set_to('{"seed": 1e999}')}, {}, "not JSON", id="endless-number"),
    pytest.param({HEARD: replaced('"audio_s": null', '"audio_s": 1e300')}, {}, "seconds", id="endless-audio"),
    pytest.param({FACTS: merged(manifest=3)}, {}, "names no manifest", id="no-manifest"),
    pytest.param({FACTS: merged(manifest={"name": "x", "digest": "0" * 64})}, {}, "another manifest", id="other-facts"),
    pytest.param({SUMMARY: merged(notes="x")}, {}, "no list of notes", id="no-notes"),
    pytest.param({SUMMARY: merged(notes=[{"a": 1}])}, {}, "no list of notes", id="notes-of-records"),
    pytest.param({MANIFEST: replaced('"south"', '"north"')}, {}, "not those", id="another-attribute"),
    pytest.param({MANIFEST: set_to("{" * 50_000)}, {}, "manifest.jsonl", id="nested-manifest"),
    pytest.param({MANIFEST: set_to(b"\xff\xfe\n")}, {}, "manifest.jsonl", id="manifest-of-noise"),
    pytest.param({MANIFEST: set_to('{"text": "' + "a" * 2_000_001 + '"}\n')}, {}, "longer than", id="endless-line"),
    pytest.param({HEARD: set_to("x" * 2_000_001)}, {}, "longer than", id="endless-hypothesis"),
    pytest.param({HEARD: set_to('{"a":' * 50_000 + "\n")}, {}, "not a hypothesis", id="nested-hypothesis"),
    pytest.param({HEARD: set_to("import os\n")}, {}, "not a hypothesis", id="code"),
    pytest.param(
        {SHEET: set_to("!!python/object/apply:os.system ['touch x']\n")}, {}, "datasheet", id="yaml-that-runs"
    ),
    pytest.param({SHEET: replaced("self_reported", "inferred")}, {}, "inferred", id="guessed-attribute"),
    pytest.param(
        {SHEET: set_to("a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a]\n" for n in range(9)))},
        {},
        "",
        id="laughs",
    ),
    pytest.param({SHEET: set_to("- " * 100_000)}, {}, "datasheet", id="nested-datasheet"),
]


@pytest.mark.parametrize(("changes", "told", "words"), CHANGES)
def test_a_bundle_that_is_not_one_is_told_what_is_wrong(bundle, tmp_path, changes, told, words):
    said = refusal(forged(bundle, tmp_path / "sent.tar", changes, told=told))
    assert any(word in said for word in words.split("|")), said


def test_a_bundle_json_that_is_torn_is_told(bundle, tmp_path):
    content = bundle.read_bytes()
    (tmp_path / "sent.tar").write_bytes(content.replace(b'"format"', b'"f\x00rmat"', 1))
    assert "bundle.json: not JSON" in refusal(tmp_path / "sent.tar")


def test_more_conditions_than_any_run_has_are_refused(bundle, tmp_path):
    lines = contents(bundle)[HEARD].decode().splitlines()
    more = "".join(f"{json.dumps(json.loads(lines[0]) | {'condition': str(n)})}\n" for n in range(300))
    assert "conditions" in refusal(forged(bundle, tmp_path / "sent.tar", {HEARD: set_to(more)}))


def test_its_folder_is_gone_with_it(bundle):
    with opened_bundle(bundle) as received:
        assert received.claims.is_dir()
        assert {path.stat().st_mode & 0o077 for path in [received.folder]} == {0}  # of this process alone
    assert not received.folder.exists()


def test_a_bundle_with_a_word_for_a_name_is_read_as_data(bundle, tmp_path):
    changed = {FACTS: lambda content: content.replace(b'"name": "tones"', b'"name": "<script>\\u001b[2J"')}
    with opened_bundle(forged(bundle, tmp_path / "sent.tar", changed)) as received:
        assert received.manifest(None).name == "<script>\x1b[2J"
