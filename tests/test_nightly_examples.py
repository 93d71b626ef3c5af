"""What examples/nightly tells a machine to do: commands that compose, files that parse, packages that exist."""

import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from harness.__main__ import PIPELINES
from harness.config import configs_folder, register
from tests.shared import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "nightly"


def text(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def commands(name):
    """Return the `harness …` commands in a file, as words, continued lines joined."""
    lines = text(name).replace("\\\n", " ").splitlines()
    found = [
        re.search(r"(?:^|[/ ])harness (?=[a-z_]+ )(.*)", line) for line in lines if not line.lstrip().startswith("#")
    ]
    told = [re.split(r" [0-9]?>|\|\|", each.group(1))[0] for each in found if each]
    return [[re.sub(r"\$\w+|\$\{[^}]*\}", "x", word) for word in shlex.split(each)] for each in told]


@pytest.fixture
def _hydra():
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


@pytest.mark.usefixtures("_hydra")
@pytest.mark.parametrize("name", ["crontab", "github-actions.yml", "nightly.slurm"])
def test_every_command_composes(name):
    (command,) = commands(name)
    assert command[0] in PIPELINES
    assert compose(command[0], command[1:]).matrix.endswith("matrix.yaml")


def test_the_job_of_github_is_one_that_keeps_its_name_when_it_is_run_again():
    workflow = yaml.safe_load(text("github-actions.yml"))
    (job,) = workflow["jobs"].values()
    assert "gpu" in job["runs-on"]
    assert job["env"]["NIGHT"] == "job-${{ github.run_id }}"
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert any("GITHUB_STEP_SUMMARY" in script and "nightly.md" in script for script in scripts)
    assert all(step.get("if") == "always()" for step in job["steps"][3:])
    assert not any("${{" in script for script in scripts), "no expression is pasted into a shell"


def test_the_cron_line_has_five_fields_and_a_command():
    (line,) = [each for each in text("crontab").splitlines() if re.match(r"[0-9*]", each)]
    assert len(line.split()[:5]) == 5
    assert line.split()[5] == "cd"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_the_slurm_script_is_one_that_bash_can_read():
    checked = subprocess.run(["bash", "-n", str(EXAMPLES / "nightly.slurm")], capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_the_image_is_made_from_cuda_with_extras_that_the_package_has():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dockerfile = text("Dockerfile")
    assert re.search(r"^FROM nvidia/cuda:[\w.-]+$", dockerfile, flags=re.MULTILINE)
    (extras,) = re.findall(r"/src\[([\w,]+)\]", dockerfile)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert re.search(r"^USER (?!root)", dockerfile, flags=re.MULTILINE)
