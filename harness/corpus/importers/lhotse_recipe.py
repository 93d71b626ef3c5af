"""A corpus that lhotse has a recipe for in, as it was released; a record for each supervision with a transcript out.

The recipe is lhotse's own `prepare_<recipe>` (the extra `lhotse`); its code is trusted like that of any package that is
installed, and nothing else is called. Recipes read the headers of recordings, and hold their manifests in memory; some
write beside the corpus, and most leave out, without listing it, what they find no recording or no transcript for.
"""

import pkgutil
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import version
from inspect import Parameter, isfunction, signature
from pathlib import Path
from typing import TYPE_CHECKING

from harness.corpus import cells
from harness.corpus.cells import CellError
from harness.corpus.importers.audio_roots import found_root
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import open_datasheet
from harness.corpus.importers.lhotse import NOBODY_SPEAKS, cut_records
from harness.corpus.importers.lhotse_items import Heard, Utterances, heard
from harness.corpus.importers.lhotse_objects import MIXED, cut_of, lhotse, sources_of
from harness.corpus.importers.open_attributes import read_cell
from harness.errors import UsageError

if TYPE_CHECKING:
    from lhotse import Recording, SupervisionSegment
    from lhotse.cut import Cut

_OUTPUT = ("output_dir", "manifest_dir")  # where a recipe writes manifests; a folder that is thrown away
_PARTS = "dataset_parts"
_ALIASES = {"mini_librispeech": "librispeech"}
_FAILURES = (  # what a recipe raises on a folder that is no such corpus
    *(AssertionError, AttributeError, ArithmeticError, ImportError, LookupError),
    *(OSError, RuntimeError, TypeError, ValueError),
)

Prepare = Callable[..., object]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Is what a recipe made of a part: recordings with supervisions, or cuts."""

    name: str
    recordings: "Iterable[Recording]"
    supervisions: "Iterable[SupervisionSegment]"
    cuts: "Iterable[Cut]"


def read_lhotse_recipe(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Lets lhotse's recipe prepare a corpus; `split` chooses one of the parts that it makes.

    Raises:
        UsageError: There is no such recipe, it needs more than the corpus, it fails on the source, or it makes no
            supervisions.
    """
    if not options.recipe:
        raise UsageError(f"recipe: not given; expected one of lhotse's: {', '.join(known_recipes())}.")
    name = _ALIASES.get(options.recipe, options.recipe)
    prepare = recipe_of(name)
    scratch = Path(tempfile.mkdtemp(prefix="lhotse_recipe_"))
    try:
        parts = _prepared(name, prepare, source.absolute(), scratch, options.split)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    ledger.remark(
        f"prepared by the recipe {name} of lhotse {version('lhotse')}: what the recipe leaves out is not listed here"
    )
    root = found_root(partial(_paths, parts), source, ledger)
    utterances = Utterances(root, ledger)
    records = _records(name, parts, utterances, ledger)
    weakref.finalize(records, shutil.rmtree, scratch, ignore_errors=True)  # manifests may be read from it till then
    return Corpus(replace(open_datasheet(name), language=options.language), records, root.found)


def known_recipes() -> list[str]:
    """Returns the names of lhotse's modules of recipes."""
    return sorted(each.name for each in pkgutil.iter_modules(_recipes_path()) if each.name != "utils")


def _recipes_path() -> Iterable[str]:
    lhotse()
    path: Iterable[str] = import_module("lhotse.recipes").__path__
    return path


def recipe_of(name: str) -> Prepare:
    """Returns a recipe's function, which stands in a module of lhotse's own."""
    names = known_recipes()
    for module in (name, name.rpartition("_")[0], ""):
        if module and module not in names:
            continue
        try:
            place = import_module(f"lhotse.recipes.{module}".rstrip("."))
        except ImportError as error:
            raise UsageError(f"recipe={name}: lhotse's recipe needs a package that is not there: {error}.") from error
        found = getattr(place, f"prepare_{name}", None)
        if isfunction(found) and found.__module__.startswith("lhotse.recipes."):
            return found
    if name in names:
        inside = ", ".join(
            each[len("prepare_") :]
            for each in dir(import_module(f"lhotse.recipes.{name}"))
            if each.startswith("prepare_")
        )
        raise UsageError(f"recipe={name}: lhotse's module of that name has no recipe called so, but {inside}.")
    close = get_close_matches(name[:60], names, n=1)
    advice = f"Did you mean {close[0]}?" if close else f"Expected one of {', '.join(names)}."
    raise UsageError(f"recipe={name[:60]}: lhotse has none of that name. {advice}")


