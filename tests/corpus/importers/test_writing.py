"""What an import writes is whole or not there, reads back as it was, and says what was left out and why."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from harness.corpus import Manifest
from harness.corpus.attributes import Attribute, AttributeKind, Provenance
from harness.corpus.importers import Corpus, Imported, Ledger, Record, write_corpus
from harness.corpus.importers.checked import Changes
from harness.corpus.importers.datasheets import datasheet, open_datasheet
from harness.corpus.importers.folding import read_folding
from harness.corpus.people import Withdrawn, hashed
from harness.errors import ManifestError, StorageError, UsageError

SECRET = b"sixteen or longer"
NOTHING = Changes(None, Withdrawn(frozenset()), None)


def record(line: int, **changes) -> Record:
    return Record(**{"file": "a.tsv", "line": line, "utterance_id": f"u{line}", "text": f"words {line}"} | changes)


def put(out, records, *, changes=NOTHING, sheet=None, name=None, left_out=(), remarks=(), counted=lambda _: None):
    def read(ledger: Ledger) -> Corpus:
        def rows():
            for place, reason in left_out:
                ledger.leave_out(place, reason)
            yield from records

        for each in remarks:
            ledger.remark(each)
        return Corpus(sheet or open_datasheet("toy"), rows(), None)

    return write_corpus(read, out, changes, asked={"format": "toy"}, name=name, counted=counted)


def loaded(found: Imported) -> Manifest:
    return Manifest.load(found.path / "manifest.jsonl", require_audio=False)


def import_of(found: Imported) -> dict[str, object]:
    return yaml.safe_load((found.path / "import.yaml").read_text())


def test_what_was_written_reads_back_with_the_datasheet_that_is_beside_it(tmp_path):
    records = [record(1, speaker_id="ann", attributes={"accent": "us"}), record(2, attributes={"accent": ""})]
    found = put(tmp_path / "out", records, sheet=datasheet("artie"))
    manifest = loaded(found)
    assert list(manifest.frame["text"]) == ["words 1", "words 2"]
    assert list(manifest.frame["accent"]) == ["us", "undeclared"]
    assert manifest.datasheet.license == "CC0-1.0"
    assert manifest.datasheet.caveats == datasheet("artie").caveats
    assert [attribute.name for attribute in manifest.datasheet.attributes] == ["accent"]
    assert (found.n_utterances, found.n_speakers, found.n_without_speaker) == (2, 1, 1)
    assert sorted(path.name for path in found.path.iterdir()) == [
        "datasheet.yaml",
        "import.yaml",
        "manifest",
        "manifest.jsonl",
    ]


def test_attributes_that_nobody_declared_are_annotated_and_prose_is_no_attribute(tmp_path):
    records = [record(line, attributes={"mood": "fine", "note": f"note {line}"}) for line in range(1, 300)]
    manifest = loaded(found := put(tmp_path / "out", records))
    (mood,) = manifest.datasheet.attributes
    assert (mood.name, mood.provenance.value) == ("mood", "annotated")
    assert any("note" in note and "too many different values" in note for note in found.notes)


def test_the_choice_that_is_written_names_manifest_and_audio(tmp_path):
    found = put(tmp_path / "out", [record(1)], name="my corpus!")
    choice = yaml.safe_load((found.path / "manifest" / "imported.yaml").read_text())
    assert choice["name"] == found.name == "my_corpus"
    assert choice["path"] == str(found.path / "manifest.jsonl")
    assert choice["audio_root"] is None


def test_rows_that_are_left_out_are_listed_and_counted_by_reason(tmp_path):
    left_out = [("a.tsv:5", "is a pause"), ("a\tb:6", "is a pause"), ("a.tsv:7", "is silence")]
    found = put(tmp_path / "out", [record(1)], left_out=left_out, remarks=["no audio"])
    assert found.n_left_out == {"is a pause": 2, "is silence": 1}
    assert import_of(found)["left_out"] == found.n_left_out
    assert import_of(found)["notes"][0] == "no audio"
    listed = (found.path / "left_out.tsv").read_text().splitlines()
    assert listed == ["a.tsv:5\tis a pause", "a b:6\tis a pause", "a.tsv:7\tis silence"]


def test_every_record_is_counted_once_for_the_progress_bar(tmp_path):
    counts = []
    put(tmp_path / "out", [record(line) for line in range(1, 25_001)], counted=counts.append)
    assert sum(counts) == 25_000
    assert counts[0] == 10_000


def test_bad_rows_are_all_named_and_nothing_is_written(tmp_path):
    with pytest.raises(ManifestError) as caught:
        put(tmp_path / "out", [record(1, duration=-1.0), record(2), record(3, utterance_id="")])
    assert [problem.split(": ")[0] for problem in caught.value.problems] == ["a.tsv:1", "a.tsv:3"]
    assert not list((tmp_path / "out").iterdir())


def test_an_id_that_is_there_twice_is_refused_with_both_places(tmp_path):
    with pytest.raises(ManifestError, match=r"a\.tsv:2: has the id 'u1' of a\.tsv:1"):
        put(tmp_path / "out", [record(1), record(2, utterance_id="u1")])


def test_a_source_with_nobody_in_it_is_refused_and_said_why(tmp_path):
    with pytest.raises(ManifestError, match="1 left out: is a pause"):
        put(tmp_path / "out", [], left_out=[("a:1", "is a pause")])
    with pytest.raises(ManifestError, match="1 of people who withdrew"):
        put(
            tmp_path / "out",
            [record(1, speaker_id="ann")],
            changes=replace(NOTHING, withdrawn=Withdrawn(frozenset({"ann"}))),
        )


def test_a_failed_import_leaves_the_earlier_one_as_it_was(tmp_path):
    found = put(tmp_path / "out", [record(1)])
    before = {path.name: path.read_bytes() for path in found.path.iterdir() if path.is_file()}
    with pytest.raises(ManifestError):
        put(tmp_path / "out", [record(1, duration=-1.0)])
    assert {path.name: path.read_bytes() for path in found.path.iterdir() if path.is_file()} == before


def test_importing_again_takes_the_place_of_all_that_the_earlier_import_wrote(tmp_path):
    put(tmp_path / "out", [record(1, speaker_id="a")], left_out=[("a:1", "is a pause")])
    found = put(tmp_path / "out", [record(2), record(3)])
    assert loaded(found).frame["utterance_id"].tolist() == ["u2", "u3"]
    assert not (found.path / "left_out.tsv").exists()


def test_a_folder_with_somebody_s_own_manifest_is_left_alone(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("mine")
    with pytest.raises(UsageError, match=r"manifest\.jsonl is there and no import has written it"):
        put(tmp_path, [record(1)])
    assert (tmp_path / "manifest.jsonl").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot write"):
        put(tmp_path / "out", [record(1)])


def test_a_place_that_is_a_file_is_said(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match=r"is a file\. Name a folder"):
        put(tmp_path / "out", [record(1)])


def test_a_name_that_is_too_long_for_a_folder_is_said(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        put(tmp_path / ("a" * 300), [record(1)])


def test_people_who_withdrew_are_on_a_list_for_every_later_run_and_with_a_salt_nobody_s_name_is_in_it(tmp_path):
    people = [record(1, speaker_id="ann"), record(2, speaker_id="bob")]
    changes = Changes(SECRET, Withdrawn(frozenset({"ann", "zoe"})), None)
    found = put(tmp_path / "out", people, changes=changes)
    assert (found.n_withdrawn_speakers, found.n_withdrawn_utterances) == (1, 1)
    listed = (found.path / "withdrawn.txt").read_text().split()
    assert listed == sorted([hashed("ann", SECRET), hashed("zoe", SECRET)])
    written = "".join(path.read_text() for path in found.path.rglob("*") if path.is_file())
    assert "ann" not in written.replace("annotated", "")
    assert "sixteen" not in written


def test_folded_attributes_are_declared_and_what_the_table_does_not_name_is_a_note(tmp_path):
    folding = read_folding("common_voice_accents")
    records = [record(1, attributes={"accents": "us"}), record(2, attributes={"accents": "wolof,England English"})]
    found = put(
        tmp_path / "out", records, sheet=datasheet("common_voice"), changes=Changes(None, NOTHING.withdrawn, folding)
    )
    manifest = loaded(found)
    assert list(manifest.frame["accent_group"]) == [("United States English",), ("wolof", "England English")]
    assert list(manifest.frame["accents"]) == ["us", "wolof,England English"]
    assert any("'wolof' (1)" in note for note in found.notes)


def test_the_same_source_gives_the_same_bytes(tmp_path):
    records = [record(line, speaker_id=f"s{line % 3}", attributes={"a": "é"}) for line in range(1, 50)]
    first, second = put(tmp_path / "a", records), put(tmp_path / "b", records)
    for name in ("manifest.jsonl", "datasheet.yaml", "import.yaml"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_a_row_that_is_left_out_does_not_name_who_withdrew(tmp_path):
    changes = replace(NOTHING, withdrawn=Withdrawn(frozenset({"p901"})))
    left_out = [("txt/p901/p901_003.txt", "has no transcript")]
    found = put(
        tmp_path / "out",
        [record(1, speaker_id="p901"), record(2, speaker_id="p902")],
        changes=changes,
        left_out=left_out,
        remarks=["no recording p901/1.wav is there"],
    )
    (found.path / "withdrawn.txt").unlink()
    written = "".join(path.read_text() for path in found.path.rglob("*") if path.is_file())
    assert "p901" not in written
    assert "(withdrew)/(withdrew)_003.txt" in written


def test_who_withdrew_and_is_nobody_in_the_corpus_is_counted_and_a_slip_of_spelling_is_refused(tmp_path):
    people = [record(1, speaker_id="ann"), record(2, speaker_id="bob")]
    found = put(tmp_path / "out", people, changes=replace(NOTHING, withdrawn=Withdrawn(frozenset({"ann", "zoe"}))))
    assert "1 of those who withdrew are nobody in this corpus, by their ids" in found.notes
    with pytest.raises(ManifestError, match="names 'Ann', who is nobody here"):
        put(tmp_path / "other", people, changes=replace(NOTHING, withdrawn=Withdrawn(frozenset({"Ann"}))))


def test_a_corpus_that_does_not_say_who_speaks_cannot_honour_a_list(tmp_path):
    with pytest.raises(UsageError, match="does not say who speaks"):
        put(tmp_path / "out", [record(1)], changes=replace(NOTHING, withdrawn=Withdrawn(frozenset({"ann"}))))


def test_names_of_files_that_are_no_utf8_are_listed(tmp_path):
    found = put(tmp_path / "out", [record(1)], left_out=[("a\udce9.wav:1", "is a pause")])
    assert (found.path / "left_out.tsv").read_text() == "a\\udce9.wav:1\tis a pause\n"


def test_a_path_with_a_reference_in_it_is_a_path_to_hydra_and_reads_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SPEAKER_SALT", "sixteen or longer")
    out = tmp_path / "o\\${oc.env:HARNESS_SPEAKER_SALT}"
    found = put(out, [record(1)])
    choice = OmegaConf.to_container(OmegaConf.load(found.path / "manifest" / "imported.yaml"), resolve=True)
    assert choice["path"] == str(out / "manifest.jsonl")


def test_what_reading_the_manifest_would_refuse_is_refused_before_it_is_written(tmp_path):
    sheet = open_datasheet("toy")
    age = Attribute("age", AttributeKind.demographic, Provenance.self_reported, bins=(30.0, 60.0))
    bad = [
        record(1, audio="."),
        record(2, attributes={"age": "old"}),
        record(3, attributes={"age": ["1", "2"]}),
        record(4, attributes={"\ud800": "x"}),
    ]
    with pytest.raises(ManifestError) as caught:
        put(tmp_path / "out", bad, sheet=replace(sheet, attributes=(age,)))
    assert [problem.split(": ")[0] for problem in caught.value.problems] == ["a.tsv:1", "a.tsv:2", "a.tsv:3", "a.tsv:4"]


def test_a_file_of_the_source_that_cannot_be_read_is_not_taken_for_a_full_disk(tmp_path):
    def records():
        yield record(1)
        (tmp_path / ("a" * 300)).stat()

    with pytest.raises(ManifestError, match="cannot be read: File name too long"):
        put(tmp_path / "out", records())


def test_two_imports_into_one_folder_do_not_mix(tmp_path):
    def records():
        with pytest.raises(UsageError, match="another command writes into it"):
            put(tmp_path / "out", [record(3)])
        yield record(1)

    assert loaded(put(tmp_path / "out", records())).frame["utterance_id"].tolist() == ["u1"]


@pytest.mark.parametrize("stops_at", ["import.yaml", "datasheet.yaml", "imported.yaml", "manifest.jsonl"])
def test_an_import_that_is_killed_while_it_takes_its_place_leaves_no_mixture(tmp_path, monkeypatch, stops_at):
    out = tmp_path / "out"
    put(out, [record(1, attributes={"a": "x"})])
    move = Path.replace

    def stopping(path: Path, target: Path) -> Path:
        if path.name == stops_at:
            raise KeyboardInterrupt
        return move(path, target)

    monkeypatch.setattr(Path, "replace", stopping)
    with pytest.raises(KeyboardInterrupt):
        put(out, [record(2, attributes={"b": "y"})])
    assert not (out / "manifest.jsonl").exists()
    monkeypatch.undo()
    assert loaded(put(out, [record(2, attributes={"b": "y"})])).frame["utterance_id"].tolist() == ["u2"]


def test_parts_that_are_a_link_are_not_written_through(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".import.part").symlink_to(tmp_path / "theirs")
    put(tmp_path / "out", [record(1)])
    assert not list((tmp_path / "theirs").iterdir())


@pytest.mark.parametrize("name", ["left_out.tsv", "manifest"])
def test_a_folder_in_which_a_part_has_no_place_is_refused_before_anything_is_moved(tmp_path, name):
    out = put(tmp_path / "out", [record(1)]).path
    (out / "manifest" / "imported.yaml").unlink()
    (out / "manifest").rmdir()
    (out / "manifest").touch() if name == "manifest" else (out / name).mkdir()
    with pytest.raises(UsageError, match=f"{name} is there and no import has written it"):
        put(out, [record(2)])
    assert (out / "manifest.jsonl").exists()


def test_a_corpus_that_states_no_language_says_what_follows(tmp_path):
    assert "no language is stated" in put(tmp_path / "out", [record(1)]).notes[-1]
    stated = replace(record(1), language="en")
    assert not any("no language" in note for note in put(tmp_path / "other", [stated]).notes)
