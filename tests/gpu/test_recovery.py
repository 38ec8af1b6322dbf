"""What becomes of devices when holders, agents and the server stop, die and come back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.gpu.actors import ALREADY_THERE, DEVICE, HOST, PATIENCE_S, Theatre, tend, wait_until

from yivideo.errors import AgentExists, LeaseReclaimed, NotHolder, WaitLimitReached
from yivideo.gpu import holding
from yivideo.gpu.agent import Agent
from yivideo.gpu.amounts import Demand
from yivideo.gpu.custody import UNSEEN
from yivideo.gpu.journal import Journal
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process
from yivideo.gpu.records import Request

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="there is no server inside for Windows"
)

# Long enough to see that nothing happens: several beats.
A_WHILE_S = 0.7


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Theatre]:
    """A server, and a host with its agent."""
    monkeypatch.setenv("YIVIDEO_HOST", HOST)
    made = Theatre(tmp_path)
    try:
        made.start_agent()
        yield made
    finally:
        made.close()


def test_killed_holder(theatre: Theatre) -> None:
    """A killed holder's device goes to whoever is next."""
    one, other = theatre.holder(), None
    first = one.says("held")
    other = theatre.waiting()
    one.kill()
    assert other.says("held") > first
    other.give_back()
    assert theatre.leases == ()


def test_killed_waiter(theatre: Theatre) -> None:
    """A killed waiter's request is cancelled, so that no device is set aside for it."""
    one = theatre.holder()
    one.says("held")
    theatre.waiting().kill()
    wait_until(lambda: theatre.pool.snapshot().waiting == 0)
    one.give_back()
    assert theatre.leases == ()


def test_stopped_holder(theatre: Theatre) -> None:
    """A stopped holder keeps its device for as long as it likes, and its right to it."""
    one = theatre.holder()
    one.says("held")
    other = theatre.waiting()
    one.send(signal.SIGSTOP)
    assert other.is_silent(A_WHILE_S)
    one.send(signal.SIGCONT)
    one.give_back()
    other.says("held")


def test_stopped_holder_with_limit(theatre: Theatre) -> None:
    """Over its limit a stopped holder is ended, and its device goes on after its death only."""
    one = theatre.holder(exclusive=True, limit=1.0)
    one.says("held")
    one.send(signal.SIGSTOP)
    other = theatre.holder()
    other.says("held")
    one.process.join(0)
    assert one.process.exitcode == -signal.SIGKILL
    ends = [event for event in theatre.pool.events("0") if event["kind"] == "reclaim"]
    assert "over its limit" in ends[0]["why"]


def test_overrun(theatre: Theatre) -> None:
    """A holder whose work has ended elsewhere is ended like one that is over its limit."""
    one = theatre.holder()
    fence = one.says("held")
    (lease,) = theatre.leases
    theatre.pool.overrun(lease.request, str(fence))
    theatre.holder().says("held")
    one.process.join(0)
    assert one.process.exitcode == -signal.SIGKILL


def test_stopped_waiter(theatre: Theatre) -> None:
    """A waiter that is stopped when it is served does not keep the device, and waits again."""
    one = theatre.holder()
    one.says("held")
    stopped = theatre.waiting()
    stopped.send(signal.SIGSTOP)
    one.give_back()
    other = theatre.holder()
    second = other.says("held")
    ends = [event for event in theatre.pool.events("0") if event["kind"] == "reclaim"]
    assert "did not begin" in ends[0]["why"]
    stopped.send(signal.SIGCONT)
    assert stopped.is_silent(A_WHILE_S)
    assert [lease.fence for lease in theatre.leases] == [str(second)]
    other.give_back()
    assert stopped.says("held") > second


