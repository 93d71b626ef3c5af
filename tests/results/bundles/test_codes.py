"""Codes stand for ids one for one, sort as they do, and are the same wherever they are made."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.fairness.speaker_sums import speaker_codes
from harness.results.bundles.codes import Ids, digests_of, named

IDS = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1),
    min_size=1,
    max_size=30,
    unique=True,
)


def manifest_of(tmp_path, utterances, speakers, **columns):
    frame = pd.DataFrame(
        {"utterance_id": utterances, "text": ["a b"] * len(utterances), "speaker_id": speakers, **columns}
    )
    frame.to_parquet(tmp_path / "m.parquet")
    return Manifest.load(tmp_path / "m.parquet", require_audio=False)


@settings(max_examples=40)
@given(utterances=IDS, data=st.data())
def test_codes_number_speakers_as_their_ids_do(tmp_path_factory, utterances, data):
    people = data.draw(
        st.lists(st.sampled_from([*utterances, None]), min_size=len(utterances), max_size=len(utterances))
    )
    manifest = manifest_of(tmp_path_factory.mktemp("codes"), utterances, people)
    known = named(manifest, Ids.coded)
    assert list(known.utterances) == sorted(utterances)
    assert sorted(known.utterances.values()) == list(known.utterances.values())
    assert (speaker_codes(known.manifest.frame) == speaker_codes(manifest.frame)).all()


def test_whose_recording_it_is_cannot_be_told_from_the_manifest_in_a_bundle(tmp_path):
    manifest = manifest_of(tmp_path, ["anna_1", "bob_1"], ["anna", "bob"], audio_filepath=["anna/1.wav", "bob/1.wav"])
    told = named(manifest, Ids.coded).manifest.frame.to_string()
    assert "anna" not in told
    assert "bob" not in told
    kept = named(manifest, Ids.kept).manifest.frame
    assert kept["speaker_id"].tolist() == ["anna", "bob"]
    assert kept["audio_filepath"].tolist() == [None, None]


@pytest.mark.parametrize(
    ("column", "values", "texts_too"),
    [("accent", ["x", "y"], False), ("text", ["a b", "a c"], True), ("speaker_id", ["p", "p"], False)],
)
def test_the_digests_say_what_is_another(tmp_path, column, values, texts_too):
    columns = {"utterance_id": ["u", "v"], "accent": ["x", "x"], "text": ["a b", "a b"], "speaker_id": ["p", "q"]}
    before, after = (digests_of(loaded(tmp_path, told)) for told in (columns, columns | {column: values}))
    assert before.rows != after.rows
    assert (before.texts != after.texts) is texts_too


def loaded(folder, columns):
    pd.DataFrame(columns).to_parquet(folder / "m.parquet")
    return named(Manifest.load(folder / "m.parquet", require_audio=False), Ids.coded).manifest
