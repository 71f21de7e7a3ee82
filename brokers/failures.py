"""Why a Java program ended, such as Apache Kafka: the reason, and what helps, from what it wrote."""

import re
from typing import NamedTuple

# What begins a message: a line of Kafka's log, or what Java writes itself.
BEGIN = re.compile(
    r"(\d\d:\d\d:\d\d )?\[.*?\] (?P<level>[A-Z]+) \S+ - |(?P<java>Exception in thread \".+?\" |# (?=\w))"
)
CALL = re.compile(r"\s*(at .+\(.*\)|\.\.\. \d+ (more|common frames omitted))$")
OPTION_VARIABLES = ("_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")  # each Java heeds them
PICKED_UP = re.compile(rf"Picked up ({'|'.join(OPTION_VARIABLES)}): (.*)")
NO_REASON = re.compile(
    "(NOTE: )?Picked up |Error occurred during initialization of VM|Error: Could not create the Java Virtual Machine"
    "|Error: A fatal exception has occurred|SLF4J|WARNING: |.* VM warning: "
)
OPTIONS_AT_FAULT = (
    "initialization of VM|Could not create the Java Virtual Machine|[Aa]gent library|-javaagent"
    "|OutOfMemoryError: (Java heap|Metaspace|Compressed|Direct buffer)|GC overhead"
)
# An error that one client got, such as a batch that is not the next one: a broker does not end because of it.
ONE_REQUEST = re.compile("Error processing append operation")
SIGNALS = {  # exit code -> who ended it
    -9: "ended by SIGKILL: kill -9, or the system was short of memory",
    **dict.fromkeys((-15, 143), "ended by SIGTERM, from outside"),
}
# A fault of Kafka 4, after a full disk: it gives two entries one offset, and then reads none of them.
UNREADABLE_OFFSETS = re.compile(
    r"Failed to load metadata from (__consumer_offsets-\d+) .*? due to (.+?)\.*$", re.MULTILINE
)
WIPE = "python run.py clean   (wipes the local broker's events)"


class Failure(NamedTuple):
    """What happened, and what to do about it; `remedy` is empty if that is not known."""

    what: str
    remedy: str = ""


KNOWN = [
    (
        r"could not open `|Cannot open @argfile",
        Failure("Java cannot read the file that JDK_JAVA_OPTIONS names", "unset JDK_JAVA_OPTIONS, or correct it"),
    ),
    (
        "Too many open files",
        Failure("too few open files are allowed (ulimit -n)", "open a new terminal, or allow more: ulimit -n 4096"),
    ),
    (
        "Could not reserve enough space|insufficient memory|Could not allocate|Cannot allocate memory"
        "|unable to create (new )?native thread|Failed to start thread|OutOfMemoryError",
        Failure(
            "there is not enough memory for Java (512 MB)",
            "close some programs, or raise the limit (ulimit -v, or that of the container)",
        ),
    ),
    (
        "No space left on device|not enough space on the disk"
        "|unsafe memory access",  # no room for a file that is mapped into memory
        Failure("the disk is full", "make room"),
    ),
    (
        "Address already in use|BindException",
        Failure("one of the broker's ports is taken", "python run.py doctor   (names the program)"),
    ),
    (
        "Failed to acquire lock on file",
        Failure("another Kafka works in the same folder", "quit the run.py of the other terminal"),
    ),
    (
        "AccessDeniedException|Permission denied|Read-only file system",
        Failure("its folder cannot be written", "make the folder .kafka/ yours, and writable"),
    ),
    (
        "Invalid cluster.id|InconsistentClusterIdException|doesn't match stored",
        Failure("the data in .kafka/ belongs to a cluster with another id", WIPE),
    ),
    (
        "doesn't match previous node id|[Nn]ode ID not found|No `?meta.properties`? found|found in .*meta.properties",
        Failure("the data in .kafka/ is half written, or of another broker", WIPE),
    ),
]


def failure(output: str, exit_code: int | None = None) -> Failure:
    """Why a program ended with this output and exit code (None: it still runs)."""
    if exit_code in SIGNALS:  # nothing that it wrote can be the reason
        return Failure(SIGNALS[exit_code])
    error = _first_error(output)
    options = dict(PICKED_UP.findall(output))
    if options and re.search(OPTIONS_AT_FAULT, output):
        named = " ".join(f"{name}={value.strip()}" for name, value in options.items())
        return Failure(
            f"Java cannot run with {named}: {_reason(error)}", f"unset {' and '.join(options)}, or correct it"
        )
    for pattern, known in KNOWN:
        if re.search(pattern, "\n".join(error)):
            return known
    return Failure(_reason(error) or ("no reason given" if exit_code is None else f"exit code {exit_code}"))


def unreadable_offsets(output: str) -> str:
    """Which committed offsets a broker with this output cannot read, and why; empty if it can."""
    found = UNREADABLE_OFFSETS.findall(output)
    return f"the broker cannot read {found[-1][0]}: {found[-1][1]}" if found else ""


def of_container(output: str, wipe: str) -> Failure | None:
    """Why a container's Kafka ended, if that is a full disk or its data; `wipe` removes the data."""
    for pattern, known in KNOWN:
        if re.search(pattern, output) and (known.remedy == WIPE or known.what == "the disk is full"):
            return Failure(known.what.replace(".kafka/", "its volume"), wipe if known.remedy == WIPE else known.remedy)
    return None


def _reason(error: list[str]) -> str:
    """The innermost cause of an error in one line."""
    causes = [line.removeprefix("Caused by: ") for line in error if line.startswith("Caused by: ")]
    if causes:
        return causes[-1]
    if len(error) > 1 and (begin := BEGIN.match(error[0])) and begin["level"]:
        return error[1].strip()  # the exception, below the line of the log
    return BEGIN.sub("", error[0], count=1).strip() if error else ""


def _first_error(output: str) -> list[str]:
    """The lines of the first error, without the calls that led to it: those that follow are its consequences, and a
    warning is no reason to end. Without one, what precedes the log."""
    before: list[str] = []
    error: list[str] = []
    lines, level = before, ""
    for line in output.splitlines():
        if begin := BEGIN.match(line):
            if error and not ONE_REQUEST.search(error[0]):
                break
            error.clear()
            level = begin["level"] or "ERROR"
            lines = error if level in ("ERROR", "FATAL") else []
        if line.strip() and not CALL.match(line) and not NO_REASON.match(line):
            lines.append(line)
    return error or before
