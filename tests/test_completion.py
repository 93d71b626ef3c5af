"""Shells complete pipelines, choices, options and files: what the command answers, and real shells at a terminal."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
import warnings

import pytest

from harness.__main__ import OF_A_PATH, PIPELINES
from harness.help.completion import SHELLS, candidates
from tests.builders import harness
from tests.shared import REPOSITORY

ANSWER_S = 180.0  # a shell that has not answered by then will not


@pytest.fixture
def folder(tmp_path):
    """Return a folder with files to complete, and a `harness` that completes, and else tells its words in a file."""
    for name in ("heard.csv", "heard again.csv", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "runs" / "first").mkdir(parents=True)
    command = tmp_path / "bin" / "harness"
    command.parent.mkdir()
    command.write_text(
        "#!/bin/sh\n"
        f'case $1 in --complet*) PYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m harness "$@";; esac\n'
        f'printf "%s\\n" "$@" > "{tmp_path}/told.part" && mv "{tmp_path}/told.part" "{tmp_path}/told"\n'
    )
    command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("", [*PIPELINES, "--help", "--version", "--completion"], id="everything"),
        pytest.param("pl", ["plan"], id="pipeline"),
        pytest.param("xyzzy ", [], id="unknown-pipeline"),
        pytest.param("--completion ", list(SHELLS), id="shells"),
        pytest.param("compare pol", ["policy=", "policy."], id="a-group-and-its-options"),
        pytest.param("compare policy=", ["policy=default", "policy=report_only", "policy=strict"], id="choices"),
        pytest.param("compare policy=s", ["policy=strict"], id="choice"),
        pytest.param(
            "compare policy.ma", ["policy.margin=", "policy.margin_ratio=", "policy.max_failed="], id="options"
        ),
        pytest.param("compare policy.family=", ["policy.family=run", "policy.family=dimension"], id="enumeration"),
        pytest.param("rescore stem_ids=", ["stem_ids=true", "stem_ids=false"], id="yes-or-no"),
        pytest.param("benchmark backend=whisper backend.be", ["backend.beam_size="], id="options-of-what-is-chosen"),
        pytest.param("benchmark backend.be", [], id="not-of-what-is-not"),
        pytest.param("compare seed=", [], id="a-number"),
        pytest.param("compare xyzzy=", [], id="unknown-option"),
        pytest.param("compare --c", ["--cfg", "--config-dir"], id="flags"),
        pytest.param("compare --cfg ", ["job", "hydra", "all"], id="what-a-flag-takes"),
        pytest.param("rescore hypotheses=hea", ["hypotheses=heard again.csv", "hypotheses=heard.csv"], id="files"),
        pytest.param("compare baseline=runs/", ["baseline=runs/first/"], id="folders"),
        pytest.param("compare baseline=.h", ["baseline=.hidden"], id="hidden-files-that-are-asked-for"),
        pytest.param("compare baseline=nowhere/", [], id="no-such-folder"),
        pytest.param("bless ru", ["run=", "runs/"], id="a-run-as-it-stands"),
        pytest.param("bless runs/", ["runs/first/"], id="a-run-below"),
        pytest.param("bless runs/first ru", ["run="], id="only-the-first-word"),
        pytest.param("discover ru", ["run_dir=", "run="], id="not-where-it-has-to-be-named"),
    ],
)
def test_the_last_word_may_become(folder, monkeypatch, line, expected):
    monkeypatch.chdir(folder)
    assert candidates(line.split(" "), PIPELINES, OF_A_PATH) == expected


def test_every_option_is_reached_from_name_to_name():
    """Follow unfinished names as far as they go: what is reached is what is declared."""
    from harness.help.declared import declared

    for pipeline in PIPELINES:
        reached, open_names = set(), [""]
        while open_names:
            found = candidates([pipeline, open_names.pop()], PIPELINES)
            open_names += [name for name in found if name.endswith(".")]
            reached |= {name.rstrip("=") for name in found if name.endswith("=")}
        told = declared(pipeline)
        assert reached == {*(each.name for each in told.options), *(each.name for each in told.groups)}


def test_choices_of_a_folder_of_one_s_own_are_completed(folder):
    (folder / "mine" / "policy").mkdir(parents=True)
    (folder / "mine" / "policy" / "ours.yaml").touch()
    words = ["compare", "--config-dir", str(folder / "mine"), "policy=o"]
    assert candidates(words, PIPELINES) == ["policy=ours"]


def test_a_shell_that_is_not_known_is_wrong_usage(tmp_path):
    ended = harness("--completion", "tcsh", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "expected one of bash, zsh, fish" in ended.err


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_names_how_it_is_read(tmp_path, shell):
    ended = harness("--completion", shell, cwd=tmp_path)
    assert ended.exit_status == 0
    assert f"harness --completion {shell}" in ended.out


def test_completing_loads_nothing_that_takes_a_second(tmp_path):
    program = (
        "import sys\nfrom harness.__main__ import main\nsys.argv = ['harness', '--complete', 'benchmark', 'backend.']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'hydra', 'omegaconf', 'pandas', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        pytest.param("harness resc", ["rescore"], id="pipeline"),
        pytest.param("harness compare policy=s", ["strict"], id="behind-the-equals-sign"),
        pytest.param("harness compare policy.m", None, id="options"),
        pytest.param("harness rescore hypotheses=hea", [r"heard\ again.csv", "heard.csv"], id="a-space-is-quoted"),
    ],
)
def test_bash_is_given_what_may_follow(folder, line, replies):
    program = (
        f'source <(bin/harness --completion bash); COMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; '
        '_harness bin/harness; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.splitlines() == (replies or candidates(line.split()[1:], PIPELINES))
    assert done.stderr == ""


STARTED = {  # each shell, and what it is told to complete by
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(harness --completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -D; source <(harness --completion zsh)"),
    "fish": (["fish", "--no-config", "--interactive"], "harness --completion fish | source"),
}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("resc\tEND", ["rescore", "END"], id="pipeline"),
        pytest.param("compare policy.corr\tEND", ["compare", "policy.correction=END"], id="option"),
        pytest.param("compare policy=st\tEND", ["compare", "policy=strict", "END"], id="choice"),
        pytest.param("compare baseline=ru\tfi\tEND", ["compare", "baseline=runs/first/END"], id="folders"),
        pytest.param("rescore hypotheses=heard.\tEND", ["rescore", "hypotheses=heard.csv", "END"], id="file"),
        pytest.param(
            "compare seed=1 policy.fam\td\tEND", ["compare", "seed=1", "policy.family=dimension", "END"], id="more"
        ),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes_what_is_typed_at_a_terminal(folder, shell, typed, words):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    command, prepared = STARTED[shell]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child is a shell at once
        process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        os.execvpe(command[0], command, {"PATH": path, "HOME": str(folder), "TERM": "xterm", "LANG": "C.UTF-8"})
    try:
        shown = wait(terminal, folder / "told", f"{prepared}\rharness ready\r")
        assert (folder / "told").read_text().splitlines() == ["ready"], shown
        (folder / "told").unlink()
        shown = wait(terminal, folder / "told", f"harness {typed}\r")
        assert (folder / "told").read_text().splitlines() == words, shown
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def wait(terminal, path, typed):
    """Type at a terminal and wait until a file is there; return what the terminal showed."""
    os.write(terminal, typed.encode())
    shown, deadline = b"", time.monotonic() + ANSWER_S
    while not path.exists() and time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        shown += os.read(terminal, 4096) if ready else b""
    assert path.exists(), shown.decode(errors="replace")
    return shown.decode(errors="replace")
