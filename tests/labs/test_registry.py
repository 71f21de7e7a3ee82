"""schemas.py of lab 8 with a schema registry over HTTP: what the registry rejects is reported, and not written."""

import socket
import threading

import pytest
import waitress
from flask import Flask, request

from tests.programs import run_py


@pytest.fixture
def registry():
    """The URL of a server with the part of the registry's API that the serializers need; it rejects version 3."""
    app = Flask(__name__)
    schemas: list[dict] = []

    @app.post("/subjects/<subject>/versions")
    def register(subject):
        schema = request.get_json()
        if any(
            version_3 in schema["schema"] for version_3 in ('"ts_ms", "type": "string"', '"ts_ms": {"type": "string"')
        ):
            return {"error_code": 409, "message": f"Schema being registered is incompatible with {subject}"}, 409
        if schema not in schemas:
            schemas.append(schema)
        return {"id": schemas.index(schema) + 1, **schema}

    @app.get("/schemas/ids/<int:number>")
    def by_id(number):
        return schemas[number - 1]

    listener = socket.create_server(("127.0.0.1", 0))
    server = waitress.create_server(app, sockets=[listener])
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.trigger.pull_trigger(server.close)  # in its own thread, which may just be waiting in select
    server.task_dispatcher.shutdown()


def test_a_schema_that_the_registry_rejects_is_not_written(kafka, registry, group, monkeypatch):
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # is for the world outside
    _, printed = run_py(kafka, group, "labs/lab_08_schemas/schemas.py")
    avro = printed.partition("json\n")[0]
    assert "  the registry rejects version 3 (409): Schema being registered is incompatible" in avro, printed
    assert "  a reader of version 2 reads version 1: ts_ms=1734721501000, country=??" in avro
    assert "reads version 3" not in avro