def needed_folders(prepare: Prepare, name: str) -> list[str]:
    """Returns the folders to write into that a recipe cannot do without; refuses one that needs anything else."""
    known = signature(prepare).parameters
    needed = [each.name for each in known.values() if each.default is Parameter.empty][1:]
    missing = [each for each in needed if each not in _OUTPUT]
    if missing:
        raise UsageError(
            f"recipe={name}: needs more than the corpus: {', '.join(missing)}. Run lhotse's own `lhotse prepare` for "
            "it, and import the manifests that it writes with format=lhotse."
        )
    return needed


def _prepared(name: str, prepare: Prepare, source: Path, scratch: Path, split: str | None) -> list[_Prepared]:
    arguments: dict[str, object] = dict.fromkeys(needed_folders(prepare, name), scratch)
    if split is not None and _PARTS in signature(prepare).parameters:
        arguments[_PARTS] = [split]
    try:
        made = prepare(source, **arguments)
    except _FAILURES as error:
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        raise UsageError(
            f"source={source}: lhotse's recipe {name} cannot read it ({problem}). Name the folder of the corpus as its "
            "release is laid out, and the recipe that is for it."
        ) from error
    return _chosen(sorted(_sets(made, ()), key=lambda part: part.name), name, split)


def _sets(made: object, path: tuple[str, ...]) -> Iterator[_Prepared]:
    """Yields what a recipe returned, however deep its mappings are."""
    classes = lhotse()
    name = "/".join(path)
    if isinstance(made, Mapping) and not {"recordings", "supervisions", "cuts"} & set(made):
        for key, inner in made.items():
            yield from _sets(inner, (*path, str(key)))
    elif isinstance(made, Mapping):
        yield _Prepared(name, made.get("recordings") or (), made.get("supervisions") or (), made.get("cuts") or ())
    elif isinstance(made, tuple | list):
        recordings = [each for each in made if isinstance(each, classes.RecordingSet)]
        supervisions = [each for each in made if isinstance(each, classes.SupervisionSet)]
        if recordings and supervisions:
            yield _Prepared(name, recordings[0], supervisions[0], ())
    elif isinstance(made, classes.CutSet):
        yield _Prepared(name, (), (), made)


def _chosen(parts: list[_Prepared], name: str, split: str | None) -> list[_Prepared]:
    found = ", ".join(part.name for part in parts) or "nothing"
    spoken = [part for part in parts if part.supervisions or part.cuts]
    if not spoken:
        raise UsageError(f"recipe={name}: makes no supervisions of it, so nothing can be scored; found {found}.")
    chosen = [part for part in spoken if split is None or split in (part.name, part.name.rpartition("/")[2])]
    if not chosen:
        raise UsageError(f"split={split}: the recipe {name} makes no such part; found {found}.")
    return chosen


def _paths(parts: list[_Prepared]) -> Iterator[str]:
    for part in parts:
        for each in (*part.recordings, *part.cuts):
            yield from sources_of(each.to_dict())


def _records(name: str, parts: list[_Prepared], utterances: Utterances, ledger: Ledger) -> Iterator[Record]:
    for part in parts:
        more: dict[str, object] = {"split": part.name} if len(parts) > 1 else {}
        file = f"{name}/{part.name}" if part.name else name
        known = _heard(part, file, ledger)
        # Recipes list folders and sets in any order: by id, two imports are the same.
        for number, supervision in sorted(enumerate(part.supervisions, start=1), key=lambda each: str(each[1].id)):
            try:
                recording = known.get(supervision.recording_id)
                record = utterances.record(supervision, recording, place=(file, number), more=more)
                if record is not None:
                    yield record
            except CellError as error:
                ledger.refuse(f"{file}:{number}", str(error))
        yield from _of_cuts(part, file, utterances, ledger, more)
    utterances.tell()


def _heard(part: _Prepared, file: str, ledger: Ledger) -> Mapping[str, Heard]:
    known = {}
    for number, recording in enumerate(part.recordings, start=1):
        try:
            known[read_cell("id", recording.id, cells.identifier)] = heard(recording)
        except CellError as error:
            ledger.refuse(f"{file} recordings:{number}", str(error))
    return known


def _of_cuts(
    part: _Prepared, file: str, utterances: Utterances, ledger: Ledger, more: dict[str, object]
) -> Iterator[Record]:
    for number, each in enumerate(part.cuts, start=1):
        try:
            cut = cut_of(each.to_dict())
            if cut is None or not cut.supervisions:
                ledger.leave_out(f"{file}:{number}", MIXED if cut is None else NOBODY_SPEAKS)
                continue
            yield from cut_records(cut, utterances, place=(file, number), more=more)
        except CellError as error:
            ledger.refuse(f"{file}:{number}", str(error))
