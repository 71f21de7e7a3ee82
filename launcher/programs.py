"""The programs of a session: start them, end them, relay their lines to the terminal."""

import re
import sys
import threading
import time
from collections.abc import Callable

import settings
from launcher import terminal
from plumbing import callers
from plumbing.child import Child

REFUSED_BY_STREAMLIT = re.compile(r"Rejecting WebSocket connection .*: origin=(.*), host=(.*)")
STREAMLIT_ENDS = "Aborted!"  # after Ctrl+C, all in order
STOP_SECONDS = 8.0  # for a consumer to leave its group, and the producer to answer its last requests


def page_command() -> list[str]:
    """The command for the page. Options override the user's Streamlit settings for its address and who may open it.

    Unless hosts are named, Streamlit admits every website whose Host and Origin are equal; unless origins are named, it
    admits no others. A proxy for a forwarded port keeps the Host, or changes it to localhost.
    """
    hosts = [*callers.THIS_COMPUTER, *settings.ALLOWED_HOSTS]
    options = [("port", str(settings.PAGE_PORT)), ("address", "127.0.0.1"), ("headless", "true")]
    options += [("enableCORS", "true"), ("baseUrlPath", ""), ("sslCertFile", ""), ("sslKeyFile", "")]
    options += [("allowedHosts", host.strip("[]")) for host in hosts]
    options += [("corsAllowedOrigins", f"https://{host}") for host in hosts]  # only the host counts
    words = [word for name, value in options for word in (f"--server.{name}", value)]
    # With its development mode, Streamlit refuses a port, and serves no page.
    return ["-m", "streamlit", "run", "producer_ui.py", "--global.developmentMode", "false", *words]


class Program:
    """One of the programs. `on_crash(program, exit_code)` is called if it ends unexpectedly."""

    def __init__(self, name: str, command: list[str], port: int, environment: dict[str, str], on_crash: Callable):
        self.spoke = False  # has it printed anything since its start?
        self.name = name
        self.command = [sys.executable, *command]
        self.port = port
        self.environment = environment
        self.on_crash = on_crash
        self._child: Child | None = None
        self._ending = False
        self._refused: set[str] = set()  # the addresses under which the page was opened

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        return self._child.process.pid if self._child else None

    def start(self) -> None:
        self._ending = self.spoke = False
        has_stop_signal = self.command[1].endswith(".py")
        self._child = Child(*self.command, on_line=self._relay, environment=self.environment, late=has_stop_signal)
        threading.Thread(target=self._watch, args=[self._child], daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        return self._child.process.poll() if self._child else None

    def ask_to_stop(self) -> None:
        """Like Ctrl+C in its own terminal."""
        self._ending = True
        if self._child is not None:
            self._child.ask_to_stop()

    def wait(self, seconds: float) -> None:
        """Wait for its end; then end it by force."""
        if self._child is not None:
            self._child.end(seconds)

    def stop(self) -> None:
        """Ask it to stop, wait, then end it by force."""
        stop_all([self])

    def kill(self) -> None:
        """End it immediately, like a crash (`kill -9`)."""
        self._ending = True
        if self._child is not None and self._child.running:
            self._child.kill()

    def _relay(self, line: str) -> None:
        if refused := REFUSED_BY_STREAMLIT.search(line):
            self._explain(next((address for address in refused.groups() if not callers.is_known(address)), ""))
        elif line and not (self._ending and line == STREAMLIT_ENDS):
            self.spoke = True
            terminal.relay(self.name, line)

    def _explain(self, address: str) -> None:
        """Once per address: a browser that is refused retries every few seconds."""
        if address not in self._refused:
            self._refused.add(address)
            host = callers.host_of(address)
            hint = f"if that is your forwarded port: quit, then start run.py with ALLOWED_HOSTS={host}"
            what = f"the page was opened as {address}, which is not a name of this computer, and refused it"
            terminal.complain(what, hint if host else f"open http://localhost:{self.port}")

    def _watch(self, child: Child) -> None:
        code = child.wait()
        if not self._ending:
            self.on_crash(self, code)


def stop_all(programs: list[Program]) -> None:
    """Ask all to stop; after `STOP_SECONDS`, end the rest by force."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for program in programs:
        program.wait(max(deadline - time.monotonic(), 0.1))
