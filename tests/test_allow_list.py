"""A configuration file is data: it chooses among what is allowed, and only the command line allows more."""

import json
import re
import sys

import pytest
import yaml
from hydra.utils import instantiate

from tests.builders import FEW_RESAMPLES, harness, tone_corpus

CHOICES = ("manifest=file", "backend=tones", "normalizer=verbatim", *FEW_RESAMPLES)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize(
    "node",
    [
        pytest.param({"_target_": "subprocess.run", "args": ["touch", "MARK"]}, id="subprocess"),
        pytest.param({"_target_": "os.system", "command": "touch MARK"}, id="os-system"),
        pytest.param({"_target_": "harness.provenance.subprocess.run", "args": ["touch", "MARK"]}, id="through-us"),
        pytest.param({"_target_": "pathlib.Path.touch", "self": "MARK"}, id="a-method"),
        pytest.param(
            {
                "_target_": "harness.backends.pocketsphinx.PocketSphinx",
                "grammar": {"_target_": "subprocess.getoutput", "cmd": "touch MARK"},
            },
            id="nested",
        ),
        pytest.param(
            {
                "_target_": "harness.backends.pocketsphinx.PocketSphinx",
                "grammar": [[{"_target_": "subprocess.getoutput", "cmd": "touch MARK"}]],
            },
            id="nested-in-lists",
        ),
    ],
)
@pytest.mark.parametrize("key", ["backend", "normalizer"])
def test_a_target_that_is_not_on_the_list_is_refused_and_nothing_runs(tmp_path, corpus, key, node):
    mark = tmp_path / "mark"
    folder = tmp_path / "configs" / key
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text(json.dumps(node).replace("MARK", str(mark)))
    ended = harness(
        "benchmark",
        "--config-dir",
        folder.parent,
        *CHOICES,
        f"manifest.path={corpus}",
        f"{key}=evil",
        "run_dir=run",
        cwd=tmp_path,
    )
    assert ended.exit_status == 2
    assert "is not on the allow-list" in ended.err
    assert "allow_targets=[" in ended.err
    assert not mark.exists()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("_args_", [{"_target_": "subprocess.getoutput", "cmd": "touch MARK"}], id="args"),
        pytest.param("_args_", [], id="no-args"),
        pytest.param("_partial_", True, id="partial"),
        pytest.param("_convert_", "all", id="convert"),
        pytest.param("_recursive_", False, id="recursive"),
    ],
)
@pytest.mark.parametrize("plugin", ["backend", "normalizer"])
@pytest.mark.parametrize("is_nested", [False, True], ids=["itself", "inside-an-argument"])
def test_what_else_hydra_would_obey_in_a_node_is_refused(tmp_path, corpus, plugin, key, value, is_nested):
    mark = tmp_path / "mark"
    own = {"backend": "harness.backends.tones.Tones", "normalizer": "harness.scoring.normalization.Verbatim"}
    node = {"_target_": own[plugin]} | ({"option": [{key: value}]} if is_nested else {key: value})
    folder = tmp_path / "configs" / plugin
    folder.mkdir(parents=True)
    (folder / "odd.yaml").write_text(json.dumps(node).replace("MARK", str(mark)))
    ended = harness(
        "benchmark", "--config-dir", folder.parent, *CHOICES, f"manifest.path={corpus}", f"{plugin}=odd", "run_dir=run",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert f"{key} stands in a plugin's node; expected _target_ and its constructor's arguments" in ended.err
    assert ended.is_in_words
    assert not mark.exists()
    assert not (tmp_path / "run").exists()


TOUCH = {"_target_": "pathlib.Path.touch", "self": "MARK"}
TOUCH_BY_LOGGING = {"()": "pathlib.Path.touch", "self": "MARK"}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        pytest.param({"callbacks": {"evil": TOUCH}}, "names hydra.callbacks", id="callback"),
        pytest.param(
            {"callbacks": {"evil": {"_target_": "pathlib.Path.touch", "_args_": ["MARK"]}}},
            "names hydra.callbacks",
            id="callback-by-args",
        ),
        pytest.param(
            {"job_logging": {"formatters": {"evil": TOUCH_BY_LOGGING}}}, "must not run code", id="job-logging-factory"
        ),
        pytest.param(
            {"hydra_logging": {"handlers": {"evil": TOUCH_BY_LOGGING}}}, "must not run code", id="hydra-logging-factory"
        ),
        pytest.param(
            {
                "job_logging": {
                    "formatters": {"evil": {"class": "pathlib.Path.touch", "format": "MARK", "datefmt": 438}}
                }
            },
            "must not run code",
            id="job-logging-class",
        ),
        pytest.param(
            {"job_logging": {"handlers": {"evil": {"class": "logging.FileHandler", "filename": "MARK"}}}},
            "must not run code",
            id="job-logging-file",
        ),
        pytest.param(
            {"job_logging": {"handlers": {"stderr": {"stream": "ext://harness.__main__.log"}}}},
            "must not run code",
            id="job-logging-object",
        ),
    ],
)
@pytest.mark.parametrize("flags", [(), ("-m",)], ids=["one-job", "sweep"])
def test_what_hydra_itself_would_call_runs_nothing(tmp_path, corpus, node, words, flags):
    mark = tmp_path / "mark"
    folder = tmp_path / "configs" / "experiment"
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text(
        "# @package _global_\n" + yaml.safe_dump({"hydra": json.loads(json.dumps(node).replace("MARK", str(mark)))})
    )
    ended = harness(
        "benchmark", *flags, "--config-dir", folder.parent, *CHOICES, f"manifest.path={corpus}", "+experiment=evil",
        "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert not mark.exists()
    assert ended.exit_status == 2
    assert words in ended.err
    assert ended.is_in_words
    assert not (tmp_path / "run").exists()


def test_the_callback_that_is_refused_would_have_run(tmp_path):
    """The control: without the allow-list, the same node makes its file."""
    instantiate(TOUCH | {"self": str(tmp_path / "mark")})
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "override", ["backend._target_=os.system", "backend={_target_:os.system}", "normalizer._target_=os.system"]
)
def test_a_target_on_the_command_line_needs_to_be_allowed_there_too(tmp_path, corpus, override):
    ended = harness("benchmark", *CHOICES, f"manifest.path={corpus}", override, cwd=tmp_path)
    assert ended.exit_status == 2
    assert "_target_='os.system' is not on the allow-list" in ended.err


