"""The whole system through run.py: input, output, and what is left at the end."""

import re
import subprocess
import sys
import time

import psutil
import requests

from tests.end_to_end.conftest import PORTS, nothing_is_left, run_py
from tests.programs import answers, wait_until

LIKE = "http://127.0.0.1:5001/like"
LOGGED = r"^consumer-{n} \| Consumed: order={order} partition={partition} clicked_at=\S+ \S+ ts_ms=\d+$"


def logged(order: int, consumer: int, partition: int) -> str:
    return LOGGED.format(n=consumer, order=order, partition=partition)


def assignments() -> list[list[int]] | None:
    """Of the three consumers; None unless all of them answer."""
    try:
        return [requests.get(f"http://127.0.0.1:{port}/status", timeout=5).json()["assignment"] for port in PORTS[1:4]]
    except requests.RequestException:
        return None


def test_a_first_session(launched):
    """Six clicks, the page, stop, start, kill: in the order of the README."""
    launched.wait_for("page +http://localhost:8501 +<- open this, click Like")
    launched.wait_for("consumers +5002  5003  5004 +group likes-ui")
    likes = [requests.post(LIKE, timeout=20).json() for _ in range(6)]
    round_robin = [(order, (order - 1) % 3, (order - 1) // 3) for order in range(1, 7)]
    assert [(like["order"], like["partition"], like["offset"]) for like in likes] == round_robin
    for order in range(1, 7):
        launched.wait_for(logged(order, consumer=(order - 1) % 3 + 1, partition=(order - 1) % 3))

    launched.type("stop 1")
    launched.wait_for(r"^  consumer-1 +stopped$")
    stopped = time.monotonic()
    launched.wait_for(r"^consumer-2 \| Assigned: partitions=\[0, 1\]$")
    assert time.monotonic() - stopped < 5  # it left cleanly: the others did not wait for its session timeout
    launched.type("like 3")
    launched.wait_for(logged(7, consumer=2, partition=0))
    launched.type("start 1")
    wait_until(lambda: assignments() == [[0], [1], [2]], "1:1 again")

    launched.type("kill 1")
    launched.wait_for(r"^  consumer-1 +killed$")
    acknowledged = [requests.post(LIKE, timeout=20).json()["order"] for _ in range(3)]
    launched.wait_for(r"^consumer-2 \| Assigned: partitions=\[0, 1\]$", times=2, seconds=30)
    for order in acknowledged:
        launched.wait_for(logged(order, consumer="[23]", partition=(order - 1) % 3))
    launched.type("start 1")
    wait_until(lambda: assignments() == [[0], [1], [2]], "1:1 again")

    assert launched.likes_of_all() == set(range(1, 13))


def test_a_program_that_crashes_is_shown_with_how_to_start_it_again(launched):
    launched.type("status")
    pid = int(launched.wait_for(r"^  producer +5001  pid (\d+)$")[-1][1])
    psutil.Process(pid).kill()
    launched.wait_for("^producer ended unexpectedly with exit code")
    launched.wait_for("^  -> start producer$")
    launched.type("like")
    launched.wait_for("^the producer does not answer on port 5001$")
    launched.type("start producer")
    wait_until(lambda: answers(LIKE.replace("like", "health")), "the producer again")


def test_a_broker_that_dies_is_shown_and_comes_back_with_its_data(launched):
    before = requests.post(LIKE, timeout=20).json()["order"]
    java = next(one for one in psutil.Process(launched.process.pid).children(recursive=True) if "java" in one.name())
    programs = set(psutil.Process(launched.process.pid).children()) - {java}
    java.kill()
    launched.wait_for("^kafka ended unexpectedly: (ended by|exit code) ")
    launched.wait_for("^  -> start kafka$")
    launched.type("status")
    launched.wait_for("^  kafka +9092  not running$")
    # It asks; a like in the first seconds may be sent without asking again, and then is not confirmed.
    assert requests.get(LIKE.replace("like", "health"), timeout=20).json()["hint"].startswith("start it: start kafka")
    launched.type("like")
    launched.wait_for("^no broker answers on localhost:9092$")
    launched.wait_for("^  -> start it: start kafka, in the terminal of run.py$")

    launched.type("start kafka")
    launched.wait_for("^  kafka +is back$")
    wait_until(lambda: requests.post(LIKE, timeout=20).ok, "a like")
    launched.wait_for(rf"Consumed: order={before + 1} ")
    assert programs <= set(psutil.Process(launched.process.pid).children()), "the programs have gone on"


def test_a_second_run_py_reports_what_is_taken(launched, copy, start):
    second = start(run_py(copy))
    assert second.wait() == 1
    assert len(second.lines) == 2
    assert re.fullmatch(r"port 5001 \(of the producer\) is taken by \S+ producer.py \(pid \d+\)", second.lines[0])
    assert second.lines[1].startswith("  -> end it (")


def test_doctor_finds_nothing_to_fix(launched, copy):
    done = subprocess.run([sys.executable, "run.py", "doctor"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "likes-ui: consumer-5002 [0], consumer-5003 [1], consumer-5004 [2]" in done.stdout
    assert done.stdout.endswith("all is well\n")


def test_idle_programs_leave_the_processor_alone(launched):
    """Generous: the target is 10 % of a core, see docs/performance.md; here only a busy loop would fail."""
    me = psutil.Process(launched.process.pid)
    processes = [me, *me.children(recursive=True)]
    for process in processes:
        process.cpu_percent()
    time.sleep(5)
    assert sum(process.cpu_percent() for process in processes) < 60


def test_quit_ends_everything(launched):
    launched.type("quit")
    assert launched.wait() == 0
    assert launched.lines[-1].startswith("  bye ")
    assert nothing_is_left()
