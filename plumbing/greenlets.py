"""Serve a Flask app in one thread, for many requests: each waits for Kafka in a greenlet of its own.

gevent answers each request in a greenlet, which costs next to nothing while it waits; other requests are answered
meanwhile, and nothing has to be passed from one thread to another. docs/performance.md compares it with threads.
"""

import socket
import time
from collections.abc import Callable

import gevent
from flask import Flask
from gevent.event import AsyncResult, Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from gevent.util import wrap_errors

from plumbing.connection import Connection
from plumbing.kafka import Unavailable
from plumbing.process import StopSignal
from plumbing.web import most_connections

FINISH_SECONDS = 7  # for the requests that are unanswered when the program is to stop

_request_waits = Event()  # a request waits for what rest() holds up


def serve(app: Flask, listener: socket.socket, beside: Callable[[], None]) -> None:
    """Serve until the program is to stop and its requests are answered. `beside` runs in a greenlet of its own.

    This must be the main thread: Python can crash when it ends while another one has greenlets.
    """
    with StopSignal() as stop:

        @app.before_request
        def refuse_new_requests():
            if stop.requested:
                raise Unavailable("this program is stopping", "start it again, as you did before")

        listener.setblocking(False)
        connections = {"handler_class": Connection, "spawn": Pool(most_connections())}
        server = WSGIServer(listener, app, log=None, error_log=None, **connections)
        server.start()
        companion = gevent.spawn(beside)
        while not stop.requested:
            gevent.sleep(0.1)  # requests are answered meanwhile
        wait_until(lambda: not Connection.unanswered, FINISH_SECONDS)
        companion.kill()


class Report:
    """A delivery report that a request waits for: pass it as `on_delivery`."""

    def __init__(self):
        self._result = AsyncResult()

    def __call__(self, *arrived) -> None:
        self._result.set(arrived)

    def wait(self) -> tuple:
        """The error, None if there is none, and the message. Other requests are answered meanwhile."""
        _request_waits.set()
        return self._result.get()


def give_way(seconds: float = 0) -> None:
    """Let other requests, and what runs beside them, continue."""
    _request_waits.set()
    gevent.sleep(seconds)


def rest(seconds: float) -> None:
    """For what runs beside the requests: wait until one of them waits, or so many seconds."""
    _request_waits.clear()
    _request_waits.wait(seconds)


def wait_until(condition: Callable[[], bool], seconds: float = float("inf")) -> bool:
    """True once `condition()` is true, False after so many seconds; other requests are answered meanwhile."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        give_way(0.005)
    return True


def in_thread(function: Callable, *arguments):
    """What the function returns or raises. It blocks, so it is called in a thread; other requests are answered
    meanwhile."""
    result = gevent.get_hub().threadpool.apply(wrap_errors(Exception, function), arguments)
    if isinstance(result, Exception):
        raise result
    return result
