"""Command line in, a pipeline run and an exit status out: `harness PIPELINE [overrides]`.

0 measured, within policy · 1 could not measure · 2 wrong usage or configuration · 3 measured, policy violated ·
4 measured, more clips failed than allowed · 130 interrupted, what is done is kept.
"""

import gc
import logging
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.help.names import FAMILIES, as_said, in_one_word, meant

if TYPE_CHECKING:
    from omegaconf import DictConfig

PIPELINES = {
    "benchmark": "transcribe a manifest with a backend, score it, judge every slice",
    "last_mile": "in your rooms, noise and lines: who is hurt more than others, and by how much",
    "rescore": "score transcripts made elsewhere: hypotheses=FILE manifest.path=FILE",
    "compare": "which of two systems is better, and for whom: baseline=RUN candidate=RUN",
    "plan": "how many speakers would show a gap: plan.gap=0.03, for a manifest or a run=RUN",
    "describe": "who is in a corpus, what is doubled or shared, what to record next: against=[FILE]",
    "discover": "search a run for slices that nobody named: run=RUN",
    "audit_invariance": "do texts depend on batch size, order, workers or precision: audit.batch_sizes=[1,32]",
    "measure": "level, noise, clipping, band and speaking rate of every recording, to slice by: out=FOLDER",
    "import_corpus": "a corpus as it was released becomes a manifest: format=NAME source=FOLDER out=FOLDER",
    "export": "for NeMo, Lhotse, Kaldi, sclite, fairlearn: run=RUN format=NAME out=FOLDER",
    "release": "who is served how well, with noise or small slices hidden, to be published: run=RUN out=FOLDER",
    "bundle": "what somebody else needs to check a published claim, in one file: harness bundle RUN",
    "reproduce": "check somebody's bundle: score and judge again, compare every cell: harness reproduce BUNDLE",
    "bounty_open": "who finds people that a system fails: run=RUN alternatives.NAME=RUN out=FOLDER",
    "bounty_preview": "what a claim shows on the published half: bounty=FOLDER submission=FILE",
    "bounty_submit": "hand a claim in, as data: bounty=FOLDER submission=FILE",
    "bounty_check": "answer what was handed in, by people whom nobody outside has seen: bounty=FOLDER",
    "bounty_status": "what was asked and answered: bounty=FOLDER",
    "bounty_close": "end it: rounds.csv, bounty.html, the salt: bounty=FOLDER",
    "bounty_verify": "is all of it as the ledger says: bounty=FOLDER receipt=DIGEST",
    "bounty_route": "run the list as a backend, where it asks only what is measured: bounty=FOLDER out=FILE",
    "report": "make report.html of a run anew: run=RUN report.redact=[speakers] report.beside=[RUN]",
    "service_card": "a card of finished runs: run=RUN service=FILE out=FOLDER; verify=CARD checks one",
    "nightly": "the runs of a matrix against their baselines, gate and board: matrix=FILE",
    "bless": "make a run the baseline of later nights: harness bless RUN",
    "history": "runs over time: runs=FOLDER where.slice=NAME; board=FOLDER writes the board",
    "cache": "what earlier runs heard and is kept: action=prune removes, action=export out=FILE writes it out",
    "forget": "everything that is kept of somebody: speaker=ID lists it, apply=true removes it",
}
EXIT_OK, EXIT_COULD_NOT_MEASURE, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

OF_A_PATH = {  # what a path means that stands alone
    **dict.fromkeys(("bless", "report", "service_card", "bundle"), "run"),
    "reproduce": "bundle",
    **dict.fromkeys(("bounty_check", "bounty_status", "bounty_close", "bounty_verify"), "bounty"),
}
GARBAGE_LOOKED_FOR = 100_000  # new objects; at Python's 700 a fifth of the time of a million rows goes into looking

log = logging.getLogger("harness")


