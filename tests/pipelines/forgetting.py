"""A corpus that was used for everything, with a person who is nearly everywhere, for the tests of `harness forget`."""

import gzip
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from harness.provenance import digest_of_file
from tests.builders import FEW_RESAMPLES, Ended, harness, tone_corpus, tone_rows

WHO, OTHER = "wanda-quokka-77", "s01"  # a speaker id like no other text, and somebody who stays
SAID = ("nine nine eight seven seven six nine", "zero nine zero nine zero eight eight")  # by nobody else
CHEAP = (*FEW_RESAMPLES, "evidence.adjusted=false", "evidence.metrics=false")
QUICK = (*CHEAP, "evidence.sensitivity=false", "report.html=false")
HEARD_BY = ("backend=tones", "executor.workers=0", "cache.path=cache/transcripts.sqlite")


@dataclass(frozen=True)
class Home:
    """Is a folder with a corpus and what was made of it."""

    path: Path

    def run(self, *words: object) -> Ended:
        """Run a command in it."""
        return harness(*words, cwd=self.path)

    def made(self, *words: object) -> Ended:
        """Run a command in it that has to succeed."""
        ended = self.run(*words)
        assert ended.exit_status in (0, 3), ended.err
        return ended

    def forget(self, *words: object, who: str = WHO) -> Ended:
        """Forget somebody."""
        return self.run("forget", f"speaker={who}", "cache.path=cache/transcripts.sqlite", *words)


def corpus(folder: Path, *, n_speakers: int = 6) -> Home:
    """Write a corpus of tones in which one speaker says what nobody else does."""
    rows = tone_rows(n_speakers=n_speakers, n_utterances=4)
    theirs = [
        rows[0]
        | {"utterance_id": f"{WHO}-{number}", "audio_filepath": f"audio/{WHO}-{number}.wav", "text": text}
        | {"speaker_id": WHO}
        for number, text in enumerate(SAID)
    ]
    (folder / "corpus").mkdir(parents=True)
    tone_corpus(folder / "corpus", [*rows[:3], *theirs, *rows[3:]])
    return Home(folder)


def transcripts(home: Home) -> None:
    """Write transcripts of the corpus as somebody else's recogniser may have made them."""
    rows = [json.loads(line) for line in (home.path / "corpus/manifest.jsonl").read_text().splitlines()]
    heard = [{"utterance_id": row["utterance_id"], "text": row["text"]} for row in rows]
    (home.path / "heard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in heard))


def everything(home: Home) -> None:
    """Use the corpus for everything that leaves something behind."""
    manifest = "manifest.path=corpus/manifest.jsonl"
    transcripts(home)
    (home.path / "terms.csv").write_text("term\nnine\neight\n")
    home.made("benchmark", manifest, *HEARD_BY, "run_dir=runs/heard", *QUICK)
    slow = ("condition=[noise_white,slow]", "conditions.noise_white.snr_db=20", "conditions.slow.factor=0.9")
    home.made("last_mile", manifest, *HEARD_BY, *slow, "run_dir=runs/mile", *QUICK)
    home.made("rescore", manifest, "hypotheses=heard.jsonl", "run_dir=runs/scored", "terms=terms.csv", *CHEAP)
    home.made("rescore", manifest, "hypotheses=heard.jsonl", "run_dir=runs/people", "slices.by=[speaker_id]", *QUICK)
    home.made("report", "run=runs/scored")
    home.made("compare", "baseline=runs/people", "candidate=runs/people", "run_dir=runs/compared", *FEW_RESAMPLES)
    home.made("discover", "run=runs/heard", "run_dir=runs/found", *FEW_RESAMPLES)
    home.made("describe", manifest, "run_dir=runs/described", "against=[corpus/manifest.jsonl]")
    home.made("measure", manifest, "out=runs/measured")
    audit = ("audit.workers=[0]", "audit.batch_sizes=[1,4]", "backend=tones")
    home.made("audit_invariance", manifest, *audit, "run_dir=runs/audited", *FEW_RESAMPLES)
    home.made("export", "run=runs/heard", "format=parquet", "out=runs/exported")
    home.made("export", manifest, "format=lhotse", "out=runs/for_lhotse")
    home.made("bundle", "run=runs/heard", "out=runs/claim.tar", "references=include")
    home.made("service_card", "run=runs/heard", "out=runs/card")
    home.made("bless", "run=runs/heard", "baselines=baselines")
    home.made("cache", "action=export", "out=runs/cached.jsonl", "cache.path=cache/transcripts.sqlite")
    unfinished(home)
    (home.path / "runs/night.log").write_text(f"WARNING {WHO}-0: cannot be decoded\nutterance '{WHO}-1' failed\n")
    shutil.copy(home.path / "cache/transcripts.sqlite", home.path / "cache/transcripts.sqlite.damaged-1")


def unfinished(home: Home) -> None:
    """Leave a run behind as a kill leaves it: part of a line, part of a file, no tables."""
    run, half = home.path / "runs/heard", home.path / "runs/half"
    (half / "hypotheses").mkdir(parents=True)
    facts = json.loads((run / "run.json").read_text())
    (half / "run.json").write_text(json.dumps({"fingerprint": facts["fingerprint"]}))
    shutil.copy(run / "config.yaml", half / "config.yaml")
    (line,) = (run / "hypotheses/0001.jsonl").read_text().splitlines(keepends=True)[:1]
    theirs = json.dumps({**json.loads(line), "utterance_id": f"{WHO}-0", "text": SAID[0]}) + "\n"
    (half / "hypotheses/0001.jsonl").write_text(line + theirs + theirs[:-20])
    (half / ".scores.parquet.999999999-0123abcd.part").write_text(theirs)


def naming(folder: Path, *texts: str) -> list[str]:
    """Return the files below a folder in which any of the texts can be read, by whatever they are written in."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and any(text.encode() in data for data in contents(path) for text in texts):
            found.append(path.relative_to(folder).as_posix())
    return found


def contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and what they hold unpacked."""
    data = path.read_bytes()
    yield data
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"PAR1"):
        yield from (str(column.to_pylist()).encode() for column in pyarrow.parquet.read_table(path).columns)
    if path.suffix == ".tar":
        with tarfile.open(path) as archive:
            yield from (file.read() for member in archive if (file := archive.extractfile(member)))
    if data.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as connection:
            yield from (bytes(text) for (text,) in connection.execute("SELECT CAST(text AS BLOB) FROM transcripts"))
        connection.close()


def scores_of(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "scores.parquet")


def tree(folder: Path) -> dict[Path, str]:
    """Return the digest of every file below a folder."""
    return {path.relative_to(folder): digest_of_file(path) for path in folder.rglob("*") if path.is_file()}


def rescore(home: Home, run_dir: object, *words: object) -> Ended:
    """Score the transcripts of the corpus."""
    source = ("manifest.path=corpus/manifest.jsonl", "hypotheses=heard.jsonl", f"run_dir={run_dir}")
    return home.made("rescore", *source, *QUICK, *words)
