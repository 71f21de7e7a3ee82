"""The local broker behind TLS, passwords (SASL/SCRAM) and access rules (ACLs), as a broker on a network would be.

At its first start it creates, in its folder, a certificate, two users with random passwords, and for each a
`client.properties` for `KAFKA_CLIENT_CONFIG`: `learner`, with the rights that this project's programs need, and
`admin`, with all rights.
"""

import secrets
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from brokers import Progress, java
from brokers.compose import SINGLES
from brokers.jars import LESSONS
from brokers.local import PORTS, LocalBroker, folder_of
from plumbing.kafka import admin_client, answers

MECHANISM = "SCRAM-SHA-256"
KEYTOOL = ["-m", "java.base/sun.security.tools.keytool.Main"]  # some Javas lack the command
KEYS, ARGUMENTS = "keys.p12", "format.arguments"
USERS = ("admin", "learner")
RULES = {  # what the programs do: the producer, the consumers, the page; labs ask the cluster which version it is
    ResourceType.TOPIC: [AclOperation.CREATE, AclOperation.READ, AclOperation.WRITE],
    ResourceType.GROUP: [AclOperation.READ],
    ResourceType.BROKER: [AclOperation.DESCRIBE_CONFIGS],  # the cluster, which has a name of its own in access rules
}
NAMES = {ResourceType.BROKER: "kafka-cluster"}


class SecuredBroker(LocalBroker):
    """One Apache Kafka process whose only listener for clients is encrypted and asks for a password."""

    def __init__(self, folder: Path | None = None, ports: dict[str, int] = PORTS, kafka: int = LESSONS):
        super().__init__(folder or folder_of(kafka) / "secured", ports, SINGLES[kafka])
        self.certificate = self.folder / "certificate.pem"  # self-signed; clients have to trust it
        self.client_properties = self.properties_of("learner")
        self.description = f"{self.description}, with TLS, passwords and access rules"

    def properties_of(self, user: str) -> Path:
        """The file for `KAFKA_CLIENT_CONFIG`."""
        return self.folder / f"{user}.properties"

    def launch(self, progress: Progress = print) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # it holds keys and passwords
        if not self.certificate.exists():
            progress("creating a certificate")
            self._create_certificate()
        super().launch(progress)

    def wait_until_it_answers(self) -> None:
        super().wait_until_it_answers()
        try:
            self._allow("learner")
        except KafkaException:
            self.stop()
            raise

    def _allow(self, user: str) -> None:
        """Give the user the rights in `RULES`, on every topic and group and on the cluster, from every address."""
        who, pattern, allow = f"User:{user}", ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        rules = [
            AclBinding(kind, NAMES.get(kind, "*"), pattern, who, "*", operation, allow)
            for kind, operations in RULES.items()
            for operation in operations
        ]
        admin = admin_client(self.bootstrap_servers, self.properties_of("admin"))  # kept until it has its answers
        for done in admin.create_acls(rules).values():
            done.result()

    def answers(self) -> bool:
        return answers(self.bootstrap_servers, 1.0, self.properties_of("admin"))

    def settings(self) -> dict[str, str]:
        own = super().settings()
        protocol = own["listener.security.protocol.map"].replace("EXTERNAL:PLAINTEXT", "EXTERNAL:SASL_SSL")
        keys = {
            "ssl.keystore.location": (self.folder / KEYS).as_posix(),
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.password": self._password("keys"),
            "ssl.truststore.location": self.certificate.as_posix(),
            "ssl.truststore.type": "PEM",
        }
        login = f'username="admin" password="{self._password("admin")}"'
        access = {
            # No listener without a password: not even the one between brokers.
            "listeners": ",".join(one for one in own["listeners"].split(",") if not one.startswith("INTERNAL")),
            "advertised.listeners": f"EXTERNAL://localhost:{self.port}",
            "inter.broker.listener.name": "EXTERNAL",
            # The controller keeps the passwords in its metadata, so its own listener asks for a key instead.
            "listener.security.protocol.map": protocol.replace("CONTROLLER:PLAINTEXT", "CONTROLLER:SSL"),
            "listener.name.controller.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"listener.name.external.{MECHANISM.lower()}.sasl.jaas.config": (
                f"org.apache.kafka.common.security.scram.ScramLoginModule required {login};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:CN=localhost",
        }
        return own | keys | access

    def _write_settings(self) -> None:
        """Written at every start, because the folder may have been moved."""
        super()._write_settings()
        for name in USERS:
            lines = {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": MECHANISM,
                "sasl.username": name,
                "sasl.password": self._password(name),
                "ssl.ca.location": self.certificate.as_posix(),
            }
            text = "".join(f"{key}={value}\n" for key, value in lines.items())
            self.properties_of(name).write_text(text, encoding="utf-8")

    def format_command(self) -> list[str]:
        """The command is in a file, to keep the passwords out of the process list."""
        command = super().format_command()
        for name in USERS:
            command += ["--add-scram", f"{MECHANISM}=[name={name},password={self._password(name)}]"]
        (self.folder / ARGUMENTS).write_text("".join(f'"{word}"\n' for word in command), encoding="utf-8")
        return [f"@{ARGUMENTS}"]

    def _create_certificate(self) -> None:
        (self.folder / KEYS).unlink(missing_ok=True)  # from an interrupted first start
        store = ["-keystore", KEYS, "-storetype", "PKCS12", "-alias", "broker"]
        store += ["-storepass:file", self._password_file("keys").name]
        make = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650"]
        self._keytool(*make, "-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1", *store)
        self._keytool("-exportcert", "-rfc", "-file", self.certificate.name, *store)

    def _keytool(self, *arguments: str) -> None:
        java.call(*KEYTOOL, *arguments, folder=self.folder, purpose="the certificate cannot be created")

    def _password(self, name: str) -> str:
        return self._password_file(name).read_text(encoding="utf-8")

    def _password_file(self, name: str) -> Path:
        """The file with a password, generated at first use."""
        file = self.folder / f"{name}.password"
        if not file.exists():
            file.touch(0o600)
            file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return file
