"""python.exe and py.exe of the tests: a Python as a learner's computer may have it.

    {"version": [3, 12, 1], "packages": True, "pip": 0, "says": "", "serves": True}

`version` None is the Microsoft Store's stub. `packages` tells whether those of requirements.txt are there, `pip` is
the exit code of an installation, None where pip is missing, `says` its words. With `serves` our programs listen on
their ports until they are ended, else they end at once.

It imports what a call needs, and no more: see docker.py.
"""

import os
import sys
import time

beside = sys.argv[0].removesuffix(".exe")
arguments = sys.argv[1:]
if arguments[:1] == ["-3"]:
    del arguments[0]


def read_scenario() -> dict:
    with open(f"{beside}.scenario", encoding="utf-8") as file:
        return eval(file.read())


def write_scenario(name: str, scenario: dict) -> None:
    with open(f"{name}.scenario", "w", encoding="utf-8") as file:
        file.write(repr(scenario))


def note(**call) -> None:
    # A file for each: of programs in five windows that append to the same one at once, one's words can be lost.
    with open(f"{beside}.{time.time_ns()}-{os.getpid()}.log", "w", encoding="utf-8") as file:
        file.write(repr(call | {"folder": os.getcwd()}) + "\n")


def make_venv(folder: str) -> None:
    import shutil

    os.makedirs(rf"{folder}\Scripts")
    shutil.copy(f"{beside}.exe", rf"{folder}\Scripts\python.exe")
    write_scenario(rf"{folder}\Scripts\python", scenario | {"packages": False})


def window_title() -> str:
    import ctypes

    title = ctypes.create_unicode_buffer(256)
    ctypes.windll.kernel32.GetConsoleTitleW(title, len(title))
    return title.value.split(" - ")[0]  # cmd.exe appends the running command


def program(name: str, port: int) -> None:
    note(
        program=name,
        arguments=arguments,
        title=window_title(),
        consumer_port=os.environ.get("CONSUMER_PORT"),
        executable=f"{beside}.exe",
    )
    if scenario.get("serves"):
        import socket

        with socket.create_server(("127.0.0.1", port)):
            while True:  # one long wait would not see Ctrl+C on Windows
                time.sleep(0.2)


def add_packages() -> None:
    """What -S has left out."""
    import site

    site.main()


scenario = read_scenario()
pip = scenario.get("pip", 0)
if scenario["version"] is None:
    print("Python was not found; run without arguments to install from the Microsoft Store", file=sys.stderr)
    os._exit(9009)
if arguments[0] == "--version":
    print("Python", ".".join(map(str, scenario["version"])))
elif arguments[0] == "-c":
    sys.version_info = tuple(scenario["version"])
    sys.argv = ["-c", *arguments[2:]]
    sys.modules["pip"] = None if pip is None else sys  # None makes the import fail; otherwise any module will do
    if "psutil" in arguments[1]:
        add_packages()
    exec(arguments[1])
elif arguments[:2] == ["-m", "venv"]:
    note(call="venv")
    make_venv(arguments[2])
elif arguments[:2] == ["-m", "pip"] and pip is None:
    sys.exit("No module named pip")
elif arguments[:2] == ["-m", "pip"]:
    if "--no-index" in arguments:
        sys.exit(0 if scenario["packages"] else 1)
    note(call="pip install")
    if pip == 0:
        write_scenario(beside, scenario | {"packages": True})
    words = "Successfully installed" if pip == 0 else scenario.get("says", "ERROR: No matching distribution found")
    print(words)
    if "--log" in arguments:
        with open(arguments[arguments.index("--log") + 1], "w", encoding="utf-8") as log:
            log.write(words + "\n")
    sys.exit(pip)
elif arguments[0] == "-m" and arguments[1] in ("launcher.open_once", "launcher.stop_windows"):
    import runpy

    add_packages()
    sys.path.insert(0, os.getcwd())
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
