"""Time report.html of 200,000 utterances: writing it, its size, and how soon a browser shows it.

    python benchmarks/report.py [--utterances 200000] [--speakers 2000] [--rounds 3] [--run RUN]

A made-up corpus is scored once by the command; RUN takes a run directory that is there instead. Each round writes the
report in a process of its own, beside a process that only reads the same files with pandas: their ratio says what
making a report costs. Then Chromium (Debian's, driven by Playwright, offline) opens the file afresh: first view is
`first-contentful-paint`, charts is when the last one is drawn, filter and search are from the event to the new list.
Chromium's figures are left out where none is installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
WORDS = np.array(["open", "the", "gate", "and", "close", "every", "window", "before", "rain", "comes", "down", "again"])
ACCENTS = ("canada", "england", "ireland", "scotland", "us", "african", "indian", "")
GENDERS = ("female", "male", "")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def corpus(folder, n_utterances, n_speakers):
    """Write a manifest and transcripts, no two alike; speakers differ in how well they are heard."""
    rng = np.random.default_rng(0)
    said = rng.integers(len(WORDS), size=(n_utterances, 11))
    rates = rng.gamma(2, 0.09, n_speakers)[np.arange(n_utterances) % n_speakers]
    wrong = rng.random(said.shape) < rates[:, None]
    heard = np.where(wrong, rng.integers(len(WORDS), size=said.shape), said)
    with (folder / "corpus.jsonl").open("w") as manifest, (folder / "heard.jsonl").open("w") as transcripts:
        for number, (reference, hypothesis) in enumerate(zip(WORDS[said], WORDS[heard], strict=True)):
            speaker = number % n_speakers
            row = {
                "utterance_id": f"u{number:07d}",
                "speaker_id": f"s{speaker:05d}",
                "accent": ACCENTS[speaker % len(ACCENTS)],
                "gender": GENDERS[speaker % len(GENDERS)],
                "text": " ".join(reference),
            }
            manifest.write(json.dumps(row) + "\n")
            transcripts.write(json.dumps({"utterance_id": row["utterance_id"], "text": " ".join(hypothesis)}) + "\n")


def scored(folder, options):
    """Return the run directory of the corpus, made by the command."""
    corpus(folder, options.utterances, options.speakers)
    files = ["hypotheses=heard.jsonl", "manifest.path=corpus.jsonl", "manifest.language=en"]
    arguments = ["rescore", *files, "report.html=false", "run_dir=run"]
    done = subprocess.run([sys.executable, "-m", "harness", *arguments], cwd=folder, env=environment())
    if done.returncode not in (0, 3):
        raise RuntimeError(f"the command ended with {done.returncode}")
    return folder / "run"


def time_write(run):
    """Return the seconds of writing the report, imports left out, and its bytes."""
    import altair  # noqa: F401
    import jinja2  # noqa: F401

    from harness.report.html import ReportOptions, write_html
    from harness.results import Run

    start_s = time.perf_counter()
    write_html(Run.open(run), ReportOptions())
    return {"seconds": time.perf_counter() - start_s, "bytes": (run / "report.html").stat().st_size}


def time_read(run):
    """Return the seconds of reading the files that the report is made of."""
    import pandas as pd

    start_s = time.perf_counter()
    rows = len(pd.read_parquet(run / "scores.parquet"))
    for path in sorted(run.glob("*.csv")):
        rows += len(pd.read_csv(path))
    for path in sorted(run.glob("*.json")):
        json.loads(path.read_text(encoding="utf-8"))
    return {"seconds": time.perf_counter() - start_s, "rows": rows}


def time_open(file):
    """Return the seconds until a browser shows the first view, all charts, and an answer to a filter and a search."""
    from playwright.sync_api import sync_playwright

    status = "document.querySelector('#explorer [role=status]')"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
        tab = context.new_page()
        start_s = time.perf_counter()
        tab.goto(file.as_uri())
        tab.wait_for_selector("html:not([data-charts=drawing])", state="attached", timeout=300_000)
        charts_s = time.perf_counter() - start_s
        painted_s = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        answered = f"""(change) => new Promise((done) => {{
          const start = performance.now();
          new MutationObserver(() => requestAnimationFrame(() => done(performance.now() - start)))
            .observe({status}, {{ childList: true, characterData: true, subtree: true }});
          change(document.querySelector("#explorer form"));
        }})"""
        filtered_ms = tab.evaluate(f"""() => ({answered})((form) => {{
          const select = form.querySelector("select");
          select.selectedIndex = 1;
          select.dispatchEvent(new Event("change", {{ bubbles: true }}));
        }})""")
        searched_ms = tab.evaluate(f"""() => ({answered})((form) => {{
          const input = form.querySelector("input");
          input.value = "gate close";
          input.dispatchEvent(new Event("input", {{ bubbles: true }}));
        }})""")
        browser.close()
    return {"first view": painted_s, "all charts": charts_s, "filter": filtered_ms / 1000, "search": searched_ms / 1000}


def alone(what, path):
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--what", what, "--run", str(path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def environment():
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}


def can_browse():
    try:
        import playwright  # noqa: F401
    except ImportError:
        return False
    return shutil.which("chromium") is not None


def print_table(rounds):
    names = list(dict.fromkeys(name for each in rounds for name in each))
    print("| | median | of each round |\n|---|---|---|")
    for name in names:
        values = [each[name] for each in rounds if name in each]
        print(f"| {name} | {statistics.median(values):.2f} | {', '.join(f'{value:.2f}' for value in values)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=200_000)
    parser.add_argument("--speakers", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--what", choices=["all", "write", "read", "open"], default="all", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what != "all":
        path = options.run / "report.html" if options.what == "open" else options.run
        print(json.dumps({"write": time_write, "read": time_read, "open": time_open}[options.what](path)))
        return
    with tempfile.TemporaryDirectory() as folder:
        run = (
            scored(Path(folder), options)
            if options.run is None
            else Path(shutil.copytree(options.run, f"{folder}/run"))
        )
        rounds = []
        for _ in range(options.rounds):
            read, written = alone("read", run), alone("write", run)
            figures = {
                "write, s": written["seconds"],
                "read with pandas, s": read["seconds"],
                "write / read": written["seconds"] / read["seconds"],
                "size, MB": written["bytes"] / 1e6,
            }
            opened = alone("open", run) if can_browse() else {}
            rounds.append(figures | {f"{name}, s": seconds for name, seconds in opened.items()})
        print_table(rounds)


if __name__ == "__main__":
    main()
