"""The bench's own arithmetic, its load generator, and the figures in docs/performance.md."""

import socketserver
import threading

import pytest

from bench import report
from bench.harness import Line, NotMeasured, Spread, compared, interleaved, percentile
from bench.http_load import load
from bench.subjects.drain import rate_of

OK = b"HTTP/1.1 201 CREATED\r\nContent-Length: 2\r\n%s\r\n{}"


def test_each_round_starts_with_another_contender():
    order = []
    results = interleaved({name: lambda name=name: order.append(name) or name for name in "abc"}, 4)
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert results == {name: [name] * 4 for name in "abc"}


def test_a_ratio_is_taken_round_by_round():
    line = compared("click", "16 connections", "/s", [50, 10, 80], "peer", [100, 20, 80], at_least=0.6)
    assert line.ratio == Spread(0.5, 0.5, 1.0)
    assert (line.ours, line.theirs) == (Spread(50, 10, 80), Spread(80, 20, 100))
    assert line.met is False
    assert compared("x", "", "ms", [2], "peer", [1]).met is None


@pytest.mark.parametrize(("percent", "value"), [(50, 51), (99, 100), (100, 100), (0, 1)])
def test_percentile(percent, value):
    assert percentile(list(range(100, 0, -1)), percent) == value


@pytest.fixture
def server():
    """A server that answers each request with `answer[0]`; gives (port, the requests, answer)."""
    asked, answer = [], [OK % b""]

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while request := self.request.recv(4096):
                asked.append(request)
                self.request.sendall(answer[0])
                if b"Connection: close" in answer[0]:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_address[1], asked, answer
        listening.shutdown()


@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"])
def test_clicks_on_several_connections(server, header):
    port, asked, answer = server
    answer[0] = OK % header
    result = load(port, "/like", 3, 0.3)
    assert 3 < result.per_second * 0.3 <= len(asked)
    assert all(request.startswith(b"POST /like HTTP/1.1\r\n") for request in asked)


def test_an_answer_other_than_201_gives_no_figure(server):
    port, _, answer = server
    answer[0] = b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\nContent-Length: 2\r\n\r\n{}"
    with pytest.raises(NotMeasured, match="503"):
        load(port, "/like", 1, 0.3)


def test_the_table_and_the_plot_go_into_the_document(tmp_path):
    pytest.importorskip("matplotlib", reason="python run.py bench installs it")
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    lines = [
        compared("click", "1 connection", "/s", [1.0, 2.0], "peer", [2.0, 2.0], at_least=1),
        Line("page", "idle", Spread.of([3.0]), "%"),
    ]
    report.into_document(document, lines, "Measured here")
    text = document.read_text()
    figures = "1.50/s (1.00 to 2.00) | peer: 2.00/s | 0.75 (0.50 to 1.00) | ratio at least 1: **not met**"
    assert f"| click, 1 connection | {figures} |" in text
    assert "| page, idle | 3.00 % |  |  |  |" in text
    assert (text.startswith("before\n"), text.endswith("after\n"), "old" in text) == (True, True, False)
    assert document.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("looks", [[0, 700, 700, 3000], [0, 700, 700, 900, 900, 3000], [3000]])
def test_a_look_without_anything_new_does_not_count(looks):
    looks = iter(looks)
    assert rate_of(lambda: next(looks), 3000) > 0
