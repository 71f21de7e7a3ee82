"""Lab 10: knock at the door of the secured broker in four ways. Who is let in?

python run.py labs/lab_10_security/logins.py
"""

from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from labs.secured import properties_of
from plumbing.kafka import client_config
from settings import BOOTSTRAP_SERVERS

SECONDS = 6.0
ANSWER_SECONDS = 30.0  # at most, for the one who is let in
LEARNER = "as learner, with the password"


def ways() -> dict[str, dict]:
    """How to knock -> settings of the client."""
    learner = client_config(BOOTSTRAP_SERVERS, properties_of("learner"))
    plain = {name: learner[name] for name in ("bootstrap.servers", "broker.address.family", "log_level")}
    encrypted = plain | {"security.protocol": "SSL", "ssl.ca.location": learner["ssl.ca.location"]}
    unknown = {name: value for name, value in learner.items() if name != "ssl.ca.location"}
    return {
        "without encryption": plain,
        "encrypted, without a password": encrypted,
        "with a wrong password": learner | {"sasl.password": "guessed"},
        "without knowing its certificate": unknown,
        LEARNER: learner,
    }


def is_let_in(settings: dict, seconds: float) -> bool:
    """True when the broker answers a client with these settings."""
    try:
        return bool(AdminClient(settings | {"log_level": 0}).list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def answers_to(ways: dict[str, dict]) -> dict[str, bool]:
    """How to knock -> whether one is let in."""
    patience = [ANSWER_SECONDS if way == LEARNER else SECONDS for way in ways]
    with ThreadPoolExecutor(len(ways)) as at_once:  # to be refused is to wait in vain
        return dict(zip(ways, at_once.map(is_let_in, ways.values(), patience), strict=True))


def main() -> None:
    for way, let_in in answers_to(ways()).items():
        print(f"{way + ':':<33} {'let in' if let_in else 'not let in'}")


if __name__ == "__main__":
    main()