def main() -> None:
    """Run the command and leave with its exit status."""
    try:
        _main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _main(arguments: list[str]) -> None:
    arguments = in_one_word(arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        sys.exit(EXIT_OK if arguments else EXIT_USAGE)
    if arguments[0] == "--version":
        from harness.provenance import version

        sys.stdout.write(f"asr-fairness-harness {version('asr-fairness-harness')}\n")
        sys.exit(EXIT_OK)
    if arguments[0] in ("--completion", "--complete"):
        sys.exit(_completion(*arguments))
    if arguments[0] in FAMILIES and {"-h", "--help"} & set(arguments):
        sys.stdout.write(_actions(arguments[0]))
        sys.exit(EXIT_OK)
    if arguments[0] not in PIPELINES:
        sys.stderr.write(_unknown(arguments[0]))
        sys.exit(EXIT_USAGE)
    if {"-h", "--help"} & set(arguments):
        from harness.help.page import page

        sys.stdout.write(page(arguments[0], PIPELINES[arguments[0]], arguments[1:]))
        sys.exit(EXIT_OK)
    gc.set_threshold(GARBAGE_LOOKED_FOR)
    sys.exit(_run(arguments[0], _with_path(*arguments)))


def _actions(family: str) -> str:
    """Return the lines of the pipelines of a family."""
    own = {name: what for name, what in PIPELINES.items() if name.startswith(f"{family}_")}
    first = as_said(next(iter(own)))
    return f"harness {family} ACTION [overrides]\n\n{_lines(own)}\n\n`harness {first} --help` says more, and so on.\n"


def _lines(pipelines: dict[str, str]) -> str:
    width = max(map(len, pipelines))
    return "\n".join(f"  {as_said(name):<{width}}  {what}" for name, what in pipelines.items())


def _help() -> str:
    return (
        "harness PIPELINE [overrides]\n\n"
        "Measures for whom a speech recogniser works worse, by how much, how sure we are, and whether that\n"
        f"is within what was promised.\n\nPipelines:\n{_lines(PIPELINES)}\n\n"
        "Each is a Hydra application: `harness benchmark manifest=demo backend=pocketsphinx policy=strict`,\n"
        "`-m` sweeps, `--cfg job` shows the configuration, `harness benchmark --help` names options and choices.\n"
        "run_dir=FOLDER chooses the run directory; the same command continues an interrupted run.\n"
        'A shell completes all of it after `eval "$(harness --completion bash)"`; so do zsh and fish.\n\n'
        "Exit status: 0 within policy, 1 could not measure, 2 wrong usage, 3 policy violated,\n"
        "4 too many clips failed, 130 interrupted.\n"
    )


def _completion(flag: str, *words: str) -> int:
    """Print the script of a shell, or what an unfinished command line may become, which that script asks for."""
    from harness.help.completion import SHELLS, candidates, script

    if flag == "--complete":
        sys.stdout.write(
            "".join(f"{candidate}\n" for candidate in candidates(in_one_word(list(words)), PIPELINES, OF_A_PATH))
        )
    elif len(words) == 1 and words[0] in SHELLS:
        sys.stdout.write(script(words[0]))
    else:
        sys.stderr.write(f"harness --completion {' '.join(words)}: expected one of {', '.join(SHELLS)}.\n")
        return EXIT_USAGE
    return EXIT_OK


def _unknown(name: str) -> str:
    if name in FAMILIES:
        actions = ", ".join(as_said(each) for each in PIPELINES if each.startswith(f"{name}_"))
        return f"harness {name}: says not what to do; expected one of {actions}. See harness --help.\n"
    near = meant(name, PIPELINES)
    hint = f" Did you mean {as_said(near)!r}?" if near else ""
    known = ", ".join(map(as_said, PIPELINES))
    return f"harness: no pipeline {as_said(name)!r}; expected one of {known}.{hint} See harness --help.\n"


def _run(pipeline: str, overrides: list[str]) -> int:
    """Compose the configuration and run the pipeline, once or for each job of a sweep; return the worst status."""
    import hydra

    from harness.config import configs_folder, register

    register(pipeline)
    statuses: list[int] = []

    def job(config: "DictConfig") -> None:
        statuses.append(_guarded(lambda: _pipeline(pipeline, config, overrides)))

    sys.argv = [f"harness {as_said(pipeline)}", *_with_file(overrides)]
    application = hydra.main(version_base="1.3", config_path=str(configs_folder()), config_name=pipeline)(job)
    try:
        application()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as ended:  # Hydra ends this way when it cannot compose, and after --help
        sys.stderr.write(_quoting(overrides) if ended.code else "")
        return EXIT_USAGE if ended.code else EXIT_OK
    return max(statuses, default=EXIT_OK)


def _quoting(overrides: list[str]) -> str:
    """Say how a crossing is written in a list, where one without quotes may be what Hydra could not read."""
    bare = [each for each in overrides if re.search(r"""[\[,][^"'\[\],]*&""", each)]
    said = """a crossing in a list needs quotes of its own, as in 'slices.by=[gender,"accent & gender"]'"""
    return f"harness: {bare[0]}: {said}.\n" if bare else ""


def _with_path(pipeline: str, *overrides: str) -> list[str]:
    """Let a path alone mean what a pipeline begins with: `harness bless runs/nightly/NIGHT/CELL`."""
    if pipeline not in OF_A_PATH or not overrides or "=" in overrides[0] or overrides[0].startswith("-"):
        return list(overrides)
    quoted = overrides[0].replace("\\", "\\\\").replace("'", "\\'")
    return [f"{OF_A_PATH[pipeline]}='{quoted}'", *overrides[1:]]


def _with_file(overrides: list[str]) -> list[str]:
    """Let a path alone mean that file, and nothing of the default choice; it stays beside it, away from the flags."""
    paths = [place for place, override in enumerate(overrides) if override.startswith("manifest.path=")]
    if not paths or any(override.startswith("manifest=") for override in overrides):
        return overrides
    return [*overrides[: paths[0]], "manifest=file", *overrides[paths[0] :]]


def _printable(text: str) -> str:
    """Return a text without the control characters that steer a terminal; it may quote somebody's file."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _guarded(run: Callable[[], int]) -> int:
    """Turn what a pipeline raises into words on standard error and an exit status."""
    from harness.errors import HarnessError

    try:
        return run()
    except HarnessError as error:
        sys.stderr.write(f"harness: {_printable(str(error))}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("harness: interrupted; what is done is kept. The same command goes on from there.\n")
        raise  # ends a sweep, too, and not only one of its jobs
    except SystemExit as ended:  # somebody's plugin: its 0 is not our 0
        sys.stderr.write(f"harness: a plugin left with SystemExit({ended.code!r}); nothing was judged.\n")
        return EXIT_COULD_NOT_MEASURE
    except Exception:
        log.exception("the harness itself failed; this is a defect. What is done is kept; please report it with this")
        return EXIT_COULD_NOT_MEASURE


def _pipeline(name: str, config: "DictConfig", overrides: list[str]) -> int:
    """Build the objects, run the pipeline, show its table."""
    from hydra.core.hydra_config import HydraConfig

    from harness.config import Composed, run
    from harness.errors import UsageError
    from harness.pipelines.job import Outcome
    from harness.report import screens

    hydra_config = HydraConfig.get()
    if hydra_config.job.env_set:
        raise UsageError("hydra.job.env_set changes the environment; set it yourself, where you can see it.")
    choices = {str(group): str(choice) for group, choice in hydra_config.runtime.choices.items()}
    named = _named_targets(overrides, list(config.get("allow_targets", [])))
    outcome = run(Composed(name, config, choices, named))
    shown = outcome.run if isinstance(outcome, Outcome) else outcome.answer
    try:
        screens.show(name, shown, sys.stdout)
        if isinstance(outcome, Outcome) and outcome.last_words:
            sys.stdout.write(f"{_printable(outcome.last_words)}\n")
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError) as error:  # a closed pipe or no standard output: the run is whole
        log.warning("the table could not be printed (%s); it is in %s", error, getattr(shown, "path", "its files"))
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (for the interpreter's last flush)
    return outcome.exit_status


def _named_targets(overrides: list[str], targets: list[str]) -> list[str]:
    """Return the targets allowed on the command line; a configuration file cannot allow its own."""
    from harness.errors import UsageError

    on_command_line = any(override.lstrip("+").split("=")[0] == "allow_targets" for override in overrides)
    if targets and not on_command_line:
        raise UsageError("allow_targets stands in a configuration file; it counts only on the command line.")
    return targets


if __name__ == "__main__":
    main()
