"""Every service's JSON says what was heard, with times; a job that failed is a failure with its reason."""

import math

import pytest

from harness.errors import HypothesesError
from harness.scoring.transcripts import Format, read_hypotheses
from tests.scoring.transcripts.builders import SERVICES, heard_in, service, texts_of, written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("amazon", "Two blankets, please. Room nine.", id="amazon"),
        pytest.param("amazon_channels", "Is the ferry late? Yes, by an hour. Oh.", id="amazon-channels"),
        pytest.param("google_v1", "put the kettle on and the radio", id="google"),
        pytest.param(
            "google_operation", "who is on shift tonight nobody from our side then I will stay", id="google-channels"
        ),
        pytest.param("google_speakers", "mind the step", id="google-speakers-are-no-second-transcript"),
        pytest.param("azure_channels", "Any post today? One parcel. Leave it there.", id="azure-channels"),
        pytest.param("azure_short", "Where is bay 4?", id="azure-short"),
        pytest.param("azure_silence", "", id="azure-heard-nothing"),
        pytest.param("azure_fast", "Bring the chart. Thanks.", id="azure-fast"),
        pytest.param("deepgram", "The stairs are wet.", id="deepgram"),
        pytest.param("deepgram_channels", "Did you call? Twice. Fine.", id="deepgram-channels"),
        pytest.param("assemblyai", "Lights out at ten.", id="assemblyai"),
        pytest.param("assemblyai_channels", "Hello? Yes, hello. Go on.", id="assemblyai-channels"),
        pytest.param("whisper", "Snow is forecast. Take the bus.", id="whisper"),
        pytest.param("whisper_words", "Snow again.", id="whisper-with-words"),
        pytest.param("whisper_verbose", "The tide is in.", id="openai"),
        pytest.param("whisperx", "Platform 12, please.", id="whisperx"),
    ],
)
def test_a_document_is_a_transcript_called_as_its_file_or_source(name, text):
    frame = read_hypotheses(SERVICES / f"{name}.json")
    assert frame["text"].tolist() == [text]
    assert frame["error"].tolist() == [None]
    assert frame["utterance_id"].tolist() == ["desk-2" if name == "azure_channels" else name]


@pytest.mark.parametrize(
    ("name", "utterance_id", "error"),
    [
        pytest.param("amazon_failed_job", "amazon_failed_job", "This is no recording.", id="amazon"),
        pytest.param(
            "google_failed_operation", "google_failed_operation", "The recording has no length. (code 3)", id="google"
        ),
        pytest.param("azure_report", "round-13", "InvalidData: The recording could not be downloaded.", id="azure"),
        pytest.param("deepgram_refused", "deepgram_refused", "Bad Request: the upload is no audio", id="deepgram"),
        pytest.param("assemblyai_error", "assemblyai_error", "The file has no sound in it.", id="assemblyai"),
    ],
)
def test_a_job_that_failed_is_a_failure_with_its_reason_and_no_empty_text(name, utterance_id, error):
    frame = read_hypotheses(SERVICES / f"{name}.json")
    assert texts_of(frame) == {utterance_id: None}
    assert frame["error"].tolist() == [error]


def test_a_batch_of_google_has_a_row_a_file():
    frame = read_hypotheses(SERVICES / "google_v2_batch.json")
    assert texts_of(frame) == {"round-09": "the lift is broken", "round-10": None, "round-11": ""}
    assert frame["error"].tolist() == [None, "There is no such recording. (code 5)", None]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(
            "amazon",
            [
                ("Two", 0.31, 0.52, 0.998),
                ("blankets,", 0.52, 1.08, 0.998),
                ("please.", 1.2, 1.61, 0.874),
                ("Room", 2.04, 2.35, 0.998),
                ("nine.", 2.35, 2.8, 0.998),
            ],
            id="amazon",
        ),
        pytest.param(
            "google_speakers",
            [("mind", 0.1, 0.5, None), ("the", 0.5, 0.6, None), ("step", 0.6, 1.1, None)],
            id="google",
        ),
        pytest.param(
            "azure_batch", [("Close", 0.7, 1.1, None), ("the", 1.1, 1.3, None), ("window.", 1.3, 2.3, None)], id="azure"
        ),
        pytest.param(
            "azure_short",
            [
                ("where", 0.18, 0.48, None),
                ("is", 0.48, 0.68, None),
                ("bay", 0.68, 1.08, None),
                ("four", 1.08, 1.98, None),
            ],
            id="azure-short",
        ),
        pytest.param(
            "azure_fast",
            [
                ("Bring", 0.12, 0.42, None),
                ("the", 0.42, 0.62, None),
                ("chart.", 0.62, 1.22, None),
                ("Thanks.", 3, 3.6, None),
            ],
            id="azure-fast",
        ),
        pytest.param(
            "deepgram",
            [("The", 0.2, 0.4, 0.97), ("stairs", 0.4, 0.9, 0.97), ("are", 0.9, 1.1, 0.97), ("wet.", 1.1, 1.5, 0.97)],
            id="deepgram",
        ),
        pytest.param(
            "assemblyai",
            [("Lights", 0.24, 0.61, 0.95), ("out", 0.61, 0.8, 0.95), ("at", 0.8, 0.9, 0.95), ("ten.", 0.9, 1.5, 0.81)],
            id="assemblyai",
        ),
        pytest.param("whisper_words", [("Snow", 0.1, 0.7, 0.91), ("again.", 0.7, 1.5, 0.83)], id="whisper"),
        pytest.param("whisper", None, id="whisper-without-words"),
        pytest.param("whisperx", None, id="a-word-without-times-leaves-the-stretches"),
    ],
)
def test_words_have_their_times_in_seconds_and_confidences(name, words):
    (heard,) = heard_in(SERVICES / f"{name}.json")
    found = heard.words()
    if words is None:
        assert found is None
        assert [each.are_words for each in [heard]] == [False]
    else:
        assert [(each.text, each.start, each.end, each.confidence) for each in found] == [
            (text, pytest.approx(start), pytest.approx(end), confidence) for text, start, end, confidence in words
        ]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("azure_batch", 3.2), ("deepgram", 3.75), ("assemblyai", 2), ("whisper_verbose", 2.62), ("azure_fast", 4.2)],
)
def test_the_length_of_a_recording_is_kept_where_it_is_told(name, seconds):
    assert read_hypotheses(SERVICES / f"{name}.json")["audio_s"].tolist() == [pytest.approx(seconds)]
    assert math.isnan(read_hypotheses(SERVICES / "amazon.json")["audio_s"].iloc[0])


