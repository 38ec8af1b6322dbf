"""`gpu_lock` on real Celery workers, as anyone's tasks would use it."""

import importlib
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from celery import chain, chord
from celery.exceptions import TaskRevokedError
from kombu import Connection
from tests.gpu.conftest import HERE, House, wait_for

from yivideo.config.schema import AdaptiveWait, GpuLockSettings, Runtime
from yivideo.gpu.amounts import Demand
from yivideo.gpu.willing import longest_wait
from yivideo.storage.configuration import Board

pytestmark = pytest.mark.slow

POOLS = {"prefork": ("-c", "3"), "threads": ("-P", "threads", "-c", "3"), "solo": ("-P", "solo")}


@pytest.fixture
def anyone(house: House, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The application's module, as its callers load it."""
    for name, value in house.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(HERE))
    sys.modules.pop("celery_app", None)
    return importlib.import_module("celery_app")


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("late", ["0", "1"])
def test_tasks_take_turns(house: House, anyone: ModuleType, pool: str, late: str) -> None:
    """Several tasks at once: one holds the device, the others wait, all succeed once."""
    house.worker(*POOLS[pool], ANYONE_LATE=late)
    results = [anyone.use.delay(f"t{number}", 0.1) for number in range(6)]
    answers = [result.get(timeout=20) for result in results]
    assert [answer["name"] for answer in answers] == [f"t{number}" for number in range(6)]
    assert [answer["id"] for answer in answers] == [result.id for result in results]
    rows = [line.split() for line in house.diary.read_text("utf-8").splitlines()]
    order = [row[1] for row in sorted(rows, key=lambda row: float(row[0]))]
    assert order == ["begins", "ends"] * 6
    wait_for(lambda: house.pool.snapshot().devices[0].free_compute == 1000)


def test_waiting_holds_no_slot(house: House, anyone: ModuleType) -> None:
    """While tasks wait for a device that another program holds, the worker's slots are free."""
    house.worker("-c", "2")
    with house.pool.lease():
        waiting = [anyone.use.delay(f"t{number}") for number in range(6)]
        wait_for(lambda: house.pool.snapshot().waiting == 6)
        assert anyone.join.delay([1]).get(timeout=5) == [1]
        assert house.lines() == []
    assert {result.get(timeout=20)["name"] for result in waiting} == {f"t{n}" for n in range(6)}


def test_chains_and_chords_go_on(house: House, anyone: ModuleType) -> None:
    """What was parked keeps its place in a chord and its chain, link and arguments."""
    house.worker("-c", "2")
    with house.pool.lease():
        parts = chord([anyone.use.s("a"), anyone.use.s("b"), anyone.use.s("c")])(anyone.join.s())
        linked = chain(anyone.original.s("x"), anyone.original.s())()
        wait_for(lambda: house.pool.snapshot().waiting == 4)
    assert [part["name"] for part in parts.get(timeout=20)] == ["a", "b", "c"]
    assert linked.get(timeout=20) == "x celery_app.original celery_app.original"


def test_celerys_own_retry_passes(house: House, anyone: ModuleType) -> None:
    """A task that retries itself is retried, gives its device up meanwhile, and succeeds."""
    house.worker("-c", "2")
    assert anyone.twice.delay("r").get(timeout=20) == 1
    assert house.lines() == ["r", "r"]
    assert house.pool.snapshot().devices[0].leases == ()


def test_the_longest_wait_ends_in_an_error_that_names_the_holder(
    house: House, anyone: ModuleType
) -> None:
    """A task that waited as long as its retries add up to fails, and says who held the device."""
    house.worker("-c", "2")
    with house.pool.lease(what="a long rendering"):
        result = anyone.hasty.delay("h")
        with pytest.raises(Exception, match=r"here:0 is held by a long rendering"):
            result.get(timeout=20)
    assert house.lines() == []


