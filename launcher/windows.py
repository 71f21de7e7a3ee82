"""`python run.py windows`, which start_apps.bat runs: opens those of the five windows that are closed. Windows only."""

import os
import subprocess
import sys
from pathlib import Path

import settings
from brokers.lock import wait_for
from brokers.ports import port_holder
from launcher import terminal
from launcher.setup import VENV
from launcher.stop_windows import our_windows
from plumbing import Problem
from plumbing.waiting import wait_until
from settings import ROOT

ON_WINDOWS = os.name == "nt"
SEEN_SECONDS = 10.0  # at most, until a new window is there
NEW_CONSOLE = getattr(subprocess, "CREATE_NEW_CONSOLE", 0)  # only Windows has it
# Title -> command, port and, for a consumer, the variable that names it.
WINDOWS = {
    "Producer": ("python producer.py", 5001, {}),
    **{f"Consumer {n}": ("python consumer.py", 5001 + n, {"CONSUMER_PORT": str(5001 + n)}) for n in (1, 2, 3)},
    # Streamlit colours its greeting with codes that the console of Windows 10 would show as they are.
    "Streamlit": ("python -m streamlit run producer_ui.py --logger.hideWelcomeMessage true", 8501, {}),
}


def main(drive: str = "") -> int:
    """Open them; returns the exit code. `drive` is that of start_apps.bat, `\\\\` for a folder in the network."""
    if not ON_WINDOWS:
        raise Problem("the five windows are for Windows", "python run.py   (all of it in this terminal)")
    with wait_for(VENV / "windows.lock"):  # another start_apps.bat may open them now
        missing = {title: window for title, window in WINDOWS.items() if title not in _opened()}
        for title, (_command, port, _more) in missing.items():
            if holder := port_holder(port):
                what = f"port {port} (of the window {title}) is taken by {holder}"
                raise Problem(what, f"end it ({holder.how_to_end}), then start_apps.bat")
        for title, (command, _port, more) in missing.items():
            _open(title, command, drive, _environment() | more)
        wait_until(lambda: not missing or _opened() >= missing.keys(), SEEN_SECONDS)  # by the next start_apps.bat, too
    if not settings.CHOSEN_BOOTSTRAP_SERVERS and not port_holder(9092):
        terminal.say("kafka", "nothing answers on localhost:9092 yet: start_kafka.bat, create_likes_topic.bat")
    what = f"opened: {', '.join(missing)}" if missing else "all five are open already"
    terminal.say("windows", f"{what}; the page: http://localhost:8501; to end all of them: stop_apps.bat")
    return 0


def _opened() -> set[str]:
    return {ours["title"] for ours in our_windows().values()}


def _environment() -> dict[str, str]:
    """For every window. With .venv first on the PATH, what a lesson says (python consumer.py) can be typed there."""
    kept = settings.environment()
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {name: value for name, value in kept.items() if name not in ("PRODUCER_PORT", "CONSUMER_PORT")}


def _open(title: str, command: str, drive: str, environment: dict[str, str]) -> None:
    # /d: without what this computer runs in each cmd (AutoRun), which may go elsewhere. /k: the last lines can be read.
    # The folder as it was entered: cmd cannot work in \\server\...
    folder = Path.cwd() if Path.cwd().samefile(ROOT) else ROOT
    borrowed = f"set BORROWED={folder.drive}& " if drive == "\\\\" else ""
    line = f"cmd /d /k {borrowed}title {title}& {command}"
    subprocess.Popen(line, cwd=folder, env=environment, creationflags=NEW_CONSOLE)
