"""What nightly.json says in, the night's summary in Markdown and on a terminal out: the verdict first."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from harness.fairness.membership import AND
from harness.report.sentences import say
from harness.report.sources import Sources
from harness.report.tables import escape, table
from harness.report.wording import gap_interval, percent, plain, points, rate_interval
from harness.results.baselines import Blessing

NIGHT_FILES = ("nightly.json", "nightly.md", "nightly.xml", "changes.csv")
MOST_SHOWN = 20  # changes of one kind
EXIT_VIOLATED = 3  # of a cell that breaks its policy

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Night:
    """Is a folder of a night that has ended."""

    path: Path


def verdict_sentence(facts: Facts) -> str:
    """Say in a sentence how the night went."""
    worse = _of(facts, "regression")
    cells = facts["cells"]
    lost = [cell["name"] for cell in cells if not cell["measured"]]
    unlike = [cell["name"] for cell in cells if cell.get("standing") == "not_comparable"]
    fresh = [cell["name"] for cell in cells if cell.get("standing") == "no_baseline"]
    broken = [
        cell["name"] for cell in cells if facts["gate"]["fail_on_policy"] and cell["exit_status"] == EXIT_VIOLATED
    ]
    n_compared = sum(cell.get("standing") == "compared" for cell in cells)
    calm = f"no slice and no gap was shown to be worse ({facts['n_tests']:,} tests in {_cells(n_compared)})"
    parts = [
        f"{len(worse)} got worse: {_listed([_what(row) for row in worse])}" if worse else "",
        f"policy violated: {_listed(broken)}" if broken else "",
        calm if n_compared and not worse else "",
        f"not measured: {_listed(lost)}" if lost else "",
        f"not comparable with the baseline: {_listed(unlike)}" if unlike else "",
        f"no baseline yet: {_listed(fresh)}" if fresh else "",
    ]
    status = {0: "PASSED", 3: "FAILED", 4: "FAILED: too many clips failed"}.get(facts["exit_status"], "INCOMPLETE")
    status = status if n_compared or facts["exit_status"] else "NOT JUDGED"
    return f"Night {facts['night']} {status}. {'; '.join(part for part in parts if part)}."


def nightly_markdown(facts: Facts) -> str:
    """Return the summary for a CI job's page; every text from data is escaped."""
    sections = [
        f"# Night {escape(facts['night'])}",
        f"**{escape(verdict_sentence(facts))}**",
        _changes("## What got worse", facts, "regression"),
        "## Cells\n\n" + table(_CELL_HEADER, [_cell(cell) for cell in facts["cells"]]),
        _changes("## Shown to be a little worse: fails nothing", facts, "slightly_worse"),
        _changes("## What got better", facts, "better"),
        _left_out(facts["cells"]),
        _since(facts["cells"]),
        _unseen(facts["cells"]),
        _how(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def who_says(cells: Sequence[Facts], named: Iterable[tuple[str, str]]) -> list[str]:
    """Say who says so of the attributes of cells, by the dimensions named of them; of which, where it differs."""
    of = {cell["name"]: Sources.of_manifest(cell) for cell in cells}
    by_sentence: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for name, dimension in named if set(dimension.split(AND)) & set(of[name].of)):
        by_sentence.setdefault(of[name].sentence, []).append(plain(name))
    if len(by_sentence) == 1:
        return list(by_sentence)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in by_sentence.items()]


def show_night(night: Night, out: IO[str]) -> None:
    """Print the verdict, what got worse, and what to open."""
    facts = json.loads((night.path / NIGHT_FILES[0]).read_text(encoding="utf-8"))
    console = Console(file=out, highlight=False)
    worse = _of(facts, "regression")[:MOST_SHOWN]
    for row in worse:
        say(console, plain(f"WORSE  {_what(row)}: {_from_to(row)}; {row['reason']}"))
    for told in who_says(facts["cells"], _named(worse)):
        say(console, told)
    for cell in facts["cells"]:
        said = cell["reason"] or (cell.get("comparison") if cell.get("standing") != "compared" else "")
        if said:
            say(console, plain(f"{cell['name']}: {said}"))
    say(console, plain(verdict_sentence(facts)))
    say(console, f"Night: {night.path} (begin with {NIGHT_FILES[1]})")


def show_blessing(blessing: Blessing, out: IO[str]) -> None:
    """Print what later nights are compared with."""
    console = Console(file=out, highlight=False)
    why = f" ({blessing.reason})" if blessing.reason else ""
    say(console, plain(f"{blessing.key} is held to {blessing.source}{why}."))
    say(console, f"Baseline: {blessing.run.path}; the next harness nightly compares this cell with it.")


_CELL_HEADER = ("cell", "WER", "interval", "policy", "against the baseline", "utterances compared", "report")


def _cell(cell: Facts) -> tuple[object, ...]:
    if not cell["measured"]:
        return (cell["name"], "–", "–", "–", f"not measured: {cell['reason']}", "–", f"{cell['name']}.log")
    standing = str(cell["standing"]).replace("_", " ")
    told = f"{standing}: {cell['comparison']}" if standing == "not comparable" else standing
    told += "; made earlier on the same night" if cell["reused"] else ""
    violated = f"violated ({cell['n_violations']})" if cell["exit_status"] == EXIT_VIOLATED else "too many clips failed"
    policy = "held" if cell["passed"] else violated
    return (
        cell["name"],
        percent(cell["wer"]),
        rate_interval(cell["wer_low"], cell["wer_high"]),
        policy,
        told,
        f"{cell['n_utterances']:,}",
        f"{cell['name']}/{cell['report']}",
    )


