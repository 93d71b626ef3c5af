"""Every waveform goes to the backend that the list chooses by what it measures; a list about people is refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf

from harness.audio import SAMPLE_RATE, read_waveform
from harness.audio.measurements import measure_recording
from harness.backends import Failure, PocketSphinx, Tones, Transcript
from harness.backends.faults import Failing, Refusing
from harness.backends.routable import AS_RECORDED, KNOWABLE, router_yaml
from harness.backends.router import Router, measured
from harness.backends.testing import contract_tests
from harness.backends.tones import synthesise
from harness.errors import BackendError, UsageError
from harness.plugins import TARGETS, build
from harness.predicates import Column, ColumnKind, DecisionList, parse
from harness.provenance import version
from tests.builders import FEW_RESAMPLES, harness, hypothesis_lines, tone_corpus, tone_rows
from tests.shared import DATA, needs_data

NOISY = {"base": "near", "nodes": [{"predicate": "snr_db < 10", "to": {"system": "far"}}]}
LOUD = {  # louder than -30 dB: far, unless louder than -16: near again
    "base": "near",
    "nodes": [
        {"predicate": "level_dbfs > -30", "to": {"system": "far"}},
        {"predicate": "level_dbfs > -16", "to": {"version": 0}},
    ],
}
SWAPPED = {"base": "far", "nodes": [{"predicate": "level_dbfs > -30", "to": {"system": "near"}}]}
ABOUT = {"about": {"accent": "accent, self_reported"}}
TONES = "harness.backends.tones.Tones"


class Shouting:
    """Hears as `Tones` does, and writes in capitals."""

    def __init__(self, mark="!"):
        self.mark = mark
        self.calls = []
        self.is_loaded = self.is_closed = False

    def load(self):
        self.is_loaded = True

    def transcribe(self, waveforms):
        self.calls.append(len(waveforms))
        return [Transcript(each.text.upper() + self.mark * bool(each.text)) for each in Tones().transcribe(waveforms)]

    def identity(self):
        return {"backend": "shouting", "mark": self.mark}

    def stage_seconds(self):
        return {"decoder": float(len(self.calls))}

    def close(self):
        self.is_closed = True


def router(decisions=LOUD, near=None, far=None, **options):
    return Router(backends={"near": near or Tones(), "far": far or Shouting()}, decisions=decisions, **options)


def changed(decisions, **node):
    return decisions | {"nodes": [{**decisions["nodes"][0], **node}]}


test_router = contract_tests(
    router,
    variants=[
        lambda: router(SWAPPED),
        lambda: router(LOUD | {"nodes": LOUD["nodes"][:1]}),
        lambda: router(far=Shouting("?")),
        lambda: router(near=Shouting(), far=Tones()),
    ],
    longest_s=60.0,
)


def test_each_clip_is_heard_by_the_backend_that_the_list_chooses_in_order_and_each_backend_once():
    near, far = Shouting("n"), Shouting("f")
    gains = (1.0, 0.2, 0.01, 0.2, 1.0, 0.01)
    clips = [np.float32(gain) * synthesise(word) for gain, word in zip(gains, ("one", "two", "six") * 2, strict=True)]
    routing = router(near=near, far=far)
    assert [routing.system_of(clip) for clip in clips] == ["near", "far", "near", "far", "near", "near"]
    texts = [each.text for each in routing.transcribe(clips)]
    assert texts == ["ONEn", "TWOf", "SIXn", "ONEf", "TWOn", "SIXn"]
    assert (near.calls, far.calls) == ([4], [2])


def test_who_cannot_be_measured_is_in_no_comparison_and_goes_to_the_base():
    silence, empty = np.zeros(SAMPLE_RATE, dtype=np.float32), np.zeros(0, dtype=np.float32)
    assert set(measured(empty).values()) == set(measured(silence).values()) == {None}
    assert [router().system_of(clip) for clip in (silence, empty)] == ["near", "near"]
    negated = changed(LOUD, predicate="not level_dbfs > -30")
    assert [router(negated).system_of(clip) for clip in (silence, empty)] == ["far", "far"]


def test_a_failure_stays_where_it_was_and_an_error_is_raised_for_the_caller_to_retry():
    clips = [0.2 * synthesise("one"), 0.01 * synthesise("two")]
    refused, heard = router(far=Refusing()).transcribe(clips)
    assert isinstance(refused, Failure)
    assert heard.text == "two"
    with pytest.raises(RuntimeError, match="told to fail"):
        router(far=Failing()).transcribe(clips)


def test_a_backend_that_returns_too_few_is_named():
    class Short(Shouting):
        def transcribe(self, waveforms):
            return super().transcribe(waveforms)[1:]

    with pytest.raises(BackendError, match=r"Short\.transcribe returned 0 transcripts"):
        router(far=Short()).transcribe([0.2 * synthesise("one")])


def test_loading_closing_and_seconds_are_passed_on():
    near, far = Shouting(), Shouting()
    routing = router(near=near, far=far)
    routing.load()
    assert (near.is_loaded, far.is_loaded) == (True, True)
    routing.transcribe([synthesise("one"), 0.2 * synthesise("one")])
    seconds = routing.stage_seconds()
    assert (sorted(seconds), seconds["decoder"]) == (["decoder", "measuring"], 2.0)
    assert seconds["measuring"] > 0
    near.close = lambda: (_ for _ in ()).throw(RuntimeError("stuck"))
    with pytest.raises(RuntimeError, match="stuck"):
        routing.close()
    assert far.is_closed


def test_the_identity_is_the_list_and_the_whole_identity_of_every_backend():
    identity = router().identity()
    assert (identity["backend"], identity["near.backend"], identity["far.mark"]) == ("router", "tones", "!")
    assert router(LOUD | {"about": {"x": "a word"}}).identity() == identity
    others = [router(each).identity() for each in (SWAPPED, LOUD | {"nodes": LOUD["nodes"][:1]})]
    assert len({json.dumps(each) for each in (identity, *others)}) == 3


@needs_data("fsdd/recordings")
def test_what_is_measured_of_a_waveform_is_what_harness_measure_writes_of_the_recording():
    for path in sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::60]:
        of_recording, of_waveform = measure_recording(path), measured(read_waveform(path), prefix="m_")
        for name in KNOWABLE:
            assert of_waveform[f"m_{name}"] == getattr(of_recording, name)


def test_of_a_recording_at_16_khz_all_is_known(tmp_path):
    clip = np.clip(3 * synthesise("one two"), -0.4, 0.4)
    corpus = tone_corpus(tmp_path, tone_rows(["north"], n_speakers=1, n_utterances=1), audio_of=lambda _: clip)
    (path,) = (corpus.parent / "audio").iterdir()
    of_recording, of_waveform = measure_recording(path), measured(read_waveform(path))
    assert of_waveform == {name: getattr(of_recording, name) for name in (*KNOWABLE, *AS_RECORDED)}
    assert of_waveform["clipped_share"] > 0.1
    decisions = changed(LOUD, predicate="clipped_share > 0.1")
    assert router(decisions, as_recorded=True).system_of(read_waveform(path)) == "far"


@pytest.mark.parametrize(
    ("decisions", "options", "words"),
    [
        pytest.param(
            changed(NOISY, predicate='snr_db < 10 and accent == "indian"') | ABOUT,
            {},
            r"the list asks for 'accent' \(accent, self_reported\), which no waveform tells: such a list is for "
            "evaluation only and cannot choose a backend for speech that nobody has tagged; what a waveform tells is "
            "level_dbfs, speech_level_dbfs, speech_share, snr_db",
            id="an-attribute-of-people",
        ),
        pytest.param(
            changed(NOISY, predicate='who == "x"'), {}, "asks for 'who', which no waveform tells", id="unsaid"
        ),
        pytest.param(
            changed(NOISY, predicate="words_per_s > 3"), {}, "counted in the words of the reference", id="words"
        ),
        pytest.param(changed(NOISY, predicate="bandwidth_hz < 4000"), {}, "as_recorded=true", id="band"),
        pytest.param(changed(NOISY, predicate="clipped_share > 0"), {}, "as they are stored, before", id="clipping"),
        pytest.param(NOISY, {"prefix": "m_"}, "'snr_db', which no waveform tells.* is m_level_dbfs, ", id="no-prefix"),
        pytest.param(
            changed(NOISY, predicate='snr_db == "<0"'), {}, "snr_db is a number; expected one without", id="a-bin"
        ),
        pytest.param(changed(NOISY, predicate="snr_db.x < 1"), {}, r"nodes\[0\]: .*no attribute access", id="hostile"),
        pytest.param({"base": "near"}, {}, "decision list: has no nodes", id="no-list"),
        pytest.param(
            changed(NOISY, to={"system": "middle"}),
            {},
            "no backend is called 'middle'; .*'near', 'middle'",
            id="no-backend",
        ),
        pytest.param(changed(NOISY, to={"version": 0}), {}, "no node of the list names the backend 'far'", id="unused"),
        pytest.param(
            NOISY, {"near": {"model": "x"}}, "'near' is dict; expected a backend: its _target_", id="no-target"
        ),
        pytest.param(NOISY, {"file": "list.json"}, "expected decisions or file, one of the two", id="both"),
        pytest.param(None, {}, "expected decisions or file, one of the two", id="neither"),
        pytest.param(None, {"file": "none.json"}, "file=none.json: no such file", id="no-file"),
    ],
)
def test_a_list_that_no_waveform_can_be_sent_by_is_refused_in_words(decisions, options, words):
    with pytest.raises(UsageError, match=words):
        router(decisions, **options)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("{", "no JSON", id="no-json"),
        pytest.param("[" * 200_000, "no JSON", id="deep"),
        pytest.param(b"\xff\xfe", "no JSON", id="no-text"),
        pytest.param(" " * 4_000_001, "larger than 4,000,000 bytes", id="large"),
        pytest.param("[]", "decision list: a list", id="no-list"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, content, words):
    path = tmp_path / "list.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=words):
        router(None, file=str(path))


def test_nested_backends_are_built_by_the_same_allow_list():
    node = {"_target_": "harness.backends.router.Router", "decisions": NOISY}
    near = {"_target_": TONES}
    built = build("backend", node | {"backends": {"near": near, "far": near}}, allowed=TARGETS)
    assert isinstance(built, Router)
    for evil in ({"_target_": "subprocess.run", "args": ["x"]}, {"_target_": TONES, "_partial_": True}):
        with pytest.raises(UsageError, match=r"not on the allow-list|stands in a plugin's node"):
            build("backend", node | {"backends": {"near": near, "far": evil}}, allowed=TARGETS)
    inner = node | {"backends": {"near": near, "far": {"_target_": "subprocess.Popen", "args": "x"}}}
    with pytest.raises(UsageError, match=r"subprocess\.Popen' is not on the allow-list"):
        build("backend", node | {"backends": {"near": near, "far": inner}}, allowed=TARGETS)


def decision_list(text="snr_db < 10", to="far", **about):
    columns = {name: Column(name, ColumnKind.number) for name in ("snr_db", "m_snr_db", "bandwidth_hz", "age")}
    return DecisionList("near", about=about).prepended(parse(text, columns), to)


def test_the_file_of_a_router_is_read_by_hydra_as_it_was_meant_and_builds_it():
    backends = {
        "near": {"_target_": TONES},
        "far": {"_target_": "harness.backends.pocketsphinx.PocketSphinx", "grammar": None, "dictionary": None},
        "1e3": {"_target_": TONES},  # is not in the list, and not written
    }
    text = router_yaml(decision_list(snr_db="acoustic, measured"), backends)
    node = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    assert node["backends"] == {name: backends[name] for name in ("near", "far")}
    assert node["decisions"] == NOISY | {"about": {"snr_db": "acoustic, measured"}}
    assert isinstance(build("backend", node, allowed=TARGETS), Router)


@pytest.mark.parametrize("name", ["1e3", "null", "yes", "submission 0001", "a: b", "日本", "#1", 'it\'s "so"'])
def test_any_name_of_a_system_is_written_so_that_it_is_read_again(name):
    text = router_yaml(decision_list(to=name), {"near": {"_target_": TONES}, name: {"_target_": TONES, "prompt": name}})
    for node in (OmegaConf.to_container(OmegaConf.create(text), resolve=True), yaml.safe_load(text)):
        assert list(node["backends"]) == ["near", name]
        assert node["backends"][name]["prompt"] == name
        assert build(
            "backend", {**node, "backends": {key: {"_target_": TONES} for key in node["backends"]}}, allowed=TARGETS
        )


@pytest.mark.parametrize(
    ("decisions", "backends", "words"),
    [
        pytest.param(
            decision_list("age < 30", age="demographic, self_reported"),
            {},
            r"asks for 'age' \(demographic, self_reported\), which no waveform tells: .*evaluation only",
            id="age",
        ),
        pytest.param(decision_list("bandwidth_hz < 4000"), {}, "say as_recorded=true", id="band"),
        pytest.param(
            decision_list(), {"near": {"_target_": TONES}}, "'far' has no backend that can be run", id="a-file"
        ),
        pytest.param(
            decision_list(), {"near": {"_target_": TONES}, "far": {"model": "x"}}, "'far' has no _target_", id="node"
        ),
        pytest.param(
            decision_list(),
            {"near": {"_target_": TONES}, "far": {"_target_": TONES, "x": object()}},
            "'far': .*expected plain values",
            id="no-plain-value",
        ),
        pytest.param(
            decision_list(),
            {"near": {"_target_": TONES}, "far": {"_target_": TONES, "x": "${oc.env:HOME}"}},
            r"'\${oc.env:HOME}' refers to something",
            id="the-environment",
        ),
        pytest.param(
            decision_list(),
            {"near": {"_target_": TONES}, "far": {"_target_": TONES, "x": ["???"]}},
            "refers to something",
            id="left-out",
        ),
    ],
)
def test_a_router_that_could_not_run_is_not_written(decisions, backends, words):
    with pytest.raises(UsageError, match=words):
        router_yaml(decisions, backends)


def test_a_prefix_is_written_and_used():
    backends = {"near": {"_target_": TONES}, "far": {"_target_": TONES}}
    node = yaml.safe_load(router_yaml(decision_list("m_snr_db < 10"), backends, prefix="m_"))
    assert build("backend", node, allowed=TARGETS)
    with pytest.raises(UsageError, match="'m_snr_db', which no waveform tells"):
        router_yaml(decision_list("m_snr_db < 10"), backends)


ROWS = tone_rows(["north", "south"], n_speakers=3, n_utterances=2)


def in_noise(row):
    """Return a clip with a pause at both ends, in little noise or, of every other speaker, in much."""
    rng = np.random.default_rng(sum(map(ord, row["utterance_id"])))
    pause = np.zeros(SAMPLE_RATE // 4, dtype=np.float32)
    speech = np.concatenate([pause, synthesise(row["text"]), pause])
    level = 0.1 if int(row["speaker_id"][-1]) % 2 else 0.003
    return (0.5 * speech + level * rng.standard_normal(len(speech))).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tone_corpus(tmp_path_factory.mktemp("corpus"), ROWS, audio_of=in_noise)


def test_a_benchmark_of_a_router_has_the_texts_of_the_backend_that_measure_says(tmp_path, corpus):
    """Whom the list means is told by `harness measure`; what each backend hears, by the backend alone."""
    (tmp_path / "list.json").write_text(json.dumps(NOISY))
    grammar = tmp_path / "nine.gram"
    grammar.write_text("#JSGF V1.0;\ngrammar nine;\npublic <word> = nine;\n")
    (tmp_path / "my_configs" / "backend").mkdir(parents=True)
    (tmp_path / "my_configs" / "backend" / "routed.yaml").write_text(
        "defaults: [router, tones@backends.near, pocketsphinx@backends.far, _self_]\nfile: list.json\n"
    )
    ended = harness(
        "benchmark",
        "--config-dir=my_configs",
        "backend=routed",
        f"backend.backends.far.grammar={grammar}",
        f"manifest.path={corpus}",
        "manifest=file",
        "policy=report_only",
        *FEW_RESAMPLES,
        "executor.workers=0",
        "run_dir=run",
        cwd=tmp_path,
    )
    assert ended.exit_status == 0, ended.err
    assert harness("measure", f"manifest.path={corpus}", "out=measured", cwd=tmp_path).exit_status == 0
    rows = pd.read_json(tmp_path / "measured" / "manifest.jsonl", lines=True)
    clips = [read_waveform(corpus.parent / "audio" / f"{each}.wav") for each in rows["utterance_id"]]
    alone = {"near": Tones().transcribe(clips), "far": PocketSphinx(grammar=str(grammar)).transcribe(clips)}
    names = ["far" if snr_db < 10 else "near" for snr_db in rows["snr_db"]]
    assert set(names) == {"near", "far"}
    expected = {
        each: alone[name][n].text for n, (each, name) in enumerate(zip(rows["utterance_id"], names, strict=True))
    }
    assert {line["utterance_id"]: line["text"] for line in hypothesis_lines(tmp_path / "run")} == expected
    assert all(near.text != far.text for near, far in zip(alone["near"], alone["far"], strict=True))
    facts = json.loads((tmp_path / "run" / "run.json").read_text())["backend"]
    assert (facts["name"], facts["backend"], facts["near.backend"]) == ("routed", "router", "tones")
    assert facts["far.package"] == f"pocketsphinx {version('pocketsphinx')}"


def test_a_list_about_people_ends_a_benchmark_before_anything_is_heard(tmp_path, corpus):
    decisions = changed(NOISY, predicate='accent == "north"') | {"about": {"accent": "accent, self_reported"}}
    (tmp_path / "list.json").write_text(json.dumps(decisions))
    ended = harness(
        "benchmark", "manifest=file", f"manifest.path={corpus}", "backend=router", "backend.file=list.json",
        f"backend.backends={{near: {{_target_: {TONES}}}, far: {{_target_: {TONES}}}}}", "run_dir=run", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert re.search(r"'accent' \(accent, self_reported\), which no waveform tells: .*evaluation only", ended.err)
    assert ended.is_in_words
    assert not (tmp_path / "run").exists()


def test_a_configuration_cannot_smuggle_a_program_in_among_the_backends(tmp_path, corpus):
    mark = tmp_path / "mark"
    ended = harness(
        "benchmark", "manifest=file", f"manifest.path={corpus}", "backend=router", "backend.file=list.json",
        f"backend.backends={{near: {{_target_: {TONES}}}, far: {{_target_: os.mkdir, path: '{mark}'}}}}", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 2
    assert "_target_='os.mkdir' is not on the allow-list" in ended.err
    assert not mark.exists()
