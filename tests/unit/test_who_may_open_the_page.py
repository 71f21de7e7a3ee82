"""Who may open the page over its WebSocket, in a real Streamlit: this computer and the named hosts, as with the
APIs. And what a page that was started without run.py says in place of its buttons."""

import contextlib
import http.server
import socket
import sys
import threading

import psutil
import pytest
from playwright.sync_api import expect

import settings
from brokers.ports import free_ports
from launcher import doctor, programs
from launcher.programs import page_command
from page import frames
from tests.browser import chromium
from tests.programs import Program, wait_until
from tests.unit.test_who_may_call import FOREIGN, OURS

NAMED = "likes-8501.app.github.dev"
NAMED_TOO = "likes.example"  # without the https that browsers insist on for .dev
BY_HAND = ["-m", "streamlit", "run", "producer_ui.py", "--server.headless", "true", "--server.port"]
THROUGH_A_PROXY = {
    "that changes the Host": {"Host": "localhost:8501", "Origin": f"https://{NAMED}"},
    "that keeps the Host": {"Host": NAMED, "Origin": f"https://{NAMED}"},
    "on another port": {"Host": f"{NAMED}:8443", "Origin": f"https://{NAMED}:8443"},
}
REBINDING = {"Host": "evil.example:8501", "Origin": "http://evil.example:8501"}


@contextlib.contextmanager
def page(command, port: int, **environment: str):
    broker, producer = free_ports(2)  # where nobody is: the usual ports may be another test's
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": f"localhost:{broker}", "PRODUCER_PORT": str(producer)}
    program = Program(sys.executable, *command, port=port, **environment)
    try:
        program.wait_until_it_answers("/_stcore/health")
        yield program
    finally:
        program.kill()


@contextlib.contextmanager
def started_by_run_py(*named: str):
    """The page as run.py starts it, with these in ALLOWED_HOSTS, for a user whose own settings admit everyone."""
    with pytest.MonkeyPatch.context() as patch:
        port = free_ports(1)[0]
        patch.setattr(settings, "PAGE_PORT", port)
        patch.setattr(settings, "ALLOWED_HOSTS", named)
        own = {"STREAMLIT_SERVER_ENABLE_CORS": "false", "STREAMLIT_SERVER_ALLOWED_HOSTS": "*"}
        with page(page_command(), port, **own, STREAMLIT_SERVER_ADDRESS="0.0.0.0") as program:
            yield program


@pytest.fixture(scope="module")
def pages():
    """Started by run.py with a named host and without one, and by hand."""
    port = free_ports(1)[0]
    with (
        started_by_run_py(NAMED, NAMED_TOO) as named,
        started_by_run_py() as unnamed,
        page([*BY_HAND, str(port)], port) as by_hand,
    ):
        yield {"named": named, "unnamed": unnamed, "by hand": by_hand}


