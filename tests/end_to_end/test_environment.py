"""run.py where much is set for other programs."""

import pytest

from tests.end_to_end.conftest import READY, nothing_is_left, run_py
from tests.programs import expect_no_traceback


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
