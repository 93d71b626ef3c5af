"""The history is what the run directories say, read where they lie, whatever they are called; none hides another."""

import json
import os
import shutil

import duckdb
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.results.headlines import Reason
from harness.results.history import Where, _database, read_history
from tests.report.builders import finished_run
from tests.results.histories import night, of_manifest, of_system

HOSTILE_FOLDERS = [
    *("a*b", "**", "[1]", "a]b", "{a,b}", "?", "back\\slash", "q'uote", 'dq"uote', "new\nline", "~", "key=value"),
    *("x; DROP TABLE runs", "-- comment", "http:", "per%20cent", "ünïcode", "tab\there", "$HOME", "a,b", " end "),
]
HOSTILE_SLICES = [
    *("NA", "null", "NaN", "#comment", "a\nb", "a\r\nb", 'say "hi"', "a,b", "\x00", " spaces ", "\u202ebidi", "'"),
    *("007", "1e5", "true", "x" * 10_000, "\\N", "<img src=x onerror=alert(1)>", "=1+1", "\\"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("base"), ("north", "south"), deaf_to=["south"])


def table_of(folder, name):
    """Read a table as pandas does, with nothing of the history's code."""
    names = dict.fromkeys(("dimension", "slice", "comparator"), str)
    return pd.read_csv(folder / name, keep_default_na=False, na_values=[""], dtype=names)


def test_frames_hold_what_the_files_hold(run, tmp_path):
    folders = [night(run, tmp_path / "runs" / f"n{day}", day, worse=day / 100) for day in (2, 0, 1)]
    history = read_history([tmp_path])
    by_time = [folders[1], folders[2], folders[0]]
    assert history.runs["path"].tolist() == by_time
    for number, folder in enumerate(by_time):
        for frame, name in ((history.slices, "slices.csv"), (history.gaps, "disparities.csv")):
            found = frame[frame["run"] == number].drop(columns="run").reset_index(drop=True)
            wanted = table_of(folder, name)[list(found.columns)]
            pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_a_headline_holds_what_run_and_summary_say(run, tmp_path):
    folder = night(run, tmp_path / "n", facts=of_system("whisper", model="large-v3"))
    row = read_history([tmp_path]).runs.iloc[0]
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("wer", "wer_low", "wer_high", "n_utterances", "n_speakers", "n_failed", "policy"):
        assert row[name] == summary[name]
    for name in ("dimension", "slice", "verdict"):
        assert row[f"gap_{name}"] == summary["max_gap"][name]
    assert [row["gap"], row["gap_low"], row["gap_high"]] == [
        summary["max_gap"][name] for name in ("gap", "gap_low", "gap_high")
    ]
    assert (row["worst_slice"], row["worst_wer"]) == (summary["worst_slice"]["slice"], summary["worst_slice"]["wer"])
    assert (row["held"], row["system"], row["condition"]) == ("violated", "whisper large-v3", "clean")
    assert [each.slice for each in row["violations"]] == [each["slice"] for each in summary["violations"]]


@pytest.mark.parametrize("name", HOSTILE_FOLDERS)
def test_no_folder_name_is_taken_for_a_pattern(run, tmp_path, name):
    night(run, tmp_path / name, 0, worse=0.25)
    night(run, tmp_path / "a-neighbour-b", 1)
    (tmp_path / "axb").mkdir()
    night(run, tmp_path / "axb" / "1", 2)
    history = read_history([tmp_path])
    assert history.left_out == ()
    (hostile,) = history.runs.loc[history.runs["path"] == tmp_path / name, "run"]
    found = history.slices.loc[history.slices["run"] == hostile, "wer"]
    assert found.tolist() == table_of(tmp_path / name, "slices.csv")["wer"].tolist()


@pytest.mark.parametrize("name", HOSTILE_FOLDERS)
def test_no_root_is_taken_for_a_pattern(run, tmp_path, name):
    night(run, tmp_path / name / "run")
    assert len(read_history([tmp_path / name]).runs) == 1


@pytest.mark.parametrize("name", [pytest.param(name, id=ascii(name)[:20]) for name in HOSTILE_SLICES])
def test_no_name_of_a_slice_is_changed(run, tmp_path, name):
    folder = night(run, tmp_path / "n", name=lambda own: name if own == "south" else own)
    history = read_history([tmp_path])
    assert history.slices["slice"].tolist() == table_of(folder, "slices.csv")["slice"].tolist()
    assert name in history.gaps["slice"].tolist()


def spoil(name, content):
    def spoiled(folder):
        (folder / name).write_bytes(content)

    return spoiled


def change(name, **values):
    def changed(folder):
        told = json.loads((folder / name).read_text())
        (folder / name).write_text(
            json.dumps({key: value for key, value in (told | values).items() if value != "GONE"})
        )

    return changed


def without_column(folder):
    table_of(folder, "slices.csv").drop(columns="wer_low").to_csv(folder / "slices.csv", index=False)


def pipe(folder):
    (folder / "summary.json").unlink()
    os.mkfifo(folder / "summary.json")


BROKEN = [
    pytest.param(lambda folder: (folder / "report.md").unlink(), Reason.unfinished, id="no-report"),
    pytest.param(lambda folder: (folder / "summary.json").unlink(), Reason.unfinished, id="no-summary"),
    pytest.param(change("run.json", finished="GONE"), Reason.unfinished, id="fingerprint-only"),
    pytest.param(pipe, Reason.unfinished, id="summary-is-a-pipe"),
    pytest.param(lambda folder: (folder / "scores.parquet").unlink(), Reason.damaged, id="no-scores"),
    pytest.param(lambda folder: (folder / "slices.csv").unlink(), Reason.damaged, id="no-slices"),
    pytest.param(spoil("run.json", b"{"), Reason.damaged, id="facts-cut-off"),
    pytest.param(spoil("run.json", b"\xff\xfe"), Reason.damaged, id="facts-not-utf-8"),
    pytest.param(spoil("run.json", b"[" * 100_000), Reason.damaged, id="facts-nested-deeply"),
    pytest.param(spoil("run.json", b"[]"), Reason.damaged, id="facts-a-list"),
    pytest.param(spoil("summary.json", b""), Reason.damaged, id="summary-empty"),
    pytest.param(spoil("scores.parquet", b"PAR1 and no more"), Reason.damaged, id="scores-no-parquet"),
    pytest.param(spoil("slices.csv", b""), Reason.damaged, id="slices-empty"),
    pytest.param(spoil("slices.csv", b"\x00\xff\x00" * 100), Reason.damaged, id="slices-bytes"),
    pytest.param(spoil("disparities.csv", b"PK\x03\x04"), Reason.damaged, id="disparities-a-zip"),
    pytest.param(without_column, Reason.older, id="slices-without-a-column"),
    pytest.param(change("run.json", manifest=5), Reason.damaged, id="manifest-a-number"),
    pytest.param(change("run.json", finished="yesterday"), Reason.damaged, id="finished-no-time"),
    pytest.param(change("run.json", finished="0001-01-01 00:00:00 UTC"), Reason.damaged, id="finished-long-ago"),
    pytest.param(change("run.json", policy="GONE"), Reason.older, id="facts-without-policy"),
    pytest.param(change("summary.json", max_gap="GONE"), Reason.older, id="summary-without-gap"),
    pytest.param(change("summary.json", wer="0.1"), Reason.damaged, id="wer-a-text"),
    pytest.param(change("summary.json", passed="yes"), Reason.damaged, id="passed-a-text"),
    pytest.param(change("summary.json", worst_slice=[1]), Reason.damaged, id="worst-slice-a-list"),
    pytest.param(change("run.json", fingerprint="GONE"), Reason.foreign, id="no-fingerprint"),
    pytest.param(spoil("run.json", b'{"name": "another tool"}'), Reason.foreign, id="of-another-tool"),
]


@pytest.mark.parametrize(("breaking", "kind"), BROKEN)
def test_a_run_that_cannot_be_read_is_left_out_and_hides_no_other(run, tmp_path, breaking, kind):
    good = [night(run, tmp_path / name, day) for day, name in enumerate(("a", "c"))]
    bad = night(run, tmp_path / "b", 2)
    breaking(bad)
    history = read_history([tmp_path])
    assert history.runs["path"].tolist() == good
    assert [(each.path, each.kind) for each in history.left_out] == [(bad, kind)]
    assert history.left_out[0].reason
    assert set(history.slices["run"]) == set(history.gaps["run"]) == {0, 1}


@pytest.mark.parametrize(
    ("file", "broken"),
    [
        pytest.param("slices.csv", b"accent,north,1,1,0,1,1,0,0,0,much,,,,,,,\n", id="a-word-for-a-number"),
        pytest.param("slices.csv", b'accent,"no end of this\n', id="a-quote-without-end"),
        pytest.param("slices.csv", b"accent,north,1\n", id="a-short-row"),
        pytest.param("disparities.csv", b"accent,\xff,rest\n", id="bytes-that-are-no-text"),
    ],
)
def test_a_damaged_row_leaves_out_its_run_alone(run, tmp_path, file, broken):
    for day in range(9):
        night(run, tmp_path / str(day), day)
    for day in (3, 4, 8):
        with (tmp_path / str(day) / file).open("ab") as table:
            table.write(broken)
    history = read_history([tmp_path])
    assert [path.name for path in history.runs["path"]] == ["0", "1", "2", "5", "6", "7"]
    assert {each.path.name: each.kind for each in history.left_out} == dict.fromkeys("348", Reason.damaged)
    assert all(each.reason.startswith(file) for each in history.left_out)


def test_tables_of_other_versions_are_read_together(run, tmp_path):
    night(run, tmp_path / "a", 0)
    folder = night(run, tmp_path / "b", 1)
    for name in ("slices.csv", "disparities.csv"):
        table = table_of(folder, name)
        table.assign(new_column=1)[[*reversed(table.columns), "new_column"]].to_csv(folder / name, index=False)
    history = read_history([tmp_path])
    for frame in (history.slices, history.gaps):
        first, second = (frame[frame["run"] == number].drop(columns="run") for number in (0, 1))
        pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))


