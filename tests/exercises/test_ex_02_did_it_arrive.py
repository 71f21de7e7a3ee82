"""Exercise 2: the exit code says whether all orders have arrived."""

import pytest

from tests.exercises.programs import cases

COLLECTS = "        missing.append(message.key().decode())\n"
EXITS = 'if missing or unknown:\n    sys.exit(f"{len(missing) + unknown} orders are not written")\n'
RIGHT = {
    "idempotent": [('"message.timeout.ms": 3000,', '"message.timeout.ms": 3000, "enable.idempotence": True,')],
    "gives up by flush alone": [
        ('    "message.timeout.ms": 3000,  # when an order counts as lost; the default is 5 minutes\n', ""),
        ("flush(4)", "flush(3)"),
    ],
    "compresses": [('"message.timeout.ms": 3000,', '"message.timeout.ms": 3000, "compression.type": "gzip",')],
    "polls after each order": [
        ("on_delivery=report)\nunknown", "on_delivery=report)\n        producer.poll(0)\nunknown")
    ],
    "raises at the end": [(EXITS, "if missing or unknown:\n    raise RuntimeError(f'not written: {missing}')\n")],
}
WRONG = {
    "prints the error, exit code 0": ([(EXITS, "")], "exit code 1: exit code 0"),
    "does not say which": (
        [('print(f"order {message.key().decode()}: {error.str()}")', "print(error.str())")],
        "no line distinguishes order",
    ),
    "waits as long as it takes": (
        [
            ('    "message.timeout.ms": 3000,  # when an order counts as lost; the default is 5 minutes\n', ""),
            ("flush(4)", "flush()"),
        ],
        "no broker: .* has not ended within 8 s",
    ),
    "does not flush": ([("producer.flush(4)", "0")], "no broker: exit code 1 within 5 s: exit code 0"),
    "names the first only": (
        [('        print(f"order', '        len(missing) == 1 and print(f"order')],
        "no line distinguishes order",
    ),
    "counts what is in flight only": ([(COLLECTS, "")], "exit code 1: exit code 0"),
    "stops at the first that is refused": (
        [
            (
                "on_delivery=report)\nunknown",
                "on_delivery=report)\n        producer.flush(4)\n        if missing:\n            break\nunknown",
            )
        ],
        "of the other 10 are in the topic",
    ),
    "prints every number as it sends": (
        [
            ("        producer.produce(", '        print("sending", number)\n        producer.produce('),
            ('        print(f"order {message.key().decode()}: {error.str()}")\n', ""),
        ],
        "no line distinguishes order",
    ),
    "blames all": (
        [
            (
                EXITS,
                EXITS.replace(
                    'f"{len(missing) + unknown} orders',
                    '"one of the orders " + open(os.environ["ORDERS"]).read().replace(chr(10), " ") + f"',
                ),
            )
        ],
        "it also names",
    ),
}


@pytest.mark.parametrize("case", cases(2, "exit code 1: exit code 0", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
