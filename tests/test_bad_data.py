"""What cannot be measured as it stands ends with 1, every culprit named; what can be is, and is counted."""

import json

import pytest

from tests.builders import FEW_RESAMPLES, harness, tone_corpus, tone_rows

TONES = ("benchmark", "manifest=file", "backend=tones", "normalizer=verbatim", *FEW_RESAMPLES)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def transcripts(corpus):
    """Write what was said as what was heard."""
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    path = corpus.parent / "transcripts.jsonl"
    path.write_text("".join(json.dumps({key: row[key] for key in ("utterance_id", "text")}) + "\n" for row in rows))
    return path


def rescored(corpus, transcripts, *arguments, cwd):
    return harness(
        "rescore", f"manifest.path={corpus}", f"hypotheses={transcripts}", "normalizer=verbatim", *FEW_RESAMPLES,
        *arguments, cwd=cwd,
    )  # fmt: skip


def test_an_empty_manifest_cannot_be_measured(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    ended = harness(*TONES, "manifest.path=empty.jsonl", cwd=tmp_path)
    assert ended.exit_status == 1
    assert "empty.jsonl" in ended.err
    assert ended.is_in_words


def test_every_bad_row_of_a_manifest_is_named(tmp_path):
    rows = [row | {"duration": -1.0} for row in tone_rows(n_speakers=1, n_utterances=2)]
    manifest = tone_corpus(tmp_path / "corpus", rows)
    (manifest.parent / "audio" / "00-0.wav").unlink()
    ended = harness(*TONES, f"manifest.path={manifest}", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 1
    for line in range(1, 5):
        assert f"manifest.jsonl:{line}: " in ended.err
    assert not (tmp_path / "run").exists()


def test_a_name_over_two_lines_is_refused(tmp_path):
    manifest = tone_corpus(tmp_path, tone_rows(("two\nlines", "south")))
    ended = harness(*TONES, f"manifest.path={manifest}", cwd=tmp_path)
    assert ended.exit_status == 1
    assert "manifest.jsonl:1: " in ended.err


def test_transcripts_are_scored_without_a_recording(tmp_path, corpus, transcripts):
    ended = rescored(corpus, transcripts, "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["wer"] == 0.0


def test_ids_that_do_not_match_are_each_named_and_nothing_is_scored(tmp_path, corpus, transcripts):
    lines = transcripts.read_text().splitlines(keepends=True)
    strangers = ['{"utterance_id": "stranger-1", "text": "one"}\n', '{"utterance_id": "stranger-2", "text": "one"}\n']
    (tmp_path / "bad.jsonl").write_text("".join([*lines[3:], lines[5], *strangers]))
    ended = rescored(corpus, tmp_path / "bad.jsonl", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 1
    for name in ("stranger-1", "stranger-2", "00-0", "00-1", "00-2"):
        assert f"'{name}'" in ended.err
    assert "appears again" in ended.err
    assert "bad.jsonl:" in ended.err
    assert not (tmp_path / "run").exists()


def test_missing_transcripts_are_failures_when_that_is_allowed(tmp_path, corpus, transcripts):
    lines = transcripts.read_text().splitlines(keepends=True)
    (tmp_path / "some.jsonl").write_text("".join(lines[1:]))
    ended = rescored(corpus, tmp_path / "some.jsonl", "allow_missing=true", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["n_failed"], summary["n_utterances"]) == (1, 40)
    assert summary["wer_if_failures_were"] == {"deletions": 5 / 200, "left_out": 0.0}


def test_ids_with_folder_and_extension_match_by_stem_when_asked(tmp_path, corpus, transcripts):
    rows = [json.loads(line) for line in transcripts.read_text().splitlines()]
    lines = [json.dumps(row | {"utterance_id": f"clips/{row['utterance_id']}.mp3"}) + "\n" for row in rows]
    (tmp_path / "vendor.jsonl").write_text("".join(lines))
    refused = rescored(corpus, tmp_path / "vendor.jsonl", cwd=tmp_path)
    assert refused.exit_status == 1
    (said,) = [line for line in refused.err.splitlines() if " INFO " not in line]
    assert "none of its 40 ids is in manifest.jsonl, but 'clips/00-0.mp3' there is '00-0' here" in said
    assert "Set stem_ids=true" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vendor.jsonl"]
    assert rescored(corpus, tmp_path / "vendor.jsonl", "stem_ids=true", cwd=tmp_path).exit_status == 0


def test_two_ids_of_one_stem_are_refused(tmp_path, corpus, transcripts):
    lines = [*transcripts.read_text().splitlines(), '{"utterance_id": "other/00-0.wav", "text": ""}']
    (tmp_path / "vendor.jsonl").write_text("\n".join(lines) + "\n")
    ended = rescored(corpus, tmp_path / "vendor.jsonl", "stem_ids=true", cwd=tmp_path)
    assert ended.exit_status == 1
    assert "ids '00-0' and 'other/00-0.wav' are both '00-0'" in ended.err


def test_ids_of_which_some_match_are_named_and_not_called_stems(tmp_path, corpus, transcripts):
    rows = [json.loads(line) for line in transcripts.read_text().splitlines()]
    rows[0]["utterance_id"] = f"clips/{rows[0]['utterance_id']}.mp3"
    (tmp_path / "vendor.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = rescored(corpus, tmp_path / "vendor.jsonl", cwd=tmp_path)
    assert ended.exit_status == 1
    assert "'clips/00-0.mp3'" in ended.err
    assert "'00-0'" in ended.err


@pytest.mark.parametrize("content", [None, "letter.pdf", "transcripts.jsonl"])
def test_a_folder_without_the_hypotheses_of_a_run_is_refused(tmp_path, corpus, content):
    (tmp_path / "folder").mkdir()
    if content:
        (tmp_path / "folder" / content).write_text("{}")
    ended = rescored(corpus, "folder", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "hypotheses=folder: no hypotheses of a run in folder; expected a run directory, or one CSV" in ended.err
    assert ended.is_in_words
    assert not (tmp_path / "run").exists()
