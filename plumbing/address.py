"""`host:port`, as in `bootstrap.servers` and in what a broker advertises."""

Address = tuple[str, int]


def addresses(servers: str) -> list[Address]:
    """Host and port of each server in a list such as `localhost:9092,PLAINTEXT://[::1]:9093`; port 0 if it is none."""
    return [_address(server.strip()) for server in servers.split(",") if server.strip()]


def _address(server: str) -> Address:
    host, _, port = server.rpartition("://")[2].rpartition(":")
    return host.strip("[]"), int(port) if port.isascii() and port.isdigit() else 0