def test_another_broker_than_redis(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With RabbitMQ as the broker, tasks are parked in the pool and sent again through it."""
    broker = "amqp://guest:guest@127.0.0.1:5672//"
    try:
        Connection(broker, connect_timeout=1).ensure_connection(max_retries=1, timeout=2).release()
    except OSError:
        pytest.skip("no RabbitMQ answers at 127.0.0.1:5672")
    for name, value in house.environment(ANYONE_BROKER=broker).items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(HERE))
    sys.modules.pop("celery_app", None)
    app = importlib.import_module("celery_app")
    queue = f"anyone-{house.state.parent.name}"
    house.worker("-c", "2", "-Q", queue, ANYONE_BROKER=broker)
    with house.pool.lease():
        parked = app.use.apply_async(("a",), queue=queue)
        wait_for(lambda: house.pool.snapshot().waiting == 1)
    assert parked.get(timeout=20)["name"] == "a"


def test_an_expired_task_is_not_run(house: House, anyone: ModuleType) -> None:
    """What expired while it was parked is revoked by Celery, and the device goes on."""
    house.worker("-c", "2")
    with house.pool.lease():
        late = anyone.use.apply_async(("late",), expires=1)
        later = anyone.use.delay("later")
        wait_for(lambda: house.pool.snapshot().waiting == 2)
        with pytest.raises(TaskRevokedError):
            late.get(timeout=20)
    assert later.get(timeout=20)["name"] == "later"
    assert house.lines() == ["later"]


def test_a_revoked_task_gives_its_turn_up(house: House, anyone: ModuleType) -> None:
    """What was revoked while it was parked is not run, and the device goes on at once."""
    house.worker("-c", "2")
    with house.pool.lease():
        revoked = anyone.use.delay("revoked")
        wait_for(lambda: house.pool.snapshot().waiting == 1)
        later = anyone.use.delay("later")
        wait_for(lambda: house.pool.snapshot().waiting == 2)
        anyone.app.control.revoke(revoked.id)
    assert later.get(timeout=20)["name"] == "later"
    with pytest.raises(TaskRevokedError):
        revoked.get(timeout=20)
    assert house.lines() == ["later"]


def test_the_limit_ends_the_process_and_then_the_device_goes_on(
    house: House, anyone: ModuleType
) -> None:
    """A task over its lock_timeout loses its process, seen gone, before another has the device."""
    house.worker("-c", "2")
    slow = anyone.overrun.delay("slow")
    wait_for(lambda: house.lines() == ["slow"])
    assert anyone.use.delay("next").get(timeout=20)["name"] == "next"
    with pytest.raises(Exception, match="exited prematurely"):
        slow.get(timeout=10)
    why = [event["why"] for event in house.pool.events("0") if event["kind"] == "reclaim"]
    assert len(why) == 1 and "over its limit" in why[0]


def test_a_killed_child_gives_its_device_back(house: House, anyone: ModuleType) -> None:
    """Killing the process that runs a task hands its device on."""
    house.worker("-c", "2")
    anyone.use.delay("victim", 30)
    wait_for(lambda: house.lines() == ["victim"])
    child = int(house.diary.read_text("utf-8").split()[3])
    os.kill(child, signal.SIGKILL)
    assert anyone.use.delay("next").get(timeout=20)["name"] == "next"


def test_late_acknowledgement_runs_a_lost_task_again(house: House, anyone: ModuleType) -> None:
    """With late acknowledgement, a task whose process was killed holds a device once more."""
    house.worker("-c", "2", ANYONE_LATE="1")
    result = anyone.use.delay("victim", 1.0)
    wait_for(lambda: house.lines() == ["victim"])
    os.kill(int(house.diary.read_text("utf-8").split()[3]), signal.SIGKILL)
    assert result.get(timeout=30)["name"] == "victim"
    assert house.lines() == ["victim", "victim"]


def test_priorities_count_when_turned_on(house: House, anyone: ModuleType) -> None:
    """With enable_priority_queue, 9 comes before 0."""
    house.worker("-c", "1")
    with house.pool.lease():
        results = []
        for number, priority in enumerate((0, 5, 9)):
            headers = {"gpu_priority": priority}
            results.append(anyone.ranked.apply_async((f"p{priority}",), headers=headers))
            wait_for(lambda number=number: house.pool.snapshot().waiting == number + 1)
    for result in results:
        result.get(timeout=20)
    assert house.lines() == ["p9", "p5", "p0"]


def test_without_an_agent_a_task_fails_clearly(house: House, anyone: ModuleType) -> None:
    """Where nobody vouches for the host a task does not run unguarded, unless it was told to."""
    house.worker("-c", "1", YIVIDEO_HOST="elsewhere")
    with pytest.raises(Exception, match="start `yivideo agent` there"):
        anyone.use.delay("u").get(timeout=20)
    assert house.lines() == []
    assert anyone.careless.delay("c").get(timeout=20) == "c celery_app.careless"


def test_eager_and_direct_calls_wait_where_they_are(house: House, anyone: ModuleType) -> None:
    """Without a worker the task takes a device in its caller's process."""
    assert anyone.use.apply(("eager",)).get()["device"] == "here:0"
    assert anyone.use("direct")["device"] == "here:0"
    assert house.pool.snapshot().devices[0].leases == ()


def test_an_unbound_task_is_told_apart() -> None:
    """Without its task nothing can be parked: the error says what to write."""
    from yivideo.errors import UsageError
    from yivideo.gpu import gpu_lock

    @gpu_lock()
    def unbound(x: int) -> int:
        return x

    with pytest.raises(UsageError, match=r"bind=True"):
        unbound(1)


def shown(house: House, **lock: object) -> None:
    """What a system's configuration would show in Redis."""
    settings = Runtime.model_validate({"gpu_lock": lock})
    board = Board(house.url)
    board.publish(
        {
            "revision": 1,
            "version": 1,
            "settings": settings.document(),
            "canary": None,
            "tried": None,
        }
    )
    board.close()


def test_the_systems_settings_act_on_the_next_task(house: House, anyone: ModuleType) -> None:
    """A task that says nothing itself waits as long as the configuration has it, at once."""
    shown(house, retry_interval=0.1, max_retries=1)
    house.worker("-c", "2")
    with house.pool.lease(what="a long rendering"):
        with pytest.raises(Exception, match=r"here:0 is held by a long rendering"):
            anyone.use.delay("brief").get(timeout=20)
        shown(house, retry_interval=60, max_retries=10, max_retry_interval=60)
        time.sleep(1.1)
        patient = anyone.use.delay("patient")
        wait_for(lambda: house.pool.snapshot().waiting == 1)
    assert patient.get(timeout=20)["name"] == "patient"


def test_how_long_a_task_waits_follows_the_load(house: House) -> None:
    """So many times the estimate, between the bounds; unknown, what the retries add up to."""
    lock = GpuLockSettings(
        retry_interval=7,
        max_retries=1,
        adaptive_wait=AdaptiveWait(enabled=True, factor=3, shortest=2, longest=1000),
    )
    # Nobody knows how long the holder takes: it was never seen before.
    with house.pool.lease(what="new"):
        assert willing(house, lock, "new") == 7
    # Nobody in the way: the shortest.
    assert willing(house, lock, "new") == 2
    for _ in range(10):
        with house.pool.lease(what="known"):
            time.sleep(0.3)
    # The device is let go before the crowd is waited for.
    with ThreadPoolExecutor(20) as crowd, house.pool.lease(what="known"):
        for _ in range(20):
            crowd.submit(hold_briefly, house)
        wait_for(lambda: house.pool.snapshot().waiting == 20)
        long = willing(house, lock, "known")
        fixed = lock.model_copy(update={"adaptive_wait": AdaptiveWait()})
        assert willing(house, fixed, "known") == 7
    # Twenty before it with a third of a second each, three times over.
    assert 12 < long < 60


def willing(house: House, lock: GpuLockSettings, what: str) -> float:
    """How long a task of that name would wait now."""
    whole = Demand.of(exclusive=True)
    return longest_wait(house.pool, lock, whole, what=what, group="default")


def hold_briefly(house: House) -> None:
    """Hold the device for a moment, after a wait."""
    with house.pool.lease(what="known"):
        pass