def test_predictions_of_nemo_are_what_was_heard_and_not_the_references_beside_them():
    frame = read_hypotheses(SERVICES / "nemo.json")
    assert texts_of(frame) == {"calls/a": "open a gate", "calls/b#3.5": "not now"}
    assert frame["audio_s"].tolist() == [2.5, 1.5]
    first, second = frame["heard"]
    assert [(word.text, word.start, word.end) for word in first.words()] == [
        ("open", 0.16, 0.4),
        ("a", 0.48, 0.56),
        ("gate", 0.64, 1.12),
    ]
    assert (second.from_s, second.words()) == (3.5, None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"status": "IN_PROGRESS"}, "is of a job that is 'IN_PROGRESS'; fetch it again", id="unfinished"),
        pytest.param({"results": {"transcripts": []}}, "results.transcripts has nothing in it", id="nothing"),
        pytest.param(
            {"results": {"transcripts": [{"transcript": 3}]}}, "[0].transcript is 3; expected a text", id="no-text"
        ),
        pytest.param({"results": "soon"}, "results is 'soon'; expected an object", id="no-object"),
    ],
)
def test_what_is_not_as_the_service_writes_it_is_told_with_its_place(tmp_path, change, problem):
    path = written(tmp_path, "u1.json", service("amazon") | change)
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(path)
    (told,) = raised.value.problems
    assert told.startswith(f"{path}: ")
    assert problem in told


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param(
            {"id": "c", "audio_url": "x", "status": "queued", "text": None}, "that is 'queued'", id="assemblyai"
        ),
        pytest.param({"name": "7", "metadata": {}}, "of an operation that has not ended", id="google"),
        pytest.param(
            {"TranscriptionJob": {"TranscriptionJobStatus": "COMPLETED"}},
            "give the file at its TranscriptFileUri",
            id="amazon",
        ),
        pytest.param(
            {"results": {"gs://b/a.wav": {"cloudStorageResult": {"uri": "gs://b/a.json"}}}},
            "fetch that file",
            id="google-batch",
        ),
    ],
)
def test_what_is_not_finished_or_lies_elsewhere_is_no_transcript(tmp_path, document, problem):
    with pytest.raises(HypothesesError, match=problem):
        read_hypotheses(written(tmp_path, "u1.json", document))


@pytest.mark.parametrize("name", ["google_operation", "azure_channels", "deepgram_channels", "assemblyai_channels"])
def test_several_channels_without_times_are_refused(tmp_path, name):
    timeless = without(service(name), {"words", "utterances", "recognizedPhrases", "resultEndTime"})
    if name == "assemblyai_channels":  # its channels are told by its words alone
        assert texts_of(read_hypotheses(written(tmp_path, "u1.json", timeless))) == {"u1": "Hello? Yes, hello. Go on."}
        return
    with pytest.raises(HypothesesError, match="has words on 2 channels and no times to put them in order; ask for"):
        read_hypotheses(written(tmp_path, "u1.json", timeless))


def without(node, keys):
    """Return a document without some keys, wherever they stand."""
    if isinstance(node, dict):
        return {key: without(value, keys) for key, value in node.items() if key not in keys}
    return [without(each, keys) for each in node] if isinstance(node, list) else node


def test_a_client_s_spelling_of_google_s_keys_is_read(tmp_path):
    document = {
        "results": [
            {
                "alternatives": [
                    {
                        "transcript": "off",
                        "words": [
                            {"word": "off", "start_time": {}, "end_time": {"seconds": "1", "nanos": 500_000_000}}
                        ],
                    }
                ],
                "result_end_time": {"seconds": "2"},
            }
        ]
    }
    (heard,) = heard_in(written(tmp_path, "u1.json", document))
    assert [(word.start, word.end) for word in heard.words()] == [(0, 1.5)]


def test_an_empty_answer_of_google_is_silence_where_it_is_known_to_be_google_s(tmp_path):
    path = written(tmp_path, "u1.json", {})
    assert texts_of(read_hypotheses(path, format=Format.google)) == {"u1": ""}
    written(tmp_path, "u2.json", service("google_v1"))
    assert texts_of(read_hypotheses(tmp_path)) == {"u1": "", "u2": "put the kettle on and the radio"}


def test_predictions_of_several_models_are_chosen_by_column(tmp_path):
    line = {"audio_filepath": "a.wav", "text": "no", "pred_text_small": "yes", "pred_text_large": "no"}
    path = written(tmp_path, "heard.json", line)
    with pytest.raises(Exception, match=r"predictions of 2 models.*choose one with columns.text=pred_text_large"):
        read_hypotheses(path)
    assert texts_of(read_hypotheses(path, columns={"text": "pred_text_small"})) == {"a": "yes"}
