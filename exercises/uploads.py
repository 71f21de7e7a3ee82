"""Batches in a warehouse: what is uploaded twice, and what is committed and not there. For exercises 11 and 12."""

from collections.abc import Iterator
from itertools import count

from exercises.referee import Program, Stuck, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

BATCH = 100
HALF = 50  # likes that are in memory when the judge does something
PARTITIONS = 4
READ_SECONDS = 5.0
UPLOAD_SECONDS = 1.0  # for one upload and its commit
JOIN_SECONDS = 10.0
AUTO_COMMIT_SECONDS = 0.3  # in which an automatic commit would come: see child.QUICK


class Warehouse:
    """The service, the likes that are written, and the programs that upload them. What one fault has spoilt does not
    count against the program at the next one."""

    def __init__(self, trial: Trial):
        self.trial, self.topic = trial, trial.topic(PARTITIONS)
        self.service = Service()
        self._orders = count(1)
        self._told: set[int] = set()  # orders that a goal has already reported
        trial.found = self.wrong

    def start(self) -> Program:
        return self.trial.start(TOPIC=self.topic, WAREHOUSE_URL=self.service.url)

    def write(self, likes: int) -> None:
        self.trial.write(self.topic, [{"order": next(self._orders)} for _ in range(likes)])

    def begin(self, hold: bool) -> Iterator[Goal]:
        """The first upload; whether the second one is held."""
        self.write(2 * BATCH + HALF)
        self.service.hold_at = 2 if hold else None
        self.first = self.start()
        self.trial.wait(self.first, lambda: self.service.got, "the first upload")
        size = len(self.service.calls[0])
        self.trial.look("full batches", f"upload when there are {BATCH}")
        yield self.trial.goal(size == BATCH, f"size of the first upload: {size}")

    def wait_for(self, program: Program) -> None:
        """Until it has read all and has half a batch in memory, and is not in the middle of an upload. (Not if it keeps
        none: it uploads what it reads.) Raises `Stuck` if it ends."""
        for _ in range(3):
            wait_until(lambda: self.trial.all_read(self.topic, program) or not program.running, READ_SECONDS, 0.01)
            wait_until(lambda: not self._kept() or self._kept() % BATCH, UPLOAD_SECONDS)
            self.trial.insist_on_running(program)
            if self._kept() % BATCH:
                break
            self.write(HALF)

    def _kept(self) -> int:
        """How many likes are not committed."""
        return sum(self.trial.ends(self.topic).values()) - sum(self.trial.committed(self.topic).values())

    def until_all_own(self, *programs: Program, but: str = "") -> None:
        """Until each of them, and nobody else, has partitions. Raises `Stuck`."""

        def all_own() -> bool:
            members = self.trial.members()
            owned = [partitions for member, partitions in members if member != but]
            return len(owned) == len(members) == len(programs) and all(owned)

        wait_until(lambda: all_own() or not all(program.running for program in programs), JOIN_SECONDS)
        for program in programs:
            self.trial.insist_on_running(program)
        if not all_own():
            raise Stuck(f"{len(programs)} instances do not share the partitions: {self.trial.members()}")

    def second_comes_and_goes(self, program: Program) -> None:
        """While this program has half a batch in memory, and with Ctrl+C just as the second one reads."""
        second = self.start()
        self.until_all_own(program, second)
        self.write(BATCH)
        wait_until(lambda: self.trial.all_read(self.topic, program, second), READ_SECONDS, 0.01)
        second.interrupt_at_next_read()
        self.write(BATCH)
        wait_until(lambda: not second.running, READ_SECONDS, 0.01)
        second.kill()
        self.until_all_own(program)
        self.write(BATCH + HALF)
        self.wait_for(program)  # what it has kept without right is uploaded first

    def goal(self) -> Goal:
        wrong = self.wrong()
        return self.trial.goal(not wrong, f"{len(self.service.got)} likes in the warehouse{wrong}")

    def wrong(self) -> str:
        """What is wrong there since the last goal."""
        got = self.service.got
        passed = {event["order"] for event in self.trial.passed(self.topic)}
        twice = {order for order, times in got.items() if times > 1} - self._told
        lost = passed - set(got) - self._told
        self._told |= twice | lost
        return (f"; twice: orders {some(twice)}" if twice else "") + (
            f"; committed, but not there: orders {some(lost)}" if lost else ""
        )
