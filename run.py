"""One command on any system: set up, start a broker and the five programs, end them in order.

    python run.py                   start everything; then type commands such as: stop 1, like 5, quit
    python run.py --broker local    on this broker: docker, local, secured or simulated (default: what is there)
    python run.py --brokers 3       on three brokers, each with a copy of every like; then also: kill kafka-1
    python run.py check             what is reached of the labs (labs/README.md); check 1: what is missing of lab 1
    python run.py labs/click.py     a program of the labs
    python run.py prepare           fetch everything beforehand, for a room without network
    python run.py test              run the tests; what follows goes to pytest
    python run.py bench             measure how fast it is; --quick: whether that works
    python run.py doctor            look for what is wrong and say how to mend it
    python run.py topic             create the topic likes
    python run.py clean             wipe the data of the local broker
    python run.py kafka-topics --list
                                    Kafka's own command line, without Docker

It needs Python 3.10 or newer, and nothing else.
"""

import sys

if sys.version_info < (3, 10):  # in words that an old Python understands: nothing newer is imported before
    sys.exit(
        "Hands-on Kafka needs Python 3.10 or newer, this is %d.%d. Install one from "
        "https://www.python.org/downloads/ and start run.py with it." % sys.version_info[:2]
    )

from launcher import cli

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], __doc__))
