"""A client's connection under greenlets.serve(): only a request that has arrived whole reaches the app."""

import contextlib
import re
from io import BytesIO
from typing import ClassVar

from gevent.pywsgi import Input, OldMessage, WSGIHandler

from plumbing.web import IDLE_SECONDS, LARGEST_BODY

# https://www.rfc-editor.org/rfc/rfc9112#section-5; a line that continues another one is refused, as it says there.
HEADER = re.compile(rb"([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\n\0]*?)[ \t]*\r?\n", re.ASCII)
LONGEST_LINE, MOST_HEADERS = 65_537, 100  # as in Python's http.client
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(WSGIHandler):
    """One request after another.

    gevent calls the app with whatever has come before the client hung up: `POST /like HTTP/1.1` and nothing more would
    be a like. Here that is answered 400, as is what a proxy in between could read as two requests, or as another one.
    """

    unanswered: ClassVar[set] = set()  # the connections whose request has no answer yet

    def handle(self):
        self.socket.settimeout(IDLE_SECONDS)  # for a client that sends nothing more
        with contextlib.suppress(OSError):  # a client that hangs up before it has read that its request is bad
            super().handle()

    def read_request(self, raw_requestline):
        try:
            super().read_request(raw_requestline)
        except Exception as error:
            raise ValueError(str(error)) from error  # answered 400; any other exception also prints a traceback
        if not raw_requestline.endswith("\n"):
            raise ValueError("the request is cut off")
        lengths = self.headers.get_all("Content-Length", ["0"])
        encodings = [encoding.lower() for encoding in self.headers.get_all("Transfer-Encoding", ["chunked"])]
        if len(lengths) > 1 or not lengths[0].isdecimal() or encodings != ["chunked"]:
            raise ValueError("the length of the body is not clear")
        return True

    def MessageClass(self, rfile, *_arguments):
        """The headers. gevent leaves them to Python's parser of e-mails, which takes longer and accepts more."""
        headers = OldMessage()
        while (line := rfile.readline(LONGEST_LINE)) not in (b"\r\n", b"\n"):
            header = HEADER.fullmatch(line)
            if not header or len(headers) == MOST_HEADERS:
                raise ValueError("the headers are cut off, broken or too many")
            headers.set_raw(*(part.decode("latin-1") for part in header.groups()))
        return headers

    def handle_one_response(self):
        """Read the body, which may be cut off or larger than announced, before the app is called."""
        arriving = self.wsgi_input  # type: ignore[has-type]
        too_large = (self.content_length or 0) > LARGEST_BODY  # the app refuses it by its declared length
        try:
            body = b"" if too_large else arriving.read(LARGEST_BODY + 1)
        except (OSError, ValueError):  # cut off, or not what its headers announce
            self.close_connection = True
            self.socket.sendall(BAD_REQUEST)
            return
        self.wsgi_input = self.environ["wsgi.input"] = Input(BytesIO(body), len(body))
        if not too_large:  # of chunks without a total, Flask would read as much as it accepts, and ignore the rest
            self.environ["CONTENT_LENGTH"] = str(len(body))
            self.environ.pop("HTTP_TRANSFER_ENCODING", None)
        self._answer = bytearray()
        self.unanswered.add(self)
        try:
            super().handle_one_response()
            self.socket.sendall(self._answer)
        finally:
            self.unanswered.discard(self)
        if too_large or len(body) > LARGEST_BODY:
            self.close_connection = True
            with contextlib.suppress(ValueError):  # a client reads no answer while it sends
                while arriving.read(LARGEST_BODY):
                    pass

    def _sendall(self, data):
        """Headers and body leave together: in two packets, the second would wait for the client's acknowledgement of
        the first (Nagle's algorithm)."""
        self._answer += data
