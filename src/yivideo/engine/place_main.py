"""The process of a place: `python -m yivideo.engine.place_main --name NAME --queue QUEUE...`."""

import argparse
import logging
import signal
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from celery.platforms import SecurityWarning
from celery.signals import worker_ready

from yivideo.engine.child import Limits, StepChild
from yivideo.engine.hints import TASK
from yivideo.engine.parts import assemble
from yivideo.engine.place import Worker
from yivideo.engine.presence import note_presence
from yivideo.engine.settings import EngineSettings
from yivideo.telemetry.logs import set_up_logs

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out steps until a signal asks it to end.

    SIGTERM lets the step under way finish; SIGUSR1 gives it back to be run elsewhere.
    """
    parser = argparse.ArgumentParser(prog="yivideo.engine.place_main", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--queue", action="append", required=True)
    args = parser.parse_args(arguments)
    set_up_logs(args.name)
    parts = assemble(EngineSettings.from_environment(), args.name.partition("@")[0])
    with StepChild(Limits()) as child:
        parts.follower.start()
        worker = Worker(
            settings=parts.settings,
            name=args.name,
            ledger=parts.ledger,
            pool=parts.pool,
            store=parts.store,
            dispatcher=parts.dispatcher,
            child=child,
        )

        def run_step(step_id: int, number: int, grant: Mapping[str, Any] | None = None) -> None:
            try:
                worker.perform(step_id, number, grant)
            except Exception:
                # Nobody reads a hint's result: the ledger finds the attempt, the log says why.
                logger.exception("Step %d failed outside of its child", step_id)

        parts.app().task(name=TASK)(run_step)

        def listen(**_: object) -> None:
            signal.signal(signal.SIGUSR1, lambda _number, _frame: worker.give_back.set())
            note_presence(parts.settings.state, args.name.partition("@")[0])

        # Celery, as it starts, takes this signal for a wish to see stacks.
        worker_ready.connect(listen, weak=False)
        # Whether it runs as root is for whoever starts it to decide.
        warnings.filterwarnings("ignore", category=SecurityWarning)
        parts.app().Worker(
            pool="solo",
            queues=",".join(args.queue),
            hostname=args.name,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="WARNING",
            quiet=True,
        ).start()
        worker.finish()


if __name__ == "__main__":
    main()