def test_stopped_waiter_of_a_server_that_comes_back_empty(theatre: Theatre) -> None:
    """A waiter that was served and stopped before it began asks a server that has forgotten it."""
    one = theatre.holder()
    one.says("held")
    stopped = theatre.waiting()
    stopped.send(signal.SIGSTOP)
    one.give_back()
    theatre.stop_server()
    theatre.start_server(theatre.no_files())
    wait_until(lambda: [device.state for device in theatre.devices] == ["open"])
    other = theatre.holder()
    second = other.says("held")
    stopped.send(signal.SIGCONT)
    assert stopped.is_silent(A_WHILE_S)
    other.give_back()
    assert stopped.says("held") > second


def test_agent_dies_with_its_holder(theatre: Theatre) -> None:
    """Who dies while nobody looks is found by the next agent, and nobody has the device before."""
    one = theatre.holder()
    one.says("held")
    other = theatre.waiting()
    assert theatre.agent
    theatre.agent.kill()
    theatre.agent.join()
    one.kill()
    assert other.is_silent(A_WHILE_S)
    theatre.agent.close()
    theatre.agent = theatre.start(tend, theatre.server.url, theatre.folder / "state")
    other.says("held")


def test_agent_restarts(theatre: Theatre) -> None:
    """A new agent changes nothing for who holds a device."""
    one = theatre.holder()
    fence = one.says("held")
    assert theatre.agent
    theatre.agent.kill()
    theatre.agent.join()
    theatre.agent.close()
    theatre.start_agent()
    other = theatre.waiting()
    assert other.is_silent(A_WHILE_S)
    assert [lease.fence for lease in theatre.leases] == [str(fence)]
    # It is watched again.
    one.kill()
    other.says("held")


def test_agent_is_stopped(theatre: Theatre) -> None:
    """An agent that was silent beyond the heartbeat limit goes on as if nothing had been."""
    assert theatre.agent and theatre.agent.pid
    one = theatre.holder()
    one.says("held")
    other = theatre.waiting()
    os.kill(theatre.agent.pid, signal.SIGSTOP)
    wait_until(lambda: theatre.device.state == "lost")
    one.give_back()
    assert other.is_silent(A_WHILE_S)
    os.kill(theatre.agent.pid, signal.SIGCONT)
    other.says("held")


def test_server_comes_back_empty(theatre: Theatre) -> None:
    """A server without memory learns who holds, grants it to nobody else, and serves who waited."""
    one = theatre.holder()
    fence = one.says("held")
    other = theatre.waiting()
    theatre.stop_server()
    theatre.start_server(theatre.no_files())
    wait_until(lambda: theatre.pool.snapshot().waiting == 1)
    assert other.is_silent(A_WHILE_S)
    assert [lease.fence for lease in theatre.leases] == [str(fence)]
    one.give_back()
    assert other.says("held") > fence
    other.give_back()
    assert theatre.leases == ()


def test_server_comes_back_older(theatre: Theatre) -> None:
    """A server that thinks the device free, or another's, learns who holds it."""
    before = theatre.holder()
    before.says("held")
    older = theatre.copy_of_files()
    before.give_back()
    one = theatre.holder()
    fence = one.says("held")
    other = theatre.waiting()
    theatre.stop_server()
    theatre.start_server(older)
    wait_until(lambda: theatre.device.state == "open" and theatre.pool.snapshot().waiting == 1)
    assert other.is_silent(A_WHILE_S)
    assert [lease.fence for lease in theatre.leases] == [str(fence)]
    one.give_back()
    assert other.says("held") > fence


def test_deaths_while_the_server_is_away(theatre: Theatre) -> None:
    """Who dies while the server is away is not forgotten, holder and waiter alike."""
    one = theatre.holder()
    one.says("held")
    two, three = theatre.waiting(), theatre.waiting()
    theatre.stop_server()
    one.kill()
    two.kill()
    theatre.start_server()
    three.says("held")
    wait_until(lambda: theatre.pool.snapshot().waiting == 0)


