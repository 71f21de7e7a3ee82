"""Click Like several times, with or without a key, and see what the producer answers.

python run.py labs/click.py --count 3 --key ann
python run.py labs/click.py --count 20 --every 0.5      one each half second
"""

import argparse
import sys
import time

import requests

from labs.cluster import PRODUCER_PORT

ANSWER_SECONDS = 20.0


def click(key: str | None) -> bool:
    """One click; prints the answer. True when the broker has confirmed the like."""
    started = time.monotonic()
    try:
        answer = requests.post(f"http://127.0.0.1:{PRODUCER_PORT}/like", json={"key": key}, timeout=ANSWER_SECONDS)
        body = answer.json()
    except (requests.RequestException, ValueError):
        sys.exit(f"The producer does not answer on port {PRODUCER_PORT}. python run.py in another terminal")
    seconds = time.monotonic() - started
    if answer.ok:
        what = f"order={body['order']} partition={body['partition']} offset={body['offset']}"
    else:
        what = f"{body['error']} -> {body['hint']}"
    print(f"{answer.status_code} after {seconds:.1f} s  {what}", flush=True)
    return answer.ok


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/click.py")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--key")
    parser.add_argument("--every", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    confirmed = 0
    for number in range(options.count):
        if number:
            time.sleep(options.every)
        confirmed += click(options.key)
    print(f"{confirmed} confirmed, {options.count - confirmed} refused")


if __name__ == "__main__":
    main()
