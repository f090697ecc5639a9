"""An inference server over HTTP, as the protocol of Live Video Analytics describes one, with all that a bad one does.

    http_server.py [--truth PNG] [--tls PEM]

Listens on the loopback alone and prints its URL when it does; then a line of JSON for each request. What it answers, the
path says: /entity, /nothing, /strange, ... The query may say what the image should be: pixels, mode, width, height.
"""

import argparse
import hashlib
import json
import sys
import threading
import time

from flask import Flask, Response, request
from PIL import Image
from werkzeug.serving import make_server

import pictures

app = Flask(__name__)
truth = None
counts = {}
lock = threading.Lock()

BOX = {"l": 0.25, "t": 0.25, "w": 0.5, "h": 0.5}
ENTITY = {"type": "entity", "entity": {"tag": {"value": "truck", "confidence": 0.875}, "box": BOX}}
NONCE = "d41d8cd98f00b204"


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


def count(name):
    with lock:
        counts[name] = counts.get(name, 0) + 1
        return counts[name]


def judged():
    """How far the image is from what it should be; a text if it is something else."""
    if truth is None:
        return None
    ask = request.args
    size = (int(ask["width"]), int(ask["height"])) if "width" in ask else None
    mode = ask.get("mode", "pad").lower()
    try:
        wanted = pictures.expected(truth, mode, size)
        came = pictures.decode(request.get_data(), request.content_type, ask.get("pixels"), wanted.size)
        return pictures.distance(came, wanted)
    except (ValueError, OSError) as error:
        return str(error)


def inferences(*found):
    return {"inferences": list(found)}


def later(times, answer):
    """Answers with an error so often, then as it should."""
    return answer if count(request.full_path) <= times else inferences(ENTITY)


def huge():
    yield b'{"inferences": ['
    for _ in range(10 * 16):
        yield b" " * (64 << 10)
    yield b"]}"


def hang():
    time.sleep(3600)
    return inferences(ENTITY)


def cut():
    """Says that it is longer than it is."""
    # A body that is not made yet keeps the length that it is given.
    return Response(iter([b'{"inferences": [']), headers={"Content-Length": "5000"}, mimetype="application/json")


def basic():
    given = request.authorization
    if given and given.type == "basic" and (given.username, given.password) == ("me", "right one"):
        return inferences(ENTITY)
    return Response("who?", 401, {"WWW-Authenticate": 'Basic realm="server"'})


def digest():
    """RFC 7616 with MD5 and `auth`."""
    given = request.authorization
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
    if given and given.type == "digest":
        first, second = md5("me:server:right one"), md5(f"POST:{given.uri}")
        middle = f"{given.nonce}:{given.get('nc')}:{given.get('cnonce')}:{given.get('qop')}"
        if given.response == md5(f"{first}:{middle}:{second}") and given.nonce == NONCE:
            return inferences(ENTITY)
    return Response("who?", 401, {"WWW-Authenticate": f'Digest realm="server", nonce="{NONCE}", qop="auth", algorithm=MD5'})


def first_hashed():
    """Takes the password hashed once, and wants it in the clear then."""
    return digest() if count("hashed") <= 2 else Response("who?", 401, {"WWW-Authenticate": 'Basic realm="server"'})


def header():
    if request.headers.get("Authorization") == "Bearer a-token-of-ours":
        return inferences(ENTITY)
    return Response("who?", 401)


ANSWERS = {
    "entity": lambda: inferences(ENTITY),
    "motion": lambda: inferences({"type": "motion", "motion": {"box": BOX}}),
    "nothing": lambda: Response(status=204),
    "empty": lambda: inferences(),
    "strange": lambda: {"predictions": [{"label": "truck", "score": 0.5}], "took": 3},
    "text": lambda: Response("a truck", mimetype="text/plain"),
    "broken": lambda: Response('{"inferences": [', mimetype="application/json"),
    "refused": lambda: Response("no", 400),
    "error": lambda: Response("oh", 500),
    "elsewhere": lambda: Response(status=302, headers={"Location": "/entity"}),
    "busy": lambda: later(1, Response("later", 503, {"Retry-After": "3"})),
    "busy-forever": lambda: Response("later", 503),
    "hang": hang,
    "cut": cut,
    "huge": lambda: Response(huge(), mimetype="application/json"),
    "huge-told": lambda: Response(b"".join(huge()), mimetype="application/json"),
    "basic": basic,
    "digest": digest,
    "first-hashed": first_hashed,
    "header": header,
}


@app.post("/<name>")
def answer(name):
    said = ANSWERS[name]() if name != "hang" else None
    status = app.make_response(said).status_code if said is not None else None
    say(
        name=name,
        query=request.args,
        at=time.monotonic(),
        status=status,
        headers={key.lower(): value for key, value in request.headers},
        bytes=len(request.get_data()),
        distance=judged(),
    )
    return hang() if said is None else said


def main():
    global truth
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--truth")
    arguments.add_argument("--tls")
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()
    if given.truth:
        truth = Image.open(given.truth).convert("RGB")
    tls = (given.tls, given.tls) if given.tls else None
    server = make_server("127.0.0.1", given.port, app, threaded=True, ssl_context=tls)
    print(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
