"""`harness import_corpus` turns a release into a manifest that every other command takes, all of it or nothing."""

import io
import json
import shlex
import signal
import tarfile
import time

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from harness.corpus import Manifest
from harness.corpus.importers import Imported
from harness.corpus.people import SALT, hashed
from harness.report.imported import show_imported
from tests.builders import FEW_RESAMPLES, harness, harness_process, tone_corpus, tone_rows
from tests.shared import DATA, needs_data

SALTED = "a salt that nobody guesses"
HEADER = "client_id\tpath\tsentence\tage\tgender\taccents"


def release(folder, *rows):
    """Lay out a list of clips as Common Voice does: speaker, clip, sentence, accent."""
    folder.mkdir(parents=True)
    lines = [f"{speaker}\t{clip}.mp3\t{sentence}\t\t\t{accent}" for speaker, clip, sentence, accent in rows]
    (folder / "test.tsv").write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return folder


@pytest.fixture
def corpus(tmp_path):
    rows = [(f"p{n % 3}", f"c{n}", f"sentence {n}", ("Scottish", "", "American")[n % 3]) for n in range(12)]
    return release(tmp_path / "cv-corpus-9.0" / "en", *rows)


def imported(source, *options, cwd, format_="common_voice", status=0):
    ended = harness("import_corpus", f"format={format_}", f"source={source}", "out=out", *options, cwd=cwd)
    assert ended.exit_status == status, ended.err
    return ended


