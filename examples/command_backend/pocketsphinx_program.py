r"""PocketSphinx as a program for `backend=command`: JSON Lines in on stdin, JSON Lines out on stdout.

    harness benchmark backend=command \
        'backend.command=[python, examples/command_backend/pocketsphinx_program.py, GRAMMAR]'

GRAMMAR is a JSGF file; without it speech is free. Run by the tests: its texts are those of `backend=pocketsphinx`.
"""

import json
import sys
import wave
from importlib.metadata import version

from pocketsphinx import Decoder

decoder = Decoder(jsgf=sys.argv[1]) if sys.argv[1:] else Decoder()
print(json.dumps({"identity": {"pocketsphinx": version("pocketsphinx")}}), flush=True)
for line in sys.stdin:  # until the harness closes it, or is gone
    clip = json.loads(line)
    try:
        with wave.open(clip["audio"]) as recording:
            pcm = recording.readframes(recording.getnframes())
        decoder.reinit_feat()  # so that a text does not depend on the clips before it
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp() if "nan" not in decoder.get_cmn() else None  # the mean over no frame with energy is none
        answer = {"id": clip["id"], "text": heard.hypstr if heard else ""}
    except (RuntimeError, ValueError) as error:
        answer = {"id": clip["id"], "error": str(error)}
    print(json.dumps(answer), flush=True)
