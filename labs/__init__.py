"""The labs: each has a folder with its page, its programs and its check.

python run.py labs/lab_01_partitions/null_key.py      run a lab program, on any system
python run.py check 1                                 what you have achieved in lab 1, according to the broker
python run.py check                                   progress over all labs
"""

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def programs() -> dict[str, str]:
    """The path of each program -> its module in this package:
    {"labs/click.py": "click", "labs/lab_01_partitions/null_key.py": "lab_01_partitions.null_key", ...}"""
    paths = sorted(FOLDER.glob("*.py")) + sorted(FOLDER.glob("lab_*/*.py"))
    names = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in paths if _is_program(path)]
    return {f"labs/{name}.py": name.replace("/", ".") for name in names}


def _is_program(path: Path) -> bool:
    source = path.read_text(encoding="utf-8")
    return path.name != "__main__.py" and bool(re.search(r'^if __name__ == "__main__":', source, re.MULTILINE))
