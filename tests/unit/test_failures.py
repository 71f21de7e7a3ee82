"""Why a Java ended, from what it wrote. Each output is one that was seen."""

import pytest

from brokers.failures import WIPE, failure

TRACE = "\tat kafka.Kafka$.main(Kafka.scala:90)\n\tat kafka.Kafka.main(Kafka.scala)\n"
WARNING = "00:35:13 [main] WARN kafka.log.LogLoader - java.net.BindException: a warning is no reason\n"
EXITING = "00:35:30 [main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception\n"
FATAL = "00:35:13 [main] ERROR org.apache.kafka.server.fault.ProcessTerminatingFaultHandler - Encountered fatal fault\n"
NO_JVM = (
    "Error: Could not create the Java Virtual Machine.\nError: A fatal exception has occurred. Program will exit.\n"
)

JAVA = "Picked up JAVA_TOOL_OPTIONS: "
WROTE = {
    "an option": f"Picked up _JAVA_OPTIONS: -Xfoo\nUnrecognized option: -Xfoo\n{NO_JVM}",
    "another option": f"NOTE: Picked up JDK_JAVA_OPTIONS: --foo\nUnrecognized option: --foo\n{NO_JVM}",
    "a file of options": "Error: could not open `/nowhere'\n",
    "an agent": f"{JAVA}-javaagent:/a.jar\nError opening zip file or JAR manifest missing : /a.jar\n"
    "Error occurred during initialization of VM\nagent library failed Agent_OnLoad: instrument\n",
    "a small heap": f'{JAVA}-Xmx16m\nException in thread "main" java.lang.OutOfMemoryError: Java heap space\n',
    "RAM": "Error occurred during initialization of VM\nCould not allocate compressed class space: 1073741824 bytes\n",
    "RAM 2": f"{WARNING}#\n# There is insufficient memory for the Java Runtime Environment to continue.\n# Native\n",
    "open files": f"{FATAL}org.apache.kafka.common.KafkaException: java.io.IOException\n{TRACE}"
    f"Caused by: java.io.IOException: Too many open files\n{TRACE}\t... 21 more\n",
    "the disk": f"{WARNING}{FATAL}java.io.IOException: No space left on device\n{TRACE}",
    "mapped": f"{EXITING}java.lang.InternalError: a fault occurred in an unsafe memory access operation\n{TRACE}",
    "port": f"{EXITING}org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092\n{TRACE}"
    f"Caused by: java.net.BindException: Address already in use\n{TRACE}\t... 13 more\n",
    "new": f"{WARNING}{EXITING}java.lang.RuntimeException: outside\n{TRACE}"
    f"Caused by: java.lang.IllegalStateException: between\n{TRACE}\t... 27 more\n"
    f"Caused by: java.nio.file.NoSuchFileException: inside\n{TRACE}\t... 28 more\n"
    "00:35:31 [main] ERROR kafka.Kafka$ - a consequence\njava.net.BindException: no reason either\n",
    "new, no log": "WARNING: a module is incubating\n"
    f'Exception in thread "main" java.lang.InternalError: Error loading java.security file\n{TRACE}',
    "one line of the log": "00:35:30 [main] ERROR kafka.Kafka$ - a sentence of its own\n",
    "nothing": WARNING,
}
NOT_THE_DATA = [  # what is reported, what helps
    ("an option", "Java cannot run with _JAVA_OPTIONS=-Xfoo: Unrecognized option: -Xfoo", "unset _JAVA_OPTIONS"),
    ("another option", "JDK_JAVA_OPTIONS=--foo", "unset JDK_JAVA_OPTIONS"),
    ("a file of options", "JDK_JAVA_OPTIONS", "unset JDK_JAVA_OPTIONS"),
    ("an agent", "=-javaagent:/a.jar: Error opening zip file or JAR manifest missing : ", "unset JAVA_TOOL_OPTIONS"),
    ("a small heap", "=-Xmx16m: java.lang.OutOfMemoryError: Java heap space", "unset JAVA_TOOL_OPTIONS"),
    ("RAM", "not enough memory", "close some programs"),
    ("RAM 2", "not enough memory", "close some programs"),
    ("open files", "too few open files", "open a new terminal"),
    ("the disk", "the disk is full", "make room"),
    ("mapped", "the disk is full", "make room"),
    ("port", "one of the broker's ports is taken", "python run.py doctor"),
    ("new", "java.nio.file.NoSuchFileException: inside", ""),
    ("new, no log", "java.lang.InternalError: Error loading java.security file", ""),
    ("one line of the log", "a sentence of its own", ""),
    ("nothing", "exit code 1", ""),
]


@pytest.mark.parametrize(("written", "what", "remedy"), NOT_THE_DATA)
def test_the_cause_is_named_and_the_data_is_kept(written, what, remedy):
    found = failure(WROTE[written], 1)
    assert what in found.what
    assert found.remedy.startswith(remedy) if remedy else not found.remedy
    assert "clean" not in found.remedy


@pytest.mark.parametrize(
    "sentence",
    [
        "Error: node ID not found in /home/me/.kafka/data",
        "Stored node id 7 doesn't match previous node id 0 in /home/me/.kafka/data/meta.properties. If",
        "Invalid cluster.id in: /home/me/.kafka/data/meta.properties. Expected A, but read B",
    ],
)
def test_only_data_at_fault_is_wiped(sentence):
    assert failure(f"{EXITING}java.lang.RuntimeException: {sentence}\n{TRACE}", 1).remedy == WIPE


def test_what_a_killed_program_wrote_is_not_its_reason():
    found = failure(f"{EXITING}java.net.BindException: Address already in use\n", -9)
    assert found.what.startswith("ended by SIGKILL")
    assert not found.remedy


def test_an_error_of_one_request_is_not_why_a_broker_ended():
    refused = """\
01:53:49 [data-plane-kafka-request-handler-3] ERROR kafka.server.ReplicaManager - [ReplicaManager broker=0] Error \
processing append operation on partition likes-0
org.apache.kafka.common.errors.OutOfOrderSequenceException: Out of order sequence number for producer 1003
"""
    full = """\
01:54:07 [data-plane-kafka-request-handler-7] ERROR org.apache.kafka.storage.internals.log.LogDirFailureChannel - \
Error while appending records to likes-0 in dir data
java.io.IOException: No space left on device
01:54:07 [LogDirFailureHandler] ERROR kafka.log.LogManager - Shutdown broker because all log dirs in data have failed
"""
    assert failure(2 * refused + full, 1).what == "the disk is full"
    assert failure(refused, 1).what.startswith("org.apache.kafka.common.errors.OutOfOrderSequenceException")
