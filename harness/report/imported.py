"""What was imported in, its counts and what to do next on screen out."""

import re
import shlex
from pathlib import Path
from typing import IO

from harness.corpus.importers import Imported
from harness.corpus.importers.placing import LEFT_OUT_FILE, MANIFEST_FILE
from harness.corpus.importers.writing import CHOICE, literal
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.wording import plain

_PLAIN = re.compile(r"[A-Za-z0-9_./~-]+")
_BEFORE_A_QUOTE = re.compile(r"(\\*)('|$)")


def show_imported(imported: Imported, out: IO[str]) -> None:
    """Print who was imported, what was left out and why, and the commands that go on from there."""
    console = console_on(out)
    if imported.n_values:
        columns = [Column("attribute", is_name=True), Column("values")]
        rows = [(name, f"{n:,}") for name, n in imported.n_values.items()]
        console.print(grid(f"Attributes of {imported.name}", columns, rows, width=console.width))
    say(console, f"{imported.n_utterances:,} utterances of {_people(imported)}: {imported.path / MANIFEST_FILE}")
    if imported.n_recordings:
        say(console, f"{imported.n_recordings:,} recordings, which the source holds in itself, are written beside it.")
    for reason, n in imported.n_left_out.items():
        say(console, plain(f"Left out, {n:,} rows: {reason}. {LEFT_OUT_FILE} lists them."))
    if imported.n_withdrawn_speakers:
        n = imported.n_withdrawn_utterances
        say(console, f"Withdrew, and left out: {imported.n_withdrawn_speakers:,} of the people, {n:,} utterances.")
    for note in imported.notes:
        say(console, plain(f"Note: {note}"))
    for what, command in _commands(imported):
        say(console, plain(f"{what}: {command}"))


def _people(imported: Imported) -> str:
    unknown = imported.n_without_speaker
    if unknown == imported.n_utterances:
        return "people that the corpus does not tell apart"
    known = f"{imported.n_speakers:,} people"
    return f"{known}, {unknown:,} of nobody known" if unknown else known


def _commands(imported: Imported) -> list[tuple[str, str]]:
    manifest = shlex.quote(f"manifest.path={_value(imported.path / MANIFEST_FILE)}")
    if imported.audio_root is None:
        commands = [("Who is in it", f"harness describe {manifest}")]
    else:
        chosen = f"--config-dir {shlex.quote(str(imported.path))} manifest={CHOICE}"
        commands = [("Who is in it", f"harness describe {chosen}")]
        commands.append(("Measure a recogniser", f"harness benchmark {chosen}"))
    commands.append(("Score transcripts", f"harness rescore {manifest} hypotheses=FILE"))
    return commands


def _value(path: Path) -> str:
    """Returns a path as Hydra's command line takes it: in quotes where a sign could mean something there."""
    if _PLAIN.fullmatch(str(path)):
        return str(path)
    escaped = _BEFORE_A_QUOTE.sub(lambda mark: mark[1] * 2 + ("\\'" if mark[2] else ""), literal(path))
    return f"'{escaped}'"
