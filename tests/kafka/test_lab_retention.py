"""Labs 12 and 19 on a broker whose log cleaner does not run, and a reset."""

import pytest
from confluent_kafka.admin import AdminClient

from brokers import compose, local
from labs.internals import history
from plumbing.kafka import client_config
from tests.brokers import local_broker
from tests.programs import run_py as run_py_to_its_end

pytestmark = pytest.mark.slow
PROGRAMS = ["labs/lab_19_compaction/compaction.py", "labs/lab_12_retention/retention.py"]


@pytest.fixture(scope="module")
def without_cleaner(tmp_path_factory):
    """The address of a broker with the settings that it has on native Windows."""
    as_here = compose.server_properties

    def as_on_windows(*arguments) -> dict[str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compose.platform, "system", lambda: "Windows")
            return as_here(*arguments)

    broker = local_broker(tmp_path_factory.mktemp("broker"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "server_properties", as_on_windows)
        broker.start(lambda _line: None)
    yield broker.bootstrap_servers
    broker.stop()


@pytest.mark.parametrize("program", PROGRAMS)
def test_where_the_cleaner_cannot_run_the_programs_say_so(without_cleaner, program):
    code, printed = run_py_to_its_end(without_cleaner, "labs", program)
    assert code == 1
    assert "The log cleaner of this broker is switched off" in printed
    assert "--broker docker" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("lab", ["12", "19"])
def test_where_the_cleaner_cannot_run_the_check_says_so(without_cleaner, lab):
    code, printed = run_py_to_its_end(without_cleaner, "labs", "check", lab)
    assert code == 1
    assert "a broker whose log cleaner runs: the log cleaner of this broker is switched off" in printed
    assert "0 of 1 reached" in printed


@pytest.mark.repeats
def test_after_a_reset_nothing_is_left(kafka, learner, run_py):
    code, printed = run_py(PROGRAMS[1])
    assert code == 0, printed
    assert f"{learner}-away has committed offset 2, and leaves" in printed
    code, printed = run_py("labs", "reset", "12")
    assert code == 0, printed
    for one in (f"the topic {learner}-visits", f"the group {learner}-away"):
        assert f"deletes     {one}\n" in printed
    topics = AdminClient(client_config(kafka)).list_topics(timeout=20).topics
    assert not {topic for topic in topics if topic.startswith(learner)}
    assert history.of(f"{learner}-away") == history.History()
