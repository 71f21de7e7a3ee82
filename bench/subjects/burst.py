"""A burst through one `POST /likes`."""

from collections.abc import Iterator
from time import perf_counter

from bench import programs
from bench.cluster import Bench
from bench.harness import Line, compared, interleaved

TITLE = "a burst through POST /likes"


def measure(bench: Bench) -> Iterator[Line]:
    count = bench.sized(100_000, 2_000)
    with (
        bench.topic() as topic,
        programs.producer(bench.servers, topic, log=bench.log()) as ours,
        programs.peer("produce_loop", bench.servers, topic) as bare,
    ):
        ours.wait_until_it_answers()
        ours.post("/like")
        bare.wait_for("ready")

        def burst() -> float:
            started = perf_counter()
            ours.post("/likes", {"count": count})
            return count / (perf_counter() - started)

        def loop() -> float:
            started = perf_counter()
            bare.type(str(count))
            return count / float(bare.wait_for(r"took (\S+)", since=started)[1][1])

        bursts = interleaved({"ours": burst, "bare": loop}, bench.sized(5, 1))
    name = "bare produce loop"
    yield compared("burst", f"burst of {count:,}", "/s", bursts["ours"], name, bursts["bare"], at_least=0.8)
