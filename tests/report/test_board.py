"""The board shows every run, what is worst first; it is one file of bounded size, and no name in it is markup."""

import json
import re
import shutil
import threading
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from harness.errors import StorageError
from harness.report import board as board_module
from harness.report.board import MOST_BYTES, render_board, write_board
from harness.report.board_trends import MOST_SLICES, trends
from harness.report.links import link
from harness.results.history import read_history
from tests.report.builders import finished_run
from tests.results.histories import night, of_manifest, of_system

CHROMIUM = shutil.which("chromium")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(1)</script>{{ 7 * 7 }}\u202e\x00"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("base"), ("north", "south"), deaf_to=["south"])


@pytest.fixture(scope="module")
def nights(run, tmp_path_factory):
    """Return a folder with five nights of two systems; one gets worse on the last, one changes its manifest."""
    folder = tmp_path_factory.mktemp("nights") / "runs"
    for day in range(5):
        fine = {"passed": True, "violations": []}
        changed = of_manifest(run, digest="other") if day > 2 else {}
        night(run, folder / f"a{day}", day, facts=of_system("good") | changed, summary=fine, worse=-0.3 + day / 1000)
        night(run, folder / f"b{day}", day, facts=of_system("bad"), worse=-0.1 if day < 4 else 0.0)
    return folder


def many(history, n_runs, n_slices):
    """Return a history of so many runs of so many slices, without as many files."""
    runs = pd.concat([history.runs.iloc[[0]]] * n_runs, ignore_index=True)
    numbers = np.arange(n_runs)
    runs = runs.assign(run=numbers, finished=runs["finished"] + pd.to_timedelta(numbers, unit="D"))
    keys = {"dimension": "accent", "slice": [f"accent number {place}" for place in range(n_slices)]}
    rng = np.random.default_rng(0)
    one = pd.DataFrame(keys | {"n_utterances": 20, "n_speakers": 5, "n_failed": 0})
    slices = pd.concat([one.assign(run=number) for number in numbers], ignore_index=True)
    wer = rng.uniform(0.05, 0.5, len(slices))
    slices = slices.assign(wer=wer, wer_low=wer - 0.04321, wer_high=wer + 0.05432)
    gaps = slices[["run", "dimension", "slice"]].assign(
        comparator="rest", gap=wer - 0.2, gap_low=wer - 0.26543, gap_high=wer - 0.14321, verdict="inconclusive"
    )
    return replace(history, runs=runs, slices=slices, gaps=gaps)


