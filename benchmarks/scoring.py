"""Time rescoring against openai-whisper's normaliser and one call of jiwer on the same texts, or the whole command.

    python benchmarks/scoring.py [--pairs 1000000] [--rounds 1]
    python benchmarks/scoring.py --command [--pairs 1000000] [--rounds 3]

Texts are Common Voice sentences and what three recognisers heard where the real data is (HARNESS_TEST_DATA), else
generated ones. Both ways run in turn, each in its own process, so that neither's memory nor caches help the other, and
the counts of every utterance are compared. `--command` times `harness rescore` from start to exit on a corpus with
speakers and attributes, and on Common Voice as it is.
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

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HARNESS_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "commonvoice"
SYSTEMS = ("whisper_large-v2", "mms_mms-1b-all", "whisper_tiny")
WORDS = ("kestrel", "meadow", "lantern", "harbour", "thistle", "copper", "willow", "ember", "granite", "saffron")
ENDINGS = [" ".join(words) for n_words in (1, 2, 3) for words in itertools.product(WORDS, repeat=n_words)]
ACCENTS = ("england", "us", "scotland", "indian", "african", "canada", "ireland", "undeclared")
N_SPEAKERS = 2_000
COUNTS = ("hits", "substitutions", "deletions", "insertions")


def real_pairs():
    """Yield each sentence with a recogniser's text, then again with other last words, so that no two are equal."""
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
    words = [*"abcdefgh", "the", "don't", "you're", "twenty", "one", "patient", "colour", "said.", "Mr.", "Smith"]
    for i in itertools.count():
        said = [rng.choice(words) for _ in range(rng.randrange(4, 16))]
        heard = [rng.choice(words) if rng.random() < 0.15 else word for word in said if rng.random() > 0.04]
        yield f"{' '.join(said)} {i:x}.", f"{' '.join(heard)} {i:x}."


def write_corpus(folder, n_pairs):
    """Write a manifest and transcripts; who speaks has an accent and a gender."""
    rng = random.Random(2)
    speakers = [(rng.choice(ACCENTS), rng.choice(("female", "male", ""))) for _ in range(N_SPEAKERS)]
    pairs = itertools.islice(real_pairs() if DATA.exists() else generated_pairs(), n_pairs)
    with (folder / "manifest.jsonl").open("w") as manifest, (folder / "heard.jsonl").open("w") as heard:
        for i, (said, recognised) in enumerate(pairs):
            speaker = rng.randrange(N_SPEAKERS)
            accent, gender = speakers[speaker]
            tags = {"speaker_id": f"s{speaker}", "accent": accent, "gender": gender}
            manifest.write(json.dumps({"utterance_id": f"u{i}", "text": said, "language": "en"} | tags) + "\n")
            heard.write(json.dumps({"utterance_id": f"u{i}", "text": recognised}) + "\n")


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
    aligned = jiwer.process_words(said, heard)
    aligned_s = time.perf_counter()
    memory_mb = peak_mb() - before_mb
    np.save(folder / "reference.npy", np.array([counts_of(chunks) for chunks in aligned.alignments], dtype=np.int32))
    parts = {"normalise": normalised_s - start_s, "align words": aligned_s - normalised_s}
    return {"parts": parts, "seconds": aligned_s - start_s, "memory_mb": memory_mb}


def counts_of(chunks):
    """Count hits, substitutions, deletions and insertions of jiwer's alignment of one utterance."""
    counts = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
    for chunk in chunks:
        counts[chunk.type] += max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
    return list(counts.values())


def time_harness(folder):
    from harness.corpus import Manifest
    from harness.scoring import WhisperEnglish, read_hypotheses, score

    rules = WhisperEnglish()
    empty_mb = peak_mb()
    start_s = time.perf_counter()
    manifest = Manifest.load(folder / "manifest.jsonl", require_audio=False)
    loaded_s = time.perf_counter()
    hypotheses = read_hypotheses(folder / "heard.jsonl")
    read_s = time.perf_counter()
    read_mb = peak_mb()
    scores = score(manifest, hypotheses, rules)
    scored_s = time.perf_counter()
    result = {"seconds": scored_s - read_s, "memory_mb": peak_mb() - read_mb, "with_reading_mb": peak_mb() - empty_mb}
    np.save(folder / "harness.npy", scores[list(COUNTS)].to_numpy(np.int32))
    parts = {"load manifest": loaded_s - start_s, "read hypotheses": read_s - loaded_s, "score": scored_s - read_s}
    return result | {"parts": parts | parts_of_score(manifest, hypotheses, scores)}


