"""The kinds of problem that the API answers with: names that scripts may rely on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its ``type`` is ``/problems/NAME``."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The address that stands for it and says what it means."""
        return f"/problems/{self.name}"


_ALL = (
    Kind(
        "invalid-request",
        422,
        "The request makes no sense",
        "A field or parameter is missing, unknown, malformed or out of range; `errors` "
        "names each place.",
    ),
    Kind(
        "malformed-request",
        400,
        "The request cannot be read",
        "It is not HTTP as expected, or its body is not JSON.",
    ),
    Kind(
        "invalid-chain",
        422,
        "The chain cannot run",
        "A step is unknown or stands twice, needs a step that is not before it, or has bad "
        "parameters; `errors` names each place.",
    ),
    Kind(
        "video-missing",
        422,
        "The video cannot be used",
        "There is no such file, or it cannot be read, or it is not a file.",
    ),
    Kind(
        "video-outside-media-roots",
        422,
        "The video may not be read",
        "Its path, with links resolved, lies below none of the media roots.",
    ),
    Kind(
        "callback-refused",
        422,
        "The callback address may not be used",
        "It is not http or https, or it is the address of a private network.",
    ),
    Kind(
        "idempotency-key-reused",
        422,
        "The idempotency key stands for another request",
        "The same `Idempotency-Key` came before with another body.",
    ),
    Kind(
        "config-invalid",
        422,
        "The settings cannot rule",
        "A key is unknown, a value is of the wrong type or out of range, or values cannot work "
        "together; `errors` names each key.",
    ),
    Kind(
        "key-required",
        401,
        "An API key is needed",
        "No key was given, or the key is unknown or revoked.",
    ),
    Kind(
        "host-not-allowed",
        421,
        "Not a name of this server",
        "Without API keys the server answers to `localhost` and loopback addresses only.",
    ),
    Kind(
        "not-found",
        404,
        "There is nothing here",
        "The address is not one of the API, or what it names is not there.",
    ),
    Kind(
        "workflow-unknown",
        404,
        "There is no such workflow",
        "The id is wrong, or the workflow was deleted or has expired.",
    ),
    Kind(
        "artifact-unknown",
        404,
        "There is no such artifact",
        "No finished step of the workflow made a file of that name.",
    ),
    Kind(
        "subtitles-missing",
        404,
        "There are no subtitles",
        "The workflow has not finished, or its chain makes none.",
    ),
    Kind(
        "config-version-unknown",
        404,
        "There is no such version",
        "The configuration never had a version of that number.",
    ),
    Kind(
        "no-trial",
        404,
        "No version is being tried",
        "A trial begins with `PUT /v1/config/canary`.",
    ),
    Kind(
        "upload-unknown",
        404,
        "There is no such upload",
        "The id is wrong, or the upload was deleted or has expired.",
    ),
    Kind(
        "method-not-allowed",
        405,
        "Not a method of this address",
        "The `Allow` header names those there are.",
    ),
    Kind(
        "workflow-ended",
        409,
        "The workflow has ended",
        "What has ended can only be read, retried or deleted.",
    ),
    Kind(
        "workflow-not-ended",
        409,
        "The workflow has not ended",
        "Only what has ended can be retried or deleted: cancel it first.",
    ),
    Kind(
        "upload-conflict",
        409,
        "The upload stands elsewhere",
        "`Upload-Offset` is not where the upload stands; ask with HEAD.",
    ),
    Kind(
        "tus-version",
        412,
        "Not a version of tus spoken here",
        "`Tus-Resumable` is missing or not 1.0.0.",
    ),
    Kind(
        "config-conflict",
        412,
        "The configuration was changed meanwhile",
        "Another version rules than the change was made from, or a version is being tried, or "
        "none is; look again.",
    ),
    Kind(
        "content-too-large",
        413,
        "Too large",
        "The body, or the upload to be, is larger than allowed.",
    ),
    Kind(
        "unsupported-media-type",
        415,
        "Not a media type taken here",
        "Bodies are `application/json`; pieces of uploads `application/offset+octet- stream`.",
    ),
    Kind(
        "range-not-satisfiable",
        416,
        "No such part",
        "The `Range` lies outside of the file.",
    ),
    Kind(
        "upload-locked",
        423,
        "The upload is being written",
        "Another request writes to it.",
    ),
    Kind(
        "precondition-required",
        428,
        "The version that was changed is not named",
        "`If-Match` must hold the `ETag` of `GET /v1/config`, so that nobody's change is lost.",
    ),
    Kind(
        "internal",
        500,
        "A fault of YiVideo",
        "Worth a bug report; the log says more.",
    ),
    Kind(
        "ledger-unavailable",
        503,
        "The ledger does not answer",
        "The database is away, locked or full; come again after `Retry-After` seconds.",
    ),
    Kind(
        "server-unavailable",
        503,
        "A server does not answer",
        "Redis is away; come again after `Retry-After` seconds.",
    ),
    Kind(
        "storage-unavailable",
        503,
        "The file store cannot be used",
        "The store is away, or cannot be written; come again after `Retry-After` seconds.",
    ),
    Kind(
        "storage-full",
        507,
        "No room on the server's disk",
        "Somebody must make room there; what was sent of an upload is kept, and goes on then.",
    ),
)

KINDS = {kind.name: kind for kind in _ALL}