def data_of(page, name="board"):
    """Return the JSON that a page's scripts read."""
    (found,) = re.findall(rf'<script type="application/json" id="data-{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


class Words(HTMLParser):
    """Collects a page's texts and the addresses of its links."""

    def __init__(self):
        super().__init__()
        self.texts, self.links, self.tags, self.open = [], [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)


def words_of(page):
    words = Words()
    words.feed(page)
    return words


def test_every_run_is_listed_with_its_link(nights, tmp_path):
    board = tmp_path / "board"
    words = words_of(write_board(read_history([nights]), board).read_text(encoding="utf-8"))
    reports = {(board / unquote(each)).resolve() for each in words.links if "/report." in each}
    better = [
        folder / ("report.html" if (folder / "report.html").is_file() else "report.md") for folder in nights.iterdir()
    ]
    assert reports == {file.resolve() for file in better}


def test_the_board_is_one_file_that_loads_nothing(nights, tmp_path):
    written = write_board(read_history([nights]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    page = written.read_text(encoding="utf-8")
    assert (
        re.findall(r"""(?:src|srcset|action)=["'][^"']""", re.sub(r"<script.*?</script>", "", page, flags=re.S)) == []
    )
    assert "default-src 'none'" in unescape(page)


def test_the_same_runs_give_the_same_bytes(nights, tmp_path):
    first, again = (write_board(read_history([nights]), tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == again


def test_trends_hold_what_the_tables_hold(nights, tmp_path):
    history = read_history([nights])
    tracks = data_of(render_board(history, tmp_path))["tracks"]
    (bad,) = [track for track in tracks if track["system"] == "bad"]
    (accents,) = [each for each in bad["dimensions"] if each["name"] == "accent"]
    told = {each["name"]: each for each in accents["slices"]}
    for place, folder in enumerate(sorted(nights.glob("b*"))):
        slices = pd.read_csv(folder / "slices.csv").set_index("slice")
        gaps = pd.read_csv(folder / "disparities.csv").set_index("slice")
        for name in ("north", "south"):
            for column in ("wer", "wer_low", "wer_high"):
                assert told[name][column][place] / 10_000 == pytest.approx(slices.loc[name, column], abs=6e-5)
            for column in ("gap", "gap_low", "gap_high"):
                assert told[name][column][place] / 10_000 == pytest.approx(gaps.loc[name, column], abs=6e-5)


def test_what_broke_its_policy_and_rose_most_stands_first(nights, tmp_path):
    page = render_board(read_history([nights]), tmp_path)
    tracks = data_of(page)["tracks"]
    assert [track["system"] for track in tracks] == ["bad", "good"]
    assert page.index('class="alert-head"') < page.index('id="trends"')
    text = " ".join(" ".join(words_of(page).texts).split())
    assert "violated tones · bad 2026-03-05 02:30 report accent south: worse than rest" in text


def test_a_break_of_a_series_is_told(nights, tmp_path):
    page = render_board(read_history([nights]), tmp_path)
    (good,) = [track for track in data_of(page)["tracks"] if track["system"] == "good"]
    assert good["changed"] == {"3": "manifest"}
    assert len(set(good["series"])) == 2
    assert "≠ manifest" in " ".join(words_of(page).texts)


def test_a_gap_against_another_comparator_is_told(run, tmp_path):
    for day, comparator in enumerate(("rest", "rest", "north")):
        folder = night(run, tmp_path / str(day), day)
        gaps = pd.read_csv(folder / "disparities.csv").assign(comparator=comparator)
        gaps.to_csv(folder / "disparities.csv", index=False)
    (track,) = trends(read_history([tmp_path]), most_points=1_000).tracks
    (accents,) = [each for each in track["dimensions"] if each["name"] == "accent"]
    assert accents["slices"][0]["comparators"] == ["rest", "north"]
    assert accents["slices"][0]["against"] == [0, 0, 1]


def write_night(folder, number, *, exit_status=0, changes=(), **cell):
    """Write what `harness nightly` leaves in the folder of a night."""
    cells = [{"name": "a", "measured": True, "reason": "", "standing": "compared", "comparison": ""} | cell]
    facts = {"night": folder.name, "finished": f"2026-03-0{number} 04:00:00 UTC", "exit_status": exit_status}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nightly.json").write_text(
        json.dumps(facts | {"cells": cells, "changes": list(changes)}), encoding="utf-8"
    )
    (folder / "nightly.md").write_text("# Night")


WORSE = {
    "cell": "a", "measure": "slice_wer", "dimension": "accent", "slice": "south", "baseline": 0.2, "tonight": 0.25,
    "verdict": "regression", "reason": "worse by at least 1 point",
}  # fmt: skip


def test_what_got_worse_in_the_newest_night_is_the_first_alert(nights, tmp_path):
    shutil.copytree(nights, tmp_path / "runs")
    write_night(tmp_path / "runs" / "n1", 1, exit_status=3, changes=[WORSE | {"slice": "long ago"}])
    write_night(tmp_path / "runs" / "n2", 2, exit_status=3, changes=[WORSE, WORSE | {"verdict": "better"}])
    page = render_board(read_history([tmp_path / "runs"]), tmp_path)
    text = " ".join(" ".join(words_of(page).texts).split())
    alert = "worse Night n2 report a, WER of accent south: 20.0 % to 25.0 %; worse by at least 1 point violated"
    assert alert in text
    assert text.index("n2 worse 1 a, WER") < text.index("n1 worse 1 a, WER of accent long ago")
    assert "runs/n2/nightly.md" in words_of(page).links


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            {"exit_status": 3, "gate": {"fail_on_policy": True}, "policy": "strict"},
            "policy violated Night n report a violates its policy strict",
            id="policy-alone",
        ),
        pytest.param(
            {"exit_status": 4, "n_failed": 1234},
            "too many clips failed Night n report a: 1,234 clips failed, more than allowed",
            id="clips-that-failed",
        ),
    ],
)
def test_a_night_that_failed_without_getting_worse_is_an_alert_in_its_own_words(nights, tmp_path, options, said):
    shutil.copytree(nights / "a0", tmp_path / "runs" / "a0")
    write_night(tmp_path / "runs" / "n", 1, **options)
    night = json.loads((tmp_path / "runs" / "n" / "nightly.json").read_text())
    night["cells"][0] |= options
    (tmp_path / "runs" / "n" / "nightly.json").write_text(json.dumps(night | {"gate": options.get("gate", {})}))
    text = " ".join(" ".join(words_of(render_board(read_history([tmp_path / "runs"]), tmp_path)).texts).split())
    assert said in text
    assert f"n {said.split(' Night')[0]} 1 a" in text  # in the table, too


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"exit_status": 0}, "n nothing detected 1 –", id="nothing-worse"),
        pytest.param({"exit_status": 0, "standing": "no_baseline"}, "n not judged: no baseline 1 –", id="no-baseline"),
        pytest.param({"exit_status": 4}, "n too many clips failed 1 –", id="too-many-failed"),
        pytest.param(
            {"exit_status": 1, "measured": False, "reason": "signal 9"},
            "n incomplete 1 a was not measured: signal 9",
            id="not-measured",
        ),
        pytest.param(
            {"exit_status": 1, "standing": "not_comparable", "comparison": "other words"},
            "n incomplete 1 a is not comparable with its baseline: other words",
            id="not-comparable",
        ),
        pytest.param(
            {"exit_status": 3, "changes": [WORSE | {"measure": "gap", "slice": HOSTILE}]},
            "n worse 1 a, gap of accent <img src=x onerror=alert(1)></script>",
            id="a-hostile-slice",
        ),
        pytest.param({"changes": [{}]}, "n unreadable 0 nightly.json cannot be read ('verdict')", id="damaged"),
    ],
)
def test_every_night_is_listed_with_how_it_ended(nights, tmp_path, options, said):
    shutil.copytree(nights / "a0", tmp_path / "runs" / "a0")
    write_night(tmp_path / "runs" / "n", 1, **options)
    words = words_of(render_board(read_history([tmp_path / "runs"]), tmp_path))
    assert said in " ".join(" ".join(words.texts).split())
    assert "img" not in words.tags