def test_a_run_that_another_pipeline_made_is_no_measurement(run, tmp_path):
    folder = night(run, tmp_path / "compared", facts={"pipeline": "compare"})
    for name in ("scores.parquet", "slices.csv", "disparities.csv"):
        (folder / name).unlink()
    assert [each.kind for each in read_history([tmp_path]).left_out] == [Reason.other]


def test_a_copied_run_counts_once(run, tmp_path):
    folder = night(run, tmp_path / "n")
    shutil.copytree(folder, tmp_path / "blessed")
    history = read_history([tmp_path])
    assert (len(history.runs), [each.kind for each in history.left_out]) == (1, [Reason.copy])


def test_links_are_followed_once_and_never_in_circles(run, tmp_path):
    night(run, tmp_path / "elsewhere" / "n")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / "again").symlink_to(tmp_path / "elsewhere" / "n")
    (tmp_path / "runs" / "circle").symlink_to(tmp_path / "runs")
    (tmp_path / "runs" / "nowhere").symlink_to(tmp_path / "gone")
    history = read_history([tmp_path / "runs", tmp_path / "runs" / ".." / "elsewhere"])
    assert len(history.runs) == 1
    assert history.left_out == ()


def test_a_folder_whose_name_is_no_text_is_left_out(run, tmp_path):
    night(run, tmp_path / "good")
    night(run, tmp_path / "bad", 1).rename(tmp_path / os.fsdecode(b"\xff\xfe"))
    history = read_history([tmp_path])
    assert (len(history.runs), [each.kind for each in history.left_out]) == (1, [Reason.unreadable])


