"""A broker behind TLS, passwords and access rules: the programs get in unchanged, with the right settings only."""

import os
import re

import psutil
import pytest
import requests
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from plumbing.kafka import InvalidSettings, client_config
from tests.brokers import create_topic, secured_broker
from tests.programs import consumer, producer, run_py
from tests.scheduling import rest_repeats


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    broker = secured_broker(tmp_path_factory.mktemp("secured"))
    with broker:
        create_topic(AdminClient(client_config(broker.bootstrap_servers, broker.client_properties)))
        yield broker


def test_the_programs_get_in_with_a_client_properties(secured, start, group, monkeypatch):
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(secured.client_properties))
    api, member = start(producer(secured.bootstrap_servers)), start(consumer(secured.bootstrap_servers, group))
    api.wait_until_it_answers()
    like = requests.post(f"{api.url}/like", timeout=20).json()
    assert like["order"] == 1
    member.wait_for_likes({1})
    assert requests.get(f"{member.url}/health", timeout=10).ok


def test_passwords_are_private(secured):
    secret = secured.client_properties.read_text(encoding="utf-8")
    password = re.search("sasl.password=(.+)", secret)[1]
    assert len(password) >= 24
    if os.name != "nt":
        assert secured.folder.stat().st_mode & 0o077 == 0
    assert password not in secured.log.read_text(encoding="utf-8")
    command_lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not any(password in line for line in command_lines)


def with_line(secured, folder, name: str, value: str):
    """The learner's client.properties with another value there."""
    lines = secured.client_properties.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(f"{name}=")]
    file = folder / "client.properties"
    file.write_text("\n".join([*kept, f"{name}={value}"]), encoding="utf-8")
    return file


def wrong_password(secured, tmp_path):
    return with_line(secured, tmp_path, "sasl.password", "guessed-Wrong-1")


def wrong_authority(secured, tmp_path):
    other = secured_broker(tmp_path / "other")
    other.folder.mkdir()
    other._create_certificate()
    return with_line(secured, tmp_path, "ssl.ca.location", other.certificate.as_posix())


def no_rule(secured, tmp_path):
    """A user with a password, but without an access rule."""
    admin = AdminClient(client_config(secured.bootstrap_servers, secured.properties_of("admin")))
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 8192)
    created = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion("stranger", info, b"known-to-me-7", b"some salt")]
    )
    created["stranger"].result()
    text = with_line(secured, tmp_path, "sasl.username", "stranger").read_text()
    file = tmp_path / "stranger.properties"
    file.write_text(re.sub("sasl.password=.*", "sasl.password=known-to-me-7", text))
    return file


REFUSALS = {
    wrong_password: "invalid credentials",
    wrong_authority: "certificate verify failed",
    no_rule: "likes is missing, or access rules hide it",
}


@pytest.mark.parametrize(("wrong", "words"), rest_repeats(REFUSALS.items()))
def test_a_refused_client_learns_why(secured, start, group, monkeypatch, tmp_path, wrong, words):
    file = wrong(secured, tmp_path)
    password = re.search("sasl.password=(.+)", file.read_text())[1]
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(file))
    api, member = start(producer(secured.bootstrap_servers)), start(consumer(secured.bootstrap_servers, group))
    api.wait_for("^Producer on ")
    line = member.wait_for(re.escape(words))[0].string
    assert "(waiting for it" in line
    answer = requests.post(f"{api.url}/like", timeout=20)
    assert answer.status_code == 503
    assert words in answer.json()["error"]
    assert "KAFKA_CLIENT_CONFIG" in answer.json()["hint"] or wrong == no_rule
    again = requests.post(f"{api.url}/like", timeout=20)
    assert words in again.json()["error"]
    assert words in requests.get(f"{member.url}/health", timeout=20).json()["error"]

    code, printed = run_py(secured.bootstrap_servers, "labs", "doctor")
    assert code == 1
    assert words in printed
    lines = [*api.lines, *member.lines, printed]
    assert not [line for line in lines if "Traceback" in line or password in line]


def test_doctor_reports_a_missing_tls_setting(secured, monkeypatch):
    monkeypatch.delenv("KAFKA_CLIENT_CONFIG", raising=False)
    code, printed = run_py(secured.bootstrap_servers, "labs", "doctor")
    assert code == 1
    assert "the broker expects TLS" in printed
    assert "-> check the file that KAFKA_CLIENT_CONFIG names: TLS" in printed


def test_settings_that_are_not_for_all_clients_are_refused(tmp_path):
    file = tmp_path / "client.properties"
    for content in (b"\xff\xfe", b"group.instance.id=a", b"transactional.id=a", b"api.version.request=false"):
        file.write_bytes(content)
        with pytest.raises(InvalidSettings, match=r"^KAFKA_CLIENT_CONFIG "):
            client_config("localhost:1", file)


@pytest.mark.parametrize("content", rest_repeats([b"no.such.setting=1", None]))
def test_an_invalid_client_properties_is_one_clear_line(tmp_path, start, group, monkeypatch, content):
    file = tmp_path / "client.properties"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(file))
    for program in (start(producer("localhost:1")), start(consumer("localhost:1", group))):
        assert program.wait() == 1
        assert len(program.lines) == 1
        assert "KAFKA_CLIENT_CONFIG" in program.lines[0] or str(file) in program.lines[0]
    code, printed = run_py("localhost:1", "labs", "topic")
    assert code == 1
    assert printed.startswith("KAFKA_CLIENT_CONFIG ")
    assert "Traceback" not in printed
