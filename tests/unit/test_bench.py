"""The bench's own arithmetic, its load generator, and the figures in docs/performance.md."""

import http.server
import threading

import pytest

from bench import report
from bench.harness import Line, NotMeasured, Spread, compared, interleaved, percentile
from bench.http_load import load
from bench.subjects.drain import rate_of


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
    assert [percentile(list(range(100, 0, -1)), percent) for percent in (50, 99, 100, 0)] == [51, 100, 100, 1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, asked = "HTTP/1.1", []

    def do_POST(self):
        self.asked.append(self.path)
        self.send_response(int(self.path[1:4]))
        self.send_header("Content-Length", "0")
        if "close" in self.path:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_arguments):
        pass


def test_only_clicks_that_are_confirmed_count():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for path in ("/201", "/201-close"):
            assert 3 < load(server.server_port, path, 3, 0.3).per_second * 0.3 <= Handler.asked.count(path)
        with pytest.raises(NotMeasured, match="503"):
            load(server.server_port, "/503", 1, 0.3)
        server.shutdown()


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
