"""What the page costs: one refresh of its board, and everything at rest."""

import time
from collections.abc import Iterator

from bench import programs
from bench.cluster import Bench, fill, new_group
from bench.harness import Line, Spread
from bench.viewer import Viewer
from brokers.ports import free_ports

TITLE = "the page"
REFRESH_MS = 100  # aimed at, with 30 partitions
IDLE_PERCENT = 10  # of a core, aimed at


def measure(bench: Bench) -> Iterator[Line]:
    for partitions in bench.sized((3, 30, 300), (3,)):
        yield from _board(bench, partitions)


def _board(bench: Bench, partitions: int) -> Iterator[Line]:
    """Three consumers own the partitions, a visitor has the page open."""
    group, ports = new_group(), sorted(free_ports(3))
    with bench.topic(partitions) as topic:
        fill(bench, topic, partitions, 10 * partitions)
        running = [programs.producer(bench.servers, topic, log=bench.log())]
        running += [programs.consumer(bench.servers, topic, group, port, log=bench.log()) for port in ports]
        page_port = free_ports(1)[0]
        settings = {
            "KAFKA_BOOTSTRAP_SERVERS": bench.servers,
            "PRODUCER_PORT": str(running[0].port),
            "CONSUMER_PORT": str(ports[0]),
            "CONSUMER_GROUP": group,
        }
        page = ("-m", "bench.on_topic", "page", topic, str(page_port))
        try:
            running.append(programs.Program(*page, port=page_port, log=bench.log(), **settings))
            for program in running[:-1]:
                program.wait_until_it_answers("/health")
            running[-1].wait_until_it_answers("/_stcore/health")
            _wait_for_all_owners(running[1:4], partitions)
            what = f"{partitions} partitions"
            with Viewer(page_port) as viewer:
                viewer.open()
                for _ in range(3):
                    viewer.refresh()
                refreshes = [viewer.refresh() for _ in range(bench.sized(30, 3))]
                target = {}
                if partitions == 30:
                    target = {"target": f"at most {REFRESH_MS} ms", "met": Spread.of(refreshes).median <= REFRESH_MS}
                yield Line("page", f"one refresh of the board, {what}", Spread.of(refreshes), "ms", **target)
                if partitions == 3:
                    yield from _idle(bench, running, "with a page open", viewer)
            if partitions == 3:
                yield from _idle(bench, running, "no page open")
        finally:
            for program in running:
                program.stop()


def _wait_for_all_owners(consumers: list[programs.Program], partitions: int) -> None:
    while sum(len(consumer.get("/status")["assignment"]) for consumer in consumers) != partitions:
        time.sleep(0.1)


def _idle(bench: Bench, running: list, when: str, viewer: Viewer | None = None) -> Iterator[Line]:
    """CPU time of the five programs while nobody clicks."""
    seconds = bench.sized(10.0, 1.0)
    time.sleep(bench.sized(6.0, 0.0))  # the watcher slows down some seconds after the last visitor has gone
    before = [program.cpu_seconds() for program in running]
    started = time.perf_counter()
    while time.perf_counter() < started + seconds:
        refreshed_at = time.perf_counter()
        if viewer:
            viewer.refresh()
        time.sleep(max(1.0 - (time.perf_counter() - refreshed_at), 0))
    lasted = time.perf_counter() - started
    used = [100 * (program.cpu_seconds() - cpu) / lasted for program, cpu in zip(running, before, strict=True)]
    total = Spread.of([sum(used)])
    target = {"target": f"under {IDLE_PERCENT} %", "met": total.median < IDLE_PERCENT}
    yield Line("page", f"idle CPU of the five programs, {when}", total, "%", **target)
