r"""whisper.cpp as a program for `backend=command`: it starts whisper-server, which loads the model once, and asks it.

    harness benchmark backend=command 'backend.command=[python, examples/command_backend/whisper_cpp_program.py, \
        /path/to/whisper-server, /path/to/ggml-base.en.bin]'

Both files are in the identity, by their digests. Tested against a stand-in for the server: whisper.cpp was not run.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

with socket.socket() as free:  # a port of its own, so that several of these may run
    free.bind(("127.0.0.1", 0))
    PORT = str(free.getsockname()[1])
SERVER = [sys.argv[1], "-m", sys.argv[2], "-nt", "--host", "127.0.0.1", "--port", PORT, *sys.argv[3:]]
EDGE = "clip-boundary"
# Temperature 0 without fallback (the server's own -nf does not reach it): a clip has one text.
FIELDS = {"response_format": "json", "temperature": "0.0", "temperature_inc": "0.0"}


def transcribed(path: str) -> str:
    """Sends a WAV file to the server and returns its text on one line."""
    form = "".join(f'--{EDGE}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in FIELDS.items())
    form += f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n\r\n'
    body = form.encode() + Path(path).read_bytes() + f"\r\n--{EDGE}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT}/inference", body, headers)) as found:
        return " ".join(json.load(found)["text"].split())


server = subprocess.Popen(SERVER, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # it logs to stdout: only answers may
for line in sys.stdin:  # until the harness closes it, or is gone
    clip = json.loads(line)
    while server.poll() is None:  # while the model is loading nobody listens; a server that has died ends this program
        try:
            answer = {"id": clip["id"], "text": transcribed(clip["audio"])}
        except urllib.error.HTTPError as error:
            answer = {"id": clip["id"], "error": f"{error}: {error.read()[:200]!r}"}
        except OSError:
            time.sleep(0.2)
            continue
        print(json.dumps(answer), flush=True)
        break
    else:
        sys.exit(f"whisper-server ended with exit status {server.returncode}")
server.kill()
