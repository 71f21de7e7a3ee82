"""Every environment variable that the project reads. Importing this connects to nothing.

The table "Settings" in the README explains each.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEFAULT_BOOTSTRAP_SERVERS = "localhost:9092"


def _text(name: str, default: str = "") -> str:
    value = os.environ.get(name, "").strip()  # on Windows, `set X=1 && ...` leaves a blank, and `set X="1"` the quotes
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return (value[1:-1].strip() if quoted else value) or default


def _port(name: str, default: str) -> int:
    value = _text(name, default)
    if not (value.isascii() and value.isdigit() and 0 < int(value[:6]) < 2**16):
        sys.exit(f"{name} is {value!r}, which is not a port number. Unset it, or set it to a number.")
    return int(value)


def _hosts(text: str) -> tuple[str, ...]:
    """The host names in a list of names or addresses such as https://likes-8501.app.github.dev/."""
    hosts = []
    for place in re.split(r"[\s,]+", text.strip(", ")) if text else ():
        found = re.fullmatch(r"(?:https?://)?([a-z\d.-]+|\[[a-f\d:]+\])(?::\d+)?(?:[/?#].*)?", place.lower())
        if not found:
            sys.exit(f"ALLOWED_HOSTS has {place!r}, which is not the name of a host. Unset it, or name hosts in full.")
        hosts.append(found[1])
    return tuple(hosts)


