"""Exercise 15: what is marked as sent has arrived."""

import pytest

from tests.exercises.programs import cases

INSIST = "    if error:\n        raise KafkaException(error)  # comes out of flush()\n"
FLUSH = "        producer.flush()\n"
MARK = '        db.execute("UPDATE outbox SET sent = 1 WHERE id = ?", [number])\n        db.commit()\n'
REPORT = ", on_delivery=report"
HEADER = ', headers={"id": str(number)}'
CONFIRMED = [
    ("    for number, key, value in rows:\n", "    confirmed = []\n    for number, key, value in rows:\n"),
    (REPORT, ", on_delivery=lambda error, _, row=number: error or confirmed.append(row)"),
    (FLUSH, ""),
    (
        MARK,
        "    producer.flush()\n"
        '    db.executemany("UPDATE outbox SET sent = 1 WHERE id = ?", [[row] for row in confirmed])\n'
        "    db.commit()\n",
    ),
]
RIGHT = {
    "marks what is confirmed": CONFIRMED,
    "deletes nothing, but remembers when": [("SET sent = 1 WHERE", "SET sent = strftime('%s') WHERE")],
    "all in one transaction": [
        ("    for number", "    with db:\n     for number"),
        ("        producer.produce", "         producer.produce"),
        (FLUSH, f" {FLUSH}"),
        (MARK, '         db.execute("UPDATE outbox SET sent = 1 WHERE id = ?", [number])\n'),
    ],
    "idempotent": [('    "linger.ms": 0,', '    "enable.idempotence": True,\n    "linger.ms": 0,')],
}
SLOW = "producer = Producer(CONFIG)\nslow = not os.path.exists('again')\nopen('again', 'w').close()\n"
EARLY = "the broker refuses all: no row is marked: marked, but not in the topic: rows"
WRONG = {
    "does not look at the report": ([(REPORT, "")], EARLY),
    "prints the error": ([(INSIST, "    print(error)\n")], EARLY),
    "marks first": ([(FLUSH, ""), (MARK, MARK + FLUSH)], EARLY),
    "does not flush": ([(FLUSH, "        producer.poll(0)\n")], EARLY),
    "does not flush, and is slow until it is started again": (
        [
            ("producer = Producer(CONFIG)\n", SLOW),
            (FLUSH, "        time.sleep(0.05 * slow)\n        producer.poll(0)\n"),
        ],
        EARLY,
    ),
    "no header": ([(HEADER, "")], "in a header: row 1 has ''"),
    "another id": ([("str(number)", "str(time.time())")], "in a header: row 1 has '"),
    "never marks": ([("SET sent = 1", "SET sent = 0")], "arrive, and are marked: 20 of 30 .* 30 are not marked"),
    "no key": ([("value, key,", "value,")], "in order: not those of"),
    "backwards": ([("ORDER BY id", "ORDER BY id DESC")], "in order: not those of"),
}


@pytest.mark.parametrize("case", cases(15, EARLY, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
