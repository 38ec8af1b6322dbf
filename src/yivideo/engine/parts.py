"""The parts that the processes of a running system are made of, put together from its settings."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from yivideo.engine.dispatch import Dispatcher
from yivideo.engine.following import Follower
from yivideo.engine.hints import celery_app
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.ruling import LedgerSource, record_of
from yivideo.engine.settings import EngineSettings
from yivideo.gpu.pool import GpuPool
from yivideo.storage.configuration import Board
from yivideo.storage.files import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that has a connection, once per process."""

    settings: EngineSettings
    app: "Callable[[], Celery]"
    ledger: Ledger
    pool: GpuPool
    store: FileStore
    dispatcher: Dispatcher
    follower: Follower
    board: Board

    def announce(self) -> None:
        """Take a change of the configuration up here, and tell all others of it.

        Where Redis does not answer, they find it by themselves.
        """
        self.follower.look()
        with contextlib.suppress(redis.RedisError):
            self.board.publish(record_of(self.follower.now()))


def assemble(settings: EngineSettings, name: str) -> Parts:
    """The parts of one process; nothing is connected before it is used.

    Args:
        settings: the system's.
        name: the process's, unique on its host: it follows the configuration under it.
    """
    app = celery_app(settings.redis_url)
    pool = GpuPool(settings.redis_url)
    ledger = Ledger(settings.database_url)
    board = Board(settings.redis_url)
    follower = Follower(LedgerSource(ledger.configuration), board, host=settings.host, name=name)
    return Parts(
        settings=settings,
        app=app,
        ledger=ledger,
        pool=pool,
        store=FileStore(settings.store),
        dispatcher=Dispatcher(app, pool, follower),
        follower=follower,
        board=board,
    )
