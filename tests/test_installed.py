"""An installed wheel brings its configurations and its demo along, and works in any working directory."""

import importlib.util
import os
import subprocess
import sys

import pytest
import yaml

from tests.shared import REPOSITORY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("hatchling") is None or importlib.util.find_spec("pip") is None,
        reason="building a wheel here needs hatchling and pip: pip install hatchling",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the wheel and install it, without its dependencies, into a folder of its own."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    quiet = ["--quiet", "--no-deps", "--disable-pip-version-check", "--no-index"]
    build = ["wheel", "--no-build-isolation", "--no-cache-dir", "-w", str(wheels), str(REPOSITORY)]
    pip(*build, *quiet)
    (wheel,) = wheels.glob("asr_fairness_harness-*.whl")
    pip("install", "--target", str(target), str(wheel), *quiet)
    return target


def pip(*arguments):
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def installed(site, folder, *arguments, program="from harness.__main__ import main; main()"):
    """Run a program in another folder, with the installed package before the checkout."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_that_runs_is_the_installed_one(site, tmp_path):
    done = installed(site, tmp_path, program="import harness; print(harness.__file__)")
    assert done.stdout.strip() == str(site / "harness" / "__init__.py")


def test_configurations_and_the_demo_are_found_from_another_working_directory(site, tmp_path):
    done = installed(site, tmp_path, "benchmark", "--cfg", "job", "--resolve")
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load(done.stdout)
    assert config["manifest"]["path"] == str(site / "harness" / "manifests" / "demo" / "manifest.jsonl")
    assert config["backend"]["grammar"] == str(site / "harness" / "manifests" / "demo" / "commands.gram")


def test_every_file_of_configs_and_manifests_is_in_the_wheel(site):
    for folder in ("configs", "manifests"):
        tracked = subprocess.run(
            ["git", "-C", str(REPOSITORY), "ls-files", folder], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        missing = [path for path in tracked if not (site / "harness" / path).is_file()]
        assert missing == []


def test_the_installed_demo_can_be_read_with_its_audio(site, tmp_path):
    program = (
        "from harness.config import configs_folder\nfrom harness.corpus import Manifest\n"
        "print(len(Manifest.load(configs_folder().parent / 'manifests' / 'demo' / 'manifest.jsonl')))"
    )
    done = installed(site, tmp_path, program=program)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 7 * 8 * 6


def test_the_table_of_spellings_is_in_the_wheel(site, tmp_path):
    program = "from harness.scoring.spellings import read_spellings\nprint(read_spellings().standard['finna'])"
    done = installed(site, tmp_path, program=program)
    assert (done.returncode, done.stdout.strip()) == (0, "fixing to"), done.stderr


def test_the_installed_command_says_what_it_is(site):
    assert "harness = harness.__main__:main" in next(site.glob("*.dist-info/entry_points.txt")).read_text()
