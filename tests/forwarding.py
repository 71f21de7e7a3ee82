"""A forwarded port, like a Codespace's: https under a different name outside, http on localhost inside."""

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Forwarded:
    """Forwards its port, to which a browser speaks TLS, to `port`, which sees localhost as the host."""

    def __init__(self, host: str, port: int, folder: Path):
        self._host, self._target = host, port
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(_certificate(host, folder))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "Forwarded":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=[connection], daemon=True).start()

    def _forward(self, connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target)) as inside,
            self._context.wrap_socket(connection, server_side=True) as outside,
        ):
            outside.settimeout(0.02)  # only one thread at a time may use a TLS connection: both directions are here
            inside.settimeout(0.02)
            while self._move(outside, inside, inwards=True) and self._move(inside, outside, inwards=False):
                pass

    def _move(self, source: socket.socket, target: socket.socket, inwards: bool) -> bool:
        """Pass on what has arrived; False at the end."""
        try:
            data = source.recv(2**16)
        except TimeoutError:
            return True
        if inwards:
            data = data.replace(f"Host: {self._host}:{self.port}".encode(), b"Host: localhost")
        target.settimeout(60)
        target.sendall(data)
        target.settimeout(0.02)
        return bool(data)


def _certificate(host: str, folder: Path) -> Path:
    """A self-signed one, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - day).not_valid_after(now + day)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    file = folder / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    file.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file
