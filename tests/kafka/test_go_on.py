"""Every "Go on" of the labs that changes a program or types a command: what it shows is the answer that
labs/TEACHER.md gives."""

import re
import shutil
from collections import Counter
from dataclasses import dataclass

import pytest
from confluent_kafka import Producer

from labs import checks
from labs.lab_07_errors import dead_letters
from labs.lab_13_exactly_once.check import counted
from labs.topics import make_topic
from plumbing.kafka import client_config
from tests.programs import ROOT, run_py
from tests.unit.deeds import like
from tests.unit.test_deeds_of_lab_13 import Log

TEACHER = (ROOT / "labs" / "TEACHER.md").read_text(encoding="utf-8")
LEFT = shutil.ignore_patterns(".git", ".venv", ".kafka", "__pycache__", ".*_cache", "test-results", "docs", "tests")
ONWARDS = re.compile(r"(Next: )?\[Lab \d+|Next: |Back to ")  # a link, not a task


@dataclass(frozen=True)
class Try:
    """What a learner changes in a program of the lab, and types then (`first`: before it), and what that shows."""

    program: str
    edits: dict[str, str]
    shows: tuple[str, ...]
    types: tuple[str, ...] = ()  # by default, the program
    first: tuple[str, ...] = ()
    on_4: bool = False
    fails: bool = False


LATER = "(?:\n.*)*?"
NUMBER = r"[1-9]\d*"
KEYS, COUNT = "labs/lab_04_keys/keys.py", "labs/lab_13_exactly_once/likes_per_minute.py"
SLOW, RETENTION = "labs/lab_11_slow_consumer/slow_consumer.py", "labs/lab_12_retention/retention.py"
PROTOCOLS, MIGRATION = (f"labs/lab_15_new_protocol/{name}.py" for name in ("protocols", "migration"))
WORKERS = "labs/lab_16_queues/workers.py"
BACK = """back = Member("old-3", GROUP, "range", read_at)
            back.start()
            show(admin, "old-3 joins", *new, back)
            new[0].stop()
            show(admin, "new-1 leaves", new[1], back)
            new[1].stop()
            show(admin, "new-2 leaves", back)
            back.stop()
            """