def test_no_name_is_markup(run, tmp_path):
    for day in range(2):
        facts = of_system(HOSTILE) | of_manifest(run, name=f"m{HOSTILE}")
        broken = [{"dimension": HOSTILE, "slice": HOSTILE, "verdict": "disparity", "reason": HOSTILE}]
        gap = run.summary["max_gap"] | {"slice": HOSTILE}
        folder = tmp_path / "runs" / f"{day}<img src=x onerror=alert(1)>"
        summary = {"violations": broken, "passed": False, "max_gap": gap}
        night(run, folder, day, facts=facts, summary=summary, name=lambda own: HOSTILE if own == "south" else own)
    (tmp_path / "runs" / "<script>alert(2)<").mkdir()
    (tmp_path / "runs" / "<script>alert(2)<" / "run.json").write_text("{")
    page = render_board(read_history([tmp_path / "runs"]), tmp_path)
    words = words_of(page)
    assert "img" not in words.tags
    assert "<img src=x onerror=alert(1)></script><script>alert(1)</script>{{ 7 * 7 }}" in "".join(words.texts)
    assert not {"\u202e", "\x00"} & set(page)
    scripts = re.findall(r"<script(?: [^>]*)?>", page)
    assert [each for each in scripts if "type" not in each] == ["<script>"] * 3  # Vega, page.js, board.js


@pytest.mark.parametrize(
    "name",
    ["a b", "ä", "100%", "#top", "?q=1", "javascript:alert(1)", "a&b", "q'uote", 'dq"', "..b", "new\nline", "\udcff"],
)
def test_a_link_leads_to_its_file_and_nowhere_else(tmp_path, name):
    file = tmp_path / name / "report.md"
    file.parent.mkdir()
    file.touch()
    address = link(file, tmp_path / "board")
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", address)
    assert not address.startswith("//")
    (tmp_path / "board").mkdir()
    assert (tmp_path / "board" / unquote(address, errors="surrogateescape")).samefile(file)


