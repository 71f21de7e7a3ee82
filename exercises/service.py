"""A service that the learner's program calls for each event, such as one that sends mails."""

import http.server
import json
import threading
from collections import Counter
from collections.abc import Callable

HOLD_SECONDS = 30.0  # at most


class Service:
    """What the program calls for each event, on a port of its own: keeps what was done; can hold or refuse a call."""

    def __init__(self):
        self.got: Counter = Counter()  # order -> how often it was done
        self.done: list[dict] = []  # the events, in the order in which they were done
        self.calls: list[list[dict]] = []  # the events of each call
        self.refuses: Callable[[list[dict]], bool] = lambda _events: False  # such a call gets a 503, and is not done
        self.refused: list[int] = []  # the orders
        self.seconds = 0.0  # that each call takes
        self.hold_at: int | None = None  # from this call on, nothing is done and nothing answered
        self.done_before_hold = False  # the call at which it holds is done, only not answered
        self._held: list[list[dict]] = []  # the events of each call that is held and not done
        self._answer_of_held = 0
        self.holding = threading.Event()
        self._end_of_hold = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def move(self) -> None:
        """To another port: what a program that was killed has still called is not done."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            self._open()

    def take(self, body, server: "_Server") -> int:
        """How the call is answered, 0 if not at all."""
        events = body if isinstance(body, list) else [body]
        if not all(isinstance(event, dict) and isinstance(event.get("order"), int) for event in events):
            return 400
        if self._closed.wait(self.seconds):
            return 0
        with self._lock:
            if server is not self._server:
                return 0
            self.calls.append(events)
            if self.refuses(events):
                self.refused += [event["order"] for event in events]
                return 503
            hold = self.hold_at is not None and len(self.calls) >= self.hold_at
            if not hold or (self.done_before_hold and not self.holding.is_set()):
                self._do(events)
            elif hold:
                self._held.append(events)
            if hold:
                self._answer_of_held = 0
                self._end_of_hold.clear()
                self.holding.set()
        if hold:
            self._end_of_hold.wait(HOLD_SECONDS)
        return self._answer_of_held if hold else 204

    @property
    def held(self) -> list[list[dict]]:
        """The events of each call that it holds, and that are not done."""
        return list(self._held)

    def refuse_once(self, call: int) -> None:
        """The call with this number, from 1 on."""
        self.refuses = lambda _events: len(self.calls) == call

    def finish(self) -> None:
        """Held calls are done and answered, and so are new ones."""
        with self._lock:
            for events in self._held:
                self._do(events)
            self._answer_of_held = 204
        self.go_on()

    def _do(self, events: list[dict]) -> None:
        self.got.update(event["order"] for event in events)
        self.done += events

    def go_on(self) -> None:
        """Held calls are broken off, new ones are done."""
        with self._lock:
            self.hold_at, self.done_before_hold = None, False
            self._held = []
            self.holding.clear()
            self._end_of_hold.set()

    def close(self) -> None:
        self._closed.set()
        self._end_of_hold.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100  # a program may call from many threads
    service: Service

    def handle_error(self, *_) -> None:
        """A program that was killed breaks its connection off."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        except ValueError:
            body = None
        answer = self.server.service.take(body, self.server)
        self.close_connection = not answer
        if answer:
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        pass
