"""python.exe and py.exe of the tests: a Python as a learner's computer may have it.

    {"version": [3, 12, 1], "packages": true, "pip": 0, "says": "", "serves": true}

`version` null is the Microsoft Store's stub. `packages` tells whether those of requirements.txt are there, `pip` is
the exit code of an installation, null where pip is missing, `says` its words. With `serves` our programs listen on
their ports until they are ended, else they end at once.
"""

import ctypes
import json
import os
import runpy
import shutil
import socket
import sys
import time
from pathlib import Path

beside = Path(sys.argv[0])
scenario = json.loads(beside.with_suffix(".json").read_text())
arguments = sys.argv[1:]
if arguments[:1] == ["-3"]:
    del arguments[0]


def note(**call):
    # A file for each: of programs in five windows that append to the same one at once, one's words can be lost.
    with beside.with_suffix(f".{time.time_ns()}-{os.getpid()}.log").open("w", encoding="utf-8") as file:
        file.write(json.dumps(call | {"folder": str(Path.cwd())}) + "\n")


def make_venv(folder):
    scripts = Path(folder, "Scripts")
    scripts.mkdir(parents=True)
    shutil.copy(beside.with_suffix(".exe"), scripts / "python.exe")
    (scripts / "python.json").write_text(json.dumps(scenario | {"packages": False}))


def window_title():
    title = ctypes.create_unicode_buffer(256)
    ctypes.windll.kernel32.GetConsoleTitleW(title, len(title))
    return title.value.split(" - ")[0]  # cmd.exe appends the running command


def program(name, port):
    note(
        program=name,
        arguments=arguments,
        title=window_title(),
        consumer_port=os.environ.get("CONSUMER_PORT"),
        executable=str(beside),
    )
    if scenario.get("serves"):
        with socket.create_server(("127.0.0.1", port)):
            while True:  # one long wait would not see Ctrl+C on Windows
                time.sleep(0.2)


if scenario["version"] is None:
    print("Python was not found; run without arguments to install from the Microsoft Store", file=sys.stderr)
    os._exit(9009)
if arguments[0] == "--version":
    print("Python", ".".join(map(str, scenario["version"])))
elif arguments[0] == "-c":
    sys.version_info = tuple(scenario["version"])
    sys.argv = ["-c", *arguments[2:]]
    if scenario.get("pip", 0) is None:
        sys.modules["pip"] = None
    exec(arguments[1])
elif arguments[:2] == ["-m", "venv"]:
    note(call="venv")
    make_venv(arguments[2])
elif arguments[:2] == ["-m", "pip"] and scenario.get("pip", 0) is None:
    sys.exit("No module named pip")
elif arguments[:2] == ["-m", "pip"]:
    if "--no-index" in arguments:
        sys.exit(0 if scenario["packages"] else 1)
    note(call="pip install")
    code = scenario.get("pip", 0)
    if code == 0:
        beside.with_suffix(".json").write_text(json.dumps(scenario | {"packages": True}))
    words = "Successfully installed" if code == 0 else scenario.get("says", "ERROR: No matching distribution found")
    print(words)
    if "--log" in arguments:
        Path(arguments[arguments.index("--log") + 1]).write_text(words + "\n")
    sys.exit(code)
elif arguments[0] == "-m" and arguments[1] in ("launcher.open_once", "launcher.stop_windows"):
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=False)
elif arguments[0] == "producer.py":
    program("producer", 5001)
elif arguments[0] == "consumer.py":
    program("consumer", int(os.environ["CONSUMER_PORT"]))
elif arguments[:3] == ["-m", "streamlit", "run"]:
    program("page", 8501)
else:
    sys.exit(f"the fake Python does not know {arguments}")
