"""`harness measure` writes the old manifest with what its recordings measure: nothing lost, nothing made up."""

import io
import json
import re
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from harness.audio import SAMPLE_RATE, read_waveform
from harness.audio.speech_level import active_speech_level
from harness.corpus import Manifest, Provenance
from harness.errors import DataError, ManifestError, RunDirectoryError, StorageError, UsageError
from harness.pipelines import measured_rows
from harness.pipelines.measure import ROWS, MeasureJob, measure
from harness.pipelines.measured_attributes import NOTE, PROPERTIES, measured_attributes
from harness.report.properties import show_measured
from tests.builders import FEW_RESAMPLES, harness, harness_process, tone_corpus, tone_rows
from tests.shared import DATA, REPOSITORY, needs_data
from tests.transcription.test_store import room_for


@pytest.fixture
def corpus(tmp_path):
    """Return the manifest of forty recordings of tones in different noise."""
    path = tone_corpus(tmp_path / "corpus")
    rng = np.random.default_rng(0)
    for number, recording in enumerate(sorted((tmp_path / "corpus" / "audio").glob("*.wav"))):
        tones = np.concatenate([read_waveform(recording), np.zeros(SAMPLE_RATE, dtype=np.float32)])
        noise = rng.normal(0, 0.1 * 10 ** (-(number % 4) / 2), len(tones))
        soundfile.write(recording, tones + noise, SAMPLE_RATE)
    return path


def job(path, out, **changes):
    options = {"audio_root": path.parent, "columns": {}, "allow_outside": False} | changes
    load = {"audio_root": options["audio_root"], "columns": options["columns"], "require_audio": False}
    manifest = Manifest.load(path, allow_outside=options["allow_outside"], **load)
    return MeasureJob(manifest=manifest, out=out, **options)


