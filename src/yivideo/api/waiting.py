"""What a workflow waits for: a device, a worker, or the end of a back-off."""

from yivideo.api.forecasts import Forecast, Forecasts
from yivideo.api.services import Services
from yivideo.api.views import HolderView, WaitingView
from yivideo.engine.hints import service_queue
from yivideo.engine.ledger.records import StepRecord, StepStatus, WorkflowRecord
from yivideo.errors import ServerUnavailable, UsageError
from yivideo.gpu.records import Waiter
from yivideo.steps.registry import find_step


def waiting_of(
    record: WorkflowRecord, services: Services, forecasts: Forecasts
) -> WaitingView | None:
    """What the ready step of a workflow waits for; None when it does not wait."""
    step = next((step for step in record.steps if step.status is StepStatus.READY), None)
    if step is None:
        return None
    try:
        found = find_step(step.name)
    except UsageError:
        # A package that brought the step is not installed where the API runs.
        return WaitingView(step=step.name, waits_for="worker")
    try:
        if found.needs is None:
            queue = service_queue(found.service)
            length = services.queue_length(queue)
            return WaitingView(step=step.name, waits_for="worker", queue=queue, queue_length=length)
        return _for_device(record, step, forecasts.look(services.pool))
    except ServerUnavailable:
        # The ledger alone answers: what is known without Redis is shown.
        return WaitingView(step=step.name, waits_for="device" if found.needs else "worker")


def request_prefix(step_id: int, number: int) -> str:
    """How the pool's requests for an attempt begin: asked anew, they have a suffix."""
    return f"step:{step_id}:{number}"


def _for_device(record: WorkflowRecord, step: StepRecord, forecast: Forecast) -> WaitingView:
    waiter = _waiter(step, forecast)
    holders = [
        HolderView(
            device=device.id, what=lease.what or lease.request, workflow_id=lease.workflow or None
        )
        for device in forecast.snapshot.devices
        for lease in device.leases
        if lease.state in {"held", "granted"} and lease.workflow != record.id
    ]
    median, bound = forecast.seconds(waiter.request) if waiter else (None, None)
    return WaitingView(
        step=step.name,
        waits_for="device",
        position=waiter.position if waiter else None,
        holders=holders[:8],
        estimate_s=median,
        estimate_bound_s=bound,
    )


def _waiter(step: StepRecord, forecast: Forecast) -> Waiter | None:
    wanted = request_prefix(step.step_id, step.number)
    exact = forecast.waiters.get(wanted)
    if exact is not None:
        return exact
    return next((w for name, w in forecast.waiters.items() if name.startswith(f"{wanted}:")), None)
