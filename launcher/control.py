"""The endpoint through which the page types commands into run.py: `POST /` {"command": "stop 1"}.

Loopback only, on a random port, for who knows the random token that the page gets through its environment:
a web site open in the same browser knows neither.
"""

import hmac
import re
import secrets
import socket
import threading
from collections.abc import Callable

import waitress
from flask import Flask, abort, request

COMMAND = re.compile(r"(stop|kill|start) [1-9]")
HERE = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?", re.IGNORECASE)  # a Host that leads here without another's help


class ControlEndpoint:
    """Serves from now on until `close`; hands each command to `carry_out`."""

    def __init__(self, carry_out: Callable[[str], None]):
        self.token = secrets.token_urlsafe(32)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self._server = waitress.create_server(create_app(self.token, carry_out), sockets=[listener], threads=2)
        threading.Thread(target=self._server.run, daemon=True).start()

    def close(self) -> None:
        self._server.trigger.pull_trigger(self._server.close)  # in its own thread, which may just be waiting in select
        self._server.task_dispatcher.shutdown(timeout=1)


def create_app(token: str, carry_out: Callable[[str], None]) -> Flask:
    """The HTTP API: 202 when the command was taken, 400 when it is none, 403 without the token."""
    app = Flask(__name__)

    @app.post("/")
    def command():
        given = request.headers.get("Authorization", "")
        right = hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if not right or "Origin" in request.headers or not HERE.fullmatch(request.headers.get("Host", "")):
            hint = "type the command into the terminal of run.py"
            return {"error": "only the page that run.py started may send commands", "hint": hint}, 403
        body = request.get_json(silent=True)
        wanted = body.get("command") if isinstance(body, dict) else None
        if not isinstance(wanted, str) or not COMMAND.fullmatch(wanted):
            abort(400, "the commands are stop, kill and start, each with the number of a consumer")
        carry_out(wanted)
        return {"command": wanted}, 202

    return app