def _changes(title: str, facts: Facts, verdict: str) -> str:
    rows = _of(facts, verdict)
    if not rows:
        return ""
    header = ("cell", "what", "from", "to", "difference, points", "interval", "adjusted p", "why")
    shown = [
        (
            row["cell"],
            _slice(row),
            _rate(row, "baseline"),
            _rate(row, "tonight"),
            points(row["difference"]),
            gap_interval(row["difference_low"], row["difference_high"]),
            _p_value(row),
            row["reason"],
        )
        for row in rows[:MOST_SHOWN]
    ]
    more = f"\n\n… and {len(rows) - MOST_SHOWN} more in {NIGHT_FILES[3]}." if len(rows) > MOST_SHOWN else ""
    return f"{title}\n\n{table(header, shown)}{more}{_beneath(facts['cells'], _named(rows[:MOST_SHOWN]))}"


def _p_value(row: Facts) -> str:
    """Write the adjusted p-value of a change in its direction; of few people none is told."""
    if row["difference"] is None:
        return "–"
    return f"{row['p_worse_adjusted' if row['difference'] > 0 else 'p_better_adjusted']:.2g}"


def _left_out(cells: Sequence[Facts]) -> str:
    fresh = [cell for cell in cells if cell.get("standing") == "no_baseline"]
    if not fresh:
        return ""
    lines = "\n".join(f"- {escape(cell['comparison'])}" for cell in fresh)
    return f"## Without a baseline\n\nLook at the report; if it is what you want to be held to, bless it.\n\n{lines}"


def _since(cells: Sequence[Facts]) -> str:
    """Say what a change may come from."""
    lines = [f"- {escape(cell['name'])}: {escape('; '.join(cell['since']))}" for cell in cells if cell.get("since")]
    return "\n".join(["## What else is other than when the baseline was made\n", *lines]) if lines else ""


def _unseen(cells: Sequence[Facts]) -> str:
    """Name the slices in which a loss as large as the gap that the policy allows would not have been seen."""
    lines = []
    for cell in cells:
        if cell.get("n_blind"):
            names = [f"{dimension} {name}" for dimension, name in cell["blind"][:MOST_SHOWN]]
            n_more = cell["n_blind"] - len(names)
            more = f" and {n_more} more" if n_more else ""
            told = f"{cell['n_blind']} of {cell['n_slices']} slices: {', '.join(names)}{more}"
            lines.append(f"- {escape(cell['name'])}: {escape(told)}")
    title = "## Too small to show the loss of a whole margin (with 80 % probability)\n"
    named = [(cell["name"], dimension) for cell in cells for dimension, _ in cell.get("blind", [])[:MOST_SHOWN]]
    return "\n".join([title, *lines]) + _beneath(cells, named) if lines else ""


def _beneath(cells: Sequence[Facts], named: Iterable[tuple[str, str]]) -> str:
    """Return the end of a section that names slices: who says so of their attributes."""
    return "".join(f"\n\n*{escape(told)}*" for told in who_says(cells, named))


def _named(rows: Iterable[Facts]) -> list[tuple[str, str]]:
    return [(row["cell"], row["dimension"]) for row in rows]


def _how(facts: Facts) -> str:
    gate = facts["gate"]
    least = f"{100 * gate['margin']:g} point{'' if gate['margin'] == 0.01 else 's'}"
    corrected = f", corrected over the {facts['n_tests']:,} tests of the night (Holm)" if facts["n_tests"] else ""
    return (
        "## How this is judged\n\nTonight against the blessed run, on the same utterances. A slice or a gap fails the "
        f"night when it is worse by at least {least} and exchanging the two nights, person by "
        f"person (utterance by utterance in slices of fewer than {gate['min_speakers']} people), would make as large a "
        f"change with a probability below {gate['alpha']:g}{corrected}; a gap, moreover, only when the slice changed "
        "otherwise than its comparator and the gap is beyond its policy. What is not shown here is not detected at "
        f"this sample size. All changes: {NIGHT_FILES[3]}."
    )


def _of(facts: Facts, verdict: str) -> list[Facts]:
    return [row for row in facts["changes"] if row["verdict"] == verdict]


def _what(row: Facts) -> str:
    return f"{row['cell']} {_slice(row)}"


def _slice(row: Facts) -> str:
    if row["measure"] == "wer":
        return "WER of everybody"
    kind = "gap of" if row["measure"] == "gap" else "WER of"
    return f"{kind} {row['dimension']} {row['slice']}"


def _rate(row: Facts, name: str) -> str:
    return f"{points(row[name])} points" if row["measure"] == "gap" and row[name] is not None else percent(row[name])


def _from_to(row: Facts) -> str:
    return f"{_rate(row, 'baseline')} to {_rate(row, 'tonight')}"


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
