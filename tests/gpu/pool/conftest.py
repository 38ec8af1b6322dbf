"""A pool with hosts that tests make up, on a clock of their own."""

from collections.abc import Generator
from typing import Any

import pytest
from tests.gpu.model.server import own_server

from yivideo.gpu import GpuPool
from yivideo.gpu.amounts import Demand
from yivideo.gpu.records import Grant, Holder, Reply, Request

SECOND = 1_000_000


class Hall:
    """A pool, its clock, and agents that answer for hosts without being processes."""

    def __init__(self, pool: GpuPool) -> None:
        self.pool = pool
        self.now = 1_700_000_000 * SECOND
        self.later(0)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += round(seconds * SECOND)
        self.pool.client.set(f"{self.pool.prefix}clock", self.now)

    def host(self, name: str, *memory: int, services: tuple[str, ...] = ()) -> None:
        """A host joins, or joins again, with a device for each amount of memory."""
        answer = self.pool.register(
            host=name,
            agent=f"agent-{name}",
            boot="boot",
            namespace=f"ns-{name}",
            journal="/nowhere",
            services=services,
            pid=1,
            devices=[
                {
                    "index": index,
                    "uuid": f"GPU-{name}-{index}",
                    "model": "X",
                    "memory": size,
                    "compute": 1000,
                    "decoders": 1000,
                }
                for index, size in enumerate(memory)
            ],
        )
        self.attest(name, answer["epoch"])

    def attest(self, name: str, epoch: str, living: tuple[dict[str, Any], ...] = ()) -> None:
        """Its agent says what lives."""
        self.pool.attest(
            host=name, agent=f"agent-{name}", seen=epoch, journal_epoch=0, living=list(living)
        )

    def ask(self, name: str, demand: Demand | int, **wish: Any) -> Reply:
        """Ask for a device; a number is MiB."""
        wanted = Demand(memory=demand) if isinstance(demand, int) else demand
        return self.pool.request(Request(id=name, demand=wanted, **wish))

    def granted(self, name: str, demand: Demand | int, **wish: Any) -> Grant:
        """Ask for a device that is free."""
        grant = self.ask(name, demand, **wish).grant
        assert grant is not None
        return grant

    def held(self, name: str, demand: Demand | int, **wish: Any) -> Grant:
        """Ask for a device that is free, and claim it."""
        grant = self.granted(name, demand, **wish)
        return self.pool.claim(grant, holder(grant.host))

    def release(self, grant: Grant, keep: tuple[str, int, str] | None = None) -> list[str]:
        """Give it back; who was granted what then."""
        released = self.pool.release(grant.request, grant.fence, holder(grant.host), keep=keep)
        return [f"{next_.request} on {next_.device}" for next_ in released.grants]

    def keys(self) -> dict[bytes, bytes]:
        """Every key's value but that of the events, to see that nothing changed."""
        client = self.pool.client
        found: dict[bytes, bytes] = {}
        raw = type(client)(
            connection_pool=type(client.connection_pool)(
                **{**client.connection_pool.connection_kwargs, "decode_responses": False},
                connection_class=client.connection_pool.connection_class,
            )
        )
        with raw:
            for key in raw.keys(f"{self.pool.prefix}*"):
                if not key.endswith(b"events"):
                    found[key] = raw.dump(key)
        raw.connection_pool.disconnect()
        return found


def holder(host: str = "h", **other: Any) -> Holder:
    """A process of a host."""
    known = {"host": host, "pid": 7, "start": 70, "namespace": f"ns-{host}", "boot": "boot"}
    return Holder(**{**known, **other})


@pytest.fixture(scope="session")
def pool_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A server for tests of one pool each."""
    with own_server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def hall(pool_url: str) -> Generator[Hall]:
    """An empty pool."""
    with GpuPool(pool_url) as pool:
        pool.client.flushdb()
        yield Hall(pool)
