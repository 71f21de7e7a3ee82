"""A Flask app that answers this computer only, with errors in JSON, and a way to serve it. greenlets.py has another."""

import errno
import json
import logging
import os
import select
import socket
import sys
import threading
from collections.abc import Callable

import waitress
from flask import Flask, jsonify, request
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

from plumbing import callers
from plumbing.kafka import Unavailable
from settings import LISTEN_ADDRESS

LARGEST_BODY = 16 * 1024  # bytes
LONGEST_KEY = 1000  # bytes
IDLE_SECONDS = 15  # until a connection without a request is closed
MOST_IN_SELECT = 400  # connections; Windows has no poll, and its select takes 512 sockets

_POLL = hasattr(select, "poll")


def create_app(port: int, usage: str) -> Flask:
    """An app without routes yet. Errors are answered {"error": ..., "hint": ...}: `Unavailable` with 503 and its
    hint, HTTP errors with `usage` as the hint."""
    app = Flask("hands-on-kafka")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse_other_sites():
        if not callers.may_call(request.headers):
            raise Forbidden(f"only programs and pages of this computer may call http://localhost:{port}")

    @app.errorhandler(Unavailable)
    def unavailable(error):
        return jsonify(error=str(error), hint=error.hint), 503

    @app.errorhandler(HTTPException)
    def http_error(error):
        return jsonify(error=error.description, hint=usage), error.code

    return app


def json_body(field: str) -> dict:
    """The request's JSON object, {} without a body; its only field may be `field`. Raises HTTPException."""
    body = request.get_data()
    if not body:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType("a body must be JSON: add the header Content-Type: application/json")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict) or fields.keys() - {field}:
        raise BadRequest(f'the body must be a JSON object with no other field than "{field}"')
    return fields


def requested_key() -> str | None:
    """The "key" in the body of the request, None without one. Raises HTTPException."""
    key = json_body("key").get("key")
    try:
        if key is None or 0 < len(key.encode()) <= LONGEST_KEY:
            return key
    except (AttributeError, UnicodeEncodeError):  # not a text; half a surrogate pair, which JSON can carry
        pass
    raise BadRequest(f'"key" must be a text of 1 to {LONGEST_KEY} bytes in UTF-8')


def listen(port: int, variable: str) -> socket.socket:
    """A listening socket on 127.0.0.1, in a container on all its addresses. If the port is taken, the program ends with
    a line that names the environment `variable` for another one."""
    try:
        return socket.create_server((LISTEN_ADDRESS, port))
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # without the address
        # Windows reserves ports for itself, most of all for Hyper-V; no program that could be ended holds those.
        advice = "The system has reserved it: set" if error.errno == errno.EACCES else "End what runs there, or set"
        sys.exit(f"Port {port} cannot be used: {reason}. {advice} {variable} to another one.")


class _Parser(HTTPRequestParser):
    path = ""  # waitress names it if the client hangs up, and fails if the request was none


class _Channel(HTTPChannel):
    parser_class = _Parser


def serve_in_background(app: Flask, listener: socket.socket) -> Callable[[], None]:
    """Serve in threads beside the program's own work: for few requests. Returns a function that ends it."""
    logging.getLogger("waitress").setLevel(logging.ERROR)  # not its lines about requests that wait for a thread
    server = waitress.create_server(
        app,
        sockets=[listener],
        max_request_body_size=2**20,
        connection_limit=most_connections() if _POLL else MOST_IN_SELECT,  # with more, it accepts none until some end
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=IDLE_SECONDS // 3,  # how often it looks for idle ones
        asyncore_use_poll=_POLL,
    )
    server.channel_class = _Channel
    threading.Thread(target=server.run, daemon=True).start()

    def close() -> None:
        server.trigger.pull_trigger(server.close)  # in its own thread, which may be waiting in select
        server.task_dispatcher.shutdown(timeout=1)

    return close


def most_connections() -> int:
    """As many as this process may hold, less what Python and the Kafka client need."""
    if os.name == "nt":
        return 2000
    import resource

    return max(100, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2100) - 100)