def status(program: Program, headers: dict[str, str]) -> int:
    """Of the answer to a WebSocket's handshake: 101, or 403."""
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"} | headers
    fields |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "streamlit"}
    lines = ["GET /_stcore/stream HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    with socket.create_connection(("127.0.0.1", program.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("started", ["named", "unnamed", "by hand"])
@pytest.mark.parametrize("headers", OURS, ids=str)
def test_this_computer_opens_the_page(pages, started, headers):
    assert status(pages[started], headers) == 101


@pytest.mark.parametrize("started", ["named", "unnamed", "by hand"])
@pytest.mark.parametrize("headers", [REBINDING, *FOREIGN], ids=str)
def test_another_site_does_not_open_the_page(pages, started, headers):
    assert status(pages[started], headers) == 403


@pytest.mark.parametrize("proxy", THROUGH_A_PROXY)
def test_a_forwarded_port_opens_the_page_once_its_host_is_named(pages, proxy):
    assert status(pages["named"], THROUGH_A_PROXY[proxy]) == 101
    assert status(pages["unnamed"], THROUGH_A_PROXY[proxy]) == 403
    assert status(pages["by hand"], THROUGH_A_PROXY[proxy]) == 403


LAST_OF_EARLIER = "last.example:5001"


def test_the_terminal_and_doctor_say_how_to_name_the_host(pages, monkeypatch, capsys):
    program = programs.Program("page", [], 8501, {}, on_crash=print)
    lines = pages["unnamed"].lines
    status(pages["unnamed"], {"Host": LAST_OF_EARLIER})  # what other tests were refused is written before it
    wait_until(lambda: any(LAST_OF_EARLIER in line for line in lines), "the earlier refusals", lines=lines)
    before = len(lines)
    for headers in (*THROUGH_A_PROXY.values(), *THROUGH_A_PROXY.values()):
        status(pages["unnamed"], headers)
    wait_until(lambda: sum("Rejecting" in line for line in lines[before:]) == 6, "six refusals", lines=lines)
    for line in lines[before:]:
        program._relay(line)
    told = capsys.readouterr().out
    assert f"the page was opened as https://{NAMED}, which is not a name of this computer" in told
    assert told.count(f"start run.py with ALLOWED_HOSTS={NAMED}\n") == 2  # with the port of 8443, and without one
    assert "Rejecting" not in told

    monkeypatch.setattr(settings, "PAGE_PORT", pages["unnamed"].port)
    assert "name its host in ALLOWED_HOSTS" in doctor._hosts().what
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", (NAMED,))
    assert doctor._hosts().what == f"the page does not open as {NAMED}: it was started without ALLOWED_HOSTS"
    assert "ALLOWED_HOSTS" in doctor._hosts().fix
    monkeypatch.setattr(settings, "PAGE_PORT", pages["named"].port)
    assert doctor._hosts() == doctor.Finding("hosts", f"of this computer, and {NAMED}")
    monkeypatch.setattr(settings, "PAGE_PORT", free_ports(1)[0])
    assert doctor._hosts().fix == ""


def test_the_page_listens_on_this_computer_only(pages):
    started = psutil.Process(pages["named"].process.pid)
    sockets = [s for process in [started, *started.children(recursive=True)] for s in process.net_connections("tcp")]
    assert {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


@pytest.mark.slow
def test_a_browser_shows_the_page_behind_a_forwarded_port(pages):
    with chromium(f"--host-resolver-rules=MAP {NAMED_TOO} 127.0.0.1") as browser:
        shown = browser.new_page()
        shown.goto(f"http://{NAMED_TOO}:{pages['named'].port}")
        expect(shown.locator(".st-key-like button")).to_be_visible()
        shown.locator(".st-key-like button").click()
        expect(shown.get_by_text("The producer is not running")).to_be_visible()


class Framing(http.server.BaseHTTPRequestHandler):
    """A website whose only content is a frame with the page on the port that its address names: /8501."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<iframe src="http://localhost:{self.path[1:]}" width="900" height="700"></iframe>'.encode())

    def log_message(self, *_arguments):
        pass


def test_another_site_cannot_put_the_page_under_a_visitors_clicks(pages, all_cases):
    """In a frame; but a program of this computer may show it there."""
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Framing) as site,
        chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser,
    ):
        threading.Thread(target=site.serve_forever, daemon=True).start()
        for page in pages.values() if all_cases else [pages["named"]]:
            shown = browser.new_page()
            like = shown.frame_locator("iframe").locator(".st-key-like button")
            shown.goto(f"http://localhost:{site.server_port}/{page.port}")
            expect(like).to_be_visible()
            with shown.expect_event("console", lambda line: "frame-ancestors" in line.text):
                shown.goto(f"http://evil.example:{site.server_port}/{page.port}")
            assert not like.count()
        site.shutdown()


def test_the_editor_of_a_codespace_may_show_its_page(monkeypatch):
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ("happy-fish-7x-8501.app.github.dev", "page.example"))
    found = frames.ancestors()
    assert {"https://happy-fish-7x.github.dev", "https://*.vscode-cdn.net", "https://page.example"} <= {*found}
    assert not {"*", "https:", "https://*.github.dev"} & {*found}


@pytest.mark.slow
def test_a_lab_by_hand_says_what_to_type_and_what_starts_a_page_that_has_ended(pages):
    """Without run.py, a broker and a producer. The last test here: it ends that page."""
    with chromium(viewport={"width": 1280, "height": 960}) as browser:
        lab = browser.new_page()
        lab.goto(f"http://localhost:{pages['by hand'].port}/lab-3")
        lab.get_by_role("button", name="Check lab 3").click()
        expect(lab.get_by_test_id("stAlert").filter(has_text="does not answer")).to_be_visible()
        expect(lab.get_by_test_id("stException")).to_have_count(0)
        expect(lab.get_by_text("The buttons of this page need python run.py")).to_be_visible()
        expect(lab.get_by_role("button", name="Run: ")).to_have_count(0)
        expect(lab.get_by_text("press Ctrl+C in the terminal of consumer 1")).to_be_visible()
        expect(lab.get_by_text("For a terminal in this folder.").first).to_be_visible()
        pages["by hand"].kill()
        expect(lab.get_by_role("dialog")).to_be_visible()
        words = lab.locator("[role=dialog] div:has(> .stErrorCodeBlock) > div").first
        told = words.evaluate("e => getComputedStyle(e, '::after').content")
        assert all(way in told for way in ("python run.py", "start_apps.bat", "docker compose"))
        assert words.evaluate("e => getComputedStyle(e).fontSize") == "0px", "the words of Streamlit"
        expect(lab.locator("[role=dialog] .stErrorCodeBlock")).to_be_hidden()  # its command
