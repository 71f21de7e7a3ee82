"""One command on any system: set up, start a broker and the five programs, stop them in order.

    python run.py             start everything; then type commands such as: stop 1, like 5, quit
    python run.py --help      all commands; python run.py check --help: more about one

It needs Python 3.10 or newer, and nothing else.
"""

import sys

if sys.version_info < (3, 10):  # in syntax that old Pythons understand; nothing newer is imported before
    sys.exit(
        "Hands-on Kafka needs Python 3.10 or newer, this is %d.%d. Install one from "
        "https://www.python.org/downloads/ and start run.py with it." % sys.version_info[:2]
    )

import os

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH would omit it

if __name__ == "__main__":
    try:
        from launcher import cli

        sys.exit(cli.main(sys.argv[1:]))
    except KeyboardInterrupt:  # during the import; cli.main() handles later ones
        sys.exit(130)
