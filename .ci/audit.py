"""Is any package of the locks known to be vulnerable? It needs the packages of requirements/lock-audit.txt.

Every line of a lock that applies to this Python must have been looked up: a lock that cannot be read, or packages that
were skipped, are not a pass.
"""

import json
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
AUDIT = ["-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]


def main() -> int:
    """The exit code: 0 if every package of every lock was looked up and none is known to be vulnerable."""
    locks = sorted((ROOT / "requirements").glob("lock*.txt"))
    wrong = [f"{lock.name}: {problem}" for lock in locks for problem in problems(lock)]
    print("\n".join(wrong or [f"{len(locks)} locks, nothing known"]))
    return 1 if wrong or not locks else 0


def problems(lock: Path) -> list[str]:
    """What speaks against this lock."""
    wanted = pinned(lock.read_text(encoding="utf-8"))
    command = [sys.executable, *AUDIT, "--format", "json", "--requirement", str(lock)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, TypeError, KeyError):
        return [f"pip-audit gave no report, exit code {done.returncode}"]
    audited = {canonicalize_name(package["name"]): package["vulns"] for package in found if "vulns" in package}
    wrong = [f"{name} was not audited" for name in sorted(wanted - audited.keys())]
    wrong += [f"{name}: {', '.join(one['id'] for one in known)}" for name, known in audited.items() if known]
    if not wanted:
        wrong.append("names no package")
    if done.returncode and not wrong:
        wrong.append(f"pip-audit failed, exit code {done.returncode}")
    return wrong


def pinned(text: str) -> set[str]:
    """The packages of a lock that are for this Python and this system."""
    lines = (line.rstrip(" \\") for line in text.splitlines() if line[:1] not in ("", " ", "#"))
    requirements = (Requirement(line) for line in lines)
    return {canonicalize_name(one.name) for one in requirements if not one.marker or one.marker.evaluate()}


if __name__ == "__main__":
    sys.exit(main())