def _forwarded_hosts(port: int) -> tuple[str, ...]:
    """In a GitHub Codespace, the host name under which a browser reaches this port."""
    name, domain = _text("CODESPACE_NAME"), _text("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
    return _hosts(f"{name}-{port}.{domain}") if name else ()


def topic_of(program: str) -> str:
    """The topic that producer.py or consumer.py names in its line `TOPIC = "..."`."""
    source = (ROOT / program).read_text(encoding="utf-8")
    found = re.search(r"""^TOPIC\s*=\s*(["'])([\w.-]+)\1""", source, re.MULTILINE)
    if not found:
        sys.exit(f'{program} has no line such as TOPIC = "likes". Correct it there.')
    return found[2]


def bootstrap_servers_of(file: str) -> str:
    """The broker named in a client.properties, as cloud providers do; empty if there is none or it cannot be read."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig") if file else ""
    except (OSError, ValueError):
        return ""
    found = re.search(r"^[ \t]*bootstrap\.servers[ \t]*=[ \t]*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


TOPIC = topic_of("producer.py")
CLIENT_CONFIG = _text("KAFKA_CLIENT_CONFIG")  # path of a client.properties, for SASL or TLS
# Empty: run.py looks for a broker, or starts one
CHOSEN_BOOTSTRAP_SERVERS = _text("KAFKA_BOOTSTRAP_SERVERS") or bootstrap_servers_of(CLIENT_CONFIG)
BOOTSTRAP_SERVERS = CHOSEN_BOOTSTRAP_SERVERS or DEFAULT_BOOTSTRAP_SERVERS
GROUP = _text("CONSUMER_GROUP", "likes-ui")
PRODUCER_PORT = _port("PRODUCER_PORT", "5001")
CONSUMER_PORT = _port("CONSUMER_PORT", "5002")  # for run.py and the page, the first consumer's
CONSUMERS, MOST_CONSUMERS = 3, 9  # in run.py: at the start, and at most; on consecutive ports
LARGEST_BURST = 100_000  # likes in one request to the producer
PAGE_PORT = _port("PAGE_PORT", "8501")
IN_CONTAINER = bool(_text("IN_CONTAINER"))  # the Dockerfile sets it
# What to type: where the programs are in containers, there may be no Python.
DIAGNOSE = "docker compose logs kafka" if IN_CONTAINER else "python run.py doctor"
CREATE_TOPIC = "docker compose restart computer" if IN_CONTAINER else "python run.py topic, or create_likes_topic.bat"
# Docker reaches a program in a container at the container's own address, and publishes its port on 127.0.0.1.
LISTEN_ADDRESS = "0.0.0.0" if IN_CONTAINER else "127.0.0.1"
ALLOWED_HOSTS = _hosts(_text("ALLOWED_HOSTS")) + _forwarded_hosts(PAGE_PORT)  # may call, in addition to this computer

# run.py and its broker
KAFKA_IMAGE = _text("KAFKA_IMAGE")  # empty: the compose file's
KAFDROP_PORT = _port("KAFDROP_PORT", "9000")
JAVA_HOME = _text("JAVA_HOME")
M2_REPO = _text("M2_REPO")  # Maven's local repository; empty: ~/.m2/repository
NO_COLOR = bool(_text("NO_COLOR"))  # https://no-color.org
DUMB_TERMINAL = _text("TERM") == "dumb"  # it knows no escape sequences
CONTROL_URL = _text("CONTROL_URL")  # run.py's endpoint for commands from the page; empty without run.py
CONTROL_TOKEN = _text("CONTROL_TOKEN")
START_KAFKA = _text("START_KAFKA")  # what restarts this run.py's broker

# The labs
LEARNER = _text("LEARNER", "labs")  # learners who share a broker need separate topics and groups
SCHEMA_REGISTRY_URL = _text("SCHEMA_REGISTRY_URL")  # empty: that of `run.py registry` while it runs, else a mock


# Settings for other Python programs (an older package in PYTHONPATH, another page's port) do not reach the programs
# started here. Nor does PYTHONDONTWRITEBYTECODE, with which each would recompile its packages at every start, and take
# twice as long. HTTPS_PROXY, certificates, Java's options and the rest do.
_FOREIGN = re.compile("PYTHON|STREAMLIT_|FLASK_|WERKZEUG_|GEVENT")
_HARMLESS = re.compile("PYTHON(UTF8|UNBUFFERED|PYCACHEPREFIX)|STREAMLIT_THEME_")
# Of what is set for uv, where packages come from and how the network is reached; pip is asked for what is set for it.
_SOURCES = "DEFAULT_INDEX|INDEX|EXTRA_INDEX|FIND_LINKS|CACHE|NO_CACHE|LINK|HTTP|INSECURE|KEYRING|OFFLINE|PYTHON_INSTALL"
_INSTALLERS = re.compile(f"PIP_|UV_(?!{_SOURCES})")
_OTHER_PROJECT = re.compile("COMPOSE_(FILE|PROJECT_NAME|PROFILES|ENV_FILES)$")


def foreign() -> list[str]:
    """The names of the variables that the programs are started without."""
    return [name for name in os.environ if _FOREIGN.match(name) and not _HARMLESS.match(name)]


def environment(**more: str) -> dict[str, str]:
    """The environment for a program: without what `foreign` names, and with `more`."""
    dropped = foreign()
    return {name: value for name, value in os.environ.items() if name not in dropped} | more


def _environment_without(names: re.Pattern) -> dict[str, str]:
    return {name: value for name, value in environment().items() if not names.match(name)}


def environment_of_installer(defaults: dict[str, str]) -> dict[str, str]:
    """As `environment`, for pip or uv: with no more of their settings than where packages come from. `defaults` give
    way to those."""
    return defaults | _environment_without(_INSTALLERS)


def files_of_uv() -> list[Path]:
    """uv's settings of this computer and of this user, who wins; or the one file that a variable names."""
    if named := os.environ.get("UV_CONFIG_FILE"):
        return [Path(named)]
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 (there may be no home)
    folders = [os.environ.get(name, "") for name in ("PROGRAMDATA", "APPDATA")] if os.name == "nt" else ["/etc", home]
    return [Path(folder, "uv", "uv.toml") for folder in folders]


def environment_of_docker() -> dict[str, str]:
    """As `environment`, for the compose files: without settings of other projects, and with those read here, without
    the blank that Windows leaves."""
    own = {"KAFDROP_PORT": str(KAFDROP_PORT)} | ({"KAFKA_IMAGE": KAFKA_IMAGE} if KAFKA_IMAGE else {})
    return _environment_without(_OTHER_PROJECT) | own


def spare_this_computer() -> None:
    """Keep libraries that heed HTTP_PROXY from using it for this computer."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))


def use_client_config(file: Path) -> None:
    """Make this process, and those it starts, use this client.properties."""
    global CLIENT_CONFIG
    CLIENT_CONFIG = os.environ["KAFKA_CLIENT_CONFIG"] = str(file)
