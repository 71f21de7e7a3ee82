"""run.py where much is set for other programs, and ended while it starts."""

import psutil
import pytest

from tests.end_to_end.conftest import READY, nothing_is_left, run_py
from tests.programs import expect_no_traceback, wait_until


@pytest.mark.slow
def test_settings_for_other_programs_change_nothing(copy, kafka, tmp_path, start):
    (tmp_path / ".streamlit").mkdir()
    own = '[server]\nbaseUrlPath = "elsewhere"\nport = 8600\n[global]\ndevelopmentMode = true\n'
    (tmp_path / ".streamlit" / "config.toml").write_text(own)
    for name in ("flask", "settings", "streamlit"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    settings = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "PYTHONPATH")}
    settings |= {"PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error", "FLASK_DEBUG": "1", "CONSUMER_GROUP": " "}
    settings |= {"STREAMLIT_SERVER_PORT": "8700", "STREAMLIT_SERVER_BASE_URL_PATH": "elsewhere"}
    session = start(run_py(copy, KAFKA_BOOTSTRAP_SERVERS=kafka, **settings))
    session.wait_for(READY)
    session.type("like")
    session.wait_for("Consumed: order=")
    session.type("quit")
    assert session.wait() == 0
    expect_no_traceback(session.lines)
    assert nothing_is_left()


@pytest.mark.slow
def test_ctrl_c_while_the_programs_start_leaves_no_traceback(copy, kafka, start):
    session = start(run_py(copy, KAFKA_BOOTSTRAP_SERVERS=kafka))

    def all_started() -> bool:
        words = [word for child in psutil.Process(session.process.pid).children() for word in child.cmdline()]
        return words.count("consumer.py") == 3 and "producer_ui.py" in words

    wait_until(all_started, "the start of the programs", 180, session.lines)
    session.ask_to_stop()
    assert session.wait() == 0
    assert not any("Traceback" in line or "Error" in line for line in session.lines), session.lines
    assert nothing_is_left()
