"""Time reading, normalising and scoring against openai-whisper's normaliser and one call of jiwer on the same texts.

    python benchmarks/scoring.py [--pairs 100000] [--rounds 3]

Texts are Common Voice sentences and what three recognisers heard where the real data is (HARNESS_TEST_DATA), else
generated ones. Both ways run in turn, each in its own process, so that neither's memory nor caches help the other.
"""

import argparse
import csv
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "commonvoice"
SYSTEMS = ("whisper_large-v2", "mms_mms-1b-all", "whisper_tiny")
ENDINGS = ("kestrel", "meadow", "lantern", "harbour", "thistle", "copper", "willow", "ember", "granite", "saffron")


def real_pairs():
    """Yield each sentence with each recogniser's text, then again with another last word, so that no two are equal."""
    said = texts_of(DATA / "manifest.tsv")
    heard = [texts_of(DATA / f"{system}.tsv") for system in SYSTEMS]
    for turn, ending in enumerate(ENDINGS):
        for utterance_id, text in said.items():
            yield f"{text} {ending}", f"{heard[turn % len(heard)][utterance_id]} {ending}"


def texts_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["text"] for row in csv.DictReader(file, delimiter="\t")}


def generated_pairs():
    rng = random.Random(1)
    words = [
        *"abcdefgh",
        "the",
        "don't",
        "you're",
        "twenty",
        "one",
        "patient",
        "colour",
        "said.",
        "We",
        "Mr.",
        "Smith",
        "it",
    ]
    for i in itertools.count():
        said = [rng.choice(words) for _ in range(rng.randrange(4, 16))]
        heard = [rng.choice(words) if rng.random() < 0.15 else word for word in said if rng.random() > 0.04]
        yield f"{' '.join(said)} {i:x}.", f"{' '.join(heard)} {i:x}."


def write_corpus(folder, n_pairs):
    pairs = list(itertools.islice(real_pairs() if DATA.exists() else generated_pairs(), n_pairs))
    with (folder / "manifest.jsonl").open("w") as manifest, (folder / "heard.jsonl").open("w") as heard:
        for i, (said, recognised) in enumerate(pairs):
            manifest.write(json.dumps({"utterance_id": f"u{i}", "text": said, "speaker_id": f"s{i % 500}"}) + "\n")
            heard.write(json.dumps({"utterance_id": f"u{i}", "text": recognised}) + "\n")
    return len(pairs)


def time_reference(folder):
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    rules = EnglishTextNormalizer()
    said, heard = (
        [json.loads(line)["text"] for line in (folder / name).open()] for name in ("manifest.jsonl", "heard.jsonl")
    )
    before_mb = peak_mb()
    start_s = time.perf_counter()
    said, heard = [rules(text) for text in said], [rules(text) for text in heard]
    normalised_s = time.perf_counter()
    jiwer.process_words(said, heard)
    aligned_s = time.perf_counter()
    parts = {"normalise": normalised_s - start_s, "align words": aligned_s - normalised_s}
    return {"parts": parts, "seconds": aligned_s - start_s, "memory_mb": peak_mb() - before_mb}


def time_harness(folder):
    from harness.corpus import Manifest
    from harness.scoring import WhisperEnglish, read_hypotheses, score

    rules = WhisperEnglish()
    before_mb = peak_mb()
    start_s = time.perf_counter()
    manifest = Manifest.load(folder / "manifest.jsonl", require_audio=False)
    loaded_s = time.perf_counter()
    hypotheses = read_hypotheses(folder / "heard.jsonl")
    read_s = time.perf_counter()
    scores = score(manifest, hypotheses, rules)
    scored_s = time.perf_counter()
    result = {"seconds": scored_s - start_s, "memory_mb": peak_mb() - before_mb}
    parts = {"load manifest": loaded_s - start_s, "read hypotheses": read_s - loaded_s, "score": scored_s - read_s}
    return result | {"parts": parts | parts_of_score(manifest, hypotheses, rules, scores)}


def parts_of_score(manifest, hypotheses, rules, scores):
    """Time once more, on their own, the steps that `score` is made of."""
    from harness.scoring import character_counts, hallucination_flags, word_counts

    said, heard = scores["reference"].tolist(), scores["hypothesis"].tolist()
    times_s = [time.perf_counter()]
    for text in itertools.chain(manifest.frame["text"], hypotheses["text"]):
        rules(text)
    times_s.append(time.perf_counter())
    words = word_counts(said, heard)
    times_s.append(time.perf_counter())
    character_counts(said, heard)
    times_s.append(time.perf_counter())
    hallucination_flags(said, heard, words, scores["failed"].to_numpy())
    times_s.append(time.perf_counter())
    names = ("(normalise)", "(align words)", "(align characters)", "(hallucination flags)")
    return dict(zip(names, (after - before for before, after in itertools.pairwise(times_s)), strict=True))


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(way, folder):
    """Run one way in its own process and return what it measured."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=["reference", "harness"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps({"reference": time_reference, "harness": time_harness}[options.way](options.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        n_pairs = write_corpus(Path(folder), options.pairs)
        rounds = [{way: run(way, folder) for way in ("reference", "harness")} for _ in range(options.rounds)]
    print(f"{n_pairs} pairs, {'real' if DATA.exists() else 'generated'} texts, median of {options.rounds} rounds")
    for way in ("reference", "harness"):
        for part in rounds[0][way]["parts"]:
            print(f"{way:10}{part:24}{statistics.median(r[way]['parts'][part] for r in rounds):8.2f} s")
        print(f"{way:10}{'total':24}{statistics.median(r[way]['seconds'] for r in rounds):8.2f} s", end="")
        print(f"{statistics.median(r[way]['memory_mb'] for r in rounds):10.0f} MB more at the peak")
    ratios = [r["harness"]["seconds"] / r["reference"]["seconds"] for r in rounds]
    print("ratio of each round:", ", ".join(f"{ratio:.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
