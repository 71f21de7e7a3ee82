"""run.py --broker docker, with a `docker` that plays an engine, and a local broker in place of its container."""

import pytest

from brokers.local import LocalBroker
from tests import fake_docker as says
from tests.end_to_end.conftest import READY, nothing_is_left, run_py
from tests.fake_docker import failing
from tests.programs import expect_no_traceback

COMPOSE = "compose -f docker-compose.yml"


@pytest.mark.slow
def test_a_session_in_docker_says_what_is_missing_and_what_has_not_ended(copy, tmp_path, engine, start):
    engine.play(
        failing(f"{COMPOSE} up -d --no-deps", says.PORT_TAKEN.format(port=9000)),
        failing(f"{COMPOSE} down", says.NO_ENGINE),
    )
    with LocalBroker(tmp_path / "kafka"):
        session = start(run_py(copy, "--broker", "docker"))
        session.wait_for(READY)
        session.type("like")
        session.wait_for("Consumed: order=1 ")
        session.type("quit")
        assert session.wait() == 1
    shown = "\n".join(session.lines)
    assert "Kafdrop was not started: docker failed: " in shown
    assert "KAFDROP_PORT" in shown
    assert "kafdrop     http" not in shown
    assert session.lines[-2] == f"Docker failed at docker compose down: {says.NO_ENGINE}"
    assert "  bye " not in shown
    assert nothing_is_left()


def test_a_docker_that_refuses_is_one_line_and_what_to_type(copy, engine, start):
    engine.play(failing(f"{COMPOSE} up", says.NAME_TAKEN.format(name="kafka")))
    session = start(run_py(copy, "--broker", "docker"))
    assert session.wait() == 1
    what, hint = session.lines[-2:]
    assert says.NAME_TAKEN.format(name="kafka") in what
    assert hint.startswith("  -> docker rename kafka kafka-old ")
    expect_no_traceback(session.lines)
    assert engine.calls()[-1] == "compose stop kafka"  # whose log is kept