def rows_of(folder, name="manifest.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def outputs(folder):
    names = ("manifest.jsonl", "datasheet.yaml", "properties.csv", ROWS)
    return {name: (folder / name).read_bytes() for name in names}


def reread(folder, root, **options):
    return Manifest.load(folder / "manifest.jsonl", audio_root=root, **options)


def test_every_row_and_every_old_cell_is_there_and_every_property_is_a_number_or_explained(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    old, new = rows_of(corpus.parent), rows_of(tmp_path / "out")
    assert [{key: row[key] for key in old[0]} for row in new] == old
    for row in new:
        assert set(row) == {*old[0], "language", *PROPERTIES, NOTE}
        assert (None in [row[name] for name in PROPERTIES]) <= bool(row[NOTE])


def test_the_new_manifest_slices_at_once_also_in_crossings(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    ended = harness(
        "benchmark", "manifest.path=out/manifest.jsonl", "manifest.audio_root=corpus", "backend=tones",
        "normalizer=verbatim", "slices.by=[snr_db,accent]", "slices.intersections=2", "run_dir=run", *FEW_RESAMPLES,
        "policy=report_only", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    slices = pd.read_csv(tmp_path / "run" / "slices.csv", keep_default_na=False)
    assert set(slices["dimension"]) == {"overall", "snr_db", "accent", "snr_db & accent"}
    assert len(set(slices.loc[slices["dimension"] == "snr_db", "slice"]) - {"undeclared"}) >= 2


def test_the_datasheet_keeps_what_it_said_and_declares_what_was_measured(tmp_path):
    path = tone_corpus(tmp_path / "corpus", sheet={"homepage": "https://example.org", "declined": ["no"]})
    measure(job(path, tmp_path / "out"))
    old, new = (yaml.safe_load((folder / "datasheet.yaml").read_text()) for folder in (path.parent, tmp_path / "out"))
    assert {key: new[key] for key in old if key != "attributes"} == {k: v for k, v in old.items() if k != "attributes"}
    assert new["attributes"]["accent"] == old["attributes"]["accent"]
    manifest = reread(tmp_path / "out", path.parent)
    added = [each for each in manifest.attributes if each.name != "accent"]
    assert [each.name for each in added] == list(PROPERTIES)
    assert {each.provenance for each in added} == {Provenance.measured}
    assert all(each.bins and each.description for each in added)


def test_without_a_datasheet_attributes_are_used_as_before_and_say_that_nobody_declared_them(tmp_path):
    path = tone_corpus(tmp_path / "corpus", attributes=None)
    measure(job(path, tmp_path / "out"))
    before, after = Manifest.load(path), reread(tmp_path / "out", path.parent)
    for attribute in before.attributes:
        found = next(each for each in after.attributes if each.name == attribute.name)
        assert (found.kind, found.provenance) == (attribute.kind, attribute.provenance)
        assert "no datasheet" in found.description
        assert after.frame[attribute.name].equals(before.frame[attribute.name])
    assert after.name == before.name


def test_a_measured_bin_is_that_of_the_number(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    frame, rows = reread(tmp_path / "out", corpus.parent).frame, rows_of(tmp_path / "out")
    for attribute in measured_attributes(""):
        for value, row in zip(frame[attribute.name], rows, strict=True):
            number = row[attribute.name]
            assert value == ("undeclared" if number is None else attribute.bin_of(number))


def test_the_speaking_rate_is_words_by_active_seconds(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    for row in rows_of(tmp_path / "out")[:8]:
        waveform = read_waveform(corpus.parent / row["audio_filepath"])
        active_s = active_speech_level(waveform - waveform.mean()).activity * len(waveform) / SAMPLE_RATE
        assert row["words_per_s"] == pytest.approx(5 / active_s, abs=0.01)


@pytest.mark.parametrize(("text", "n_words"), [("", 0), ("— …", 0), ("one – two, 3!", 3)])
def test_only_words_are_counted(tmp_path, text, n_words):
    rows = [row | {"text": text} for row in tone_rows(n_speakers=1, n_utterances=1)]
    path = tone_corpus(tmp_path / "corpus", rows, audio_of=lambda _: np.sin(np.arange(SAMPLE_RATE) / 5) ** 3)
    measure(job(path, tmp_path / "out"))
    row = rows_of(tmp_path / "out")[0]
    if n_words:
        assert row["words_per_s"] == pytest.approx(n_words / row["speech_share"], rel=0.01)
    else:
        assert row["words_per_s"] is None
        assert measured_rows.NO_WORDS in row[NOTE]


def broken(folder):
    """Write a recording of each kind that is hard to measure; return the manifest and what is said of each."""
    audio = folder / "audio"
    audio.mkdir(parents=True)
    voice = 0.2 * np.random.default_rng(0).standard_normal(SAMPLE_RATE) * (np.arange(SAMPLE_RATE) % 8000 < 6000)
    written = {
        "silent": np.zeros(SAMPLE_RATE),
        "constant": np.full(SAMPLE_RATE, 0.5),
        "short": voice[:3],
        "offset": voice + 0.4,
        "nan": np.where(np.arange(SAMPLE_RATE) == 9, np.nan, voice),
        "fine": voice + np.random.default_rng(1).normal(0, 0.01, SAMPLE_RATE),
    }
    for name, samples in written.items():
        soundfile.write(audio / f"{name}.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    (audio / "text.wav").write_text("hello")
    (audio / "empty.wav").touch()
    (folder.parent / "outside.wav").write_bytes((audio / "fine.wav").read_bytes())
    (audio / "link.wav").symlink_to(folder.parent / "outside.wav")
    names = [*written, "text", "empty", "missing", "link"]
    rows = [{"utterance_id": name, "audio_filepath": f"audio/{name}.wav", "text": "one two"} for name in names]
    rows += [{"utterance_id": "unnamed", "audio_filepath": None, "text": "one"}]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "manifest.jsonl"


SAID = {
    "silent": "silent",
    "constant": "silent",
    "short": "too short",
    "offset": "offset was taken out",
    "nan": "not finite",
    "text": "no known audio format",
    "empty": "0 bytes",
    "missing": "no such file",
    "link": "inside",
    "unnamed": "names no recording",
}
FAILED = ("nan", "text", "empty", "missing", "link", "unnamed")


@pytest.fixture
def explained(tmp_path):
    outcome = measure(job(broken(tmp_path / "corpus"), tmp_path / "out", max_failed=0.9))
    return outcome, {row["utterance_id"]: row for row in rows_of(tmp_path / "out")}


@pytest.mark.parametrize(("name", "words"), SAID.items())
def test_what_cannot_be_measured_stays_and_is_explained(explained, name, words):
    row = explained[1][name]
    assert words in row[NOTE]
    if name in FAILED:
        assert {row[each] for each in PROPERTIES} == {None}


def test_what_is_fine_beside_it_is_measured(explained, tmp_path):
    outcome, rows = explained
    assert rows["fine"]["level_dbfs"] is not None
    assert rows["offset"]["level_dbfs"] == pytest.approx(rows["fine"]["level_dbfs"], abs=0.5)
    assert outcome.answer.n_failed == len(FAILED)
    assert [name for name, _ in outcome.answer.failed] == list(FAILED)
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (facts["n_rows_in"], facts["n_measured"], facts["n_failed"]) == (len(SAID) + 1, 5, 6)
    assert outcome.exit_status == 0


def test_no_note_names_a_place_on_this_machine_but_of_a_link(explained, tmp_path):
    assert [name for name, row in explained[1].items() if str(tmp_path) in row[NOTE]] == ["link"]


def test_more_failures_than_allowed_end_with_4_and_all_of_them_with_an_error(tmp_path):
    path = broken(tmp_path / "corpus")
    assert measure(job(path, tmp_path / "out")).exit_status == 4
    for recording in path.parent.glob("audio/*"):
        recording.unlink()
    with pytest.raises(DataError, match=r"none of 11 recordings could be measured; the first: no such file"):
        measure(job(path, tmp_path / "none"))
    assert not (tmp_path / "none" / "manifest.jsonl").exists()


def test_two_measurements_differ_in_no_byte_whatever_the_threads(corpus, tmp_path):
    measure(job(corpus, tmp_path / "a", threads=1))
    measure(job(corpus, tmp_path / "b", threads=4))
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


@pytest.mark.parametrize("torn", [0, 1, 500, 5_000], ids="{} bytes kept".format)
def test_what_was_begun_is_completed_to_the_same_bytes(corpus, tmp_path, monkeypatch, torn):
    measure(job(corpus, tmp_path / "out"))
    whole = outputs(tmp_path / "out")
    (tmp_path / "out" / "manifest.jsonl").unlink()
    (tmp_path / "out" / ROWS).write_bytes(whole[ROWS][:torn])
    asked = []
    genuine = measured_rows.measured
    monkeypatch.setattr(measured_rows, "measured", lambda each, folder: asked.append(each) or genuine(each, folder))
    measure(job(corpus, tmp_path / "out"))
    assert outputs(tmp_path / "out") == whole
    assert len(asked) == 40 - whole[ROWS][:torn].count(b"\n")


def test_a_kill_leaves_no_half_manifest_and_the_same_command_completes_it(tmp_path):
    rows = tone_rows(n_speakers=20, n_utterances=20)
    tone_corpus(tmp_path / "corpus", rows)
    command = ("measure", "manifest.path=corpus/manifest.jsonl", "out=out", "threads=1")
    process = harness_process(*command, cwd=tmp_path)
    lines = tmp_path / "out" / ROWS
    while process.poll() is None and not (lines.is_file() and lines.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    ended = harness(*command, cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert len(rows_of(tmp_path / "out")) == len(rows)
    assert re.search(r"\d+ utterances are measured, \d+ are left", ended.err)


def test_a_folder_of_something_else_is_refused_and_left_as_it_is(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    before = outputs(tmp_path / "out")
    with pytest.raises(RunDirectoryError, match=r"(?s)made by another command.*Choose another out="):
        measure(job(corpus, tmp_path / "out", prefix="m_"))
    soundfile.write(corpus.parent / "audio" / "00-0.wav", np.zeros(800), SAMPLE_RATE)
    with pytest.raises(RunDirectoryError, match="recordings_digest"):
        measure(job(corpus, tmp_path / "out"))
    assert outputs(tmp_path / "out") == before
    with pytest.raises(RunDirectoryError, match="not a run directory"):
        measure(job(corpus, corpus.parent))


def test_a_column_is_never_replaced(corpus, tmp_path):
    measure(job(corpus, tmp_path / "out"))
    again = tmp_path / "out" / "manifest.jsonl"
    with pytest.raises(UsageError, match=r"has a column 'level_dbfs'.*already.*prefix=measured_"):
        measure(job(again, tmp_path / "again", audio_root=corpus.parent))
    measure(job(again, tmp_path / "again", audio_root=corpus.parent, prefix="anew_"))
    for row in rows_of(tmp_path / "again"):
        assert [row[f"anew_{name}"] for name in PROPERTIES] == [row[name] for name in PROPERTIES]


def test_mapped_columns_get_the_names_of_the_contract_and_a_replaced_one_is_kept(tmp_path):
    rows = tone_rows(n_speakers=1)
    path = tone_corpus(tmp_path / "corpus", rows)
    rows = [row | {"sentence": row["text"], "text": "raw"} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"text": "sentence"}
    measure(job(path, tmp_path / "out", columns=columns))
    new = rows_of(tmp_path / "out")
    assert [row["text"] for row in new] == [row["sentence"] for row in rows]
    assert {row["text_unused"] for row in new} == {"raw"}
    assert reread(tmp_path / "out", path.parent).frame["text"].tolist() == [row["sentence"] for row in rows]


def test_derived_ids_stay_what_they_were(tmp_path):
    path = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=1))
    rows = [{k: v for k, v in row.items() if k != "utterance_id"} for row in rows_of(path.parent)]
    path.write_text("".join(json.dumps(row | {"offset": 0.1}) + "\n" for row in rows))
    measure(job(path, tmp_path / "out"))
    assert reread(tmp_path / "out", path.parent).frame["utterance_id"].tolist() == (
        Manifest.load(path).frame["utterance_id"].tolist()
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_text_formats_become_json_lines_with_the_same_texts(tmp_path, suffix):
    path = tone_corpus(tmp_path / "corpus")
    rows = pd.DataFrame(rows_of(path.parent)).assign(note='quote " and ; and , and \t')
    path = path.with_suffix(suffix)
    rows.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    measure(job(path, tmp_path / "out"))
    assert [row["note"] for row in rows_of(tmp_path / "out")] == rows["note"].tolist()
    before, after = Manifest.load(path), reread(tmp_path / "out", path.parent)
    pd.testing.assert_frame_equal(after.frame[before.frame.columns], before.frame)


def test_parquet_stays_parquet_with_every_type(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tone_corpus(tmp_path / "corpus", sheet={"language": "en"})
    table = pa.Table.from_pylist(rows_of(path.parent))
    n = len(table)
    table = table.append_column("nested", pa.array([{"a": 1}] * n)).append_column(
        "count", pa.array([None, *range(n - 1)])
    )
    path = path.with_suffix(".parquet")
    pq.write_table(table, path)
    measure(job(path, tmp_path / "out"))
    new = pq.read_table(tmp_path / "out" / "manifest.parquet")
    for name in ("nested", "count", "speaker_id"):
        assert new.column(name).to_pylist() == table.column(name).to_pylist()
    assert new.schema.field("nested").type == table.schema.field("nested").type
    assert pa.types.is_integer(new.schema.field("count").type)
    loaded = Manifest.load(tmp_path / "out" / "manifest.parquet", audio_root=path.parent)
    assert set(PROPERTIES) <= {each.name for each in loaded.attributes}


def test_recordings_outside_the_root_are_refused_unless_allowed_and_then_again(tmp_path):
    path = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=1))
    (path.parent / "audio").rename(tmp_path / "elsewhere")
    rows = [row | {"audio_filepath": f"../elsewhere/{row['utterance_id']}.wav"} for row in rows_of(path.parent)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ManifestError, match="inside"):
        job(path, tmp_path / "out")
    answer = measure(job(path, tmp_path / "out", allow_outside=True)).answer
    assert answer.next_options[-1] == "manifest.allow_outside=true"
    with pytest.raises(ManifestError, match="inside"):
        reread(tmp_path / "out", path.parent)
    assert len(reread(tmp_path / "out", path.parent, allow_outside=True)) == len(rows)


def test_the_table_tells_quantiles_over_everybody_and_of_every_accent(corpus, tmp_path):
    answer = measure(job(corpus, tmp_path / "out")).answer
    frame = pd.DataFrame(rows_of(tmp_path / "out"))
    table = pd.read_csv(tmp_path / "out" / "properties.csv").set_index(["dimension", "slice", "property"])
    for accent, of in (("all", frame), *frame.groupby("accent")):
        dimension = "overall" if accent == "all" else "accent"
        for name in PROPERTIES:
            row, numbers = table.loc[dimension, accent, name], of[name].dropna().astype(float)
            assert (row["n_utterances"], row["n_speakers"]) == (len(of), of["speaker_id"].nunique())
            assert row["n_told"] == len(numbers)
            if len(numbers):
                assert row["median"] == pytest.approx(np.median(numbers))
                assert row["q95"] == pytest.approx(np.quantile(numbers, 0.95))
    assert len(table) == 3 * len(PROPERTIES)
    out = io.StringIO()
    show_measured(answer, out)
    assert "Medians by accent" in out.getvalue()
    assert f"manifest.audio_root={corpus.parent}" in out.getvalue().replace("'", "")


def test_what_it_says_to_slice_by_is_a_property_that_could_be_told(tmp_path):
    path = tone_corpus(tmp_path / "corpus")  # its pauses are digital silence: no SNR can be told
    out = io.StringIO()
    show_measured(measure(job(path, tmp_path / "out")).answer, out)
    assert pd.DataFrame(rows_of(tmp_path / "out"))["snr_db"].isna().all()
    assert "slices.by=[level_dbfs]" in out.getvalue()


def test_undeclared_people_are_a_row_of_the_table_and_hostile_names_are_shown_harmless(tmp_path):
    rows = tone_rows(("\x1b[31mred", ""), n_speakers=1)
    path = tone_corpus(tmp_path / "corpus", [row | {"accent": str(row["accent"]).replace("\x1b", "[")} for row in rows])
    answer = measure(job(path, tmp_path / "out")).answer
    assert set(answer.table["slice"]) == {"all", "[[31mred", "undeclared"}
    out = io.StringIO()
    show_measured(answer, out)
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("threads=0", "threads=0; expected 1 or more"),
        ("max_failed=2", r"max_failed=2\.0; expected a share"),
        ("prefix='a & b'", "unusable|&"),
        ("manifest.path=nowhere.csv", "cannot be read"),
        ("manifest.audio_root=nowhere", "no such folder"),
    ],
)
def test_wrong_usage_ends_in_words(corpus, tmp_path, override, words):
    source = () if override.startswith("manifest.path") else (f"manifest.path={corpus}",)
    ended = harness("measure", *source, "out=out", override, cwd=tmp_path)
    assert ended.exit_status in (1, 2)
    assert ended.is_in_words
    assert re.search(words, ended.err)
    assert not (tmp_path / "out").exists()


def test_a_manifest_that_changed_meanwhile_is_not_mixed_with_what_was_read(corpus, tmp_path):
    ready = job(corpus, tmp_path / "out")
    corpus.write_text(corpus.read_text() + "\n")
    with pytest.raises(UsageError, match="has changed since it was read"):
        measure(ready)


def test_a_full_disk_keeps_what_is_measured_and_the_same_command_goes_on(corpus, tmp_path):
    measure(job(corpus, tmp_path / "whole"))
    whole = outputs(tmp_path / "whole")
    with room_for(len(whole[ROWS]) // 2), pytest.raises(StorageError, match="cannot write"):
        measure(job(corpus, tmp_path / "out"))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    with room_for(len(whole[ROWS]) + 100), pytest.raises(StorageError, match=r"choose another out="):
        measure(job(corpus, tmp_path / "out"))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    measure(job(corpus, tmp_path / "out"))
    assert outputs(tmp_path / "out") == whole


@needs_data("fsdd")
def test_real_digits_have_the_band_of_their_8_khz(tmp_path):
    fsdd = REPOSITORY / "manifests" / "fsdd"
    lines = (fsdd / "manifest.jsonl").read_text().splitlines(keepends=True)[::10]
    (tmp_path / "manifest.jsonl").write_text("".join(lines))
    shutil.copy(fsdd / "datasheet.yaml", tmp_path)
    ended = harness(
        "measure", "manifest.path=manifest.jsonl", f"manifest.audio_root={DATA / 'fsdd' / 'recordings'}", "out=out",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 60
    assert all((row["snr_db"] is None) == bool(row[NOTE]) for row in rows)
    assert max(row["bandwidth_hz"] for row in rows) <= 4_000
    assert str(DATA) not in (tmp_path / "out" / "manifest.jsonl").read_text()
