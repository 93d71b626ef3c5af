"""A matrix file becomes the cells of a night, or is refused in words before anything runs."""

import pytest

from harness.errors import UsageError
from harness.pipelines.matrix import read_matrix
from tests.shared import REPOSITORY


@pytest.fixture
def matrix(tmp_path):
    """Return a function that reads a text as a matrix."""

    def read(text):
        path = tmp_path / "matrix.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_matrix(path)

    return read


BOTH = """
systems:
  small: [backend=whisper, backend.model=small]
  phinx: [backend=pocketsphinx, cache.enabled=false]
manifests:
  demo: [manifest=demo]
  clinic: ["manifest.path='/data/my clinic.csv'"]
conditions: [clean]
exclude: [[phinx, clinic]]
transcripts:
  vendor: [hypotheses=vendor.csv, manifest.path=/data/clinic.csv]
overrides: [policy=strict]
"""


def test_every_system_hears_every_manifest_that_is_not_excluded_and_transcripts_are_scored(matrix):
    cells = matrix(BOTH)
    assert [(cell.name, cell.pipeline, cell.system, cell.manifest) for cell in cells] == [
        ("small_demo", "benchmark", "small", "demo"),
        ("small_clinic", "benchmark", "small", "clinic"),
        ("phinx_demo", "benchmark", "phinx", "demo"),
        ("vendor", "rescore", "vendor", ""),
    ]
    assert cells[1].overrides == (
        "backend=whisper",
        "backend.model=small",
        "manifest.path='/data/my clinic.csv'",
        "policy=strict",
    )
    assert cells[3].overrides == ("hypotheses=vendor.csv", "manifest.path=/data/clinic.csv", "policy=strict")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param("[clean, telephone]", {"a_b": (), "a_b_telephone": ("condition=telephone",)}, id="names"),
        pytest.param("[telephone]", {"a_b_telephone": ("condition=telephone",)}, id="not-clean"),
        pytest.param(
            "{ward: [condition=noise, conditions.noise.snr_db=10]}",
            {"a_b_ward": ("condition=noise", "conditions.noise.snr_db=10")},
            id="options",
        ),
    ],
)
def test_a_condition_is_a_cell_of_its_own(matrix, conditions, expected):
    cells = matrix(f"systems: {{a: []}}\nmanifests: {{b: []}}\nconditions: {conditions}")
    assert {cell.name: cell.overrides for cell in cells} == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "holds nothing", id="empty"),
        pytest.param("[1]", "expected a mapping", id="list"),
        pytest.param("systems: {a: [x=1], a: [x=2]}\nmanifests: {b: [y=1]}", "stands twice", id="same-key"),
        pytest.param("a: &a [x]\nb: !!python/object:os.system [ls]", "not valid YAML", id="objects"),
        pytest.param(b"\xff\xfe\x00", "not valid YAML", id="bytes"),
        pytest.param("backends: {a: [x=1]}", "has the key 'backends'", id="unknown-key"),
        pytest.param("systems: {a: [backend=tones]}", "makes no cell", id="no-manifest"),
        pytest.param("systems: {a: []}\nmanifests: {b: []}\nconditions: [1]", r"such as \[clean", id="conditions"),
        pytest.param("systems: {a: []}\nmanifests: {b: []}\nconditions: [x, x]", "twice", id="one-condition-twice"),
        pytest.param("systems: {a: []}\nmanifests: {b: []}\nconditions: ['x,y']", "folders", id="two-in-one"),
        pytest.param("systems: [a]", "expected names", id="names"),
        pytest.param("transcripts: {a: hypotheses=x.csv}", "expected a list of overrides", id="one-override"),
        pytest.param("transcripts: {a: [{x: 1}]}", "expected a list of overrides", id="mapping"),
        pytest.param("transcripts: {../a: [x=1]}", "folders are called so", id="path"),
        pytest.param("transcripts: {'': [x=1]}", "folders are called so", id="nameless"),
        pytest.param("transcripts: {3: [x=1]}", "folders are called so", id="number"),
        pytest.param("transcripts: {Aa: [x=1], aA: [x=2]}", "share a folder", id="capitals"),
        pytest.param("transcripts: {nightly.JSON: [x=1]}", "as the files of a night", id="file-of-the-night"),
        pytest.param(
            "systems: {a: [x=1]}\nmanifests: {b: [], b.log: []}", "as the files of a night", id="log-of-a-cell"
        ),
        pytest.param("systems: {a: [x=1]}\nmanifests: {b: [y=1]}\nexclude: [[a, c]]", "exclude has", id="exclude"),
        pytest.param("systems: {a_b: [x=1], a: [x=1]}\nmanifests: {c: [], b_c: []}", "share a folder", id="joined"),
    ],
)
def test_what_makes_no_night_is_refused_with_the_file_s_name(matrix, text, said):
    with pytest.raises(UsageError, match=r"(?s)matrix\.yaml.*" + said):
        matrix(text)


@pytest.mark.parametrize(
    "option",
    [
        "run_dir=/elsewhere",
        "++run_dir=/elsewhere",
        "allow_targets=[os.system]",
        "hydra.job.chdir=true",
        "hydra/launcher=basic",
        "+hydra.callbacks.x._target_=os.system",
        "backend@hydra.callbacks=x",
        " hydra.mode=MULTIRUN",
        "~policy",
        "policy",
        "--config-dir=/tmp",
        "-m",
        "--multirun",
        "=x",
        "",
    ],
)
def test_a_file_sets_options_of_runs_and_nothing_else(matrix, option):
    with pytest.raises(UsageError, match=r"transcripts\.a has"):
        matrix(f"transcripts: {{a: ['{option}']}}")


def test_a_file_that_is_not_there_or_no_matrix_by_its_size_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_matrix(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_matrix(tmp_path)
    (tmp_path / "large.yaml").write_bytes(b" " * 1_000_001)
    with pytest.raises(UsageError, match="more than 1,000,000 bytes"):
        read_matrix(tmp_path / "large.yaml")


def test_the_example_is_a_matrix():
    cells = read_matrix(REPOSITORY / "examples" / "nightly" / "matrix.yaml")
    assert [cell.name for cell in cells] == ["pocketsphinx_demo"]