def test_hidden_folders_and_what_lies_in_a_run_are_not_searched(run, tmp_path):
    folder = night(run, tmp_path / "n")
    night(run, folder / "within", 1)
    night(run, tmp_path / ".trash" / "n", 2)
    assert read_history([tmp_path]).runs["path"].tolist() == [folder]


def test_a_folder_that_is_not_there_is_an_error_and_an_empty_one_is_not(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        read_history([tmp_path / "nothing"])
    history = read_history([tmp_path])
    assert (len(history.runs), len(history.slices), len(history.gaps), history.left_out) == (0, 0, 0, ())


def test_another_manifest_or_normaliser_begins_another_series(run, tmp_path):
    digest = of_manifest(run, digest="other")
    for day, facts in enumerate(({}, {}, digest, digest | {"normalizer": "new"}, digest, of_system("whisper"))):
        night(run, tmp_path / str(day), day, facts=facts)
    runs = read_history([tmp_path]).runs
    assert runs["changed"].tolist() == ["", "", "manifest", "normaliser", "", ""]
    assert runs["series"].tolist() == [0, 0, 1, 2, 1, 3]  # the fifth goes on where the third was
    assert runs["track"].tolist() == [0, 0, 0, 0, 0, 1]


def test_failures_counted_otherwise_and_other_references_are_other_measures(run, tmp_path):
    fingerprint = run.facts["fingerprint"] | {"config.reference_pattern": '"<.*>"'}
    night(run, tmp_path / "0", 0)
    night(run, tmp_path / "1", 1, summary={"failures_count_as": "left_out"})
    night(run, tmp_path / "2", 2, summary={"failures_count_as": "left_out"}, facts={"fingerprint": fingerprint})
    assert read_history([tmp_path]).runs["changed"].tolist() == ["", "how failures count", "reference pattern"]


def test_a_condition_makes_a_track_of_its_own(run, tmp_path):
    for day, names in enumerate((["clean"], ["noise"], ["noise", "clean"])):
        folder = night(run, tmp_path / str(day), day)
        scores = pd.concat([run.scores.assign(condition=name) for name in names])
        scores.to_parquet(folder / "scores.parquet")
    runs = read_history([tmp_path]).runs
    assert runs["condition"].tolist() == ["clean", "noise", "clean + noise"]
    assert runs["track"].nunique() == 3


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        pytest.param(of_system("whisper", model="large-v3"), "whisper large-v3", id="model"),
        pytest.param(of_system("whisper", model=None), "whisper", id="no-model"),
        pytest.param(of_system("nemo", checkpoint="parakeet"), "nemo parakeet", id="checkpoint"),
        pytest.param({"backend": None, "hypotheses": {"file": "amazon.tsv"}}, "amazon.tsv", id="made-elsewhere"),
    ],
)
def test_a_system_is_named_by_backend_and_model_or_by_its_file(run, tmp_path, facts, name):
    night(run, tmp_path / "n", facts=facts)
    assert read_history([tmp_path]).runs["system"].tolist() == [name]


