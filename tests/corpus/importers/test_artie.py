"""The Artie Bias Corpus is read with its quoted sentences and its `NA`, with clips wherever copies have them."""

import csv
import shutil
from collections import Counter

import pytest

from harness.corpus import Manifest
from harness.corpus.importers.folding import read_folding
from harness.errors import UsageError
from tests.corpus.importers.builders import RELEASES, imported, rows_of, written
from tests.shared import DATA, needs_data

RELEASE = RELEASES / "artie"


def test_a_release_is_read_row_by_row():
    found = rows_of("artie", RELEASE)
    assert [(record.utterance_id, record.text) for record in found.records] == [
        ("common_voice_en_100001", "The ferry was late."),
        ("common_voice_en_100002", '"Then row," said the keeper.'),
        ("common_voice_en_100003", "It is dark."),
    ]
    assert found.records[0].audio == "common_voice_en_100001.mp3"
    assert [record.attributes["accent"] for record in found.records] == ["NA", "us", "southatlandtic"]
    assert not found.ledger.problems


def test_the_licence_is_that_of_the_data_and_not_of_the_tools_beside_them(tmp_path):
    assert imported("artie", RELEASE, tmp_path).datasheet.license == "CC0-1.0"


def test_what_a_speaker_did_not_state_is_undeclared(tmp_path):
    manifest = imported("artie", RELEASE, tmp_path)
    assert list(manifest.frame["accent"]) == ["undeclared", "us", "southatlandtic"]
    assert list(manifest.frame["age"]) == ["twenties", "undeclared", "fourties"]
    assert manifest.frame["speaker_id"].nunique() == 2


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [("artie-bias-corpus", ".mp3"), ("clips", ".wav"), ("", ".wav")],
    ids=["own folder", "clips", "wav"],
)
def test_clips_are_found_where_copies_have_them(tmp_path, folder, suffix):
    shutil.copy(RELEASE / "artie-bias-corpus.tsv", tmp_path)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / f"common_voice_en_100001{suffix}").touch()
    record = rows_of("artie", tmp_path).records[0]
    assert record.audio == f"{folder}/common_voice_en_100001{suffix}".removeprefix("/")


def test_without_clips_transcripts_can_be_scored(tmp_path):
    shutil.copy(RELEASE / "artie-bias-corpus.tsv", tmp_path)
    found = rows_of("artie", tmp_path / "artie-bias-corpus.tsv")
    assert found.corpus.audio_root is None
    assert {record.audio for record in found.records} == {None}
    assert "no clip heard" in found.ledger.remarks[0]


def test_codes_are_folded_into_the_names_of_common_voice(tmp_path):
    found = written("artie", RELEASE, tmp_path / "out", folding=read_folding("artie_accents"))
    groups = Manifest.load(found.path / "manifest.jsonl", require_audio=False).frame["accent_group"]
    assert list(groups) == ["undeclared", "United States English", "South Atlantic (Falkland Islands, Saint Helena)"]


def test_what_is_not_the_corpus_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no artie-bias-corpus\.tsv in it; found nothing"):
        rows_of("artie", tmp_path)
    (tmp_path / "artie-bias-corpus.tsv").write_text("path\tsentence\n")
    with pytest.raises(UsageError, match="no column client_id, age, gender, accent; found path, sentence"):
        rows_of("artie", tmp_path)


def test_a_row_with_an_open_quote_is_named(tmp_path):
    lines = (RELEASE / "artie-bias-corpus.tsv").read_text().splitlines()
    (tmp_path / "artie-bias-corpus.tsv").write_text("\n".join([lines[0], lines[1], 'a\tb.mp3\t"open\t2\t0\t\t\t']))
    found = rows_of("artie", tmp_path)
    assert len(found.records) == 1
    assert found.ledger.problems[0].startswith("artie-bias-corpus.tsv:3: cannot be split into cells")


@needs_data("artie")
def test_the_real_corpus_has_the_same_slices_as_its_file(tmp_path):
    manifest = imported("artie", DATA / "artie", tmp_path)
    with (DATA / "artie" / "artie-bias-corpus.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(manifest.frame) == len(rows) == 1_712
    assert manifest.frame["speaker_id"].nunique() == len({row["client_id"] for row in rows}) == 969
    assert list(manifest.frame["text"]) == [row["sentence"] for row in rows]
    for name in ("age", "gender", "accent"):
        counted = Counter("undeclared" if row[name] == "NA" else row[name] for row in rows)
        assert Counter(manifest.frame[name]) == counted


@needs_data("artie")
def test_the_real_corpus_has_the_ids_that_its_transcripts_have(tmp_path):
    manifest = imported("artie", DATA / "artie", tmp_path)
    for table in sorted((DATA / "artie" / "predictions").glob("*.tsv")):
        with table.open(encoding="utf-8", newline="") as file:
            heard = {
                row["path"].rpartition(".")[0] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            }
        assert heard & set(manifest.frame["utterance_id"])
        assert not heard - set(manifest.frame["utterance_id"])