CASES = {
    "1 without a sticky partition": Try(
        "labs/lab_01_partitions/null_key.py",
        {'"partitioner": "murmur2_random"': '"partitioner": "murmur2_random", "sticky.partitioning.linger.ms": 0'},
        (rf"^burst +partition 0: +{NUMBER} +partition 1: +{NUMBER} +partition 2: +{NUMBER}",),
    ),
    "3 nobody finishes work": Try(
        "labs/lab_03_rebalancing/assignors.py",
        {"FINISHING_SECONDS = 1.5": "FINISHING_SECONDS = 0"},
        ("consumer-1 had .*, gave up .0, 1, 2.,", r"consumer-1 had .*, gave up \[\d\],"),
    ),
    "4 another partitioner": Try(
        KEYS,
        {'PARTITIONER = "murmur2_random"': 'PARTITIONER = "consistent_random"'},
        ("has 3 partitions", "ann +partition 2, then 0", "hugo +partition 0, then 1"),
        first=(KEYS,),
    ),
    "5 a crash after 250": Try(
        "labs/lab_05_guarantees/guarantees.py",
        {"CRASHES_AFTER = 137": "CRASHES_AFTER = 250"},
        ("at-most-once +50 +0", "at-least-once +0 +50", "exactly-once +0 +0", "^50 events of the aborted"),
    ),
    "8 no default": Try(
        "labs/lab_08_schemas/schemas.py",
        {'            field["default"] = UNKNOWN': "            pass"},
        ("a reader of version 2 reads version 1: rejected, No default value for field country",),
    ),
    "11 auto-commit": Try(
        SLOW,
        {'"enable.auto.commit": False': '"enable.auto.commit": True', "RUN_SECONDS = 60.0": "RUN_SECONDS = 20.0"},
        ("quick +reads partition 1, offset 1", "slow +has processed partition 1, offset 0; its commit is refused"),
        fails=True,
    ),
    "11 a longer interval": Try(
        SLOW,
        {"MAX_POLL_INTERVAL_MS = 8000": "MAX_POLL_INTERVAL_MS = 20_000"},
        ("slow +has processed partition 1, offset 0, and commits", "slow +has processed partition 1, offset 1, and"),
    ),
    "12 back at the end": Try(
        RETENTION,
        {'COMES_BACK = "earliest"': 'COMES_BACK = "latest"'},
        (r"is back, and reads offset \d\d+: it has missed \d\d+ events",),
    ),
    "12 back with an error": Try(
        RETENTION,
        {'COMES_BACK = "earliest"': 'COMES_BACK = "error"'},
        ("is back, and gets an error instead of an event: .*Offset out of range",),
    ),
    "19 one segment": Try(
        "labs/lab_19_compaction/compaction.py",
        {'"segment.ms": "2000"': '"segment.ms": "86400000"'},
        (r"the log still has 50 records of ann, 50 of ben, 51 of cem, \d\d of dan",),
        fails=True,
    ),
    "13 uncommitted counts": Try(
        COUNT,
        {'ISOLATION = "read_committed"': 'ISOLATION = "read_uncommitted"'},
        ("^starts at offset 100, with 6 counts", "20 too late", "ann 2025-12-20 10:01 is 27 in the counts, and 40 in"),
        ("labs/lab_13_exactly_once/write_likes.py", f"{COUNT} --kill", COUNT, "check 13"),
        fails=True,
    ),
    "18 a longer grace period": Try(
        COUNT,
        {"GRACE_MS = 10_000": "GRACE_MS = 45_000"},
        (r"transaction 3: offsets 100 to 149, \d counts; committed", r"transaction 5: .*, \d counts; committed"),
        ("labs/lab_18_event_time/late_likes.py", COUNT),
    ),
    "14 three readers": Try(
        "labs/lab_14_throughput/lag.py",
        {"PHASES = ((1, 6.0), (2, 6.0), (4, None), (5, 4.0))": "PHASES = ((1, 4.0), (3, 20.0), (4, None))"},
        (r"reader-1 \[0, 1\], reader-2 \[2\], reader-3 \[3\]", r"by partition \[\d{2,}, \d{2,}, \d{1,2}, \d{1,2}\]"),
    ),
    "17 gzip, and 20 ms": Try(
        "labs/lab_17_batching/batching.py",
        {'"compression.type": "zstd"': '"compression.type": "gzip"', '"linger.ms": 200': '"linger.ms": 20'},
        (r"^3 +all +linger.ms=20 +\d{2,3} +\d{2,3} ", r"^5 +all +linger.ms=20, compression.type=gzip"),
    ),
    "15 assign()": Try(
        PROTOCOLS,
        {"        new = {p.partition": "        consumer.assign(partitions)\n        new = {p.partition"},
        ("consumer-3 got .4, 5. after", "^cooperative-sticky$", "^consumer$", "says _STATE: .*incremental_assign"),
        on_4=True,
    ),
    "15 nobody finishes work": Try(
        PROTOCOLS,
        {"FINISHING_SECONDS = 3.0": "FINISHING_SECONDS = 0"},
        (r"consumer-3 got \[4, 5\] after [0-2]\.",),
        on_4=True,
    ),
    "15 cooperative-sticky in a migration": Try(
        MIGRATION,
        {'"range", read_at)': '"cooperative-sticky", read_at)'},
        ("The broker refuses new-1: .*group id does not exist",),
        on_4=True,
        fails=True,
    ),
    "15 back to the classic protocol": Try(
        MIGRATION,
        {"until = time.monotonic()": f"{BACK}until = time.monotonic()"},
        ("new-1 leaves +group of the type consumer", "new-2 leaves +group of the type classic: old-3"),
        on_4=True,
    ),
    "15 a setting of the old protocol": Try(
        PROTOCOLS,
        {'{"group.protocol": "consumer"}': '{"group.protocol": "consumer", "session.timeout.ms": 6000}'},
        ("`session.timeout.ms` is not supported for `group.protocol=consumer`",),
        on_4=True,
        fails=True,
    ),
    "16 one worker": Try(
        WORKERS,
        {"WORKERS = 4": "WORKERS = 1"},
        (rf"worker-1 +job 1 .*{LATER}worker-1 +job 6 .*{LATER}worker-1 +job 12 ",),
        on_4=True,
    ),
    "16 eight workers": Try(
        WORKERS, {"WORKERS = 4": "WORKERS = 8"}, ("worker-[5-8] +job ", "job 6 .* delivery 5: released"), on_4=True
    ),
    "16 a batch of jobs": Try(
        WORKERS,
        {"        producer.flush()\n    return written": "    producer.flush()\n    return written"},
        (rf"(worker-\d) +job 1 .*{LATER}\1 +job 2 .*{LATER}\1 +job 5 .*{LATER}\1 +job 12 ",),
        on_4=True,
    ),
}


