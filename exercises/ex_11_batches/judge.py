"""Judges exercise 11: batches of a hundred, and each like once, whoever joins or leaves."""

import time
from collections.abc import Iterator

from exercises.referee import Trial, exit_of
from exercises.uploads import AUTO_COMMIT_SECONDS, READ_SECONDS, Warehouse
from labs.checks import Goal
from plumbing.waiting import wait_until


def goals(trial: Trial) -> Iterator[Goal]:
    warehouse = Warehouse(trial)
    try:
        yield from warehouse.begin(hold=True)

        trial.look("kill -9 in the middle of an upload", "commit when the batch is uploaded, and not before")
        wait_until(warehouse.service.holding.is_set, READ_SECONDS, 0.01)
        time.sleep(AUTO_COMMIT_SECONDS)
        warehouse.first.kill()
        warehouse.service.go_on()
        yield warehouse.goal()

        trial.look("a second instance comes, and goes", "in on_revoke, upload and commit the batch, or forget it")
        trial.next_round(warehouse.topic)
        program = warehouse.start()
        warehouse.wait_for(program)
        warehouse.second_comes_and_goes(program)
        yield warehouse.goal()

        trial.look("Ctrl+C: what is committed is in the warehouse", "commit nothing that is only in memory")
        code = program.interrupt()
        yield warehouse.goal()
        trial.look("Ctrl+C ends it", "close() in a finally, and no except that catches all")
        yield trial.goal(code is not None, exit_of(code))
    finally:
        warehouse.service.close()
