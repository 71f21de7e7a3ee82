"""Lab 19: done by half, in another order, twice. tests/labs shows that its program leaves this evidence."""

from labs.lab_19_compaction import check
from labs.topics import named
from tests.unit.deeds import EACH, Record, Seen, both_tests

PROFILES = named("profiles")
CHANGED, ONE_EACH, GONE, KEPT = (
    "the profiles were changed",
    "of ann and of ben, only the last record is left",
    "cem is gone, and so is the tombstone",
    "the others kept their offsets",
)
ALL = {CHANGED, ONE_EACH, GONE, KEPT}
ALL_WRITTEN = [(offset, ("ann", "ben", "cem")[offset % 3]) for offset in range(150)] + [(150, "cem")]
TICKS = [(158, "dan"), (159, "dan")]
CLEANED = [(147, "ann"), (148, "ben"), *TICKS]


class Cluster(Seen):
    """The offsets and keys of the profiles, and where they end."""

    def __init__(self, profiles=(), end: int = 0):
        super().__init__({PROFILES: [Record(b"", offset=offset, key=key.encode()) for offset, key in profiles]})
        self.ends = lambda topic: {0: end} if topic == PROFILES else {}


CASES = {
    "nothing": (Cluster(), set()),
    "everything": (Cluster(CLEANED, 160), ALL),
    "before the cleaner comes": (Cluster(ALL_WRITTEN, 151), {CHANGED}),
    "while the tombstone is there": (Cluster([*CLEANED[:2], (150, "cem"), (151, "dan")], 152), ALL - {GONE}),
    "a second run, before the cleaner": (Cluster(CLEANED + [(160 + n, key) for n, key in ALL_WRITTEN], 311), ALL),
    "a second run, stopped while it wrote": (Cluster([*CLEANED, (160, "ann"), (161, "ben"), (162, "cem")], 163), ALL),
    "a second run, after it": (Cluster([(307, "ann"), (308, "ben"), (315, "dan")], 316), ALL),
    "stopped while it wrote: no cem was there, so none is gone": (Cluster([(0, "ann"), (1, "ben")], 2), set()),
    "one more deleted profile undoes nothing": (Cluster([(147, "ann"), *TICKS], 160), ALL),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_19_compaction/…"),
    ("everything", KEPT, "4 of 160 offsets have a record: 147, 148, 158, 159"),
    ("a second run, after it", ONE_EACH, "ann at offset 307, ben at offset 308"),
    ("before the cleaner comes", GONE, "records with this key: 51"),
    ("before the cleaner comes", ONE_EACH, "there are 50 records of ann, 50 of ben"),
    ("while the tombstone is there", GONE, "records with this key: 1"),
]
test_goals, test_words = both_tests(check, CASES, SAID)
