"""Exercise 17: a program with asyncio answers while it works."""

import pytest

from tests.exercises.programs import cases

GATHER = "            await asyncio.gather(*(asyncio.to_thread(send_mail, like) for like in likes))\n"
COMMIT = "            if messages:\n                await consumer.commit(asynchronous=False)\n"
ANSWER = '    await asyncio.start_server(answer, "127.0.0.1", int(os.environ["PORT"]))\n'
TASKS = """            for like in likes:
                tasks.add(task := asyncio.create_task(asyncio.to_thread(send_mail, like)))
                task.add_done_callback(tasks.discard)
"""
RIGHT = {
    "a blocking consumer in a thread": [
        ("from confluent_kafka import KafkaException\n", "from confluent_kafka import Consumer, KafkaException\n"),
        ("from confluent_kafka.aio import AIOConsumer\n", ""),
        ("AIOConsumer(CONFIG)", "Consumer(CONFIG)"),
        ("await consumer.subscribe(", "consumer.subscribe("),
        ("await consumer.consume(5, 0.5)", "await asyncio.to_thread(consumer.consume, 5, 0.5)"),
        ("await consumer.commit(asynchronous=False)", "await asyncio.to_thread(consumer.commit, asynchronous=False)"),
        ("await consumer.close()", "consumer.close()"),
    ],
    "a group of tasks": [
        (
            GATHER,
            "            jobs = [asyncio.create_task(asyncio.to_thread(send_mail, like)) for like in likes]\n"
            "            for job in jobs:\n                await job\n",
        )
    ],
    "an executor": [
        (
            GATHER,
            "            loop = asyncio.get_running_loop()\n"
            "            await asyncio.gather(*(loop.run_in_executor(None, send_mail, like) for like in likes))\n",
        )
    ],
}
EARLY = "committed, but their mail was not sent: orders"
WRONG = {
    "sends in the coroutine": (
        [(GATHER, "            for like in likes:\n                send_mail(like)\n")],
        "while mails are being sent: 0 of 20 pings",
    ),
    "one at a time": (
        [(GATHER, "            for like in likes:\n                await asyncio.to_thread(send_mail, like)\n")],
        "five mails at a time: 1 at a time",
    ),
    "commits first": ([(COMMIT, ""), ("            likes = ", COMMIT + "            likes = ")], EARLY),
    "ten at a time": ([("consume(5, 0.5)", "consume(10, 0.5)")], r"five mails at a time: (6|7|8|9|10) at a time"),
    "does not wait for the mails": (
        [("    try:\n", "    tasks = set()\n    try:\n"), (GATHER, TASKS)],
        f"five mails at a time|{EARLY}",
    ),
    "auto commit": ([('    "enable.auto.commit": False,\n', ""), (COMMIT, "")], EARLY),
    "never commits": ([(COMMIT, "")], "in the end, all is committed: partition 0"),
    "does not answer": ([(ANSWER, "")], "while mails are being sent: 0 of 20 pings"),
}


@pytest.mark.parametrize("case", cases(17, "while mails are being sent: 0 of 20 pings", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
