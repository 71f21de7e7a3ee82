"""Click Like one or more times, with or without a key, and print what the producer answers.

python run.py labs/click.py --count 3 --key ann
python run.py labs/click.py --count 20 --every 0.5      one every half second
"""

import argparse
import contextlib
import json
import socket
import sys
import time
from pathlib import Path

import requests
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from plumbing import loopback
from plumbing.kafka import client_config
from plumbing.topic import insist
from settings import PRODUCER_PORT, TOPIC

HISTORY = Path(__file__).resolve().parent.parent / ".kafka" / "clicks.jsonl"
CONFIRMED = 201
ANSWER_SECONDS = 20.0
CONTROLLER_SECONDS = 5.0
CONNECT_SECONDS = 1.0


def click(key: str | None) -> dict:
    """Click once, print the answer and return it, with its `status`: 201 if the broker confirmed the like. Otherwise
    `brokers` is how many brokers could be reached."""
    started = time.monotonic()
    try:
        answer = loopback.post(f"http://127.0.0.1:{PRODUCER_PORT}/like", json={"key": key}, timeout=ANSWER_SECONDS)
        body = answer.json()
    except (requests.RequestException, ValueError):
        sys.exit(f"The producer does not answer on port {PRODUCER_PORT}. python run.py in another terminal")
    seconds = time.monotonic() - started
    if answer.ok:
        what = f"order={body['order']} partition={body['partition']} offset={body['offset']}"
    else:
        what = f"{body['error']} -> {body['hint']}"
    print(f"{answer.status_code} after {seconds:.1f} s  {what}", flush=True)
    known = {} if answer.ok else {"brokers": reachable_brokers()}
    return {"at_ms": int(time.time() * 1000), "status": answer.status_code, "key": key, **known, **body}


def reachable_brokers() -> int | None:
    """How many of the cluster's brokers accept a connection; None if the first one, which would name the others, does
    not answer."""
    try:
        cluster = AdminClient(client_config()).list_topics(timeout=CONTROLLER_SECONDS)
    except KafkaException:
        return None
    reachable = 0
    for broker in cluster.brokers.values():
        with contextlib.suppress(OSError):
            socket.create_connection((broker.host, broker.port), timeout=CONNECT_SECONDS).close()
            reachable += 1
    return reachable


def topic_id() -> str:
    """The id of the topic `likes`; a recreated topic has another one. Without an active controller to ask (lab 9), the
    id saved with the last click."""
    admin = AdminClient(client_config())

    def ask() -> str:
        asked = admin.describe_topics(TopicCollection([TOPIC]), request_timeout=CONTROLLER_SECONDS)
        return str(asked[TOPIC].result().topic_id)

    try:
        return insist(ask, 2 * CONTROLLER_SECONDS)
    except KafkaException:
        saved = all_saved()
        return saved[-1]["topic_id"] if saved else "unknown"


def save(answers: list[dict], topic: str) -> None:
    HISTORY.parent.mkdir(exist_ok=True)
    with HISTORY.open("a", encoding="utf-8") as history:
        history.writelines(f"{json.dumps({'topic_id': topic, **answer})}\n" for answer in answers)


def all_saved() -> list[dict]:
    return [json.loads(line) for line in HISTORY.read_text(encoding="utf-8").splitlines()] if HISTORY.exists() else []


def saved_for(topic: str) -> list[dict]:
    """The answers to clicks while the topic had this id, oldest first."""
    return [answer for answer in all_saved() if answer["topic_id"] == topic]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/click.py")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--key")
    parser.add_argument("--every", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    answers = []
    try:
        for number in range(options.count):
            if number:
                time.sleep(options.every)
            answers.append(click(options.key))
    finally:
        if answers:  # not earlier: a broker may have been killed during the first clicks
            save(answers, topic_id())
    confirmed = sum(answer["status"] == CONFIRMED for answer in answers)
    print(f"{confirmed} confirmed, {len(answers) - confirmed} refused")


if __name__ == "__main__":
    main()
