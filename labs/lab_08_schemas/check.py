"""Lab 8: Message content and schemas."""

import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import jsonschema
from confluent_kafka import Message
from fastavro.read import SchemaResolutionError

from brokers import registry
from labs.checks import Goal, Leaves
from labs.evidence import Evidence, is_like, order_of
from labs.lab_08_schemas.add_field import ORDER
from labs.lab_08_schemas.schemas import FIELDS, FORMS, NEW, UNKNOWN, avro_schema, json_schema, protobuf_class
from labs.topics import named
from plumbing import Problem
from settings import GROUP, SCHEMA_REGISTRY_URL, TOPIC

PREFIX = 5  # bytes before the event: a zero, and the schema's id
REJECTS = "rejects version 3"
RUN = "python run.py labs/lab_08_schemas/schemas.py"
REGISTRY = f"python run.py registry, in another terminal; when it is ready: {RUN} avro"


def in_use() -> Problem | None:
    """A registry has the schemas in memory as well, and would not notice that its topic is gone."""
    if not registry.answers():
        return None
    what = f"the registry works with the topic {registry.SCHEMAS}, so nothing is deleted"
    return Problem(what, "end it (Ctrl+C in its terminal), then: python run.py labs reset 8")


LEAVES = Leaves((*(named(f"likes-{form}") for form in FORMS), *registry.TOPICS), in_use=in_use)


def goals(seen: Evidence) -> Iterator[Goal]:
    yield _extra_and_missing(seen)
    yield _versions("avro", seen, read_avro, REJECTS)
    yield _versions("json", seen, read_json, REJECTS)
    yield _versions("protobuf", seen, read_protobuf, "reads version 3 as ts_ms=0")
    runs = _runs_with_a_registry(seen)
    why = "a run wrote avro versions 1 and 2 only" if runs else "no run wrote avro versions 1 and 2, and not 3"
    yield Goal("a registry rejected version 3", bool(runs), why, REGISTRY)
    yield _ids_survive(runs, seen)


def _extra_and_missing(seen: Evidence) -> Goal:
    committed = seen.passed(GROUP, TOPIC)
    records = seen.records(TOPIC)
    read = [record for record in records if committed.get(record.partition(), 0) > record.offset()]
    unread = [record for record in records if committed.get(record.partition(), 0) <= record.offset()]
    extra = [record for record in read if is_like(record) and json.loads(record.value()).keys() > FIELDS[1].keys()]
    missing = [record for record in read if not is_like(record) and f'"order": {ORDER}' in str(record.value())]
    why = f"{GROUP} has moved past {len(extra)} with an extra field, {len(missing)} with a missing one"
    what = "a like with an extra field was read, one with a missing field was not"
    following = "python run.py labs/lab_08_schemas/add_field.py"
    if any(order_of(record) == ORDER for record in unread):
        following = "start 1   (in the terminal of run.py; its consumers read them)"
    return Goal(what, bool(extra and missing), why, following)


def _versions(form: str, seen: Evidence, read, expected: str) -> Goal:
    """How a reader of version 2 reads the last event of each version in the log."""
    what = f"{form}, three versions"
    following = RUN
    records: dict[int, Message] = {}
    for record in seen.records(named(f"likes-{form}")):
        records[int(dict(record.headers() or []).get("version", b"0"))] = record
    if missing := FIELDS.keys() - records.keys():
        why = f"no event of version {', '.join(map(str, sorted(missing)))}"
        if records:
            why += ", which a registry rejects"
            end = "unset SCHEMA_REGISTRY_URL" if SCHEMA_REGISTRY_URL else "end the registry (Ctrl+C in its terminal)"
            following = f"{end}, then: {RUN}"
        return Goal(what, False, why, following)
    if any(record.value()[0] != 0 for record in records.values()):
        return Goal(what, False, "an event does not start with its schema's id", following)
    old, new = (read(records[version].value()[PREFIX:], version) for version in (1, 3))
    reads_old = old is not None and old["ts_ms"] > 0 and old.get(NEW) != "de"
    outcome = REJECTS if new is None else f"reads version 3 as ts_ms={new['ts_ms']}"
    why = f"version 2 {'reads' if reads_old else 'cannot read'} version 1 and {outcome}"
    return Goal(what, reads_old and outcome == expected, why, following)


def _runs_with_a_registry(seen: Evidence) -> list[tuple[int, int]]:
    """(time in ms, id of version 1) of the runs whose version 3 was rejected, oldest first."""
    runs: dict[bytes, dict[bytes, Message]] = {}
    for record in seen.records(named("likes-avro")):
        headers = dict(record.headers() or [])
        runs.setdefault(headers.get("run", b""), {})[headers.get("version", b"")] = record
    first = [versions[b"1"] for versions in runs.values() if versions.keys() == {b"1", b"2"}]
    return [(record.timestamp()[1], int.from_bytes(record.value()[1:PREFIX], "big")) for record in first]


def _ids_survive(runs: list[tuple[int, int]], seen: Evidence) -> Goal:
    what = "the ids survived a restart of the registry"
    starts = [
        record.timestamp()[1] for record in seen.records(registry.SCHEMAS) if b'"Bootstrap"' in (record.key() or b"")
    ]
    for start in starts:
        before, after = ({number for at, number in runs if (at > start) is later} for later in (False, True))
        if before & after:
            return Goal(what, True, f"version 1 had id {min(before & after)} before and after it")
    why = f"starts of a registry in {registry.SCHEMAS}: {len(starts)}; runs with one: {len(runs)}"
    again = f"end the registry (Ctrl+C in its terminal); {REGISTRY}" if runs else REGISTRY
    return Goal(what, False, why, again)


def read_avro(value: bytes, version: int) -> Any:
    """An event of this version as a reader of version 2 sees it; None if it rejects it."""
    written, own = (json.loads(avro_schema(number)) for number in (version, 2))
    for field in own["fields"]:
        if field["name"] == NEW:
            field.setdefault("default", UNKNOWN)  # the page's "Go on" removes it from the program
    try:
        return fastavro.schemaless_reader(io.BytesIO(value), fastavro.parse_schema(written), fastavro.parse_schema(own))
    except SchemaResolutionError:
        return None


def read_json(value: bytes, _version: int) -> dict | None:
    event = json.loads(value)
    return event if jsonschema.Draft202012Validator(json.loads(json_schema(2))).is_valid(event) else None


def read_protobuf(value: bytes, _version: int) -> dict:
    message = protobuf_class(2).FromString(value[1:])  # the byte before: the first message of the schema
    return {name: getattr(message, name) for name in FIELDS[2]}
