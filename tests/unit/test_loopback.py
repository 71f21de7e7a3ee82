"""Calls to this computer take no detour, whatever proxies the user's environment sets."""

import threading

import pytest
import requests
import waitress
from flask import Flask, request

from plumbing import loopback, web
from tests.programs import ROOT

FOLDERS = ("", "launcher/", "page/", "labs/**/", "bench/", "brokers/", "plumbing/")


@pytest.fixture
def url():
    """A server that answers with the Authorization header that it got."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: request.headers.get("Authorization", "none"), methods=["GET", "POST"])
    listener = web.listen(0, "A_PORT")
    server = waitress.create_server(app, sockets=[listener])
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.trigger.pull_trigger(server.close)
    server.task_dispatcher.shutdown()


def test_a_proxy_and_a_netrc_of_the_user_are_left_alone(url, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.get(url, timeout=5).text.startswith("Basic "), "the trap"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get(url, timeout=5)
    assert loopback.get(url, timeout=5).text == "none"
    assert loopback.post(url, timeout=5).text == "none"
    token = {"Authorization": "Bearer token"}
    assert loopback.post(url, headers=token, timeout=5).text == "Bearer token"


def test_nothing_else_calls_this_computer():
    """bench/peers and the bench's own HTTP client are raw sockets."""
    for source in {source for folder in FOLDERS for source in ROOT.glob(f"{folder}*.py")}:
        text = source.read_text(encoding="utf-8")
        assert "requests.get(" not in text, source
        assert "requests.post(" not in text, source
