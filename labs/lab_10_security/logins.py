"""Lab 10: connect to the secured broker in five ways. Which clients does it accept?

python run.py labs/lab_10_security/logins.py
"""

from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from labs.secured import properties_of
from plumbing.kafka import client_config
from settings import BOOTSTRAP_SERVERS

SECONDS = 6.0
ANSWER_SECONDS = 30.0  # at most, for the client that is accepted
LEARNER = "as learner, with the password"


def clients() -> dict[str, dict]:
    """How to connect -> client settings."""
    learner = client_config(BOOTSTRAP_SERVERS, properties_of("learner"))
    plain = {name: learner[name] for name in ("bootstrap.servers", "broker.address.family", "log_level")}
    encrypted = plain | {"security.protocol": "SSL", "ssl.ca.location": learner["ssl.ca.location"]}
    unknown = {name: value for name, value in learner.items() if name != "ssl.ca.location"}
    return {
        "without encryption": plain,
        "encrypted, without a password": encrypted,
        "with a wrong password": learner | {"sasl.password": "guessed"},
        "without the certificate": unknown,
        LEARNER: learner,
    }


def is_accepted(settings: dict, seconds: float) -> bool:
    """True if the broker answers a client with these settings."""
    try:
        return bool(AdminClient(settings | {"log_level": 0}).list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def try_all(clients: dict[str, dict]) -> dict[str, bool]:
    """How to connect -> True if the broker accepts it."""
    patience = [ANSWER_SECONDS if way == LEARNER else SECONDS for way in clients]
    with ThreadPoolExecutor(len(clients)) as pool:  # a rejected client waits for its timeout
        return dict(zip(clients, pool.map(is_accepted, clients.values(), patience), strict=True))


def main() -> None:
    for way, accepted in try_all(clients()).items():
        print(f"{way + ':':<33} {'accepted' if accepted else 'rejected'}")


if __name__ == "__main__":
    main()
