"""The labs: a folder for each, with its page, its programs and its check.

python run.py labs/lab_01_partitions/null_key.py      run a program of a lab, on any system
python run.py check 1                                 what you have reached in lab 1, asked from the broker
python run.py check                                   progress over all labs

| module     | what it does                                                          |
| ---------- | --------------------------------------------------------------------- |
| `click`    | a program for several labs: clicks Like, keeps the answers            |
| `topics`   | creates and reads topics; the names that belong to one learner        |
| `batches`  | the record batches of a topic, as they are in the log                 |
| `flow`     | a steady flow of events, and for how long nobody read them            |
| `frozen`   | stops the broker from answering for a while                           |
| `secured`  | the secured broker of lab 10                                          |
| `checks`   | finds a lab's page and check                                          |
| `blocks`   | a lab's page in parts, and what of it the page in the browser may run |
| `prompt`   | the commands of the terminal in which run.py runs                     |
| `evidence` | what the checks ask the broker                                        |
| `history`  | generations and commits of a group, read from `__consumer_offsets`    |
| `epochs`   | the same of a group of the new protocol                               |
| `queues`   | how far a share group is, read from `__share_group_state`             |
| `kafka4`   | which labs need Kafka 4, and what is said where it is missing         |
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