@pytest.mark.parametrize(
    ("policy", "summary", "held"),
    [
        pytest.param(["disparity"], {"passed": True}, "held", id="held"),
        pytest.param(["disparity"], {"passed": False}, "violated", id="violated"),
        pytest.param(["disparity"], {"passed": True, "n_tested": 0}, "untested", id="nothing-tested"),
        pytest.param([], {"passed": True}, "judges_nothing", id="a-policy-that-fails-nothing"),
    ],
)
def test_a_policy_that_tested_or_fails_nothing_was_not_kept(run, tmp_path, policy, summary, held):
    night(run, tmp_path / "n", facts={"policy": run.facts["policy"] | {"fail_on": policy}}, summary=summary)
    assert read_history([tmp_path]).runs["held"].tolist() == [held]


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        pytest.param("2026-03-01 12:00:00 UTC", "2026-03-01T12:00:00", id="utc"),
        pytest.param("2026-03-01 12:00:00 +0530", "2026-03-01T06:30:00", id="east"),
        pytest.param("2026-03-01 12:00:00 -03", "2026-03-01T15:00:00", id="west"),
        pytest.param("2026-03-01 12:00:00 XYZ", "2026-03-01T12:00:00", id="a-zone-nobody-knows"),
        pytest.param("2026-03-01 12:00:00", "2026-03-01T12:00:00", id="no-zone"),
    ],
)
def test_times_are_put_in_one_zone(run, tmp_path, written, utc):
    night(run, tmp_path / "n", facts={"finished": written})
    assert read_history([tmp_path]).runs["finished"].iloc[0] == pd.Timestamp(utc, tz="UTC")


