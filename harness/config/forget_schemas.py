"""The options of `harness forget` in, its schema out."""

from dataclasses import dataclass, field
from typing import Any

from harness.transcription.cache import CacheFileOptions


@dataclass(kw_only=True)
class ForgetConfig:
    """Is the schema of `harness forget`; `speaker`, `where`, `manifests` and `corpus` are one or a list, as `[A,B]`.

    Attributes:
        speaker: Who is to be forgotten, by the id that their corpus has; None: those whom `withdrawn` lists.
        withdrawn: A list of people, a speaker id a line, such as `withdrawn.txt` of a corpus; None: none.
        where: The folders that are looked through, at any depth: runs, baselines, and whatever else was made of them.
        manifests: Manifests that they are in, beside those that runs of theirs were made of.
        corpus: Which corpora, by name or shell pattern, where an id is in several: it may be two people; None: the one.
        apply: Whether anything is removed; else it is only said what would be.
        list_withdrawn: Whether `withdrawn.txt` beside their manifests is to name them, so that no later run has them.
        recordings: Whether recordings are decoded to find what the cache keeps of them; else what runs heard finds it.
    """

    speaker: Any = None
    withdrawn: str | None = None
    where: Any = field(default_factory=lambda: ["runs", "baselines"])
    manifests: Any = None
    corpus: Any = None
    apply: bool = False
    list_withdrawn: bool = True
    recordings: bool = True
    cache: CacheFileOptions = field(default_factory=CacheFileOptions)
