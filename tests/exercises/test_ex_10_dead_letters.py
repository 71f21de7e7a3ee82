"""Exercise 10: poison records go into a dead letter queue, whole, and none is lost."""

import pytest

from tests.exercises.programs import cases

SET_ASIDE = "            set_aside(message, str(error))\n"
INSIST = "    if error:\n        raise KafkaException(error)  # comes out of flush()\n"
FLUSH = '    if producer.flush(10):\n        raise TimeoutError("the dead letter is not confirmed")\n'
COMMIT = "        consumer.commit(message, asynchronous=False)\n"
ORIGIN = 'f"{message.topic()}/{message.partition()}/{message.offset()}"'
TRIES_AGAIN = """            while True:
                try:
                    set_aside(message, str(error))
                    break
                except KafkaException:
                    time.sleep(0.2)
"""
SEEKS = """            try:
                set_aside(message, str(error))
            except KafkaException:
                time.sleep(0.2)
                consumer.seek(TopicPartition(message.topic(), message.partition(), message.offset()))
                continue
"""
GOES_ON = """            try:
                set_aside(message, str(error))
            except KafkaException:
                print(error)
"""
RIGHT = {
    "tries again in place": [("import json\n", "import json\nimport time\n"), (SET_ASIDE, TRIES_AGAIN)],
    "goes back to the record": [
        ("import json\n", "import json\nimport time\n"),
        ("Message, Producer", "Message, Producer, TopicPartition"),
        (SET_ASIDE, SEEKS),
    ],
    "collects the errors": [
        (INSIST, "    failed.append(error) if error else None\n"),
        (FLUSH, FLUSH + "    if failed:\n        sys.exit(str(failed))\n"),
        ("import json\n", "import json\nimport sys\n"),
        ("producer = Producer(", "failed = []\nproducer = Producer("),
    ],
    "headers in a list, idempotent": [
        ("headers = {", "headers = list({"),
        (ORIGIN + "}", ORIGIN + "}.items())"),
        ("Producer(SERVERS)", 'Producer(SERVERS | {"enable.idempotence": True})'),
    ],
}
REFUSED = r"the queue refuses a record: .*likes/\d+/\d+.*: its offset is committed, but it is in no topic"
WHOLE = "the 6 others are in the dead letter queue: missing: likes/"
WRONG = {
    "skips them": ([(SET_ASIDE, "            print(error)\n")], WHOLE),
    "does not look at the report": ([(INSIST, "    print(error)\n")], REFUSED),
    "does not flush": ([(FLUSH, "    producer.poll(0)\n")], REFUSED),
    "makes text of it": ([('"value": message.value()', '"value": str(message.value())')], WHOLE),
    "makes None empty": ([('"value": message.value()', '"value": message.value() or b""')], WHOLE),
    "forgets the key": ([('"key": message.key(), ', "")], WHOLE),
    "another origin": ([(ORIGIN, 'f"{message.topic()}-{message.offset()}"')], "not topic/partition/offset"),
    "no reason": ([('"reason": reason, ', "")], "has no reason"),
    "auto commit": ([(COMMIT, ""), ('    "enable.auto.commit": False,\n', "")], REFUSED),
    "commits first": (
        [(COMMIT, ""), ("        try:\n            like", f"{COMMIT}        try:\n            like")],
        REFUSED,
    ),
    "does not commit what it sets aside": (
        [(SET_ASIDE, f"{SET_ASIDE}            continue\n")],
        r"in the end, all is committed: partition \d: ",
    ),
    "goes on when it fails": ([(SET_ASIDE, GOES_ON)], REFUSED),
}


@pytest.mark.parametrize(
    "case", cases(10, "whatever is between them: the program has ended with exit code 1: .*Error", RIGHT, WRONG)
)
def test_verdict(case, judge):
    judge(case)
