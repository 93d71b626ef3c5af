"""Time the import of 2,000,000 rows, and how much memory it takes, against pandas.read_csv of the same file.

    python benchmarks/importing.py [--rows 2000000] [--rounds 3] [--keep FOLDER]

The file is a made-up list of Common Voice's layout: twelve columns, 90,000 speakers, sentences of 3 to 14 words. Each
round runs, one after the other and each in a process of its own, `pandas.read_csv` (every cell a text, no quoting, as
the list has to be read), `pandas.read_csv` followed by what an import must do as well, in pandas (ids unique, rows
written as JSON Lines), and the whole command `harness import_corpus`. Peak memory is that of the process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
COLUMNS = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale segment"
)
WORDS = np.array(["open", "the", "gate", "and", "close", "every", "window", "before", "rain", "comes", "down", "again"])
AGES = ("", "", "", "twenties", "thirties", "fourties", "sixties")
GENDERS = ("", "", "male_masculine", "female_feminine", "do_not_wish_to_say")
ACCENTS = ("", "", "", "United States English", "England English", "India and South Asia (India, Pakistan, Sri Lanka)")
N_SPEAKERS = 90_000
READ = """
import pandas as pd, csv
frame = pd.read_csv(PATH, sep="\\t", quoting=csv.QUOTE_NONE, keep_default_na=False, dtype=str)
"""
WRITE = """
assert frame["path"].is_unique
frame.rename(columns={"path": "utterance_id", "sentence": "text", "client_id": "speaker_id"})[
    ["utterance_id", "text", "speaker_id", "age", "gender", "accents", "variant"]
].to_json(OUT, orient="records", lines=True, force_ascii=False)
"""


def release(folder, n_rows):
    """Write the list; a hundred thousand rows at a time."""
    path = folder / "cv-corpus-0.0" / "en" / "validated.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS.split()) + "\n")
        for start in range(0, n_rows, 100_000):
            numbers = range(start, min(n_rows, start + 100_000))
            lengths = rng.integers(3, 15, size=len(numbers))
            said = WORDS[rng.integers(len(WORDS), size=(len(numbers), 14))]
            file.writelines(map(_row, numbers, said, lengths))
    return path


def _row(number, words, length):
    speaker = (number * 2_654_435_761) % N_SPEAKERS
    said_of = [values[speaker % len(values)] for values in (AGES, GENDERS, ACCENTS)]
    clip = f"common_voice_en_{number + 10_000_000}.mp3"
    cells = [f"{speaker:0128x}", clip, f"{number:064x}", " ".join(words[:length]), "", "2", "0", *said_of, "", "en", ""]
    return "\t".join(cells) + "\n"


def measured(command, folder):
    """Return seconds and peak megabytes of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command[:4]} ended with {os.waitstatus_to_exitcode(status)}")
    return {"seconds": time.perf_counter() - started, "megabytes": used.ru_maxrss / 1_024}


def _environment():
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder for the list, used again where it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        path = folder / "cv-corpus-0.0" / "en" / "validated.tsv"
        if not path.is_file():
            release(folder, options.rows)
        read = READ.replace("PATH", repr(str(path)))
        write = WRITE.replace("OUT", repr(str(Path(temporary) / "pandas.jsonl")))
        imported = [
            "import_corpus",
            "format=common_voice",
            f"source={path.parent}",
            "split=validated",
            f"out={temporary}/out",
        ]
        ways = {
            "pandas.read_csv": [sys.executable, "-c", read],
            "pandas, read, checked, written": [sys.executable, "-c", read + write],
            "harness import_corpus": [sys.executable, "-m", "harness", *imported],
        }
        rounds = [{name: measured(command, temporary) for name, command in ways.items()} for _ in range(options.rounds)]
    result = {"rows": options.rows, "file_megabytes": round(path.stat().st_size / 1e6) if path.is_file() else None}
    for name in ways:
        result[name] = {
            "seconds": [round(each[name]["seconds"], 1) for each in rounds],
            "megabytes": round(max(each[name]["megabytes"] for each in rounds)),
        }
    for name in list(ways)[:2]:
        quotients = [each["harness import_corpus"]["seconds"] / each[name]["seconds"] for each in rounds]
        result[f"time over {name}"] = round(statistics.median(quotients), 2)
    result["memory over pandas.read_csv"] = round(
        result["harness import_corpus"]["megabytes"] / result["pandas.read_csv"]["megabytes"], 3
    )
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
