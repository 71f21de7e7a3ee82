"""The endpoint through which the page sends commands to run.py, runs lab programs, and reads their output.

| call                                     | answer                                                                  |
| ---------------------------------------- | ----------------------------------------------------------------------- |
| `POST /` {"command": "stop 1"}           | `202 {"command": "stop 1", "next": 42}`; its output starts at line 42   |
| `GET /lines?since=42`                    | `{"lines": ["consumer-1 | Revoked: partitions=[0]"], "next": 43}`         |
| `POST /programs` {"lab": 1, "block": 12} | `202 {"run": 0}`; 404 if the page of lab 1 has no such block for a shell  |
| `GET /programs`                          | `{"run": 0, "lab": 1, "block": 12}` while one runs, else `{}`             |
| `GET /programs/0?since=0`                | `{"lines": [...], "next": 3, "running": false, "exit_code": 0}`           |
| `POST /programs/0/stop`                  | `202 {"run": 0}`                                                          |

It listens on loopback, on a random port, and requires the random token that the page gets through its environment: a
website in the same browser knows neither.
"""

import hmac
import secrets
import socket
from collections.abc import Callable

from flask import Flask, request
from werkzeug.exceptions import BadRequest, Conflict, Forbidden, NotFound

from labs import prompt
from launcher.lab_programs import LabPrograms
from launcher.transcript import Transcript
from plumbing import Problem, web


class ControlEndpoint:
    """Serves until `close`; passes each command to `carry_out`, whose output goes to the `transcript`."""

    def __init__(self, carry_out: Callable[[str], None], transcript: Transcript, programs: LabPrograms):
        self.token = secrets.token_urlsafe(32)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        app = create_app(self.token, carry_out, transcript, programs, port)
        self.close = web.serve_in_background(app, listener)


def create_app(
    token: str,
    carry_out: Callable[[str], None],
    transcript: Transcript | None = None,
    programs: LabPrograms | None = None,
    port: int = 0,
) -> Flask:
    """The HTTP API: 400 for a command that the page may not send, 403 without the token."""
    transcript, programs = transcript or Transcript(), programs or LabPrograms({})
    app = web.create_app(port, usage="type the command into the terminal of run.py")

    @app.before_request
    def refuse_others():
        given = request.headers.get("Authorization", "")
        right = hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if not right or "Origin" in request.headers:
            raise Forbidden("only the page that run.py started may send commands")

    @app.post("/")
    def command():
        wanted = _body().get("command")
        if not isinstance(wanted, str) or not prompt.FROM_PAGE.fullmatch(wanted):
            raise BadRequest(f"the page may not send {wanted!r}")
        following = transcript.next
        carry_out(wanted)
        return {"command": wanted, "next": following}, 202

    @app.get("/lines")
    def lines():
        found, following = transcript.since(_since())
        return {"lines": found, "next": following}

    @app.post("/programs")
    def start():
        lab, block = _body().get("lab"), _body().get("block")
        if type(lab) is not int or type(block) is not int:
            raise BadRequest("a block is named by the number of its lab and its own")
        try:
            return {"run": programs.start(lab, block)}, 202
        except LookupError as error:
            raise NotFound(str(error)) from error
        except Problem as problem:
            raise Conflict(problem.line()) from problem

    @app.get("/programs")
    def current():
        found = programs.current()
        return dict(zip(("run", "lab", "block"), found, strict=True)) if found else {}

    @app.get("/programs/<int:number>")
    def program(number: int):
        run = _run(number)
        ended = not run.running  # before its last lines are read
        found, following = run.output.since(_since())
        return {"lines": found, "next": following, "running": not ended, "exit_code": run.exit_code}

    @app.post("/programs/<int:number>/stop")
    def stop(number: int):
        _run(number).stop()
        return {"run": number}, 202

    def _run(number: int):
        try:
            return programs.run(number)
        except LookupError as error:
            raise NotFound(f"there is no run {number}") from error

    return app


def _body() -> dict:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _since() -> int:
    return request.args.get("since", 0, type=int)
