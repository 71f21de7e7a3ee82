"""Exercise 3: each key where Java's clients would put it."""

import pytest

from tests.exercises.programs import cases

SETTING = '    "partitioner": "murmur2_random",  # as Java\'s clients do\n'
HEADERS = ', headers={"source": "web"}'
BY_HAND = [
    (SETTING, ""),
    ("import Producer", "import Producer, murmur2"),
    ("key=person,", "key=person, partition=murmur2(person.encode(), 7) if person else 0,"),
]
RIGHT = {
    "computes the partition": BY_HAND,
    "headers in a list, key in bytes": [
        (HEADERS, ', headers=[("source", b"web")]'),
        ("key=person,", "key=person and person.encode(),"),
    ],
    "idempotent, polls": [
        (SETTING, SETTING + '    "enable.idempotence": True,\n'),
        (HEADERS + ")\n", HEADERS + ")\n        producer.poll(0)\n"),
    ],
    "murmur2": [("murmur2_random", "murmur2")],
}
JAVA = "where Java's clients put it: .* keys are elsewhere: p"
KEY = "its key is the person: order .* has the key"
WRONG = {
    "another hash": ([("murmur2_random", "fnv1a_random")], JAVA),
    "no header": ([(HEADERS, "")], "not orders"),
    "a hash of Python": (
        [(SETTING, ""), ("key=person,", "key=person, partition=sum(map(ord, person or '')) % 7,")],
        JAVA,
    ),
    "a key for nobody": ([("key=person,", "key=str(person),")], KEY + " b'None'"),
    "an empty key": ([("key=person,", 'key=person or "",')], KEY + " b''"),
    "the key in JSON": ([("key=person,", "key=json.dumps(person),")], KEY),
    "backwards": ([("for line in likes:", "for line in reversed(list(likes)):")], "in order: not those of p"),
    "one partition": ([("key=person,", "key=person, partition=0,")], JAVA),
    "one is missing": ([("    for line in likes:", "    next(likes)\n    for line in likes:")], "59 of 60; missing"),
    "another value": (
        [("line.strip(), key", 'json.dumps({"order": json.loads(line)["order"], "who": "x"}), key')],
        "0 of 60; missing: .*; not a line of the file: '{",
    ),
    "one more": (
        [("if producer.flush", 'producer.produce(os.environ["TOPIC"], "end")\nif producer.flush')],
        "file: 'end'",
    ),
    "does not flush": ([("producer.flush(10)", "0")], "missing: orders"),
}


@pytest.mark.parametrize("case", cases(3, JAVA, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
