"""Labs 12 and 19 on a broker whose log cleaner does not run."""

import pytest

from brokers import compose
from tests.brokers import local_broker
from tests.programs import run_py

pytestmark = pytest.mark.slow
PROGRAMS = ["labs/lab_19_compaction/compaction.py", "labs/lab_12_retention/retention.py"]


@pytest.fixture(scope="module")
def without_cleaner(tmp_path_factory):
    """The address of a broker with the settings that it has on native Windows."""
    broker = local_broker(tmp_path_factory.mktemp("broker"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose.platform, "system", lambda: "Windows")
        as_on_windows = broker.settings()
    broker.settings = lambda: as_on_windows
    with broker as servers:
        yield servers


@pytest.mark.parametrize("program", PROGRAMS)
def test_where_the_cleaner_cannot_run_the_programs_say_so(without_cleaner, program):
    code, printed = run_py(without_cleaner, "labs", program)
    assert code == 1
    assert "The log cleaner of this broker is switched off" in printed
    assert "--broker docker" in printed
    assert "Traceback" not in printed
