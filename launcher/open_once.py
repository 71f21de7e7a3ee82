"""Lets start_apps.bat open its five windows only once, even if it is double-clicked twice. Windows only.

The ports do not tell: the programs take a few seconds to listen.
"""

import contextlib
import sys
import time
from pathlib import Path

from launcher.stop_windows import our_windows

OPENING_SECONDS = 30  # an older mark was left by a start that was closed


def take(mark: Path) -> bool:
    """Create the file `mark`, which start_apps.bat removes when its windows are open; False if another start has it."""
    with contextlib.suppress(OSError):
        if time.time() - mark.stat().st_mtime > OPENING_SECONDS:
            mark.unlink()
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def main(mark: Path) -> int:
    if not take(mark):
        print("Another start_apps.bat is opening the windows.")
        return 1
    if count := len(our_windows()):
        with contextlib.suppress(OSError):
            mark.unlink()
        print(f"{count} of the five windows {'is' if count == 1 else 'are'} open already.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
