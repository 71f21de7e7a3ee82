"""`python run.py`: a broker, the topic, the five programs, and commands until the end."""

import contextlib
import itertools
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator

import requests
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

import settings
from brokers import Broker, NotAvailable
from brokers.cluster import DockerCluster, LocalCluster
from brokers.docker import DockerBroker, engine_problem
from brokers.local import LocalBroker
from brokers.ports import taken
from brokers.secured import SecuredBroker
from brokers.simulated import SimulatedBroker
from launcher import terminal
from launcher.control import ControlEndpoint
from launcher.programs import Program, stop_all
from plumbing import Problem
from plumbing.kafka import admin_client, answers, broker_problem
from settings import (
    CHOSEN_BOOTSTRAP_SERVERS,
    CONSUMER_PORT,
    DEFAULT_BOOTSTRAP_SERVERS,
    GROUP,
    PAGE_PORT,
    PRODUCER_PORT,
    TOPIC,
)

PARTITIONS = 3
CONSUMERS = 3
MOST_CONSUMERS = 9
KAFDROP_PORT = 9000

START_SECONDS = 60.0
HTTP_SECONDS = 15.0
LONGEST_LIKE_COMMAND = 100_000

HELP = """  stop 1      consumer 1 leaves the group (as Ctrl+C in its terminal); the others take its partition
  kill 1      consumer 1 dies without a word; the others take over when its session times out (6 s)
  start 1     consumer 1 comes back;  start 4: a fourth one
  like        one click;  like 5: five
  status      what runs, and who owns which partition
  quit        end everything (Ctrl+C does the same)
  stop, kill and start also take: producer, page; with --brokers 3: kafka-0, kafka-1, kafka-2"""


class ExistingBroker(Broker):
    """A broker that runs already, and goes on running after us."""

    def __init__(self, bootstrap_servers: str):
        self.bootstrap_servers = bootstrap_servers
        self.description = "Kafka that was running already; it stays when you quit"

    def start(self, report=print) -> None:
        if problem := broker_problem(self.bootstrap_servers, 10.0):
            raise Problem(
                str(problem),
                "start it, or look into KAFKA_BOOTSTRAP_SERVERS and KAFKA_CLIENT_CONFIG, then: python run.py",
            )

    def stop(self) -> None:
        pass


@contextlib.contextmanager
def running_broker(choice: str = "", brokers: int = 1) -> Iterator[Broker]:
    """Start the chosen broker, or without a choice the first that can be had: one that runs, Docker's,
    the local one, the simulated one; or three. Stops what it started. Raises `Problem`."""
    with terminal.progress("kafka", "looking for a broker") as report:
        broker = _start_first(cluster_candidates(choice) if brokers > 1 else candidates(choice), report)
    try:
        terminal.say("kafka", f"{broker.bootstrap_servers}: {broker.description}")
        if broker.client_properties:
            settings.use_client_config(broker.client_properties)
            terminal.say("kafka", f"for clients: KAFKA_CLIENT_CONFIG={broker.client_properties}")
        yield broker
    finally:
        with terminal.progress("kafka", "stopping"):
            broker.stop()


def candidates(choice: str = "") -> list[Broker]:
    """The brokers to try, in this order; the reason for passing one over is said."""
    named = {"docker": DockerBroker, "local": LocalBroker, "secured": SecuredBroker, "simulated": SimulatedBroker}
    if choice:
        return [named[choice]()]
    if CHOSEN_BOOTSTRAP_SERVERS:
        return [ExistingBroker(CHOSEN_BOOTSTRAP_SERVERS)]
    if holder := taken(9092):
        if answers(DEFAULT_BOOTSTRAP_SERVERS, 5.0):
            return [ExistingBroker(DEFAULT_BOOTSTRAP_SERVERS)]
        raise Problem(
            f"port 9092 is taken by {holder}, which does not answer as a Kafka broker",
            f"end it ({holder.how_to_end}), or name another broker with KAFKA_BOOTSTRAP_SERVERS",
        )
    problem = engine_problem()
    if not problem:
        return [DockerBroker(), LocalBroker(), SimulatedBroker()]
    terminal.say("kafka", f"{problem}: using the local broker, which needs none")
    return [LocalBroker(), SimulatedBroker()]