THIRD_PARTY = '''
from harness.backends import Transcript


class Deaf:
    """Hears as many words as it is told to."""

    def __init__(self, *, n_words: int = 0) -> None:
        self.n_words = n_words

    def transcribe(self, waveforms):
        return [Transcript(" ".join(["zero"] * self.n_words)) for _ in waveforms]

    def identity(self):
        return {"backend": "deaf", "n_words": self.n_words}


def make_deaf():
    return Deaf()


class Nameless:
    def transcribe(self, waveforms):
        return [Transcript("") for _ in waveforms]


class Speechless:
    def identity(self):
        return {"backend": "speechless"}


class Leaving(Deaf):
    def identity(self):
        raise SystemExit(0)
'''


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Install somebody's package with a backend, and a folder of configurations that choose it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "third_party_deaf.py").write_text(THIRD_PARTY)
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "configs" / "backend").mkdir(parents=True)
    config = {"_target_": "third_party_deaf.Deaf", "n_words": 2}
    (tmp_path / "configs" / "backend" / "deaf.yaml").write_text(yaml.safe_dump(config))
    yield tmp_path / "configs"
    sys.modules.pop("third_party_deaf", None)


def test_somebody_s_backend_is_a_class_a_file_and_a_word_on_the_command_line(tmp_path, corpus, third_party):
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}",  "backend=deaf",
        "allow_targets=[third_party_deaf.Deaf]", "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["backend"] == {"name": "deaf", "backend": "deaf", "n_words": 2}


def test_somebody_s_backend_is_not_even_imported_unless_it_is_named(tmp_path, corpus, third_party):
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}", "backend=deaf", cwd=tmp_path
    )
    assert ended.exit_status == 2
    assert "'allow_targets=[third_party_deaf.Deaf]'" in ended.err
    assert "third_party_deaf" not in sys.modules


def test_a_file_cannot_allow_its_own_target(tmp_path, corpus, third_party):
    text = "# @package _global_\nallow_targets: [third_party_deaf.Deaf]\nbackend: {_target_: third_party_deaf.Deaf}\n"
    (third_party / "experiment").mkdir()
    (third_party / "experiment" / "mine.yaml").write_text(text)
    arguments = ["benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}", "+experiment=mine"]
    ended = harness(*arguments, cwd=tmp_path)
    assert ended.exit_status == 2
    assert "allow_targets" in ended.err
    assert "third_party_deaf" not in sys.modules


