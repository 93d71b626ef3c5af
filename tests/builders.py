"""Small corpora of tones, jobs and commands for the tests of the layers that put the others together."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import soundfile
import yaml

from harness.__main__ import main
from harness.audio import SAMPLE_RATE, Waveform
from harness.backends import Transcript
from harness.backends.tones import VOCABULARY, Tones, synthesise
from harness.corpus import Manifest
from harness.fairness import Policy
from harness.pipelines.benchmark import BenchmarkJob
from harness.pipelines.job import SliceOptions
from harness.scoring import ByLanguage
from harness.transcription import CacheOptions, ExecutorOptions

Row = dict[str, object]
Mishear = Callable[[Row], Waveform | None]  # a row's audio; None: its words as tones

FEW_RESAMPLES = ("policy.n_resamples=200", "policy.n_permutations=200")  # the tests of these numbers are elsewhere
DECLARED = {"accent": {"kind": "accent", "provenance": "self_reported"}}


def tone_rows(accents: Sequence[str] = ("north", "south"), *, n_speakers: int = 5, n_utterances: int = 4) -> list[Row]:
    """Return rows of five words each, `n_speakers` an accent: with the defaults just enough for a verdict."""
    return [
        _row(
            f"{accent_number}{speaker}-{number}", accent, f"s{accent_number}{speaker}", accent_number + speaker + number
        )
        for accent_number, accent in enumerate(accents)
        for speaker in range(n_speakers)
        for number in range(n_utterances)
    ]


def _row(utterance_id: str, accent: str, speaker_id: str, turn: int) -> Row:
    words = [VOCABULARY[(turn + 3 * place) % len(VOCABULARY)] for place in range(5)]
    text = " ".join(words)
    return {
        "utterance_id": utterance_id,
        "audio_filepath": f"audio/{utterance_id}.wav",
        "text": text,
        "speaker_id": speaker_id,
        "accent": accent,
    }


def tone_corpus(
    folder: Path,
    rows: Sequence[Row] | None = None,
    *,
    audio_of: Mishear | None = None,
    attributes: Mapping[str, object] | None = DECLARED,
    sheet: Mapping[str, object] | None = None,
) -> Path:
    """Write a manifest, its audio and (unless attributes is None) a datasheet; return the manifest's path.

    Args:
        folder: Where.
        rows: As `tone_rows` makes them.
        audio_of: What is heard instead of the words.
        attributes: Of the datasheet.
        sheet: More keys of the datasheet.
    """
    rows = tone_rows() if rows is None else rows
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for row in rows:
        heard = audio_of(row) if audio_of else None
        waveform = synthesise(str(row["text"])) if heard is None else heard
        soundfile.write(folder / str(row["audio_filepath"]), waveform, SAMPLE_RATE)
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    if attributes is not None:
        keys = {"name": "tones", "license": "CC0-1.0", "language": "en", "attributes": dict(attributes)}
        (folder / "datasheet.yaml").write_text(yaml.safe_dump(keys | dict(sheet or {})), encoding="utf-8")
    return manifest


def noise_for(accent: str) -> Mishear:
    """Return audio in which nobody hears words for one accent."""
    rng = np.random.default_rng(7)
    return lambda row: rng.normal(0, 0.1, SAMPLE_RATE).astype(np.float32) if row["accent"] == accent else None


@dataclass
class Scripted:
    """Hears tones, except where `fails` says how a call goes wrong; `calls` has the size of each."""

    fails: Callable[[Sequence[Waveform]], list[Transcript] | None] = lambda _: None  # None: it does not
    calls: list[int] = field(default_factory=list)

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        self.calls.append(len(waveforms))
        wrong = self.fails(waveforms)
        return Tones().transcribe(waveforms) if wrong is None else wrong

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "scripted"}


def benchmark_job(manifest: Path, run_dir: Path, **changes: object) -> BenchmarkJob:
    """Return a benchmark through `Tones` without Hydra."""
    backend = changes.pop("backend", None) or Tones()
    options: dict[str, object] = {
        "manifest": Manifest.load(manifest),
        "make_backend": lambda: backend,
        "backend_name": "tones",
        "normalizer": ByLanguage(),
        "policy": Policy(n_resamples=200, n_permutations=200),
        "slices": SliceOptions(),
        "executor": ExecutorOptions(batch_size=4, workers=0),
        "cache": CacheOptions(enabled=False),
        "seed": 0,
        "run_dir": str(run_dir),
        "reference_pattern": None,
        "config": {},
        "config_yaml": "{}\n",
    }
    return BenchmarkJob(**(options | changes))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ended:
    """Is how a command ended."""

    exit_status: int
    out: str
    err: str

    @property
    def is_in_words(self) -> bool:
        """Say whether it ended without a traceback and without calling itself defective."""
        return "Traceback" not in self.err and "this is a defect" not in self.err


def harness(*arguments: object, cwd: Path) -> Ended:
    """Run the command in this process, which saves the seconds of a new one."""
    out, err = io.StringIO(), io.StringIO()
    with _command_line(list(map(str, arguments)), cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    return Ended(status, out.getvalue(), err.getvalue())


@contextmanager
def _command_line(arguments: list[str], cwd: Path) -> Iterator[None]:
    root, before = logging.getLogger(), Path.cwd()
    handlers, level = list(root.handlers), root.level
    try:
        os.chdir(cwd)
        with mock.patch.object(sys, "argv", ["harness", *arguments]):
            yield
    finally:
        os.chdir(before)
        root.handlers[:] = handlers  # Hydra's handler writes to a stream that is gone
        root.setLevel(level)


def harness_process(*arguments: object, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start the command in a process of its own, to be killed, interrupted or inspected."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tables_but_timings(run: Path) -> dict[str, object]:
    """Return what two runs of the same command share: the bytes of every output, without timings."""
    slices = pd.read_csv(run / "slices.csv", keep_default_na=False, dtype=str).drop(columns="rtfx")
    scores = pd.read_parquet(run / "scores.parquet").drop(columns="processing_s")
    return {
        "slices.csv": slices.to_csv(index=False),
        "scores.parquet": scores.to_csv(index=False),
        "disparities.csv": (run / "disparities.csv").read_bytes(),
        "summary.json": (run / "summary.json").read_bytes(),
    }


def hypothesis_lines(run: Path) -> list[dict[str, object]]:
    """Return every whole line of a run's hypotheses, those done twice included."""
    return [
        json.loads(line)
        for path in sorted((run / "hypotheses").glob("*.jsonl"))
        for line in path.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]
