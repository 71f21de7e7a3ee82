"""A Flask app that answers this computer only, with errors in JSON; and two ways to serve it."""

import errno
import json
import logging
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import gevent
import waitress
from confluent_kafka import KafkaException, Producer
from flask import Flask, jsonify, request
from gevent.event import AsyncResult, Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

from plumbing import callers
from plumbing.connection import IDLE_SECONDS, LARGEST_BODY, Connection
from plumbing.kafka import Unavailable
from plumbing.process import StopSignal
from settings import LISTEN_ADDRESS

log = logging.getLogger("web")

MOST_IN_SELECT = 400  # connections; Windows has no poll, and its select takes 512 sockets
POLL_SECONDS = 0.002  # of waiting for Kafka, then other requests have their turn
IDLE_POLL_SECONDS = 0.2
FINISH_SECONDS = 7  # for the requests that are unanswered when the program is to stop

_POLL = hasattr(select, "poll")


def create_app(port: int, usage: str) -> Flask:
    """An app without routes yet. Errors are answered {"error": ..., "hint": ...}: `Unavailable` with 503 and its
    hint, HTTP errors with `usage` as the hint."""
    app = Flask("hands-on-kafka")
    app.json.sort_keys = False
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


def listen(port: int, variable: str) -> socket.socket:
    """A listening socket on 127.0.0.1, in a container on all its addresses. If the port is taken, the program ends with
    a line that names the environment `variable` for another one."""
    try:
        return socket.create_server((LISTEN_ADDRESS, port))
    except OSError as error:
        # Windows reserves ports for itself, most of all for Hyper-V; no program that could be ended holds those.
        advice = "The system has reserved it: set" if error.errno == errno.EACCES else "End what runs there, or set"
        sys.exit(f"Port {port} cannot be used: {error}. {advice} {variable} to another one.")


def serve_in_background(app: Flask, listener: socket.socket) -> Callable[[], None]:
    """Serve in threads beside the program's own work: for few requests. Returns a function that ends it."""
    logging.getLogger("waitress").setLevel(logging.ERROR)  # not its lines about requests that wait for a thread
    server = waitress.create_server(
        app,
        sockets=[listener],
        max_request_body_size=2**20,
        connection_limit=_most_connections() if _POLL else MOST_IN_SELECT,  # with more, it accepts none until some end
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=IDLE_SECONDS // 3,  # how often it looks for idle ones
        asyncore_use_poll=_POLL,
    )
    threading.Thread(target=server.run, daemon=True).start()

    def close() -> None:
        server.trigger.pull_trigger(server.close)  # in its own thread, which may be waiting in select
        server.task_dispatcher.shutdown(timeout=1)

    return close


def serve(app: Flask, listener: socket.socket, producer: Producer) -> None:
    """Serve in this thread until the program is to stop and its requests are answered: for many requests.

    gevent answers each request in a greenlet, which costs next to nothing while it waits for Kafka; other requests
    are answered meanwhile. Of 16 clicks at a time it confirmed twice as many a second as waitress, whose threads, one
    for each click, take turns at Python's lock. `producer.poll(seconds)`, which calls on_delivery, has its turn among
    the requests: nothing has to be passed from one thread to another.
    This must be the main thread: Python can crash when it ends while another one has greenlets.
    """
    with StopSignal() as stop:

        @app.before_request
        def refuse_new_requests():
            if stop.requested:
                raise Unavailable("this program is stopping", "start it again: python run.py, or start_apps.bat")

        listener.setblocking(False)
        connections = {"handler_class": Connection, "spawn": Pool(_most_connections())}
        server = WSGIServer(listener, app, log=None, error_log=None, **connections)
        server.start()
        poller = gevent.spawn(_poll, producer)
        while not stop.requested:
            gevent.sleep(0.1)  # requests are answered meanwhile
        wait_until(lambda: not Connection.unanswered, FINISH_SECONDS)
        poller.kill()


_expected = Event()  # a request waits for what poll() brings
_handing_over = 0  # requests that are handing a burst over, and should not wait meanwhile


def _poll(producer: Producer) -> None:
    while True:
        try:
            blocks = len(producer) and not _handing_over
            if producer.poll(POLL_SECONDS if blocks else 0) or len(producer):
                gevent.sleep(0)
            else:
                _expected.clear()
                _expected.wait(IDLE_POLL_SECONDS)
        except KafkaException as error:  # a fatal error: every request gets a 503
            log.warning("%s. Fix that, then restart this program.", error.args[0].str())
            gevent.sleep(1)


class Report:
    """A delivery report that a request under serve() waits for: poll() calls it, wait() returns what it was called
    with."""

    def __init__(self):
        self._result = AsyncResult()

    def __call__(self, *arrived) -> None:
        self._result.set(arrived)

    def wait(self) -> tuple:
        _expected.set()
        return self._result.get()


_asked: dict[tuple, AsyncResult] = {}  # what in_thread() is calling -> where its result arrives


def in_thread(function: Callable, *arguments):
    """What `function(*arguments)` returns or raises. It is called in a thread, because it blocks: other requests under
    serve() are answered meanwhile, and those that make the same call share its result."""
    this = (function, *arguments)
    if this in _asked:
        return _outcome(_asked[this])
    _asked[this] = result = AsyncResult()
    outcome = []
    # The one thing of gevent's that another thread may use.
    bell = gevent.get_hub().loop.async_()
    bell.start(lambda: result.set(outcome[0]))

    def call() -> None:
        try:
            outcome.append((function(*arguments), None))
        except Exception as error:
            outcome.append((None, error))
        bell.send()

    threading.Thread(target=call, daemon=True).start()
    try:
        return _outcome(result)
    finally:
        bell.close()
        del _asked[this]


def _outcome(result: AsyncResult):
    value, error = result.get()
    if error:
        raise error
    return value


def taking_turns(count: int, share: int) -> Iterator[int]:
    """Numbers of at most `share` that add up to `count`; other requests under serve() are answered in between."""
    global _handing_over
    _handing_over += 1
    try:
        for done in range(0, count, share):
            if done:
                _expected.set()
                gevent.sleep(0)
            yield min(share, count - done)
    finally:
        _handing_over -= 1


def wait_until(condition: Callable[[], bool], seconds: float = float("inf")) -> bool:
    """Whether `condition()` becomes true within that time; other requests under serve() are answered meanwhile."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        _expected.set()
        gevent.sleep(0.005)
    return True


def _most_connections() -> int:
    """As many as this process may hold, less what Python and the Kafka client need."""
    if os.name == "nt":
        return 2000
    import resource

    return max(100, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2100) - 100)
