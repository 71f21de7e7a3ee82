"""Exercise 9: likes counted in a database, each once."""

import pytest

from tests.exercises.programs import cases

TABLE = "next (topic, partition, offset, PRIMARY KEY (topic, partition))"
CREATE = f'db.execute("CREATE TABLE IF NOT EXISTS {TABLE}")\n'
LOOP = """        if not counted(message):
            count(json.loads(message.value())["person"])
            db.execute("INSERT OR REPLACE INTO next VALUES (?, ?, ?)", [*place(message), message.offset() + 1])
            db.commit()
        consumer.commit(message, asynchronous=False)
"""
KAFKA = "        consumer.commit(message, asynchronous=False)\n"
REMEMBER = (
    '            db.execute("INSERT OR REPLACE INTO next VALUES (?, ?, ?)", [*place(message), message.offset() + 1])\n'
)
SEEN = (
    CREATE,
    CREATE.replace(TABLE, "seen (topic, partition, offset, PRIMARY KEY (topic, partition, offset))"),
)
BY_ROW = """        with db:
            row = [message.topic(), message.partition(), message.offset()]
            if db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", row).rowcount:
                count(json.loads(message.value())["person"])
"""
RIGHT = {
    "fifty in a transaction": [
        ("        message = consumer.poll(1.0)\n        if message is None:\n            continue\n", ""),
        ("        if message.error():\n            raise KafkaException(message.error())\n", ""),
        (
            LOOP,
            """        messages = consumer.consume(50, timeout=0.2)
        with db:
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
                if not counted(message):
                    count(json.loads(message.value())["person"])
                    db.execute("INSERT OR REPLACE INTO next VALUES (?, ?, ?)", [*place(message), message.offset() + 1])
        if messages:
            consumer.commit(asynchronous=False)
""",
        ),
    ],
    "starts where the database says, no commits": [
        (
            "CONFIG = {\n",
            """def start_there(consumer, partitions):
    for one in partitions:
        asked = [one.topic, one.partition]
        row = db.execute("SELECT offset FROM next WHERE topic = ? AND partition = ?", asked).fetchone()
        one.offset = row[0] if row else OFFSET_BEGINNING
    consumer.assign(partitions)


CONFIG = {
""",
        ),
        ("import Consumer,", "import OFFSET_BEGINNING, Consumer,"),
        ('["TOPIC"]])', '["TOPIC"]], on_assign=start_there)'),
        (KAFKA, ""),
        ("if not counted(message):", "if True:"),
    ],
    "a row for each record": [SEEN, (LOOP, BY_ROW + KAFKA)],
    "a view counts": [
        (
            'db.execute("CREATE TABLE IF NOT EXISTS likes (person TEXT PRIMARY KEY, count INTEGER NOT NULL)")\n',
            'db.execute("CREATE VIEW IF NOT EXISTS likes AS '
            'SELECT person, count(*) AS count FROM log GROUP BY person")\n',
        ),
        (
            CREATE,
            'db.execute("CREATE TABLE IF NOT EXISTS log (topic, partition, offset, person, '
            'PRIMARY KEY (topic, partition, offset))")\n',
        ),
        (
            LOOP,
            """        row = [*place(message), message.offset(), json.loads(message.value())["person"]]
        db.execute("INSERT INTO log VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        db.commit()
"""
            + KAFKA,
        ),
    ],
    "WAL, and transactions by hand": [
        ('["DATABASE"])\n', '["DATABASE"], isolation_level=None)\ndb.execute("PRAGMA journal_mode = WAL")\n'),
        (
            "        if not counted(message):\n",
            '        db.execute("BEGIN IMMEDIATE")\n        if not counted(message):\n',
        ),
        ("            db.commit()\n", '        db.execute("COMMIT")\n'),
    ],
}
GOES_ON = (
    "        try:\n"
    + LOOP.replace(KAFKA, "").replace("        ", "            ")
    + "        except sqlite3.Error:\n            db.rollback()\n"
    + KAFKA
)
AHEAD = "locked, then kill -9: nothing is lost: committed in Kafka, but not in the table"
AGAIN = "come again: .* too many: "
WRONG = {
    "counts and remembers in two transactions": (
        [(REMEMBER, "            db.commit()\n" + REMEMBER)],
        "the disk is full for the table next, then kill -9: .* too many: 1 of",
    ),
    "Kafka first": ([(LOOP, KAFKA + LOOP.replace(KAFKA, ""))], AHEAD),
    "remembers in two transactions, first what it has counted": (
        [("            count(json", REMEMBER + "            db.commit()\n            count(json")],
        "the disk is full for the table likes, then kill -9: .* missing: 1 of",
    ),
    "remembers in memory": (
        [
            (CREATE, "seen = {}\n"),
            ("if not counted(message):", "if seen.get(message.partition(), -1) < message.offset():"),
            (REMEMBER, "            seen[message.partition()] = message.offset()\n"),
        ],
        AGAIN,
    ),
    "off by one": ([("message.offset() + 1", "message.offset()")], AGAIN),
    "by order": (
        [
            SEEN,
            (
                LOOP,
                BY_ROW.replace(
                    "[message.topic(), message.partition(), message.offset()]",
                    '[0, 0, json.loads(message.value())["order"]]',
                )
                + KAFKA,
            ),
        ],
        "another producer's likes, .* missing: 10 of ann",
    ),
    # Which goal sees it first depends on whose records came before the lock.
    "one offset for all partitions": ([("message.partition()]", "0]")], f"{AHEAD}|come again: .* missing: "),
    "auto commit": (
        [(KAFKA, ""), ('    "enable.auto.commit": False,\n', "")],
        "the disk is full for the table .* missing: 1 of",
    ),
    "goes on after errors": ([(LOOP, GOES_ON)], "the disk is full for the table likes, .* missing: "),
    "no db.commit()": ([("            db.commit()\n", "")], "not within 10 s: 20 likes in the table likes"),
    "another table": (
        [("likes (person", "counts (person"), ("INTO likes", "INTO counts")],
        "tables that are there: counts",
    ),
}


@pytest.mark.parametrize("case", cases(9, AGAIN, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