@pytest.mark.parametrize("files", ["own", "none"])
def test_release_while_the_server_is_away(theatre: Theatre, files: str) -> None:
    """Who is done while the server is away need not wait for it; the device goes on even so."""
    one = theatre.holder()
    one.says("held")
    other = theatre.waiting()
    theatre.stop_server()
    one.give_back()
    theatre.start_server(theatre.no_files() if files == "none" else None)
    other.says("held")
    assert len(theatre.leases) == 1


def test_second_agent(theatre: Theatre) -> None:
    """One agent for a state folder, and one for a host."""
    second = theatre.start(tend, theatre.server.url, theatre.folder / "state")
    second.join()
    assert second.exitcode == ALREADY_THERE
    second.close()
    with GpuPool(theatre.server.url) as pool:
        stranger = Agent(pool, theatre.folder / "elsewhere", [DEVICE], host=HOST)
        with pytest.raises(AgentExists):
            stranger.run()
    assert [host.pid for host in theatre.pool.snapshot().hosts] == [theatre.agent.pid]  # type: ignore[union-attr]


_UNSHARED = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
_LEASE = """
import sys
from yivideo.errors import NotVouchedFor
from yivideo.gpu import GpuPool
try:
    with GpuPool(sys.argv[1]).lease(exclusive=True):
        print("held")
except NotVouchedFor as error:
    print("not vouched for:", error)
"""


