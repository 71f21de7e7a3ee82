"""Who may call over HTTP: this computer's programs and pages, and no website that is open in its browser."""

import pytest

import consumer
import producer
import settings
from launcher import control
from tests.unit.test_producer import FakeOrders, FakeProducer

APPS = {
    "producer": lambda: producer.create_app(FakeProducer(), FakeOrders()),
    "consumer": lambda: consumer.create_app(None, consumer.History()),
}
OURS = [
    {"Host": "localhost:5001"},
    {"Host": "LOCALHOST"},
    {"Host": "127.0.0.1:8080"},
    {"Host": "[::1]:5001"},
    {"Host": "localhost:5001", "Origin": "http://localhost:8501"},
    {"Host": "localhost:5001", "Origin": "http://127.0.0.1"},
    {"Host": "localhost:5001", "Origin": "https://[::1]:8501"},
]
FROM_A_BROWSER = [
    *({"Sec-Fetch-Site": site} for site in ("none", "same-origin", "same-site")),
    # To a browser, 127.0.0.1 and localhost are two sites.
    {"Host": "localhost:5001", "Origin": "http://127.0.0.1:8501", "Sec-Fetch-Site": "cross-site"},
]
FOREIGN = [
    {"Host": "evil.example:5001"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example:5001"},
    {"Host": "192.168.1.7:5001"},
    {"Host": "localhost:5001@evil.example"},
    {"Host": "localhost:5001", "Origin": "https://evil.example"},
    {"Host": "localhost:5001", "Origin": "http://localhost.evil.example"},
    {"Host": "localhost:5001", "Origin": "null"},
    {"Host": "localhost:5001", "Origin": "http://evil.example#http://localhost"},
]
NAMED = [
    {"Host": "likes-5001.app.github.dev"},
    {"Host": "Likes-5001.app.github.dev:443", "Origin": "https://likes-5001.app.github.dev"},
    {"Host": "localhost:5001", "Origin": "https://likes-5001.app.github.dev"},
    {"Host": "[fd00::1]:5001"},
]


@pytest.fixture(params=APPS)
def client(request):
    return APPS[request.param]().test_client()


@pytest.mark.parametrize("headers", [*OURS, *FROM_A_BROWSER], ids=str)
def test_programs_on_this_computer_may_call(client, headers):
    assert client.get("/messages", headers=headers).status_code in (200, 404)  # the producer has none


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/like", "/status", "/no-such-path"])
def test_another_site_may_not_call(client, headers, path):
    answer = client.post(path, headers=headers)
    assert answer.status_code == 403
    assert answer.json["error"].startswith("only programs and pages of this computer may call http://localhost:")
    assert answer.json["hint"]


def test_a_site_that_is_refused_has_sent_no_like():
    fake = FakeProducer()
    client = producer.create_app(fake, FakeOrders()).test_client()
    for headers in FOREIGN:
        client.post("/like", headers=headers)
        client.post("/likes", json={"count": 3}, headers=headers)
    assert fake.sent == []


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_cannot_command_run_py_even_with_the_token(headers):
    taken = []
    client = control.create_app("secret", taken.append).test_client()
    answer = client.post("/", json={"command": "stop 1"}, headers={"Authorization": "Bearer secret", **headers})
    assert answer.status_code == 403
    assert answer.json["hint"]
    assert taken == []


@pytest.mark.parametrize("headers", NAMED, ids=str)
def test_a_named_host_gets_in_and_no_other(client, monkeypatch, headers):
    assert client.get("/messages", headers=headers).status_code == 403
    monkeypatch.setattr("settings.ALLOWED_HOSTS", ("likes-5001.app.github.dev", "[fd00::1]"))
    assert client.get("/messages", headers=headers).status_code in (200, 404)  # the producer has none
    for another in FOREIGN:
        assert client.get("/messages", headers=another).status_code == 403


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", ()),
        ("Likes-8501.app.github.dev", ("likes-8501.app.github.dev",)),
        ("https://a.example:8501/page?x=1, b.example:80 [FD00::1]:5001,", ("a.example", "b.example", "[fd00::1]")),
    ],
)
def test_hosts_may_be_named_as_a_browser_shows_them(text, hosts):
    assert settings._hosts(text) == hosts


@pytest.mark.parametrize("text", ["*", "*.app.github.dev", "https://", "a@b.example", "a.example;b"])
def test_what_is_not_a_host_is_refused_by_name(text):
    with pytest.raises(SystemExit, match="which is not the name of a host") as refused:
        settings._hosts(text)
    assert str(refused.value).startswith(f"ALLOWED_HOSTS has {text!r}")


@pytest.mark.parametrize("path", ["/like", "/status", "/no-such-path"])
def test_another_site_that_sends_no_origin_does_not_get_in(client, path):
    for method in ("GET", "POST"):
        assert client.open(path, method=method, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