def test_a_link_from_a_linked_folder_leads_there_too(nights, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "board").symlink_to(tmp_path / "deep" / "er")
    file = nights / "a0" / "report.md"
    assert (tmp_path / "deep" / "er" / unquote(link(file, tmp_path / "board"))).samefile(file)


def test_a_thousand_runs_of_thirty_slices_stay_within_the_size(nights, tmp_path):
    page = render_board(many(read_history([nights]), 1_000, 30), tmp_path)
    assert len(page.encode()) <= MOST_BYTES
    (track,) = data_of(page)["tracks"]
    assert len(track["times"]) > 300
    assert f"only the newest {len(track['times'])} runs are drawn" in page


def test_many_slices_and_long_names_stay_within_the_size_and_are_counted(nights, tmp_path):
    history = many(read_history([nights]), 30, 300)
    runs = history.runs.assign(
        system=[f"{number}{'ü' * 9_000}" for number in history.runs["run"]], track=history.runs["run"]
    )
    page = render_board(replace(history, runs=runs), tmp_path)
    assert len(page.encode()) <= MOST_BYTES
    shown = data_of(page)["tracks"]
    assert all(len(each["dimensions"][0]["slices"]) == MOST_SLICES for each in shown)
    assert all(each["dimensions"][0]["n_slices"] == 300 for each in shown)


def test_older_runs_than_are_listed_are_counted(nights, tmp_path, monkeypatch):
    monkeypatch.setattr(board_module, "MOST_RUNS", 4)
    words = words_of(render_board(read_history([nights]), tmp_path))
    assert "6 older ones are not listed" in " ".join(words.texts)


def test_points_are_shared_by_all_tracks(nights):
    history = many(read_history([nights]), 90, 10)
    runs = history.runs.assign(track=history.runs["run"] % 3)
    few = trends(replace(history, runs=runs), most_points=310)
    assert (few.n_runs, few.n_cut, few.n_left_out) == (10, 3, 0)
    assert sum(len(each["times"]) for each in few.tracks) == 30
    fewer = trends(replace(history, runs=history.runs), most_points=1)  # two runs of 90 tracks of one run each
    assert len(fewer.tracks) == 1


def test_a_board_names_no_speaker(run, tmp_path):
    folder = night(
        run, tmp_path / "runs" / "n", summary={"max_gap": run.summary["max_gap"] | {"dimension": "speaker_id"}}
    )
    for name in ("slices.csv", "disparities.csv"):
        table = pd.read_csv(folder / name)
        table.assign(dimension=table["dimension"].replace("accent", "speaker_id")).to_csv(folder / name, index=False)
    page = render_board(read_history([tmp_path / "runs"]), tmp_path)
    (track,) = data_of(page)["tracks"]
    assert [each["name"] for each in track["dimensions"]] == ["overall"]
    assert "a speaker" in page