def rows_in(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_was_imported_is_scored_without_any_conversion(corpus, tmp_path):
    out = imported(corpus, cwd=tmp_path).out
    assert "12 utterances of 3 people" in out
    lines = ["utterance_id,text", *(f"c{n},sentence {n}" for n in range(12))]
    (tmp_path / "heard.csv").write_text("\n".join(lines) + "\n")
    ended = harness("rescore", "manifest.path=out/manifest.jsonl", "hypotheses=heard.csv", *FEW_RESAMPLES, cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert "accents" in ended.out


def test_the_corpus_can_be_chosen_by_name_with_its_audio(tmp_path):
    path = tone_corpus(tmp_path / "tones", tone_rows(n_speakers=2, n_utterances=1))
    imported(path, cwd=tmp_path, format_="nemo")
    ended = harness(
        "benchmark", "--config-dir", "out", "manifest=imported", "backend=tones", *FEW_RESAMPLES, cwd=tmp_path
    )
    assert ended.exit_status in (0, 3), ended.err


def test_bad_rows_are_all_named_and_nothing_is_written(tmp_path):
    source = release(tmp_path / "en", ("p1", "c1", "one", ""), ("p1", "c1", "two", ""), ("p2", "c3", "three", ""))
    err = imported(source, cwd=tmp_path, status=1).err
    assert "test.tsv:3" in err
    assert "'c1' of test.tsv:2" in err
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert list((tmp_path / "out").iterdir()) == []


def test_an_import_is_written_anew_and_who_withdrew_before_stays_away(corpus, tmp_path):
    (tmp_path / "gone.txt").write_text("p1\n")
    imported(corpus, "withdrawn=gone.txt", cwd=tmp_path)
    assert len(rows_in(tmp_path / "out")) == 8
    with (tmp_path / "out" / "withdrawn.txt").open("a") as by_hand:
        by_hand.write("p2\n")
    imported(corpus, cwd=tmp_path)
    assert (tmp_path / "out" / "withdrawn.txt").read_text() == "p1\np2\n"
    assert len(rows_in(tmp_path / "out")) == 4
    (tmp_path / "out" / "withdrawn.txt").unlink()
    imported(corpus, cwd=tmp_path)
    assert len(rows_in(tmp_path / "out")) == 12


def test_a_list_of_hashes_is_kept_as_it_is_and_finds_the_same_people(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv(SALT, SALTED)
    (tmp_path / "gone.txt").write_text("p1\n")
    imported(corpus, "hash_speakers=true", "withdrawn=gone.txt", cwd=tmp_path)
    imported(corpus, "hash_speakers=true", cwd=tmp_path)
    assert hashed("p1", SALTED.encode()) in (tmp_path / "out" / "withdrawn.txt").read_text().split()
    assert len(rows_in(tmp_path / "out")) == 8
    imported(corpus, cwd=tmp_path)  # ids as they are now, and the list of hashes
    assert {row["speaker_id"] for row in rows_in(tmp_path / "out")} == {"p0", "p2"}


def test_the_same_import_gives_the_same_bytes(corpus, tmp_path):
    imported(corpus, cwd=tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    imported(corpus, cwd=tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_folder_with_somebody_s_manifest_is_left_alone(corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.jsonl").write_text("mine\n")
    assert "no import has written it" in imported(corpus, cwd=tmp_path, status=2).err
    assert (tmp_path / "out" / "manifest.jsonl").read_text() == "mine\n"


def test_a_killed_import_leaves_the_one_before(corpus, tmp_path):
    imported(corpus, cwd=tmp_path)
    before = (tmp_path / "out" / "manifest.jsonl").read_bytes()
    many = [("p", f"c{n}", "many words in it", "") for n in range(400_000)]
    release(tmp_path / "big", *many)
    command = ("import_corpus", "format=common_voice", "source=big", "out=out")
    process = harness_process(*command, cwd=tmp_path)
    part = tmp_path / "out" / ".import.part" / "manifest.jsonl"
    while not (part.is_file() and part.stat().st_size) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes() == before
    imported(corpus, cwd=tmp_path)
    assert not part.parent.exists()


def test_withdrawn_people_are_counted_and_stay_away_from_later_runs(corpus, tmp_path):
    (tmp_path / "gone.txt").write_text("p1\nsomebody else\n")
    out = imported(corpus, "withdrawn=gone.txt", cwd=tmp_path).out
    assert "Withdrew, and left out: 1 of the people, 4 utterances." in out
    asked = yaml.safe_load((tmp_path / "out" / "import.yaml").read_text())
    assert asked["withdrawn"] == {"speakers": 1, "utterances": 4}
    assert (tmp_path / "out" / "withdrawn.txt").read_text() == "p1\nsomebody else\n"
    assert "p1" not in {row["speaker_id"] for row in rows_in(tmp_path / "out")}


def test_hashed_ids_say_nobody_s_name_and_keep_people_apart(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv(SALT, SALTED)
    (tmp_path / "gone.txt").write_text("p1\n")
    imported(corpus, "hash_speakers=true", "withdrawn=gone.txt", cwd=tmp_path)
    speakers = {row["speaker_id"] for row in rows_in(tmp_path / "out")}
    assert speakers == {hashed("p0", SALTED.encode()), hashed("p2", SALTED.encode())}
    assert (tmp_path / "out" / "withdrawn.txt").read_text() == f"{hashed('p1', SALTED.encode())}\n"
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert SALTED.encode() not in written
    assert b"p1" not in written


def test_hashing_without_a_salt_is_refused(corpus, tmp_path, monkeypatch):
    monkeypatch.delenv(SALT, raising=False)
    assert SALT in imported(corpus, "hash_speakers=true", cwd=tmp_path, status=2).err
    monkeypatch.setenv(SALT, "short")
    assert "16 or more" in imported(corpus, "hash_speakers=true", cwd=tmp_path, status=2).err


def test_ids_that_still_tell_who_speaks_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv(SALT, SALTED)
    source = release(tmp_path / "en", ("anna", "anna_1", "one", ""), ("bela", "x_2", "two", ""))
    out = imported(source, "hash_speakers=true", cwd=tmp_path).out
    assert "1 utterance ids or paths of recordings still contain them" in " ".join(out.split())


def test_a_folding_table_adds_comparable_values_and_keeps_the_corpus_s_own(corpus, tmp_path):
    table = {
        "name": "mine",
        "source": "The author, 2026.",
        "attributes": {"country": {"from": "accents", "values": {"american": "us"}}},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(table))
    out = imported(corpus, "fold=[mine.yaml]", cwd=tmp_path).out
    rows = rows_in(tmp_path / "out")
    assert {(row["accents"], row["country"]) for row in rows} == {
        ("Scottish", "Scottish"),
        ("", ""),
        ("American", "us"),
    }
    attribute = Manifest.load(tmp_path / "out" / "manifest.jsonl", require_audio=False).attributes[-1]
    assert (attribute.name, attribute.provenance.value) == ("country", "self_reported")
    assert "The author, 2026." in attribute.description
    assert "'Scottish' (4)" in " ".join(out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            ["format=artie", "source=corpus", "split=test"], "split: means nothing to format=artie", id="split"
        ),
        pytest.param(["format=fsdd", "source=nowhere"], "no such file or folder", id="nowhere"),
        pytest.param(["format=fsdd", "source=corpus"], "no recordings such as", id="another-corpus"),
        pytest.param(["format=common_voice", "source=corpus"], "no test.tsv in it", id="empty-folder"),
        pytest.param(["format=common_voice", "source=release.tar.gz"], "is an archive. Unpack it", id="archive"),
        pytest.param(["format=fsdd", "source=corpus", "out=corpus"], "is the source itself", id="onto-itself"),
        pytest.param(["format=fsdd", "source=corpus", "fold=[nothing]"], "fold=nothing: no such table", id="fold"),
        pytest.param(["format=fsdd", "source=corpus", "withdrawn=no.txt"], "no such list of people", id="list"),
        pytest.param(["format=fsdd", f"source={'a' * 300}"], "cannot be looked at", id="too-long-a-name"),
        pytest.param(["format=fsdd", "source="], "source= names nothing", id="no-source"),
        pytest.param(["format=fsdd", "source=corpus", "out="], "out= names nothing", id="no-folder"),
        pytest.param(
            ["format=fsdd", "source=corpus", "out=release.tar.gz"], "is a file. Name a folder", id="out-a-file"
        ),
        pytest.param(["format=fsdd", "source=corpus", "datasheet=no.yaml"], "no such file", id="datasheet"),
        pytest.param(["format=nemo", "source=corpus", "language=klingon_x"], "expected a BCP 47 tag", id="language"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(tmp_path, options, said):
    (tmp_path / "corpus").mkdir()
    with tarfile.open(tmp_path / "release.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../evil.tsv"))
    out = [] if any(option.startswith("out=") for option in options) else ["out=out"]
    ended = harness("import_corpus", *options, *out, cwd=tmp_path)
    assert ended.exit_status == 2, ended.err
    assert said in " ".join(ended.err.split())
    assert not (tmp_path.parent / "evil.tsv").exists()


@needs_data("fsdd")
@needs_data("commonvoice")
@needs_data("artie")
@needs_data("edacc")
@pytest.mark.parametrize(
    ("format_", "source", "n_utterances", "n_speakers"),
    [
        pytest.param("fsdd", "fsdd", 600, 6, id="fsdd"),
        pytest.param("artie", "artie", 1712, 969, id="artie"),
        pytest.param("edacc", "edacc/whisper-large-v3-turbo.jsonl", 9177, 60, id="edacc"),
        pytest.param("common_voice", "commonvoice/manifest.tsv", 16335, 0, id="common-voice"),
    ],
)
def test_real_corpora_are_imported_by_one_command(tmp_path, format_, source, n_utterances, n_speakers):
    imported(DATA / source, cwd=tmp_path, format_=format_)
    manifest = Manifest.load(tmp_path / "out" / "manifest.jsonl", require_audio=False)
    assert len(manifest) == n_utterances
    assert manifest.frame["speaker_id"].nunique() == n_speakers


def test_shards_of_a_nemo_manifest_are_named_as_nemo_names_them(tmp_path):
    for shard in range(2):
        row = {"audio_filepath": f"a{shard}.wav", "text": "x", "duration": 1.0, "speaker": f"s{shard}"}
        (tmp_path / f"manifest_{shard}.json").write_text(json.dumps(row) + "\n")
    imported(tmp_path / "manifest__OP_0..1_CL_.json", cwd=tmp_path, format_="nemo")
    assert len(rows_in(tmp_path / "out")) == 2


@pytest.mark.parametrize(
    "name", ["my corpus", "a,b", "it's", "a=b", "caf\u00e9", "back\\slash", "${oc.env:HOME}", "ends\\"]
)
def test_the_commands_on_screen_run_whatever_the_folder_is_called(tmp_path, name):
    imported_ = Imported(tmp_path / name, "x", None, 0, 1, 1, 0, {}, 0, 0, {}, ())
    screen = io.StringIO()
    show_imported(imported_, screen)
    command = "".join(screen.getvalue().split("Score transcripts: ")[1].splitlines())
    override = OverridesParser.create().parse_override(shlex.split(command)[2])
    read = OmegaConf.to_container(OmegaConf.create({"path": str(override.value())}), resolve=True)
    assert read["path"] == str(tmp_path / name / "manifest.jsonl")
