"""What can go wrong, with the exit code and the name each error has for scripts.

Every error a user can cause is a `YiVideoError`. Its message is one sentence that says what is
wrong and, where there is something to do, what to do. `docs/reference/exit-codes.md` lists them
all; a test holds the two together.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How the command ends, as a process exit status."""

    OK = 0
    # A fault of YiVideo itself: worth a bug report.
    INTERNAL = 1
    # The command line or a parameter makes no sense.
    USAGE = 2
    # The video is missing, unreadable, or nothing that can be decoded.
    INPUT = 3
    # The video was read whole and has no subtitles in its picture.
    NO_SUBTITLES = 4
    # The file is damaged or cut short: what was readable was extracted.
    PARTIAL = 5
    # The result could not be written.
    OUTPUT = 6
    # A device was asked for that cannot be used.
    DEVICE = 7
    # Several videos were given and some of them failed.
    BATCH = 8
    # A server that is needed does not answer.
    UNAVAILABLE = 9
    # Stopped by Ctrl-C or by the caller: 128 + SIGINT, as shells have it.
    CANCELLED = 130


class YiVideoError(Exception):
    """Base of all errors that are reported to the user in one sentence.

    Attributes:
        exit_code: what the process exits with when this error ends it.
        code: a short stable name for scripts and for `--json`.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    code: ClassVar[str] = "internal"

    @property
    def message(self) -> str:
        """The sentence for the user."""
        return str(self)


class UsageError(YiVideoError):
    """A parameter makes no sense: a bad area, an unknown format, a step that does not exist."""

    exit_code = ExitCode.USAGE
    code = "usage"


class InputError(YiVideoError):
    """The video, or another file to read, cannot be used."""

    exit_code = ExitCode.INPUT
    code = "input"


class InputMissing(InputError):
    """There is no such file, or the folder holds no videos."""

    code = "input-missing"


class InputUnreadable(InputError):
    """The file is there and cannot be read: no permission, not a regular file, a read error."""

    code = "input-unreadable"


class NotAVideo(InputError):
    """The file is empty, or of no container format that is accepted."""

    code = "not-a-video"


class NoVideoStream(InputError):
    """The container holds no video stream (audio alone, or only a cover picture)."""

    code = "no-video-stream"


class UnsupportedCodec(InputError):
    """No decoder here reads the video stream."""

    code = "unsupported-codec"


class NoFrames(InputError):
    """There is a video stream, and not a single frame of it could be decoded."""

    code = "no-frames"


class BadSubtitlesFile(InputError):
    """A subtitles JSON file is not what YiVideo writes; the message names the place."""

    code = "bad-subtitles-file"


class ModelMissing(YiVideoError):
    """The model files are not where the installed package should carry them."""

    code = "model-missing"


class NoSubtitles(YiVideoError):
    """The video was read whole and no subtitles were found in its picture."""

    exit_code = ExitCode.NO_SUBTITLES
    code = "no-subtitles"


class TruncatedInput(YiVideoError):
    """The video is damaged or cut short; what was readable was used.

    Attributes:
        readable_until: seconds of presentation time up to which frames could be decoded.
    """

    exit_code = ExitCode.PARTIAL
    code = "truncated-input"

    def __init__(self, message: str, *, readable_until: float) -> None:
        super().__init__(message)
        self.readable_until = readable_until

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from `args` alone, which would drop the keyword.
        return (_truncated_input, (self.message, self.readable_until))


def _truncated_input(message: str, readable_until: float) -> TruncatedInput:
    return TruncatedInput(message, readable_until=readable_until)


class OutputError(YiVideoError):
    """A result could not be written."""

    exit_code = ExitCode.OUTPUT
    code = "output"


class OutputExists(OutputError):
    """The result is there already, and neither overwriting nor skipping was asked for."""

    code = "output-exists"


class OutputDenied(OutputError):
    """The folder or file may not be written, or the folder does not exist."""

    code = "output-denied"


class DiskFull(OutputError):
    """The disk, or the user's quota on it, is full."""

    code = "disk-full"


class DeviceUnavailable(YiVideoError):
    """The device asked for is not there or does not work; nothing else was used in its place."""

    exit_code = ExitCode.DEVICE
    code = "device-unavailable"


class BadDemand(UsageError):
    """A request for a device makes no sense: a malformed size, a priority out of range, nothing."""

    code = "bad-demand"


class PoolError(YiVideoError):
    """The GPU pool refused; nothing was changed."""

    exit_code = ExitCode.DEVICE
    code = "pool"


