"""Confirmed likes through `POST /like`."""

import contextlib
import importlib.util
import statistics
from collections.abc import Iterator

from bench import programs
from bench.cluster import Bench
from bench.harness import Line, Spread, compared, interleaved
from bench.http_load import load
from brokers.ports import free_ports

TITLE = "confirmed POST /like"
PEERS = {  # name -> module in bench/peers, the package that it needs
    "FastAPI + aiokafka": ("fastapi_aiokafka", "aiokafka"),
    "FastAPI + AIOProducer": ("fastapi_confluent", "fastapi"),
    "Flask dev server + flush": ("flask_flush", "flask"),
}
NOOP = "no-op route, same server"


def measure(bench: Bench) -> Iterator[Line]:
    with contextlib.ExitStack() as stack:
        topic = stack.enter_context(bench.topic())
        ours = stack.enter_context(programs.producer(bench.servers, topic, log=bench.log())).wait_until_it_answers()
        where = {"ours": (ours.port, "/like"), NOOP: (ours.port, "/noop")}
        for name, (module, package) in PEERS.items():
            if importlib.util.find_spec(package):
                port = free_ports(1)[0]
                peer = programs.peer(module, bench.servers, topic, str(port), port=port, log=bench.log())
                where[name] = stack.enter_context(peer).wait_until_it_answers().port, "/like"
        for connections in bench.sized((1, 16, 64), (4,)):
            yield from _with(bench, where, connections)


def _with(bench: Bench, where: dict[str, tuple[int, str]], connections: int) -> Iterator[Line]:
    seconds = bench.sized(1.5, 0.2)
    contenders = {
        name: lambda port=port, path=path: load(port, path, connections, seconds)
        for name, (port, path) in where.items()
    }
    results = interleaved(contenders, bench.sized(5, 1))
    per_second = {name: [one.per_second for one in loads] for name, loads in results.items()}
    what = f"{connections} connection{'s' if connections > 1 else ''}"
    asking = max(statistics.median(one.generator_cpu for one in loads) for loads in results.values())
    target = {NOOP: {"at_least": 0.6} if connections == 16 else {}}
    for name, theirs in per_second.items():
        if name != "ours":
            yield compared("click", what, "/s", per_second["ours"], name, theirs, **target.get(name, {"at_least": 1}))
    share = Spread.of([100 * asking])
    yield Line("click", f"{what}: most that the load generator took of a core", share, "%")
