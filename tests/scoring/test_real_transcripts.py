"""Real transcripts of real people: published figures, and counts of an alignment that is not jiwer's."""

import csv
import json
from functools import cache

import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.scoring import WhisperEnglish, read_hypotheses, score
from tests.scoring.builders import errors_of, openai_english
from tests.shared import DATA, needs_data

COUNTS = ["hits", "substitutions", "deletions", "insertions"]
EVENT_TAGS = r"<[^<>]*>"
VENDORS = ["amazon_en-GB", "amazon_en-US", "deepspeech_0.7.3", "google_en-US"]
SYSTEMS = ["canary-qwen-2.5b", "parakeet-tdt-0.6b-v3", "whisper-large-v3-turbo"]


@cache
def edacc_scores(system):
    path = DATA / "edacc" / f"{system}.jsonl"
    columns = {"utterance_id": "utt_id", "text": "ref_raw", "speaker_id": "speaker"}
    manifest = Manifest.load(path, columns=columns, require_audio=False)
    hypotheses = read_hypotheses(path, columns={"utterance_id": "utt_id", "text": "hyp_raw"})
    return score(manifest, hypotheses, WhisperEnglish(), reference_pattern=EVENT_TAGS)


@needs_data("edacc")
@pytest.mark.parametrize("system", SYSTEMS)
def test_edacc_gives_every_published_word_error_rate(system):
    published = pd.read_csv(DATA / "edacc" / "published.csv").query("system == @system").set_index("accent")
    scores = edacc_scores(system)
    assert len(scores) == 9177
    slices = scores.groupby("accent", dropna=False).agg(
        utterances=("utterance_id", "size"), speakers=("speaker_id", "nunique"), **{c: (c, "sum") for c in COUNTS}
    )
    slices["reference_words"] = slices["hits"] + slices["substitutions"] + slices["deletions"]
    ours = slices.loc[published.index]
    assert len(ours) == 7
    for column in ("utterances", "speakers", "reference_words"):
        assert ours[column].tolist() == published[column].tolist()
    wer = ours[COUNTS[1:]].sum(axis="columns") / ours["reference_words"]
    assert (wer - published["wer"]).abs().max() < 1e-9


@needs_data("edacc")
def test_edacc_is_published_with_the_insertions_of_empty_references():
    scores = edacc_scores("whisper-large-v3-turbo").query("accent == 'Vietnamese'")
    spoken = scores[scores["reference"] != ""]
    assert len(scores) - len(spoken) == 27
    wer = spoken[COUNTS[1:]].to_numpy().sum() / spoken[COUNTS[:3]].to_numpy().sum()
    assert wer == pytest.approx(0.28426852580681433 - 0.010570111323512876)  # a whole point lower without them


def artie_manifest(folder):
    with (DATA / "artie" / "artie-bias-corpus.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    lines = [
        {
            "utterance_id": row["path"].removesuffix(".mp3"),
            "text": row["sentence"],
            "speaker_id": row["client_id"],
            **{name: "" if row[name] == "NA" else row[name] for name in ("accent", "gender", "age")},
        }
        for row in rows
    ]
    path = folder / "artie.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Manifest.load(path, require_audio=False)


@needs_data("artie")
@pytest.mark.parametrize("vendor", VENDORS)
def test_artie_has_every_utterance_and_the_edits_of_an_independent_alignment_in_every_slice(vendor, tmp_path):
    manifest = artie_manifest(tmp_path)
    columns = {"utterance_id": "path", "text": "prediction"}
    hypotheses = read_hypotheses(DATA / "artie" / "predictions" / f"{vendor}.tsv", columns=columns)
    hypotheses["utterance_id"] = hypotheses["utterance_id"].str.removesuffix(".wav")
    scores = score(manifest, hypotheses, WhisperEnglish())
    assert scores["utterance_id"].tolist() == manifest.frame["utterance_id"].tolist()
    assert len(scores) == 1712
    assert not scores["failed"].any()

    rules, heard = openai_english(), hypotheses.set_index("utterance_id")["text"]
    said = [rules(text).split() for text in manifest.frame["text"]]
    recognised = [rules(heard[utterance_id]).split() for utterance_id in scores["utterance_id"]]
    scores["errors"] = scores[COUNTS[1:]].sum(axis="columns")
    scores["words"] = scores[COUNTS[:3]].sum(axis="columns")
    independent = manifest.frame[["accent", "gender", "age"]].assign(
        errors=[errors_of(r, h) for r, h in zip(said, recognised, strict=True)], words=[len(words) for words in said]
    )
    assert scores["errors"].tolist() == independent["errors"].tolist()
    for dimension in ("accent", "gender", "age"):
        ours = scores.groupby(dimension, dropna=False)[["errors", "words"]].sum()
        pd.testing.assert_frame_equal(ours, independent.groupby(dimension, dropna=False)[["errors", "words"]].sum())
        assert ours["words"].sum() == sum(map(len, said))
        assert "undeclared" in ours.index


@needs_data("artie")
def test_nobody_of_artie_is_lost_where_a_vendor_returned_nothing(tmp_path):
    columns = {"utterance_id": "path", "text": "prediction"}
    hypotheses = read_hypotheses(DATA / "artie" / "predictions" / "google_en-US.tsv", columns=columns)
    hypotheses["utterance_id"] = hypotheses["utterance_id"].str.removesuffix(".wav")
    n_empty = int((hypotheses["text"] == "").sum())
    scores = score(artie_manifest(tmp_path), hypotheses, WhisperEnglish())
    assert n_empty > 0
    assert (scores["hypothesis"] == "").sum() >= n_empty
    assert (scores.loc[scores["empty_output"], "hits"] == 0).all()
    assert scores.loc[scores["empty_output"], "deletions"].min() >= 3


@needs_data("commonvoice")
def test_common_voice_has_the_edits_of_an_independent_alignment(tmp_path):
    folder = DATA / "commonvoice"
    first_lines = (folder / "manifest.tsv").read_text("utf-8").splitlines(keepends=True)[:3001]
    (tmp_path / "manifest.tsv").write_text("".join(first_lines), encoding="utf-8")
    manifest = Manifest.load(tmp_path / "manifest.tsv", columns={"utterance_id": "id"}, require_audio=False)
    hypotheses = read_hypotheses(folder / "whisper_tiny.tsv", columns={"utterance_id": "id"}).head(3000)
    scores = score(manifest, hypotheses, WhisperEnglish())
    errors = [errors_of(r.split(), h.split()) for r, h in zip(scores["reference"], scores["hypothesis"], strict=True)]
    characters = [errors_of(r, h) for r, h in zip(scores["reference"], scores["hypothesis"], strict=True)]
    assert scores[COUNTS[1:]].sum(axis="columns").tolist() == errors
    assert scores[[f"character_{count}" for count in COUNTS[1:]]].sum(axis="columns").tolist() == characters
