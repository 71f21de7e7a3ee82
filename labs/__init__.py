"""The labs: a folder for each, with its page (README.md), its programs, and check.py.

python run.py labs/lab_01_partitions/null_key.py    run a program of a lab, on any system
python run.py check 1                               what is reached in lab 1, asked from the broker
python run.py check                                 progress over all labs
"""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent


def programs() -> dict[str, str]:
    """Path of each program of the labs, as it is typed -> its module: {"labs/click.py": "click"}."""
    files = [*HERE.glob("*.py"), *HERE.glob("lab_*/*.py")]
    runnable = (file for file in files if re.search(r"^def main\(", file.read_text(encoding="utf-8"), re.MULTILINE))
    modules = (file.relative_to(HERE).with_suffix("").as_posix() for file in sorted(runnable))
    return {f"labs/{module}.py": module.replace("/", ".") for module in modules if not module.startswith("_")}