def _can_unshare() -> bool:
    try:
        return (
            subprocess.run([*_UNSHARED, "true"], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


@pytest.mark.skipif(not _can_unshare(), reason="no PID namespaces can be made here")
def test_another_pid_namespace(theatre: Theatre) -> None:
    """An agent cannot vouch for who lives where it does not see: it is refused."""
    line = [*_UNSHARED, sys.executable, "-W", "ignore", "-c", _LEASE, theatre.server.url]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "not vouched for" in done.stdout, done.stdout + done.stderr
    assert theatre.leases == ()


def test_cordon(theatre: Theatre) -> None:
    """A cordoned device is granted to nobody until it is resumed."""
    theatre.pool.mark(f"{HOST}:0", cordon=True)
    one = theatre.waiting()
    assert one.is_silent(A_WHILE_S)
    assert theatre.device.state == "cordoned"
    theatre.pool.mark(f"{HOST}:0", cordon=False)
    one.says("held")


def test_quarantine(theatre: Theatre) -> None:
    """A quarantined device says why, keeps its holder, and is granted to nobody else."""
    one = theatre.holder()
    one.says("held")
    theatre.pool.mark(f"{HOST}:0", quarantine="it smells of smoke")
    other = theatre.waiting()
    one.give_back()
    assert other.is_silent(A_WHILE_S)
    assert (theatre.device.state, theatre.device.quarantine) == (
        "quarantined",
        "it smells of smoke",
    )
    theatre.pool.mark(f"{HOST}:0", quarantine="")
    other.says("held")


def _granted(theatre: Theatre, **more: Any) -> tuple[Request, Any]:
    request = Request(id="by hand", demand=Demand(exclusive=True, host=HOST), **more)
    reply = theatre.pool.request(request)
    assert reply.grant
    return request, reply.grant


def test_given_up_claim(theatre: Theatre) -> None:
    """A lease whose holder never learned that it has it is taken back, though the holder lives."""
    _, grant = _granted(theatre)
    theatre.pool.claim(grant, holding.this_process())
    theatre.holder().says("held")
    with pytest.raises(LeaseReclaimed):
        theatre.pool.renew(grant.request, grant.fence, holding.this_process())


def test_claim_that_comes_too_late(theatre: Theatre) -> None:
    """Who was stopped before its claim is not put back beside the one who got the device then."""
    request, grant = _granted(theatre)
    journal = Journal(theatre.folder / "state" / "journal")
    journal.write(holding.entry(grant, request, holding.this_process()))
    one = theatre.holder()
    fence = one.says("held")
    theatre.stop_server()
    theatre.start_server()
    wait_until(lambda: theatre.device.state == "open" and len(theatre.leases) == 2)
    with pytest.raises(LeaseReclaimed):
        theatre.pool.claim(grant, holding.this_process())
    assert [lease.fence for lease in theatre.leases] == [str(fence)]
    one.give_back()
    assert theatre.device.free_memory == DEVICE.memory


def test_second_claim(theatre: Theatre) -> None:
    """A second process that claims the same grant is refused, and the first keeps all it has."""
    request, grant = _granted(theatre)
    own = holding.this_process()
    holding.claim(theatre.pool, grant, request, own)
    other = holding.Holder(own.host, own.pid, own.start + 1, own.namespace, own.boot)
    with pytest.raises(NotHolder):
        holding.claim(theatre.pool, grant, request, other)
    journal = Journal(theatre.folder / "state" / "journal")
    assert [entry["holder"] for entry in journal.entries()] == [own.record()]
    holding.release(theatre.pool, grant, own)
    assert journal.entries() == []


def test_attestation_that_arrives_twice(theatre: Theatre) -> None:
    """An attestation that was held up on its way takes nothing from who claimed since."""
    one = theatre.holder()
    one.says("held")
    now = theatre.pool.snapshot()
    theatre.pool.attest(
        host=HOST, agent=now.hosts[0].agent, seen=str(now.epoch), journal_epoch=0, living=[]
    )
    assert theatre.leases == now.devices[0].leases
    assert theatre.device.state == "open"


def test_entry_of_a_dead_process(theatre: Theatre) -> None:
    """What a process left in the journal that died right after its release is swept."""
    request, grant = _granted(theatre)
    theatre.pool.cancel(request.id)
    one = theatre.holder()
    one.says("held")
    assert one.process.pid
    process = Process.of(one.process.pid)
    assert process
    dead = holding.Holder(HOST, process.pid, process.start, process.namespace, process.boot)
    one.kill()
    journal = Journal(theatre.folder / "state" / "journal")
    journal.write(holding.entry(grant, request, dead))
    wait_until(lambda: journal.entries() == [])


def test_holder_nobody_sees(theatre: Theatre) -> None:
    """A device whose holder the agent cannot see is quarantined, until the holder is done."""
    request, grant = _granted(theatre)
    own = Process.current()
    elsewhere = holding.Holder(HOST, own.pid, own.start, "pid:[1]", own.boot)
    journal = Journal(theatre.folder / "state" / "journal")
    journal.write(holding.entry(grant, request, elsewhere))
    theatre.stop_server()
    theatre.start_server(theatre.no_files())
    wait_until(lambda: [device.quarantine for device in theatre.devices] == [UNSEEN])
    assert [lease.request for lease in theatre.leases] == ["by hand"]
    theatre.pool.release(grant.request, grant.fence, elsewhere)
    journal.remove(grant.request, int(grant.fence), elsewhere.record())
    wait_until(lambda: theatre.device.state == "open")


def test_agent_that_cannot_see_deaths_ends(theatre: Theatre) -> None:
    """An agent whose watching failed does not go on vouching."""
    with GpuPool(theatre.server.url) as pool:
        agent = Agent(pool, theatre.folder / "there", [DEVICE], host="there", beat=0.2)
        ended: list[BaseException] = []

        def run() -> None:
            try:
                agent.run()
            except (OSError, ValueError) as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert agent.ready.wait(PATIENCE_S)
        # Its handles are gone under its feet.
        agent.custody.watch.close()
        thread.join(PATIENCE_S)
        assert len(ended) == 1


def test_patience_has_an_end(theatre: Theatre) -> None:
    """A waiter with a longest wait ends in time, also when no agent is there to end it."""
    one = theatre.holder()
    one.says("held")
    assert theatre.agent
    theatre.agent.kill()
    theatre.agent.join()
    began = time.monotonic()
    with pytest.raises(WaitLimitReached), theatre.pool.lease(exclusive=True, longest_wait=1.0):
        pytest.fail("it was let in beside another")
    assert time.monotonic() - began >= 1.0
