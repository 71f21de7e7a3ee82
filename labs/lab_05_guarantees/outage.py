"""Lab 5: click Like while the broker does not respond. What does the user see, and what is in the log afterwards?

python run.py labs/lab_05_guarantees/outage.py
"""

import time
import uuid

from labs.click import CONFIRMED, click, save, topic_id
from labs.frozen import frozen_broker
from labs.topics import read
from plumbing import Problem
from plumbing.topic import insist
from plumbing.waiting import wait_until
from settings import TOPIC

KEY = "outage-"  # the prefix of this run's key
METADATA_SECONDS = 3.1  # if its answer is older than 3 s, producer.py asks again: at the first click
PATIENCE_SECONDS = 60


def likes_of(key: str) -> int:
    """How many likes with this key are in the log. On a slow computer, a broker that did not respond has to rejoin its
    cluster first; until then the partitions have no leader."""
    return insist(lambda: sum(record.key() == key.encode() for record in read(TOPIC)), PATIENCE_SECONDS, whatever=True)


def main() -> None:
    key = f"{KEY}{uuid.uuid4().hex[:8]}"
    topic = topic_id()  # while the broker can be asked
    time.sleep(METADATA_SECONDS)
    print("the broker responds")
    answers = [click(key)]
    with frozen_broker():
        print("the broker does not respond")
        answers.append(click(key))
    print("the broker responds again")

    def confirmed_again() -> bool:
        answers.append(click(key))
        return answers[-1]["status"] == CONFIRMED

    if not wait_until(confirmed_again, PATIENCE_SECONDS, pause=0):
        raise Problem("the broker does not come back")
    save(answers, topic)  # for the check: the broker does not know what the user saw
    confirmed = sum(answer["status"] == CONFIRMED for answer in answers)
    print(f"{confirmed} likes with the key {key} were confirmed, {likes_of(key)} are in the log")


if __name__ == "__main__":
    main()