class RequestImpossible(PoolError):
    """No device of the pool could ever hold what was asked for; the message lists what there is."""

    code = "request-impossible"


class RequestEnded(PoolError):
    """The request was cancelled, or granted several times and claimed by nobody."""

    code = "request-ended"


class WaitLimitReached(RequestEnded):
    """The request waited as long as it was willing to; the message says who held the devices."""

    code = "wait-limit"


class LeaseUnknown(PoolError):
    """The pool knows no such request or lease, or has forgotten it: ended ones stay for an hour."""

    code = "lease-unknown"


class LeaseEnded(PoolError):
    """The lease was released before."""

    code = "lease-ended"


class LeaseReclaimed(LeaseEnded):
    """The lease was taken back: its process was seen gone, or it was ended at its limit."""

    code = "lease-reclaimed"


class StaleFence(PoolError):
    """The fence is not the lease's present one: its grant went back."""

    code = "stale-fence"


class NotHolder(PoolError):
    """Another process holds the lease; only its owner releases it."""

    code = "not-holder"


class LeaseHeld(PoolError):
    """The request holds a device already: it can be released and no longer cancelled."""

    code = "lease-held"


class LeaseNotHeld(PoolError):
    """The grant has not been claimed."""

    code = "lease-not-held"


class DeviceClosed(PoolError):
    """The device is quarantined, or its agent has not yet attested what lives on it."""

    code = "device-closed"


class NotVouchedFor(PoolError):
    """No agent can vouch for this process: none lives on this host, or not where it sees it."""

    code = "not-vouched-for"


class AgentExists(PoolError):
    """Another living agent vouches for this host."""

    code = "agent-exists"


class DeviceUnknown(PoolError):
    """The pool knows no such device."""

    code = "device-unknown"


class CudaStarted(YiVideoError):
    """CUDA runs in this process already: which GPU it sees can no longer be chosen."""

    exit_code = ExitCode.DEVICE
    code = "cuda-started"


class LimitReached(InputError):
    """A step wanted more memory, CPU time or file than a step may use."""

    code = "limit-reached"


class StepCrashed(YiVideoError):
    """A step failed in a way nobody foresaw, or its process ended in the middle."""

    code = "step-crashed"


class DeviceMemory(YiVideoError):
    """The memory of the device was too small for the step."""

    exit_code = ExitCode.DEVICE
    code = "device-memory"


class BatchFailed(YiVideoError):
    """Some of several videos failed; the others are done."""

    exit_code = ExitCode.BATCH
    code = "batch-failed"


class ServerUnavailable(YiVideoError):
    """A server that is needed does not answer, or could not be started."""

    exit_code = ExitCode.UNAVAILABLE
    code = "server-unavailable"


class LedgerUnavailable(YiVideoError):
    """The ledger's database is away, full, or locked for too long; nothing is lost by that."""

    exit_code = ExitCode.UNAVAILABLE
    code = "ledger-unavailable"


class BadWorkflow(UsageError):
    """A workflow makes no sense: no steps, a step twice, a priority out of range."""

    code = "bad-workflow"


class WorkflowUnknown(UsageError):
    """There is no such workflow, or it was deleted."""

    code = "workflow-unknown"


class WorkflowEnded(UsageError):
    """The workflow has ended: it can be retried or deleted, and no longer changed."""

    code = "workflow-ended"


class WorkflowNotEnded(UsageError):
    """The workflow has not ended: it cannot be retried or deleted yet."""

    code = "workflow-not-ended"


class IdempotencyConflict(UsageError):
    """The idempotency key was used before, for another request."""

    code = "idempotency-conflict"


class ConfigInvalid(UsageError):
    """Settings are unknown, of the wrong type, out of range, or cannot work together.

    Attributes:
        faults: each dotted key, and what is wrong with it.
    """

    code = "config-invalid"

    def __init__(self, message: str, *, faults: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class ConfigConflict(UsageError):
    """The configuration was changed by somebody else meanwhile; nothing was changed now."""

    code = "config-conflict"


class ConfigVersionUnknown(UsageError):
    """There is no such version of the configuration."""

    code = "config-version-unknown"


class StoreUnavailable(YiVideoError):
    """The file store does not answer, or refuses us."""

    exit_code = ExitCode.UNAVAILABLE
    code = "store-unavailable"


class Cancelled(YiVideoError):
    """Stopped on request, with nothing half-written left behind."""

    exit_code = ExitCode.CANCELLED
    code = "cancelled"