def parts_of_score(manifest, hypotheses, scores):
    """Time once more, on their own and with nothing remembered, the steps that `score` is made of."""
    from harness.scoring import WhisperEnglish, character_counts, hallucination_flags, word_counts

    rules = WhisperEnglish()
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
    names = ("(normalise)", "(count words)", "(count characters)", "(hallucination flags)")
    return dict(zip(names, (after - before for before, after in itertools.pairwise(times_s)), strict=True))


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(way, folder):
    """Run one way in its own process and return what it measured."""
    # -P: `whisper` is the package, not the script beside this one
    command = [sys.executable, "-P", __file__, "--way", way, "--folder", str(folder)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def environment():
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}


def compare(folder, options):
    """Print the time and memory of both ways, and whether their counts are the same."""
    write_corpus(folder, options.pairs)
    rounds, differing = [], 0
    for _ in range(options.rounds):
        rounds.append({way: run(way, folder) for way in ("reference", "harness")})
        reference, harness = (np.load(folder / f"{way}.npy") for way in ("reference", "harness"))
        differing += int((reference != harness).any(axis=1).sum())
    print(f"{options.pairs} pairs, {'real' if DATA.exists() else 'generated'} texts, median of {options.rounds} rounds")
    for way in ("reference", "harness"):
        for part in rounds[0][way]["parts"]:
            print(f"{way:10}{part:24}{statistics.median(r[way]['parts'][part] for r in rounds):8.2f} s")
        print(f"{way:10}{'total':24}{statistics.median(r[way]['seconds'] for r in rounds):8.2f} s", end="")
        print(f"{statistics.median(r[way]['memory_mb'] for r in rounds):10.0f} MB more at the peak")
    reading_mb = statistics.median(r["harness"]["with_reading_mb"] for r in rounds)
    print(f"harness   manifest, transcripts and scores {reading_mb:8.0f} MB more at the peak")
    for name, measured in (("time", "seconds"), ("memory", "memory_mb")):
        ratios = [r["harness"][measured] / r["reference"][measured] for r in rounds]
        print(f"ratio of {name} in each round:", ", ".join(f"{ratio:.3f}" for ratio in ratios))
    print(f"utterances whose counts differ: {differing}")


def time_command(folder, options):
    """Print the wall time and peak memory of `harness rescore`."""
    write_corpus(folder, options.pairs)
    made = [f"manifest.path={folder / 'manifest.jsonl'}", f"hypotheses={folder / 'heard.jsonl'}"]
    jobs = {f"{options.pairs} utterances, {N_SPEAKERS} speakers, 2 attributes": made}
    if DATA.exists():
        (folder / "manifest.tsv").write_bytes((DATA / "manifest.tsv").read_bytes())
        ids = ["columns.utterance_id=id", "manifest.columns.utterance_id=id", "manifest.language=en"]
        real = [f"manifest.path={folder / 'manifest.tsv'}", f"hypotheses={DATA / 'whisper_large-v2.tsv'}", *ids]
        jobs = {"Common Voice": real} | jobs
    for name, overrides in jobs.items():
        measured = [run_command(folder / f"run{turn}", overrides) for turn in range(options.rounds)]
        times_s, memory_mb = zip(*measured, strict=True)
        print(
            f"{name:50}{statistics.median(times_s):8.1f} s ({', '.join(f'{time_s:.1f}' for time_s in times_s)})", end=""
        )
        print(f"{statistics.median(memory_mb):8.0f} MB at the peak")


def run_command(run_dir, overrides):
    """Return the seconds that the command takes and the memory it has at most."""
    command = [sys.executable, "-m", "harness", "rescore", f"run_dir={run_dir}", *overrides]
    start_s = time.perf_counter()
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start_s
    if os.waitstatus_to_exitcode(status) not in (0, 3):  # 3: the policy is violated
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    subprocess.run(["rm", "-r", str(run_dir)], check=True)
    return seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--command", action="store_true", help="time `harness rescore` from start to exit")
    parser.add_argument("--way", choices=["reference", "harness"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps({"reference": time_reference, "harness": time_harness}[options.way](options.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        (time_command if options.command else compare)(Path(folder), options)


if __name__ == "__main__":
    main()
