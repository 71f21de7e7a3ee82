"""Lab 16: four workers take jobs from one partition like a queue: a share group (KIP-932). Needs Kafka 4.

    python run.py labs/lab_16_queues/workers.py

There are twelve jobs of half a second each. Job 3 fails on its first delivery only, job 6 on every one, and is released
each time. Job 9 can never be done, and is rejected. The outcome of each delivery is an event in `labs-jobs-log`.
(confluent-kafka's ShareConsumer is a preview: its names may still change.)
"""

import threading
import time

from confluent_kafka import AcknowledgeType, KafkaException, Message, Producer, ShareConsumer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from labs import kafka4
from labs.topics import OTHER_READER, make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

TOPIC = named("jobs")  # the share group has the same name
LOG = named("jobs-log")
WORKERS = 4
JOBS = 12
FLAKY, POISONED, MALFORMED = 3, 6, 9  # the numbers of special jobs
WORK_SECONDS = 0.5  # per job
QUIET_SECONDS = 3.0  # after the last job: a sixth delivery of job 6 would come immediately
RUN_SECONDS = 60.0


class Run:
    """What the workers and the main thread share."""

    def __init__(self, most_deliveries: int):
        self.most_deliveries = most_deliveries  # after that many, Kafka gives a job up
        self.log = Producer(client_config() | {"linger.ms": 0})
        self.stopping = threading.Event()
        self.finished: set[int] = set()  # offsets
        self.deliveries: dict[str, int] = {}  # job -> how often it was delivered
        self.busy_at = self.started_at = time.monotonic()

    def write_down(self, worker: str, text: str) -> None:
        seconds = time.monotonic() - self.started_at
        self.log.produce(LOG, value=text, key=worker)
        self.log.flush()
        print(f"{seconds:5.1f} s  {worker}  {text}\n", end="", flush=True)  # in one piece: other threads print too


class Worker(threading.Thread):
    """One member of the share group, in a thread of its own."""

    def __init__(self, name: str, run: Run):
        super().__init__(name=name)
        self.shared = run
        self.problem: KafkaException | None = None
        own = {
            "group.id": TOPIC,
            "client.id": name,
            "share.acknowledgement.mode": "explicit",  # the program reports the outcome of each job
            "max.poll.records": 1,
        }
        self.consumer = ShareConsumer(client_config() | own)

    def run(self) -> None:
        try:
            self.consumer.subscribe([TOPIC])
            while not self.shared.stopping.is_set():
                for message in self.consumer.poll(0.2):
                    self.process(message)
        except KafkaException as error:
            self.problem = error
            self.shared.stopping.set()
        finally:
            self.consumer.close()  # unacknowledged jobs go to the others

    def process(self, message: Message) -> None:
        if message.error():
            raise KafkaException(message.error())
        job, delivery = message.value().decode(errors="replace"), message.delivery_count()
        self.shared.busy_at = time.monotonic()
        outcome, answer = self.work(job, delivery)
        self.consumer.acknowledge(message, answer)
        self.consumer.commit_sync(10)
        if answer != AcknowledgeType.RELEASE or delivery >= self.shared.most_deliveries:
            self.shared.finished.add(message.offset())
        self.shared.deliveries[job] = delivery
        self.shared.busy_at = time.monotonic()
        self.shared.write_down(self.name, f"{job} (offset {message.offset()}), delivery {delivery}: {outcome}")

    def work(self, job: str, delivery: int) -> tuple[str, AcknowledgeType]:
        """The outcome of the job, and what to tell Kafka."""
        if job == f"job {MALFORMED}":
            return "rejected", AcknowledgeType.REJECT  # nobody can do it
        self.shared.stopping.wait(WORK_SECONDS)
        if job == f"job {POISONED}" or (job == f"job {FLAKY}" and delivery == 1) or self.shared.stopping.is_set():
            return "released", AcknowledgeType.RELEASE  # another worker may try
        return "done", AcknowledgeType.ACCEPT


def read_from_the_beginning() -> None:
    """Make the share group start with the first record instead of the next one. This setting belongs to the group and
    is kept by the broker."""
    set_it = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.GROUP, TOPIC, incremental_configs=[set_it])
    admin = AdminClient(client_config())
    admin.incremental_alter_configs([resource])[resource].result()


def delivery_limit() -> int:
    """How often Kafka delivers a job: by default 5, the broker's group.share.delivery.count.limit."""
    resource = ConfigResource(ResourceType.GROUP, TOPIC)
    admin = AdminClient(client_config())
    settings = admin.describe_configs([resource])[resource].result()
    return int(settings["share.delivery.count.limit"].value)


def write_jobs() -> set[int]:
    """Write the jobs one by one, because a batch can go to one worker as a whole. Returns their offsets."""
    written: set[int] = set()

    def delivered(error, message: Message) -> None:
        if error:
            raise KafkaException(error)
        written.add(message.offset())

    producer = Producer(client_config())
    for number in range(1, JOBS + 1):
        producer.produce(TOPIC, f"job {number}", on_delivery=delivered)
        producer.flush()
    return written


def wait_for_the_end(run: Run, jobs: set[int]) -> None:
    def all_finished() -> bool:
        return not jobs - run.finished and time.monotonic() - run.busy_at >= QUIET_SECONDS

    if not wait_until(lambda: run.stopping.is_set() or all_finished(), RUN_SECONDS):
        what = f"after {RUN_SECONDS:.0f} s, {len(jobs - run.finished)} of {len(jobs)} jobs are not finished"
        raise Problem(what, OTHER_READER)


def main() -> None:
    kafka4.need()
    make_topic(TOPIC, 1)
    make_topic(LOG, 1)
    read_from_the_beginning()
    jobs = write_jobs()
    run = Run(delivery_limit())
    workers = [Worker(f"worker-{number}", run) for number in range(1, WORKERS + 1)]
    try:
        for worker in workers:
            worker.start()
        wait_for_the_end(run, jobs)
    finally:
        run.stopping.set()
        for worker in workers:
            if worker.ident:  # it was started
                worker.join()
    for worker in workers:
        if worker.problem:
            raise worker.problem
    often = ", ".join(f"{job} ({times} times)" for job, times in run.deliveries.items() if times > 1)
    print(f"{len(run.finished)} jobs finished; delivered more than once: {often}")


if __name__ == "__main__":
    main()