def cluster_candidates(choice: str = "") -> list[Broker]:
    """As `candidates`, for three brokers."""
    if CHOSEN_BOOTSTRAP_SERVERS:
        raise Problem(
            f"KAFKA_BOOTSTRAP_SERVERS names a cluster already: {CHOSEN_BOOTSTRAP_SERVERS}",
            "unset it to start three brokers, or leave --brokers 3 out",
        )
    named = {"docker": DockerCluster, "local": LocalCluster}
    if choice:
        if choice not in named:
            raise Problem(f"there is only one {choice} broker", "python run.py --brokers 3")
        return [named[choice]()]
    problem = engine_problem()
    if not problem:
        return [DockerCluster(), LocalCluster()]
    terminal.say("kafka", f"{problem}: using local brokers, which need none")
    return [LocalCluster()]


def _start_first(candidates: list[Broker], report) -> Broker:
    """The first of them that could be started. What is wrong with a kind of broker leads to the next; what
    would hit the next one too, such as a port that is taken, is raised."""
    for broker, following in itertools.zip_longest(candidates, candidates[1:]):
        try:
            broker.start(report)
            return broker
        except NotAvailable as error:
            if following is None:
                raise
            terminal.complain(str(error), f"trying {following.description}")
    raise AssertionError("there is always a candidate")


def create_topic(bootstrap_servers: str) -> str:
    """Create `likes` unless it is there; gives a line about it. Raises `Problem`."""
    admin = admin_client(bootstrap_servers)
    try:
        topic = admin.list_topics(timeout=10).topics.get(TOPIC)
        if topic is None:
            try:
                # The broker says how many replicas (default.replication.factor): one alone, three of three.
                admin.create_topics([NewTopic(TOPIC, PARTITIONS)])[TOPIC].result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError._DESTROY_BROKER:  # it went to a name that has just been replaced
                    return create_topic(bootstrap_servers)
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            return f"{TOPIC}, created with {PARTITIONS} partitions"
    except KafkaException as error:
        raise Problem(
            f"the topic {TOPIC} cannot be created on {bootstrap_servers}: {error.args[0].str()}",
            "see that a broker runs there (python run.py doctor), then: python run.py topic",
        ) from error
    count = len(topic.partitions)
    if count != PARTITIONS:
        return f"{TOPIC}, {count} partitions: not the {PARTITIONS} of the lessons (python run.py doctor)"
    return f"{TOPIC}, {count} partitions"


