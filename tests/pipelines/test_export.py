"""`harness export` writes a manifest, or a run of it, for other tools; what it wrote is imported again whole."""

import errno
import json

import pytest

from harness.results.exporters.formats import NEEDS_RUN, ExportFormat
from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows

IMPORTED = ("kaldi", "lhotse", "nemo", "parquet", "stm")  # formats that are read as they are written


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a corpus of tones and a run of it, heard perfectly but for one word a clip."""
    folder = tmp_path_factory.mktemp("exported")
    rows = tone_rows(n_speakers=5, n_utterances=2)
    tone_corpus(folder / "corpus", rows)
    heard = [{"utterance_id": row["utterance_id"], "text": f"Oh, {row['text']}!"} for row in rows]
    (folder / "heard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in heard))
    files = ("manifest.path=corpus/manifest.jsonl", "hypotheses=heard.jsonl", "run_dir=run")
    ended = harness("rescore", *files, *FEW_RESAMPLES, cwd=folder)
    assert ended.exit_status in (0, 3), ended.err
    return folder


def exported(folder, *options, status=0):
    ended = harness("export", *options, cwd=folder)
    assert ended.exit_status == status, ended.err
    return ended


@pytest.mark.parametrize("chosen", ExportFormat, ids=lambda each: each.name)
def test_a_run_is_written_in_every_format_and_the_screen_names_the_files(folder, chosen):
    out = exported(folder, f"format={chosen.name}", "run=run", f"out=run_{chosen.name}").out
    record = json.loads((folder / f"run_{chosen.name}" / "export.json").read_text())
    assert (record["format"], record["run"], record["license"]) == (chosen.name, "run", "CC0-1.0")
    files = [path.name for path in (folder / f"run_{chosen.name}").iterdir() if path.name != "export.json"]
    assert files
    assert all(name in out for name in files)
    assert not any(name.endswith(".part") for name in files)


@pytest.mark.parametrize("format_", IMPORTED)
def test_what_is_exported_is_imported_again_with_the_same_rows(folder, tmp_path, format_):
    exported(folder, f"format={format_}", "manifest.path=corpus/manifest.jsonl", f"out={tmp_path}/there")
    files = {"nemo": "*.json*", "parquet": "*.parquet", "stm": "ref.stm"}
    found = [path for path in (tmp_path / "there").glob(files.get(format_, "*")) if path.name != "export.json"]
    source = found[0] if format_ in files else tmp_path / "there"
    ended = harness("import_corpus", f"format={format_}", f"source={source}", "out=back", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    before = {row["utterance_id"]: row for row in tone_rows(n_speakers=5, n_utterances=2)}
    after = [json.loads(line) for line in (tmp_path / "back" / "manifest.jsonl").read_text().splitlines()]
    assert len(after) == len(before)
    kept = ("text", "speaker_id", "accent")
    assert sorted(tuple(row[name] for name in kept) for row in after) == sorted(
        tuple(row[name] for name in kept) for row in before.values()
    )


@pytest.mark.parametrize("chosen", NEEDS_RUN, ids=lambda each: each.name)
def test_a_format_of_what_was_heard_needs_a_run(folder, tmp_path, chosen):
    options = (f"format={chosen.name}", "manifest.path=corpus/manifest.jsonl", f"out={tmp_path}/none")
    assert "Give run=RUN" in exported(folder, *options, status=2).err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["format=nemo"], "nothing to export", id="nothing"),
        pytest.param(["format=nemo", "run=nowhere"], "no such run directory", id="no-run"),
        pytest.param(["format=nemo", "run=run", "out=corpus"], "is not empty and no export has written it", id="own"),
        pytest.param(["format=nemo", "run=run", "out="], "out= names nothing", id="no-folder"),
        pytest.param(["format=neo", "run=run"], "Invalid value 'neo'", id="format"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(folder, tmp_path, options, said):
    out = [] if any(option.startswith("out=") for option in options) else [f"out={tmp_path}/none"]
    assert said in " ".join(exported(folder, *options, *out, status=2).err.split())


def test_a_run_whose_manifest_has_changed_since_is_refused(folder, tmp_path):
    tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=2, n_utterances=1))
    options = ("format=nemo", "run=run", f"manifest.path={tmp_path}/corpus/manifest.jsonl", f"out={tmp_path}/none")
    assert "is a run of another manifest" in exported(folder, *options, status=2).err


def test_an_export_is_written_anew_into_its_own_folder(folder, tmp_path):
    options = ("format=nemo", "run=run", f"out={tmp_path}/twice")
    exported(folder, *options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "twice").iterdir()}
    exported(folder, *options)
    assert {path.name: path.read_bytes() for path in (tmp_path / "twice").iterdir()} == before


def test_nothing_of_an_earlier_export_stays_in_the_folder_not_even_of_another_format(folder, tmp_path):
    corpus = tmp_path / "corpus"
    tone_corpus(corpus, tone_rows(n_speakers=2, n_utterances=1))
    options = (f"manifest.path={corpus}/manifest.jsonl", f"out={tmp_path}/out")
    exported(folder, "format=nemo", *options)
    gone = json.loads((corpus / "manifest.jsonl").read_text().splitlines()[0])["speaker_id"]
    (corpus / "withdrawn.txt").write_text(f"{gone}\n")
    exported(folder, "format=kaldi", *options)
    assert not (tmp_path / "out" / "manifest.json").exists()
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert gone not in written


def test_somebody_s_own_file_beside_an_export_stays(folder, tmp_path):
    options = ("format=nemo", "manifest.path=corpus/manifest.jsonl", f"out={tmp_path}/out")
    exported(folder, *options)
    (tmp_path / "out" / "mine.txt").write_text("mine")
    record = tmp_path / "out" / "export.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"files": ["../theirs.txt", 3, "manifest.json"]}))
    (tmp_path / "theirs.txt").write_text("theirs")
    exported(folder, *options)
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "theirs.txt").read_text() == "theirs"


def test_an_export_that_fails_leaves_the_earlier_one_as_it_was(folder, tmp_path, monkeypatch):
    options = ("format=stm", "manifest.path=corpus/manifest.jsonl", f"out={tmp_path}/out")
    exported(folder, *options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr("harness.results.exporters.stm.write_whole", _full_disk, raising=False)
    monkeypatch.setattr("harness.results.exporters.lines.write_whole", _full_disk)
    assert "cannot write" in exported(folder, *options, status=1).err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def _full_disk(_path, _chunks):
    raise OSError(errno.ENOSPC, "No space left on device")
