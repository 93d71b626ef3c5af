"""A recording is offered where the manifest is as it was and the file is there, and nothing is claimed otherwise."""

import json
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from harness.corpus import Manifest
from harness.report.recordings import MOST_ROWS, NOT_FOUND, recordings
from harness.results import Run
from tests.builders import tone_corpus, tone_rows

ROWS = tone_rows(("north",), n_speakers=1, n_utterances=3)
IDS = [str(row["utterance_id"]) for row in ROWS]


def made_run(folder, manifest, **options):
    """Write what a run says of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded = Manifest.load(manifest, require_audio=False, allow_outside=True, columns=options.get("columns"))
    about = {"path": str(manifest), "columns": {}, "audio_root": None, "allow_outside": False} | options
    (folder / "config.yaml").write_text(yaml.safe_dump({"manifest": about}), encoding="utf-8")
    facts = {"manifest": {"digest": loaded.digest, "attributes": {}}, "n_rows_in": len(loaded)}
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    return Run(folder)


def test_a_recording_elsewhere_has_a_file_address(tmp_path):
    found = recordings(made_run(tmp_path / "run", tone_corpus(tmp_path / "corpus", ROWS)), IDS)
    assert found.note == ""
    paths = {each: unquote(urlsplit(found.found[each].address).path) for each in IDS}
    assert paths == {each: str(tmp_path / "corpus" / "audio" / f"{each}.wav") for each in IDS}
    assert {urlsplit(each.address).scheme for each in found.found.values()} == {"file"}


def test_a_recording_below_the_run_has_an_address_that_moves_with_it(tmp_path):
    found = recordings(made_run(tmp_path / "run", tone_corpus(tmp_path / "run" / "corpus", ROWS)), IDS)
    assert found.found[IDS[0]].address == f"corpus/audio/{IDS[0]}.wav"


def test_only_what_is_asked_for_is_looked_up(tmp_path):
    found = recordings(made_run(tmp_path / "run", tone_corpus(tmp_path / "corpus", ROWS)), IDS[:1])
    assert list(found.found) == IDS[:1]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a b#c?d%e.wav", id="reserved"),
        pytest.param("c:d.wav", id="scheme"),
        pytest.param("<img src=x>.wav", id="markup"),
        pytest.param("naïve–日本.wav", id="letters"),
    ],
)
def test_an_address_is_percent_encoded(tmp_path, name):
    rows = [ROWS[0] | {"audio_filepath": name}]
    for folder in (tmp_path / "run", tmp_path / "elsewhere"):
        corpus = tone_corpus(folder / "corpus", [row | {"audio_filepath": f"audio/{name}"} for row in rows])
        address = recordings(made_run(tmp_path / "run", corpus), IDS).found[IDS[0]].address
        assert not set(address) & set(" #?<>")
        parts = urlsplit(address)
        assert parts.scheme in ("", "file")
        assert unquote(parts.path).endswith(f"audio/{name}")


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        pytest.param({}, (None, None), id="whole"),
        pytest.param({"duration": 0.5}, (None, 0.5), id="beginning"),
        pytest.param({"offset": 0.25, "duration": 0.5}, (0.25, 0.75), id="middle"),
        pytest.param({"offset": 0.25}, (0.25, None), id="end"),
    ],
)
def test_a_segment_says_where_it_begins_and_ends(tmp_path, segment, expected):
    found = recordings(made_run(tmp_path / "run", tone_corpus(tmp_path / "corpus", [ROWS[0] | segment])), IDS)
    assert (found.found[IDS[0]].start_s, found.found[IDS[0]].end_s) == expected


def test_a_file_that_has_gone_is_not_offered(tmp_path):
    run = made_run(tmp_path / "run", tone_corpus(tmp_path / "corpus", ROWS))
    (tmp_path / "corpus" / "audio" / f"{IDS[1]}.wav").unlink()
    assert sorted(recordings(run, IDS).found) == sorted([IDS[0], IDS[2]])


def test_the_folder_and_the_columns_of_the_run_are_used(tmp_path):
    manifest = tone_corpus(tmp_path / "corpus", ROWS)
    rows = [{"file": f"{row['utterance_id']}.wav", **row} for row in ROWS]
    lines = (json.dumps({name: value for name, value in row.items() if name != "audio_filepath"}) for row in rows)
    manifest.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    audio_root = str(tmp_path / "corpus" / "audio")
    run = made_run(tmp_path / "run", manifest, columns={"audio_filepath": "file"}, audio_root=audio_root)
    assert len(recordings(run, IDS).found) == len(IDS)


HARMS = [  # what happens to a file of the run or of the corpus; None: it goes
    pytest.param("corpus/manifest.jsonl", lambda content: content + "\n", id="manifest-changed"),
    pytest.param("corpus/datasheet.yaml", lambda content: content + "description: other\n", id="datasheet-changed"),
    pytest.param("corpus/manifest.jsonl", None, id="manifest-gone"),
    pytest.param("corpus/manifest.jsonl", lambda _: '{"audio_filepath": \n', id="manifest-damaged"),
    pytest.param("run/config.yaml", lambda _: "seed: 0\n", id="no-manifest-configured"),
    pytest.param("run/config.yaml", lambda _: "{{{", id="config-damaged"),
    pytest.param("run/config.yaml", None, id="config-gone"),
    pytest.param("run/run.json", lambda content: content.replace(": 3}", f": {MOST_ROWS + 1}}}"), id="too-large"),
]


@pytest.mark.parametrize(("file", "harm"), HARMS)
def test_a_manifest_that_is_not_what_was_measured_offers_nothing_and_says_why(tmp_path, file, harm):
    run = made_run(tmp_path / "run", tone_corpus(tmp_path / "corpus", ROWS))
    if harm is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(harm((tmp_path / file).read_text()))
    found = recordings(run, IDS)
    assert not found.found
    assert found.note.startswith(NOT_FOUND)
    assert found.note.endswith(".")


def test_a_manifest_of_texts_alone_is_told_apart(tmp_path):
    rows = [{name: value for name, value in row.items() if name != "audio_filepath"} for row in ROWS]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = recordings(made_run(tmp_path / "run", tmp_path / "manifest.jsonl"), IDS)
    assert (found.found, found.note) == ({}, f"{NOT_FOUND}the manifest names none.")
