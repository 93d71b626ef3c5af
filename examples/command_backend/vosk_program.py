"""Vosk as a program for `backend=command`: JSON Lines in, JSON Lines out, with the times of the words.

    harness benchmark backend=command 'backend.command=[python, examples/command_backend/vosk_program.py, MODEL]'

MODEL is the unpacked folder of a model (https://alphacephei.com/vosk/models); its files are in the identity, by their
digests. Tested with the package (`pip install vosk`) replaced by a stand-in: no model has been run.
"""

import json
import sys
import wave
from importlib.metadata import version

from vosk import KaldiRecognizer, Model, SetLogLevel

SetLogLevel(-1)
model = Model(sys.argv[1])
print(json.dumps({"identity": {"vosk": version("vosk")}}), flush=True)
for line in sys.stdin:  # until the harness closes it, or is gone
    clip = json.loads(line)
    recogniser = KaldiRecognizer(model, 16_000)  # a new one, so that a text does not depend on the clips before it
    recogniser.SetWords(True)
    parts = []
    with wave.open(clip["audio"]) as recording:
        while samples := recording.readframes(4_000):
            if recogniser.AcceptWaveform(samples):  # the end of a sentence
                parts.append(json.loads(recogniser.Result()))
    parts.append(json.loads(recogniser.FinalResult()))
    text = " ".join(part["text"] for part in parts if part["text"])
    words = [
        {"text": word["word"], "start_s": word["start"], "end_s": word["end"], "confidence": min(1.0, word["conf"])}
        for part in parts
        for word in part.get("result", [])
    ]
    print(json.dumps({"id": clip["id"], "text": text, "words": words}), flush=True)
