"""Nothing in, what made the numbers out: commit, versions, machine; and digests of what went in."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "asr-fairness-harness", "jiwer", "rapidfuzz", "torch", "torchaudio", "openai-whisper", "pandas", "hydra-core",
    "numpy", "pyarrow", "scipy", "soundfile", "pocketsphinx", "transformers", "faster-whisper", "ctranslate2",
    "nemo_toolkit", "openai", "boto3", "ray", "pyroomacoustics", "gpboost", "omegaconf", "more-itertools", "regex",
    "PyYAML",
)  # fmt: skip


def environment() -> dict[str, object]:
    """Return the commit (None outside a checkout), package versions (None when absent), Python, machine and device."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "n_cpus": os.cpu_count(),
        "device": device(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def version(package: str) -> str | None:
    """Return the installed version of a package; None when it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """Return the commit of the harness when it runs from its own checkout, with `+dirty` when that was changed."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "HEAD")
    return f"{head}+dirty" if head and _git(root, "status", "--porcelain", "--untracked-files=no") else head


def device() -> str:
    """Return the name of the GPU that this process has used, or `cpu`; never loads torch to find out."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    return "cpu"


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_recordings(paths: Iterable[str]) -> str:
    """Return a digest of the path, size and time of every recording: other audio under the same name is another run."""
    digest = hashlib.sha256()
    for path in dict.fromkeys(paths):
        status = Path(path).stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
