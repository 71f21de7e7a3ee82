"""Lab 8: likes in Avro, JSON Schema and Protobuf, with confluent-kafka's serializers. Which versions of the schema can
read which?

    python run.py labs/lab_08_schemas/schemas.py
    python run.py labs/lab_08_schemas/schemas.py avro       only this format

Version 1 is the like you know. Version 2 adds the field `country`. Version 3 changes `ts_ms` from number to text.
Each version writes three events; then readers of versions 1 and 2 read them all.

The schema registry is confluent-kafka's mock: it lives in this process, gives each schema an id, and accepts any. A
real one (python run.py registry, or SCHEMA_REGISTRY_URL) checks whether a version is compatible with the one before.
"""

import argparse
import json
import uuid

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from fastavro.read import SchemaResolutionError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict

from brokers import registry as real
from labs.topics import make_topic, named, read
from plumbing.kafka import client_config
from settings import SCHEMA_REGISTRY_URL, spare_this_computer

FORMS = ("avro", "json", "protobuf")
EVENTS = 3  # per version
FIELDS = {  # version -> field -> type
    1: {"order": int, "clicked_at": str, "ts_ms": int},
    2: {"order": int, "clicked_at": str, "ts_ms": int, "country": str},
    3: {"order": int, "clicked_at": str, "ts_ms": str, "country": str},
}
NEW = "country"  # the field that version 2 adds; optional, because older events do not have it
UNKNOWN = "??"
MOCK = "mock://labs"


def avro_schema(version: int) -> str:
    types = {int: "long", str: "string"}
    fields = [{"name": name, "type": types[kind]} for name, kind in FIELDS[version].items()]
    for field in fields:
        if field["name"] == NEW:
            field["default"] = UNKNOWN
    return json.dumps({"type": "record", "name": "Like", "fields": fields})


def json_schema(version: int) -> str:
    types = {int: "integer", str: "string"}
    properties = {name: {"type": types[kind]} for name, kind in FIELDS[version].items()}
    required = [name for name in properties if name != NEW]
    return json.dumps({"title": "Like", "type": "object", "properties": properties, "required": required})


def protobuf_class(version: int):
    """What protoc generates from `message Like { int64 order = 1; string clicked_at = 2; int64 ts_ms = 3; ... }`."""
    file = descriptor_pb2.FileDescriptorProto(name="like.proto", syntax="proto3")
    message = file.message_type.add(name="Like")
    kind_of = descriptor_pb2.FieldDescriptorProto
    types = {int: kind_of.TYPE_INT64, str: kind_of.TYPE_STRING}
    for number, (name, kind) in enumerate(FIELDS[version].items(), start=1):
        message.field.add(name=name, number=number, type=types[kind], label=kind_of.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()  # a separate one: each version has the same name
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Like"))


def serializer(form: str, version: int, registry: SchemaRegistryClient):
    """A function (like as a dict, context) -> bytes."""
    if form == "avro":
        return AvroSerializer(registry, avro_schema(version))
    if form == "json":
        return JSONSerializer(json_schema(version), registry)
    message_class = protobuf_class(version)
    serialize = ProtobufSerializer(message_class, registry)
    return lambda like, context: serialize(message_class(**like), context)


def deserializer(form: str, version: int, registry: SchemaRegistryClient):
    """A function (bytes, context) -> like as a dict."""
    if form == "avro":
        return AvroDeserializer(registry, avro_schema(version))
    if form == "json":
        return JSONDeserializer(json_schema(version), schema_registry_client=registry)
    deserialize = ProtobufDeserializer(protobuf_class(version), schema_registry_client=registry)
    as_dict = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
    return lambda value, context: MessageToDict(deserialize(value, context), **as_dict)


def like(number: int, version: int) -> dict:
    event = {"order": number, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000, NEW: "de"}
    return {name: kind(event[name]) for name, kind in FIELDS[version].items()}


def write(form: str, topic: str, run: str, registry: SchemaRegistryClient) -> None:
    """Write the events of each version whose schema the registry accepts."""
    producer = Producer(client_config())
    context = SerializationContext(topic, MessageField.VALUE)
    for version in FIELDS:
        serialize = serializer(form, version, registry)
        try:
            values = [serialize(like(number, version), context) for number in range(1, EVENTS + 1)]
        except (SchemaRegistryError, SerializationError) as error:
            print(f"  {refusal(error, version)}")
            continue
        for value in values:
            producer.produce(topic, value, headers={"run": run, "version": str(version)}, partition=0)
        print(f"  version {version}: {len(values[0])} bytes, the first five are {values[0][:5].hex(' ')}")
    producer.flush(15)


def read_all(form: str, topic: str, run: str, registry: SchemaRegistryClient) -> None:
    """Print how readers of versions 1 and 2 read the events of each version."""
    context = SerializationContext(topic, MessageField.VALUE)
    for reader in (1, 2):
        deserialize = deserializer(form, reader, registry)
        results = {}
        for record in read(topic):
            headers = dict(record.headers() or [])
            if headers.get("run") != run.encode():
                continue
            try:
                event = deserialize(record.value(), context)
                result = ", ".join(f"{name}={event.get(name, 'missing')}" for name in ("ts_ms", NEW))
            except (SerializationError, SchemaResolutionError) as error:
                result = f"rejected, {reason(error)}"
            results[headers["version"].decode()] = result
        for version, result in results.items():
            print(f"  a reader of version {reader} reads version {version}: {result}")


def registry_url() -> str:
    """The address of a real registry, empty for the mock."""
    return SCHEMA_REGISTRY_URL or (real.URL if real.answers() else "")


def refusal(error: Exception, version: int) -> str:
    if not isinstance(error, SchemaRegistryError):
        return f"version {version} cannot be written: {reason(error)}"
    if error.http_status_code != 409:  # Apicurio 3.0.9 cannot compare what the serializer sends for Protobuf
        return f"the registry fails at version {version} ({error.http_status_code}): {reason(error)}"
    where = error.error_message.rpartition("list of diff types: ")[2]  # of Apicurio's words, what is incompatible
    return f"the registry rejects version {version} (409): {where}"


def reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:90]


def main() -> None:
    parser = argparse.ArgumentParser(prog="schemas.py")
    parser.add_argument("forms", nargs="*", metavar="FORM", help=f"one of {', '.join(FORMS)}; without it, all")
    forms = parser.parse_args().forms or FORMS
    if unknown := set(forms) - set(FORMS):
        parser.error(f"there is no format {unknown.pop()}: {', '.join(FORMS)}")
    spare_this_computer()
    url = registry_url()
    print(f"schema registry: {url}" if url else "schema registry: a mock, which accepts everything")
    registry = SchemaRegistryClient.new_client({"url": url or MOCK})
    run = uuid.uuid4().hex
    for form in forms:
        topic = named(f"likes-{form}")
        make_topic(topic, 1)
        print(form)
        write(form, topic, run, registry)
        read_all(form, topic, run, registry)


if __name__ == "__main__":
    main()