@pytest.fixture
def two_systems(run, tmp_path):
    night(run, tmp_path / "a", 0, facts=of_system("whisper", model="tiny"))
    night(run, tmp_path / "b", 1, facts=of_system("[x]") | of_manifest(run, name="[m]*"))
    return read_history([tmp_path])


@pytest.mark.parametrize(
    ("where", "n_runs", "slices"),
    [
        pytest.param(Where(), 2, {"all", "north", "south"}, id="everything"),
        pytest.param(Where(system="whisper tiny"), 1, {"all", "north", "south"}, id="a-name"),
        pytest.param(Where(system="whis*"), 1, {"all", "north", "south"}, id="a-pattern"),
        pytest.param(Where(system="[x]", manifest="[m]*"), 1, {"all", "north", "south"}, id="a-name-like-a-pattern"),
        pytest.param(Where(dimension="accent", slice="so*"), 2, {"south"}, id="a-slice"),
        pytest.param(Where(dimension="overall"), 2, {"all"}, id="everybody"),
    ],
)
def test_a_part_is_chosen_by_name_or_pattern(two_systems, where, n_runs, slices):
    part = two_systems.where(where)
    assert (len(part.runs), set(part.slices["slice"])) == (n_runs, slices)
    assert set(part.gaps["slice"]) <= slices


@pytest.mark.parametrize("field", ["manifest", "system", "dimension", "slice"])
@pytest.mark.parametrize("name", ["' OR 1=1 --", "nothing"])
def test_a_name_that_fits_nothing_is_an_error_that_names_what_there_is(two_systems, field, name):
    with pytest.raises(UsageError, match=rf"where\.{field}=.*fits nothing; expected one of '"):
        two_systems.where(Where(**{field: name}))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("SELECT * FROM read_text('{outside}')", id="another-file"),
        pytest.param("SELECT * FROM read_text('{folder}/*')", id="a-pattern-over-the-folder"),
        pytest.param("COPY (SELECT 1) TO '{folder}/new.csv'", id="write"),
        pytest.param("ATTACH '{folder}/new.db'", id="attach"),
        pytest.param("SELECT * FROM read_csv('https://example.org/x.csv')", id="network"),
        pytest.param("INSTALL httpfs", id="install"),
        pytest.param("LOAD httpfs", id="load"),
        pytest.param("SET enable_external_access = true", id="unlock"),
    ],
)
def test_the_database_reaches_nothing_but_the_tables(tmp_path, statement):
    inside, outside = tmp_path / "slices.csv", tmp_path / "outside.csv"
    for file in (inside, outside):
        file.write_text("a\n1\n")
    with _database([str(inside)]) as database:
        assert database.execute("SELECT content FROM read_text(?)", [str(inside)]).fetchall() == [("a\n1\n",)]
        with pytest.raises(duckdb.Error):
            database.execute(statement.format(outside=outside, folder=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside.csv", "slices.csv"]


def test_hundreds_of_runs_are_one_history(run, tmp_path):
    base = night(run, tmp_path / "0" / "base")
    told = json.loads((base / "run.json").read_text())
    for number in range(1, 400):
        folder = tmp_path / str(number % 7) / str(number)
        folder.mkdir(parents=True)
        for file in base.iterdir():
            os.link(file, folder / file.name)
        (folder / "run.json").unlink()
        (folder / "run.json").write_text(json.dumps(told | {"seed": number}))
    history = read_history([tmp_path])
    assert len(history.runs) == 400
    assert len(history.slices) == 400 * len(run.slices)
    assert history.slices.groupby("run")["wer"].sum().to_numpy() == pytest.approx(run.slices["wer"].sum())