class Session:
    """The five programs on a running broker, and the commands that people type."""

    def __init__(self, broker: Broker):
        self.broker = broker
        self.commands: queue.Queue[str] = queue.Queue()
        self.producer = self._program("producer", ["producer.py"], PRODUCER_PORT, {})
        self.consumers = [self._consumer(number) for number in range(1, CONSUMERS + 1)]
        streamlit = ["-m", "streamlit", "run", "producer_ui.py", "--server.headless", "true"]
        self.control = ControlEndpoint(self.commands.put)
        controlled = {"CONTROL_URL": self.control.url, "CONTROL_TOKEN": self.control.token}
        self.page = self._program("page", [*streamlit, "--server.port", str(PAGE_PORT)], PAGE_PORT, controlled)

    @property
    def programs(self) -> list[Program]:
        return [self.producer, *self.consumers, self.page]

    def _consumer(self, number: int) -> Program:
        port = CONSUMER_PORT + number - 1
        return self._program(f"consumer-{number}", ["consumer.py"], port, {"CONSUMER_PORT": str(port)})

    def _program(self, name: str, command: list[str], port: int, environment: dict) -> Program:
        environment |= {"KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers}
        return Program(name, command, port, environment, self._tell_crash)

    def start(self) -> None:
        """Start the programs and return when all of them answer and the group is at rest. Raises `Problem`."""
        with terminal.progress("programs", "starting"):
            for program in self.programs:
                program.start()
            deadline = time.monotonic() + START_SECONDS
            while waiting := [program for program in self.programs if not self._answers(program)] or self._joining():
                dead = [program for program in self.programs if not program.running]
                if dead or time.monotonic() > deadline:
                    names = ", ".join(program.name for program in dead or waiting)
                    raise Problem(f"{names} did not start, see the lines above", "python run.py doctor")
                time.sleep(0.1)

    def _answers(self, program: Program) -> bool:
        path = {self.page: "_stcore/health", self.producer: "health"}.get(program, "status")
        try:
            return requests.get(f"http://127.0.0.1:{program.port}/{path}", timeout=5).ok
        except requests.RequestException:
            return False

    def _joining(self) -> list[Program]:
        """The consumers, until each has what the last rebalance gave it: the first click finds a group at rest."""
        try:
            seen = [self._status(consumer) for consumer in self.consumers]
        except (requests.RequestException, ValueError):
            return self.consumers
        owned = [partition for status in seen for partition in status["assignment"]]
        assigned = all(status["rebalances"] and status["rebalances"][-1]["event"] == "assigned" for status in seen)
        return [] if assigned and len(owned) == len(set(owned)) else self.consumers

    @staticmethod
    def _status(consumer: Program) -> dict:
        return requests.get(f"http://127.0.0.1:{consumer.port}/status", timeout=5).json()

    def stop(self) -> None:
        """End all programs."""
        with terminal.progress("programs", "stopping"):
            stop_all([*self.consumers, self.producer, self.page])
            self.control.close()

    def table(self) -> None:
        """The addresses, for people."""
        consumers = "  ".join(f"{consumer.port}" for consumer in self.consumers)
        terminal.write("")
        terminal.say("page", f"http://localhost:{self.page.port}          <- open this, click Like")
        terminal.say("producer", f"http://localhost:{self.producer.port}/health")
        terminal.say("consumers", f"{consumers}               group {GROUP}")
        if taken(KAFDROP_PORT):
            terminal.say("kafdrop", f"http://localhost:{KAFDROP_PORT}")
        terminal.say("commands", "stop 1 | kill 1 | start 1 | like 5 | status | help | quit")
        terminal.write("")

    def obey(self, line: str) -> bool:
        """Carry out one typed line; False when it was the wish to quit."""
        command, *arguments = line.split() or [""]
        match command.lower(), arguments:
            case "", _:
                pass
            case "quit" | "exit" | "q", []:
                return False
            case "help" | "?", []:
                terminal.write(HELP)
            case "status", []:
                self._tell_status()
            case "like", [] | [_]:
                self._like(arguments[0] if arguments else "1")
            case "stop" | "kill" | "start" as verb, [name] if program := self._find(name, verb == "start"):
                self._change(verb, program)
            case "stop" | "kill" | "start" as verb, _:
                terminal.complain(f"{verb} what?", f"{verb} 1, {verb} 2, {verb} 3, {verb} producer or {verb} page")
            case _:
                terminal.complain(f"{line.strip()!r} is no command here", "help")
        return True

    def _find(self, name: str, or_new: bool) -> Program | None:
        """The program of that name; with `or_new` also a consumer beyond the three: `start 4`."""
        name = name.lower().removeprefix("consumer-")
        following = len(self.consumers) + 1
        if or_new and name == str(following) and following <= MOST_CONSUMERS:
            self.consumers.append(self._consumer(following))
        names = {program.name.removeprefix("consumer-"): program for program in [*self.programs, *self.broker.nodes]}
        return names.get(name)

    def _change(self, verb: str, program: Program) -> None:
        if verb == "start":
            if program.running:
                terminal.say(program.name, "runs already")
            elif holder := taken(program.port):
                terminal.complain(f"port {program.port} is taken by {holder}", f"end it: {holder.how_to_end}")
            elif program in self.broker.nodes:
                self._start_node(program)
            else:
                program.start()
            return
        if not program.running:
            again = program.name.removeprefix("consumer-")
            terminal.say(program.name, f"is not running; start {again} starts it")
            return
        if verb == "stop":
            program.stop()
            terminal.say(program.name, "stopped")
        else:
            program.kill()
            terminal.say(program.name, "killed")

    @staticmethod
    def _start_node(node) -> None:
        try:
            with terminal.progress(node.name, "starting") as report:
                node.start(report)
            terminal.say(node.name, "is back")
        except Problem as error:
            terminal.complain(str(error), error.hint)

    def _like(self, count: str) -> None:
        if not count.isascii() or not count.isdigit() or not 1 <= int(count[:9]) <= LONGEST_LIKE_COMMAND:
            terminal.complain(f"how many likes is {count!r}?", f"like 5   (1 to {LONGEST_LIKE_COMMAND})")
            return
        url = f"http://127.0.0.1:{self.producer.port}"
        try:
            if int(count) == 1:
                answer = requests.post(f"{url}/like", timeout=HTTP_SECONDS)
            else:
                answer = requests.post(f"{url}/likes", json={"count": int(count)}, timeout=60)
            if not answer.ok:
                terminal.complain(answer.json()["error"], answer.json()["hint"])
        except (requests.RequestException, ValueError, KeyError):
            terminal.complain(f"the producer does not answer on port {self.producer.port}", "start producer")

    def _tell_status(self) -> None:
        for node in self.broker.nodes:
            terminal.say(node.name, f"{node.port}  {'running' if node.running else 'not running'}")
        for program in self.programs:
            state = f"pid {program.process.pid}" if program.running else "not running"
            text = f"{program.port}  {state}"
            if program in self.consumers and program.running:
                try:
                    seen = self._status(program)
                    lag = sum(n or 0 for n in seen["lag"].values())
                    text += f"  partitions {seen['assignment']}  consumed {seen['consumed']}  lag {lag}"
                except (requests.RequestException, ValueError, KeyError):
                    text += "  no answer"
            terminal.say(program.name, text)

    def _tell_crash(self, program: Program, code: int) -> None:
        again = program.name.removeprefix("consumer-")
        terminal.complain(
            f"{program.name} ended by itself with exit code {code}, see its lines above", f"start {again}"
        )

    def read_commands(self) -> None:
        """Put what is typed into the queue; at the end of the input just go on running."""
        with contextlib.suppress(OSError, ValueError):
            for line in sys.stdin:
                self.commands.put(line)


def check_settings() -> None:
    """Refuse what could not work before anything is started. Raises `Problem`."""
    read = settings.topic_of("consumer.py")
    if read != TOPIC:
        what = f"producer.py writes to the topic {TOPIC}, consumer.py reads {read}"
        raise Problem(what, "give both the same: the line that begins with TOPIC")
    ports = {"producer": PRODUCER_PORT, "page": PAGE_PORT}
    ports |= {f"consumer {n + 1}": CONSUMER_PORT + n for n in range(CONSUMERS)}
    for name, port in ports.items():
        if holder := taken(port):
            raise Problem(
                f"port {port} (of the {name}) is taken by {holder}",
                f"end it ({holder.how_to_end}), then: python run.py",
            )


def main(choice: str, brokers: int) -> int:
    """Run until `quit`, Ctrl+C or SIGTERM; the exit code. Raises `Problem` and `Problem`."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # however we are ended, end what we started
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    check_settings()
    try:
        with running_broker(choice, brokers) as broker:
            terminal.say("topic", create_topic(broker.bootstrap_servers))
            session = Session(broker)
            try:
                session.start()
                session.table()
                threading.Thread(target=session.read_commands, daemon=True).start()
                while session.obey(_next(session.commands)):
                    pass
            finally:
                _ignore_further_signals()
                session.stop()
    except KeyboardInterrupt:
        pass
    terminal.say("bye", "everything that was started here has ended")
    return 0


def _next(commands: queue.Queue[str]) -> str:
    while True:
        with contextlib.suppress(queue.Empty):
            return commands.get(timeout=1.0)  # on Windows, a wait without end would not hear Ctrl+C


def _ignore_further_signals() -> None:
    """The end takes some seconds; an impatient second Ctrl+C must not leave half of it running."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