def test_a_folder_without_runs_has_a_board_too(tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    text = " ".join(words_of(render_board(read_history([tmp_path]), tmp_path)).texts)
    assert "No finished run is here yet" in text
    assert "1 folder is not on this board" in " ".join(text.split())


def test_two_writers_at_once_leave_a_whole_board(nights, tmp_path):
    history = read_history([nights])
    smaller = history.of_runs(history.runs.head(4))
    wanted = {render_board(each, tmp_path) for each in (history, smaller)}
    writers = [threading.Thread(target=lambda each=each: write_board(each, tmp_path)) for each in (history, smaller)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        if (tmp_path / "index.html").exists():
            seen.add((tmp_path / "index.html").read_text(encoding="utf-8"))
    for writer in writers:
        writer.join()
    assert seen <= wanted
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_made_is_an_error_in_words(nights, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make this folder"):
        write_board(read_history([nights]), tmp_path / "file" / "board")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on the path")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a board with the network off; whatever the browser complains of fails the test."""
    complaints = []
    contexts = []

    def opening(file, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        tab.goto(Path(file).as_uri())
        drawn(tab)
        return tab

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []


def drawn(tab):
    """Wait until the trends and the charts are drawn."""
    tab.wait_for_selector("#trend-drawing[data-drawn] svg")
    tab.wait_for_function("document.documentElement.dataset.charts === 'drawn'")


@pytest.fixture(scope="module")
def board(nights, tmp_path_factory):
    return write_board(read_history([nights]), tmp_path_factory.mktemp("board"))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_opens_from_disk_without_a_network(opened, board, width, scheme):
    tab = opened(board, width, scheme)
    assert tab.locator("#trend-drawing svg").count() == 1
    assert tab.locator("#systems figure svg").count() >= 1
    assert tab.evaluate("document.documentElement.scrollWidth") == width  # only tables scroll, in their own box


def test_runs_are_filtered_and_sorted(opened, board):
    tab = opened(board)
    listed = tab.locator("#run-table tbody tr:visible")
    assert listed.count() == 10
    tab.select_option("#run-policy", "violated")
    assert listed.count() == 5
    assert tab.locator("#run-count").inner_text() == "5 of 10 runs."
    tab.fill("#run-text", "no such run")
    assert listed.count() == 0
    tab.fill("#run-text", "2026-03-05")
    assert listed.count() == 1
    tab.fill("#run-text", "")
    tab.select_option("#run-policy", "")
    tab.click("#run-table th button >> text=WER")
    percents = [float(text.split(" %")[0]) for text in tab.locator("#run-table td:nth-child(5)").all_inner_texts()]
    assert percents == sorted(percents, reverse=True)


def test_the_first_hundred_runs_are_listed_until_all_are_asked_for(opened, nights, tmp_path):
    tab = opened(write_board(many(read_history([nights]), 250, 3), tmp_path))
    listed = tab.locator("#run-table tbody tr:visible")
    assert listed.count() == 100
    tab.click("#run-more")
    assert listed.count() == 250


def test_trends_follow_what_is_chosen(opened, board):
    tab = opened(board)
    assert tab.locator("#trend-track option").all_inner_texts() == ["tones · bad (violated)", "tones · good"]
    headers = "#trend-drawing svg .role-column-header text, #trend-drawing svg .role-header text"
    tab.wait_for_function("document.querySelectorAll('#trend-drawing svg').length === 1")
    assert tab.locator("#trend-drawing svg").get_by_text("south").count() == 1, headers
    tab.select_option("#trend-track", "1")
    tab.select_option("#trend-measure", "wer")
    tab.wait_for_function("document.getElementById('trend-caption').textContent.includes('manifest changed')")
    tab.click("#trends summary")
    rows = tab.locator("#trend-table tbody tr").all_inner_texts()
    assert {row.split("\t")[0] for row in rows} == {"north", "south"}
    assert {row.split("\t")[-1] for row in rows} == {"2"}  # comparable runs: those since the manifest changed


def test_a_report_is_a_click_away(opened, board):
    tab = opened(board)
    address = tab.locator("#run-table tbody a").first.evaluate("link => link.href")
    assert Path(unquote(address.removeprefix("file://"))).is_file()


def test_hostile_names_are_read_and_not_run(opened, run, tmp_path):
    for day in range(2):
        facts = of_system(HOSTILE) | of_manifest(run, name=HOSTILE)
        folder = tmp_path / "runs" / str(day)
        night(run, folder, day, facts=facts, name=lambda own: HOSTILE if own == "south" else own)
    tab = opened(write_board(read_history([tmp_path / "runs"]), tmp_path / "board"))
    assert tab.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>" in tab.locator("#trend-drawing").inner_text()
    tab.click("#trends summary")
    assert "<img src=x onerror=alert(1)>" in tab.locator("#trend-table").inner_text()


def test_a_thousand_runs_can_be_looked_through(opened, nights, tmp_path):
    tab = opened(write_board(many(read_history([nights]), 1_000, 30), tmp_path))
    assert tab.locator("#run-count").inner_text() == "1,000 runs."
    tab.fill("#run-text", "2027-01-01")
    assert tab.locator("#run-table tbody tr:visible").count() == 1