@pytest.mark.parametrize(("attempts", "aside"), [(3, {5, 10}), (1, {4, 5, 8, 10})])
def test_with_one_attempt_lab_7_also_sets_aside_what_the_third_would_have_sent(monkeypatch, attempts, aside):
    monkeypatch.setattr(dead_letters, "ATTEMPTS", attempts)
    likes = {order: like(order) for order in range(1, 11)}
    assert {order for order, one in likes.items() if dead_letters.process(one, False)} == aside


def test_after_a_like_of_lab_18_with_a_wrong_date_all_are_too_late():
    likes = Log().write(("ann", 0), ("ann", 10**9), ("ben", 1), ("ann", 2)).source
    assert counted(likes)[1].total() == 2


def test_the_compacted_topic_of_lab_19_refuses_a_record_without_a_key(learner):
    name = f"{learner}-compacted"
    make_topic(name, 1, {"cleanup.policy": "compact"})
    refused = []
    producer = Producer(client_config())
    producer.produce(name, b"no key", on_delivery=lambda error, _message: refused.append(error and error.name()))
    producer.flush(20)
    assert refused == ["INVALID_RECORD"]


def tasks(lab: int) -> list[str]:
    """What the lab's page suggests to go on with."""
    section = checks.pages()[lab].read_text(encoding="utf-8").partition("\n## Go on\n")[2]
    return [task for task in re.findall(r"^\* (.+)", section, re.MULTILINE) if not ONWARDS.match(task)]


def test_the_teachers_page_answers_each_go_on():
    answers = Counter(
        map(int, re.findall(r"^\| (\d+) \| .+ \| .+ \|$", TEACHER.partition("\n## Answers")[2], re.MULTILINE))
    )
    assert answers == {lab: len(tasks(lab)) for lab in checks.pages()}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_go_on_shows_its_answer(case, request, tmp_path):
    one = CASES[case]
    broker, who = ("kafka_4", "learner_on_4") if one.on_4 else ("kafka", "learner")
    servers, learner = request.getfixturevalue(broker), request.getfixturevalue(who)
    for command in one.first:
        assert run_py(servers, learner, *command.split())[0] == 0
    folder = tmp_path / "copy"
    shutil.copytree(ROOT, folder, ignore=LEFT)
    (folder / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    source = (folder / one.program).read_text(encoding="utf-8")
    for old, new in one.edits.items():
        assert old in source
        source = source.replace(old, new)
    (folder / one.program).write_text(source, encoding="utf-8")
    printed = ""
    for command in one.types or (one.program,):
        code, output = run_py(servers, learner, *command.split(), cwd=folder)
        printed += output
    assert (code != 0) == one.fails, printed
    assert "Traceback" not in printed
    for pattern in one.shows:
        assert re.search(pattern, printed, re.MULTILINE), f"{pattern}\n{printed}"
