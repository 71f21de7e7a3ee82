"""Judges exercise 12: what is in memory when the partitions are lost belongs to somebody else."""

import time
from collections.abc import Iterator

from exercises.referee import Trial
from exercises.uploads import AUTO_COMMIT_SECONDS, HALF, Warehouse
from labs.checks import Goal


def goals(trial: Trial) -> Iterator[Goal]:
    warehouse = Warehouse(trial)
    try:
        yield from warehouse.begin(hold=False)
        program = warehouse.first
        warehouse.wait_for(program)

        trial.look("thrown out of the group, and back", "in on_lost, forget the batch: its next owner reads it again")
        time.sleep(AUTO_COMMIT_SECONDS)
        member = trial.throw_out(program)
        warehouse.until_all_own(program, but=member)
        warehouse.write(3 * HALF)
        warehouse.wait_for(program)
        yield warehouse.goal()

        trial.look("a second instance comes, and goes", "on_revoke still uploads and commits the batch, or forgets it")
        warehouse.second_comes_and_goes(program)
        yield warehouse.goal()

        trial.look("Ctrl+C: what is committed is in the warehouse", "commit nothing that is only in memory")
        program.interrupt()
        yield warehouse.goal()
    finally:
        warehouse.service.close()
