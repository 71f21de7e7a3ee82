"""A client's connection under greenlets.serve(): only a request that has arrived whole reaches the app."""

import contextlib
import socket
from io import BytesIO
from typing import ClassVar

from gevent.pywsgi import Input, WSGIHandler

from plumbing.web import IDLE_SECONDS, LARGEST_BODY

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(WSGIHandler):
    """One request after another.

    gevent calls the app with whatever has come before the client hung up: `POST /like HTTP/1.1` and nothing more would
    be a like. Here that is answered 400, as is what a proxy in between could read as two requests, or as another one.
    """

    unanswered: ClassVar[set] = set()  # the connections whose request has no answer yet

    def handle(self):
        # gevent sends headers and body separately; Nagle's algorithm would delay the second.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(IDLE_SECONDS)
        super().handle()

    def read_request(self, raw_requestline):
        try:
            super().read_request(raw_requestline)
        except Exception as error:
            raise ValueError(str(error)) from error  # answered 400; any other exception also prints a traceback
        if not raw_requestline.endswith("\n") or self.headers.defects or not self._headers_ended:
            raise ValueError("the headers are cut off or broken")
        lengths = self.headers.get_all("Content-Length", ["0"])
        encodings = [encoding.lower() for encoding in self.headers.get_all("Transfer-Encoding", ["chunked"])]
        if len(lengths) > 1 or not lengths[0].isdecimal() or encodings != ["chunked"]:
            raise ValueError("the length of the body is not clear")
        return True

    def MessageClass(self, rfile, *arguments):
        lines = _Lines(rfile)
        headers = super().MessageClass(lines, *arguments)
        self._headers_ended = lines.last in (b"\r\n", b"\n")
        return headers

    def handle_one_response(self):
        arriving = self.wsgi_input
        too_large = (self.content_length or 0) > LARGEST_BODY  # the app refuses it by its declared length
        try:
            body = b"" if too_large else arriving.read(LARGEST_BODY + 1)
        except (OSError, ValueError):  # cut off, or not what its headers announce
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.socket.sendall(BAD_REQUEST)
            return
        self.wsgi_input = self.environ["wsgi.input"] = Input(BytesIO(body), len(body))
        if not too_large:  # of chunks without a total, Flask would read as much as it accepts, and ignore the rest
            self.environ["CONTENT_LENGTH"] = str(len(body))
            self.environ.pop("HTTP_TRANSFER_ENCODING", None)
        self.unanswered.add(self)
        try:
            super().handle_one_response()
        finally:
            self.unanswered.discard(self)
        if too_large or len(body) > LARGEST_BODY:
            self.close_connection = True
            with contextlib.suppress(OSError, ValueError):  # a client reads no answer while it sends
                while arriving.read(LARGEST_BODY):
                    pass


class _Lines:
    """Remembers the last line that was read: a blank one ends the headers, no line at all is the end of the input."""

    def __init__(self, rfile):
        self._rfile = rfile
        self.last = b""

    def readline(self, *size) -> bytes:
        self.last = self._rfile.readline(*size)
        return self.last
