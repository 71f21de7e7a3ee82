"""Can the addresses to which a cluster sends its clients (advertised.listeners) be reached from here?

A client asks the bootstrap servers only for these addresses. If they are wrong, everything that follows waits for its
timeout: https://www.confluent.io/blog/kafka-listeners-explained/
"""

import socket
import threading
import time
from collections.abc import Iterable

from plumbing.address import Address, addresses

SECONDS = 3.0  # for an address to answer

_trusted: set[Address] = set()  # they have worked before: an outage is not a fault of the cluster's settings


def problem(servers: str, named: Iterable[Address]) -> str:
    """One of the addresses that a cluster has named and why it cannot be reached; empty if any of them can. `servers`
    are where the addresses were learned, so those can be reached, or could be."""
    wanted = set(named)
    problems = {}
    if not wanted & (_trusted | set(addresses(servers))):
        problems = _try_all(wanted)
    if not all(problems.values()) or not problems:
        _trusted.update(wanted)
        return ""
    (host, port), why = min(problems.items())
    return f"{host}:{port}, where {why}"


def _try_all(addresses: set[Address]) -> dict[Address, str]:
    """Address -> why it cannot be reached, empty if it can. All are tried at the same time."""
    problems = dict.fromkeys(addresses, "nothing answers")

    def connect(address: Address) -> None:
        try:
            socket.create_connection(address, timeout=SECONDS).close()
            problems[address] = ""
        except socket.gaierror:
            problems[address] = f"the name {address[0]} is unknown here"
        except OSError as error:
            problems[address] = f"nothing answers ({error.strerror or error})"

    # Threads, because the look-up of a name has no time limit.
    threads = [threading.Thread(target=connect, args=[address], daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    give_up_at = time.monotonic() + 1.5 * SECONDS
    for thread in threads:
        thread.join(max(give_up_at - time.monotonic(), 0))
    return dict(problems)
