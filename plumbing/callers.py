"""Who may call the programs over HTTP: programs and pages of this computer, and the hosts that ALLOWED_HOSTS names.

A website that is open in a browser of this computer has another name in the headers Host and Origin, even when that
name leads to 127.0.0.1 (DNS rebinding). Where a browser sends no Origin, Sec-Fetch-Site tells whether it is such a
website that asks (https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site).
"""

import re
from collections.abc import Mapping

from werkzeug.datastructures import Headers

import settings

THIS_COMPUTER = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"(?:https?://)?([\w.-]+|\[[\da-f:]+\])(?::\d+)?", re.IGNORECASE | re.ASCII)


def may_call(headers: Mapping[str, str] | Headers) -> bool:
    """True if a request with these headers comes from one of them."""
    if "Origin" not in headers and headers.get("Sec-Fetch-Site") == "cross-site":
        return False
    return all(is_known(headers[name]) for name in ("Host", "Origin") if name in headers)


def is_known(place: str) -> bool:
    """True if the place, such as `localhost:8501` or `https://evil.example`, is one of them."""
    return host_of(place) in (*THIS_COMPUTER, *settings.ALLOWED_HOSTS)


def host_of(place: str) -> str:
    """The name of its host; empty if it has none."""
    host = _HOST.fullmatch(place)
    return host[1].lower() if host else ""
