"""A Flask app that answers this computer only, with errors in JSON; and two ways to serve it."""

import json
import logging
import os
import re
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

import gevent
import waitress
from confluent_kafka import KafkaException
from flask import Flask, jsonify, request
from gevent.event import AsyncResult
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

from plumbing.kafka import Unavailable
from plumbing.process import StopSignal

log = logging.getLogger("web")

LARGEST_BODY = 16 * 1024  # bytes
IDLE_SECONDS = 15  # until a connection without a request is closed
FINISH_SECONDS = 7  # for the requests that are unanswered when the program is to stop

# Who may call, by the headers Host and Origin: programs and pages of this computer. A web site that is open in
# its browser has another name there, even when that name leads to 127.0.0.1 (DNS rebinding).
THIS_COMPUTER = re.compile(r"(https?://)?(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)


def create_app(port: int, usage: str) -> Flask:
    """An app without routes yet. Errors are answered {"error": ..., "hint": ...}: `Unavailable` with 503 and its
    hint, HTTP errors with `usage` as the hint."""
    app = Flask("hands-on-kafka")
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse_other_sites():
        callers = (request.headers.get("Host", "localhost"), request.headers.get("Origin", "localhost"))
        if not all(map(THIS_COMPUTER.fullmatch, callers)):
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


def listen(port: int, variable: str) -> socket.socket:
    """A listening socket on 127.0.0.1. If the port is taken, the program ends with a line that names the environment
    `variable` for another one."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"Port {port} cannot be used: {error}. End what runs there, or set {variable}.")


def serve_in_background(app: Flask, listener: socket.socket) -> Callable[[], None]:
    """Serve in threads beside the program's own work: for few requests. Returns a function that ends it."""
    server = waitress.create_server(app, sockets=[listener], max_request_body_size=2**20)
    threading.Thread(target=server.run, daemon=True).start()

    def close() -> None:
        server.trigger.pull_trigger(server.close)  # in its own thread, which may be waiting in select
        server.task_dispatcher.shutdown(timeout=1)

    return close


def serve(app: Flask, listener: socket.socket, poll: Callable[[float], object]) -> None:
    """Serve in this thread until the program is to stop and its requests are answered: for many requests.

    gevent answers each request in a greenlet, which costs next to nothing while it waits for Kafka; other requests
    are answered meanwhile. Of 16 clicks at a time it confirmed twice as many a second as waitress, whose threads, one
    for each click, take turns at Python's lock. `poll(seconds)` is called again and again in a thread of its own.
    This must be the main thread: Python can crash when it ends while another one has greenlets.
    """
    with StopSignal() as stop:

        @app.before_request
        def refuse_new_requests():
            if stop.requested:
                raise Unavailable("this program is stopping", "start it again: python run.py, or start_apps.bat")

        listener.setblocking(False)
        connections = {"handler_class": _Connection, "spawn": Pool(_most_connections())}
        server = WSGIServer(listener, app, log=None, error_log=None, **connections)
        server.start()
        ended = threading.Event()
        poller = threading.Thread(target=_poll, args=(poll, ended), daemon=True)
        poller.start()
        while not stop.requested:
            gevent.sleep(0.1)  # requests are answered meanwhile
        wait_until(lambda: not _Connection.unanswered, FINISH_SECONDS)
        ended.set()
        poller.join()


def _poll(poll: Callable[[float], object], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            poll(0.2)
        except KafkaException as error:  # a fatal error: every request gets a 503
            log.warning("%s. Fix that, then restart this program.", error.args[0].str())
            ended.wait(1)


class Report:
    """What a request under serve() waits for: any thread may call it with what has arrived; wait() returns that."""

    _arrived: ClassVar[deque] = deque()  # (report, what it was called with), in the order of the calls
    _bell = None  # the one thing of gevent's that another thread may use

    def __init__(self):
        self._result = AsyncResult()
        if Report._bell is None:
            Report._bell = gevent.get_hub().loop.async_()
            Report._bell.start(Report._hand_over)

    def __call__(self, *arrived) -> None:
        Report._arrived.append((self, arrived))
        Report._bell.send()

    def wait(self) -> tuple:
        return self._result.get()

    @classmethod
    def _hand_over(cls) -> None:
        while cls._arrived:
            report, arrived = cls._arrived.popleft()
            report._result.set(arrived)


_asked: dict[tuple, Report] = {}  # what in_thread() is calling -> where its result arrives


def in_thread(function: Callable, *arguments):
    """What `function(*arguments)` returns or raises. It is called in a thread, because it blocks: other requests under
    serve() are answered meanwhile, and those that make the same call share its result."""
    this = (function, *arguments)
    if this in _asked:
        result, error = _asked[this].wait()
    else:
        _asked[this] = report = Report()

        def call() -> None:
            try:
                report(function(*arguments), None)
            except Exception as error:
                report(None, error)

        threading.Thread(target=call, daemon=True).start()
        result, error = report.wait()
        del _asked[this]
    if error:
        raise error
    return result


def wait_until(condition: Callable[[], bool], seconds: float = float("inf")) -> bool:
    """Whether `condition()` becomes true within that time; other requests under serve() are answered meanwhile."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        gevent.sleep(0.005)
    return True


class _Connection(WSGIHandler):
    """A client's connection: one request after another."""

    unanswered: ClassVar[set] = set()  # the connections whose request has no answer yet

    def handle(self):
        # gevent sends headers and body separately; Nagle's algorithm would delay the second.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(IDLE_SECONDS)
        super().handle()

    def read_request(self, raw_requestline):
        try:
            return super().read_request(raw_requestline)
        except Exception as error:
            raise ValueError(str(error)) from error  # answered 400; any other exception also prints a traceback

    def handle_one_response(self):
        self.unanswered.add(self)
        try:
            super().handle_one_response()
        finally:
            self.unanswered.discard(self)


def _most_connections() -> int:
    """As many as this process may hold, less what Python and the Kafka client need."""
    if os.name == "nt":
        return 2000
    import resource

    return max(100, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2100) - 100)