def test_allowing_one_target_on_the_command_line_allows_no_other_that_a_file_adds(tmp_path, corpus, third_party):
    (third_party / "experiment").mkdir()
    (third_party / "experiment" / "mine.yaml").write_text("# @package _global_\nallow_targets: [os.system]\n")
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}",  "+experiment=mine",
        "allow_targets=[third_party_deaf.Deaf]", "backend={_target_:os.system}", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert "_target_='os.system' is not on the allow-list" in ended.err


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param("third_party_deaf.Deaff", "cannot be imported", id="misspelt"),
        pytest.param("no_such_package.Backend", "cannot be imported.*Is its package installed", id="not-installed"),
        pytest.param("third_party_deaf.make_deaf", "is not a class", id="a-function"),
        pytest.param("Deaf", "cannot be imported", id="no-module"),
    ],
)
def test_an_allowed_target_that_is_no_class_is_refused_in_words(tmp_path, corpus, third_party, target, words):
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}",  "backend=deaf",
        f"backend._target_={target}", f"allow_targets=[{target}]", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert re.search(words, ended.err)
    assert ended.is_in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("Nameless", "Nameless has no identity; README says what a backend needs", id="no-identity"),
        pytest.param("Speechless", "Speechless has no transcribe; README says", id="no-transcribe"),
    ],
)
def test_a_backend_without_one_of_its_two_methods_is_refused_in_words(tmp_path, corpus, third_party, name, words):
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}", "backend=deaf",
        "~backend.n_words", f"backend._target_=third_party_deaf.{name}", f"allow_targets=[third_party_deaf.{name}]",
        "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert words in ended.err
    assert ended.is_in_words
    assert not (tmp_path / "run").exists()


def test_a_backend_that_leaves_with_0_has_measured_nothing(tmp_path, corpus, third_party):
    ended = harness(
        "benchmark", "--config-dir", third_party, *CHOICES, f"manifest.path={corpus}", "backend=deaf",
        "backend._target_=third_party_deaf.Leaving", "allow_targets=[third_party_deaf.Leaving]", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 1
    assert "SystemExit(0)" in ended.err
    assert ended.is_in_words


def test_a_reference_that_resolves_to_a_plugin_is_only_a_text(tmp_path, corpus):
    mark = tmp_path / "mark"
    folder = tmp_path / "configs" / "backend"
    folder.mkdir(parents=True)
    inner = f"{{_target_: pathlib.Path.write_text, self: {{_target_: pathlib.Path, _args_: [{mark}]}}, data: x}}"
    (folder / "evil.yaml").write_text(
        "_target_: harness.backends.pocketsphinx.PocketSphinx\ngrammar: '\\${oc.create:" + inner + "}'\n"
    )
    ended = harness(
        "benchmark", "--config-dir", folder.parent, *CHOICES, f"manifest.path={corpus}", "backend=evil", "run_dir=run",
        cwd=tmp_path,
    )  # fmt: skip
    assert (ended.exit_status, mark.exists()) == (2, False)
    assert "refers to something" in ended.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(
            {
                "allow_targets": ["logging.FileHandler"],
                "backend": {"_target_": "logging.FileHandler", "filename": "MARK"},
                "hydra": {"overrides": {"task": ["allow_targets=x"]}},
            },
            "counts only on the command line",
            id="a-file-that-says-what-the-command-line-said",
        ),
        pytest.param({"hydra": {"job": {"env_set": {"GIT_DIR": "MARK"}}}}, "changes the environment", id="environment"),
    ],
)
def test_an_experiment_cannot_speak_for_the_user(tmp_path, corpus, content, words):
    mark = tmp_path / "mark"
    folder = tmp_path / "configs" / "experiment"
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text(
        "# @package _global_\n" + yaml.safe_dump(json.loads(json.dumps(content).replace("MARK", str(mark))))
    )
    ended = harness(
        "benchmark", "--config-dir", folder.parent, *CHOICES, f"manifest.path={corpus}", "+experiment=evil",
        "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert (ended.exit_status, mark.exists()) == (2, False)
    assert words in ended.err


def test_a_variable_of_the_environment_is_written_nowhere(tmp_path, corpus, monkeypatch):
    monkeypatch.setenv("HARNESS_TEST_FOLDER", str(corpus.parent))
    monkeypatch.setenv("HARNESS_TEST_SECRET", "hunter2")
    folder = tmp_path / "configs" / "experiment"
    folder.mkdir(parents=True)
    place = "manifest: {path: '${oc.env:HARNESS_TEST_FOLDER}/" + corpus.name + "'}\n"
    (folder / "place.yaml").write_text("# @package _global_\n" + place)
    (folder / "name.yaml").write_text("# @package _global_\npolicy: {name: '${oc.env:HARNESS_TEST_SECRET}'}\n")
    arguments = ("benchmark", "--config-dir", folder.parent, *CHOICES)
    ended = harness(*arguments, "+experiment=place", "run_dir=run", cwd=tmp_path)
    assert ended.exit_status in (0, 3), ended.err
    assert "${oc.env:HARNESS_TEST_FOLDER}" in (tmp_path / "run" / "config.yaml").read_text()
    ended = harness(*arguments, f"manifest.path={corpus}", "+experiment=name", "run_dir=other", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "policy.name=${oc.env:HARNESS_TEST_SECRET}: expected a plain value" in ended.err
    assert not (tmp_path / "other").exists()
