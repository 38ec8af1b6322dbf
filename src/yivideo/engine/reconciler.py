"""Puts right what was lost: hints, attempts of the dead, leases of the ended, the mirror.

Any number may run: each thing it does is a guarded transition or may be repeated.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import redis

from yivideo.config.schema import DAY_S
from yivideo.engine.callbacks import deliver_due
from yivideo.engine.guarding import note_devices, watch_over
from yivideo.engine.keeping import Keeper
from yivideo.engine.ledger.records import Event, Outcome, Running
from yivideo.engine.parts import Parts
from yivideo.engine.ruling import Ruling, record_of
from yivideo.errors import LedgerUnavailable, PoolError, ServerUnavailable, WorkflowUnknown
from yivideo.gpu.processes import Process, Watch, is_alive
from yivideo.storage.redis import connect, with_database

logger = logging.getLogger(__name__)

MIRROR_DATABASE = 3
# Between turns; the longer while nothing runs here. A death ends the pause at once.
_TURN_S = 0.5
_IDLE_TURN_S = 1.0
# A place whose child died has so long to say how: it may have been the video's fault.
_LAST_WORDS_S = 2.0
# A change of the configuration is looked at every so many turns.
_GUARD_TURNS = 10
# A callback under way when it ends is delivered once more by the next one.
_FAREWELL_S = 2.0
# A lease may outlive its attempt by so long: of commit and release either may be the first.
_LEASE_SLACK_S = 5.0
# What nobody refreshes any more goes from the mirror after a week.
_MIRROR_LIFE_S = 7 * 86400


class Reconciler:
    """One reconciler.

    Args:
        parts: the system's; the process follows the configuration while this runs.
        keeper: keeps the configuration in step with its file, where this one owns it.
    """

    def __init__(self, parts: Parts, keeper: Keeper | None = None) -> None:
        self._settings = parts.settings
        self._ledger = parts.ledger
        self._pool = parts.pool
        self._dispatcher = parts.dispatcher
        self._store = parts.store
        self._follower = parts.follower
        self._board = parts.board
        self._keeper = keeper
        self._mirror = connect(with_database(parts.settings.redis_url, MIRROR_DATABASE))
        self._told = -1
        # Which life of the server was seen last, and what rule was shown in which life.
        self._life = ""
        self._shown: tuple[str, Ruling | None] = ("", None)
        self._suspects: dict[str, float] = {}
        # Sees the processes of this host's attempts die, while this runs; and since when attempts
        # are without a child.
        self._watch: Watch | None = None
        self._watched: set[str] = set()
        self._orphaned: dict[int, float] = {}
        # Attempts that are silent, and since when that is seen; whether the ledger answered.
        self._silent: dict[int, float] = {}
        self._ledger_heard = True
        self._stop = threading.Event()

    def stop(self) -> None:
        """Make `run` return after the present turn."""
        self._stop.set()
        if self._watch is not None:
            self._watch.wake()

    def run(self) -> None:
        """Take turns until `stop` is called."""
        # A receiver of callbacks may be slow, and a file store too: nobody's step waits for them.
        slow = threading.Thread(target=self._run_slow, name="callbacks", daemon=True)
        slow.start()
        if self._keeper is not None:
            self._keeper.start()
        self._follower.start()
        turn = 0
        with Watch() as self._watch:
            while not self._stop.is_set():
                self._guarded(self.send_due)
                self._guarded(self.find_dead)
                self._guarded(self.mirror)
                if turn % 4 == 0:
                    self._guarded(self.end_leases)
                turn += 1
                self._watch.wait(_TURN_S if self._watched else _IDLE_TURN_S)
        if self._keeper is not None:
            self._keeper.stop()
        self._follower.stop()
        slow.join(_FAREWELL_S)

    def _run_slow(self) -> None:
        turn = 0
        while not self._stop.is_set():
            self._guarded(self.call_back)
            self._guarded(self.show_configuration)
            if turn % _GUARD_TURNS == 0:
                self._guarded(self.watch_over)
            if turn % 120 == 0:
                self._guarded(self.forget_old)
                self._guarded(self.remove_files)
            turn += 1
            self._stop.wait(_TURN_S)

    def _guarded(self, part: Callable[[], None]) -> None:
        try:
            part()
        except LedgerUnavailable as error:
            self._ledger_heard = False
            logger.warning("%s", error)
        except (ServerUnavailable, redis.RedisError) as error:
            logger.warning("%s", error)
        except PoolError as error:
            logger.debug("%s", error)
        except Exception:
            # The rest must go on, and the next turn may do better.
            logger.exception("The reconciler could not do something.")

    def send_due(self) -> None:
        """Send hints again for ready steps that nobody has claimed for a while."""
        self._notice_loss()
        due = self._ledger.due()
        # What could not be sent stays due.
        if due and (sent := self._dispatcher.send(due)):
            self._ledger.note_hints(sent)

    def _notice_loss(self) -> None:
        """After a restart of Redis all hints may be lost: send them anew, without back-off.

        The same at the start of this reconciler, which cannot know what was lost before.
        """
        life = str(cast("Mapping[str, Any]", self._mirror.info("server"))["run_id"])
        if life != self._life:
            number = self._ledger.hint_all_again()
            if self._life:
                logger.warning("Redis was started anew: %d hints are sent again.", number)
            self._life = life

    def find_dead(self) -> None:
        """End the attempts of processes that are gone, and of hosts that fell silent."""
        running = self._ledger.running()
        here = [one for one in running if one.host == self._settings.host and one.process]
        now = time.monotonic()
        before, self._orphaned = self._orphaned, {}
        for attempt in here:
            if is_alive(Process.from_record(attempt.process)) is False:
                since = self._orphaned[attempt.attempt_id] = before.get(attempt.attempt_id, now)
                if _place_is_gone(attempt) or now - since >= _LAST_WORDS_S:
                    self._lose(attempt, f"its process {attempt.pid} is gone")
        self._look_out(here)
        self._find_silent()

    def _look_out(self, attempts: Sequence[Running]) -> None:
        """Have the next death among the attempts' processes end the pause between turns."""
        if self._watch is None:
            return
        wanted = {
            f"{attempt.attempt_id}:{record['pid']}": Process.from_record(record)
            for attempt in attempts
            for record in (attempt.process, attempt.process.get("place"))
            if record
        }
        for key in self._watched - wanted.keys():
            self._watch.remove(key)
        for key in wanted.keys() - self._watched:
            self._watch.add(key, wanted[key])
        self._watched = set(wanted)

    def _find_silent(self) -> None:
        """End the attempts that are silent while the ledger listens.

        After an outage of the ledger all are silent: they have the time of a beat to be heard.
        """
        silent = {one.attempt_id: one for one in self._ledger.silent(self._settings.silence_s)}
        began = time.monotonic()
        if silent:
            # Locked, it may be read and yet hears nobody.
            self._ledger.listen()
        now = time.monotonic()
        if not self._ledger_heard or now - began > self._settings.beat_s / 2:
            self._silent = {}
            self._ledger_heard = True
        self._silent = {attempt: self._silent.get(attempt, now) for attempt in silent}
        for attempt, since in self._silent.items():
            if now - since >= self._settings.beat_s:
                one = silent[attempt]
                self._lose(one, f"its worker on {one.host} fell silent")

    def _lose(self, attempt: Running, why: str) -> None:
        outcome = self._ledger.lose(attempt.attempt_id, why)
        if outcome is not None:
            logger.warning("%s of %s is lost: %s.", attempt.name, attempt.workflow_id, why)
            self._follow(outcome)

    def _follow(self, outcome: Outcome) -> None:
        self._dispatcher.send(outcome.ready)

    def end_leases(self) -> None:
        """End the holders of leases whose attempts have ended: their results count no more."""
        running = {attempt.fence for attempt in self._ledger.running() if attempt.fence}
        now = time.monotonic()
        seen: dict[str, float] = {}
        # On a lost host nobody hears it; when it is back, its agent says what lives.
        devices = [device for device in self._pool.snapshot().devices if device.state != "lost"]
        for device in devices:
            for lease in device.leases:
                if lease.state != "held" or not lease.request.startswith("step:"):
                    continue
                if lease.fence in running:
                    continue
                seen[lease.fence] = since = self._suspects.get(lease.fence, now)
                if now - since > _LEASE_SLACK_S:
                    logger.warning("%s holds %s after its end.", lease.request, device.id)
                    self._pool.overrun(lease.request, lease.fence)
        self._suspects = seen

    def mirror(self) -> None:
        """Keep `workflow_state:<id>` in database 3 for people with redis-cli."""
        if self._told < 0:
            # What happened before is shown as far as it is still worth it.
            self._told = max(0, self._ledger.last_event() - 1000)
        while events := self._ledger.events(self._told, limit=500):
            self._show(events)
            self._told = events[-1].id

    def _show(self, events: Sequence[Event]) -> None:
        with self._mirror.pipeline(transaction=False) as pipe:
            # Those of no workflow tell of the configuration.
            for identity in dict.fromkeys(e.workflow_id for e in events if e.workflow_id):
                key = f"workflow_state:{identity}"
                try:
                    state = json.dumps(asdict(self._ledger.workflow(identity)), ensure_ascii=False)
                except WorkflowUnknown:
                    pipe.delete(key)
                else:
                    pipe.set(key, state, ex=_MIRROR_LIFE_S)
            pipe.execute()

    def forget_old(self) -> None:
        """Forget what is older or more than is to be kept."""
        keep = self._follower.now().settings.retention
        if keep.days is not None:
            while self._ledger.expire(keep.days * DAY_S, keep.number):
                continue

    def show_configuration(self) -> None:
        """Show in Redis what rules, for those who have no ledger; after a loss of Redis, too."""
        ruling = self._follower.now()
        if ruling.version and (self._life, ruling) != self._shown:
            self._board.publish(record_of(ruling))
            self._shown = (self._life, ruling)

    def watch_over(self) -> None:
        """Look at what the last change of the configuration has done, and act on it."""
        note_devices(self._ledger.configuration, self._pool.snapshot())
        watch_over(self._ledger.configuration, self._follower.now())

    def remove_files(self) -> None:
        """Remove the results of what was deleted or forgotten."""
        while uris := self._ledger.removals():
            for uri in uris:
                self._store.remove(uri)
            self._ledger.note_removed(uris)

    def call_back(self) -> None:
        """Tell senders of the ends of their workflows."""
        private = self._follower.now().settings.callbacks.private
        deliver_due(self._ledger, self._settings, private=private)


def _place_is_gone(attempt: Running) -> bool:
    """Whether nobody is left who could say how the attempt's child ended."""
    record = attempt.process.get("place")
    return not record or is_alive(Process.from_record(record)) is False
