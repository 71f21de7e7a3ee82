"""The endpoint through which the page types commands into run.py: `POST /` {"command": "stop 1"}.

Loopback only, on a random port, and only for callers that send the random token that the page gets through its
environment: a web site that is open in the same browser knows neither.
"""

import hmac
import re
import secrets
import socket
from collections.abc import Callable

from flask import Flask, request
from werkzeug.exceptions import BadRequest, Forbidden

from plumbing import web

COMMAND = re.compile(r"(stop|kill|start) [1-9]")


class ControlEndpoint:
    """Serves from now on until `close`; hands each command to `carry_out`."""

    def __init__(self, carry_out: Callable[[str], None]):
        self.token = secrets.token_urlsafe(32)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self.close = web.serve_in_background(create_app(self.token, carry_out, port), listener)


def create_app(token: str, carry_out: Callable[[str], None], port: int = 0) -> Flask:
    """The HTTP API: 202 for a command, 400 for anything else, 403 without the token."""
    app = web.create_app(port, usage="type the command into the terminal of run.py")

    @app.post("/")
    def command():
        given = request.headers.get("Authorization", "")
        right = hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if not right or "Origin" in request.headers:
            raise Forbidden("only the page that run.py started may send commands")
        body = request.get_json(silent=True)
        wanted = body.get("command") if isinstance(body, dict) else None
        if not isinstance(wanted, str) or not COMMAND.fullmatch(wanted):
            raise BadRequest("the commands are stop, kill and start, each with the number of a consumer")
        carry_out(wanted)
        return {"command": wanted}, 202

    return app
