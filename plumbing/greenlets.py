"""Serve a Flask app in one thread: for many requests, each of which waits for Kafka in a greenlet of its own."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import gevent
from confluent_kafka import KafkaException, Producer
from flask import Flask
from gevent.event import AsyncResult, Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

from plumbing.connection import Connection
from plumbing.kafka import Unavailable
from plumbing.process import StopSignal
from plumbing.web import most_connections

log = logging.getLogger("greenlets")

POLL_SECONDS = 0.002  # of waiting for Kafka, then other requests have their turn
IDLE_POLL_SECONDS = 0.2
FINISH_SECONDS = 7  # for the requests that are unanswered when the program is to stop


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
        connections = {"handler_class": Connection, "spawn": Pool(most_connections())}
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
