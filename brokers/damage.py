"""What a power cut has done to a broker's data folder: files that are empty, or full of zeros."""

from collections.abc import Sequence
from pathlib import Path

from brokers.failures import Failure
from settings import ROOT

METADATA, OFFSETS, TOPIC_ID = "__cluster_metadata-0", "__consumer_offsets", "partition.metadata"
# What Kafka writes again, from its logs, if it is missing.
REBUILT = ("*checkpoint", "*/*-checkpoint", f"{METADATA}/quorum-state", f"{METADATA}/{TOPIC_ID}")


def damage(data: Path) -> Failure | None:
    """The damaged files without which Kafka would start, and what to do about them at the least cost."""
    rebuilt = [path for pattern in REBUILT for path in sorted(data.glob(pattern)) if _is_damaged(path)]
    ids = [path for path in sorted(data.glob(f"*/{TOPIC_ID}")) if _is_damaged(path) and path not in rebuilt]
    if not rebuilt and not ids:
        return None
    remedies = [f"delete {_listed(rebuilt)} (Kafka writes that again, and no events are lost)"] if rebuilt else []
    remedies += [_repair(path) for path in ids]
    return Failure(f"a power cut or a similar crash has damaged {_listed([*rebuilt, *ids])}", "; ".join(remedies))


def _is_damaged(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError:  # the broker that runs has just replaced it
        return False
    return not content.strip(b"\0") and (content != b"" or not path.name.endswith("-checkpoint"))


def _repair(path: Path) -> str:
    """What to do about a partition's file with the id of its topic: without it, Kafka sets the partition aside, and
    begins an empty one."""
    partition = path.parent.name
    topic = partition.rpartition("-")[0]
    for other in sorted(path.parent.parent.glob(f"{topic}-*/{TOPIC_ID}")):
        if other.parent.name.rpartition("-")[0] == topic and not _is_damaged(other):
            return f"copy {_listed([other])} to {_listed([path.parent])} (the same topic, and no events are lost)"
    cost = "consumers read everything again" if topic == OFFSETS else f"only the events of {partition} are lost"
    return f"delete {_listed([path])} ({cost})"


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path) for path in paths)
