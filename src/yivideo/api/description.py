"""The OpenAPI description, and a page that lists it without any script."""

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from yivideo.api.problems import ProblemBody, declared

router = APIRouter(include_in_schema=False)
TAGS = (
    ("workflows", "Videos and the chains of steps asked for them."),
    ("results", "What workflows made."),
    ("events", "What happens, as it happens."),
    ("uploads", "Videos that do not lie below a media root: tus 1.0.0."),
    ("steps", "What can be asked for."),
    ("gpu", "Devices, and who waits for them."),
    ("config", "Settings that act at once: versions, trials on a part, advice."),
    ("system", "How the system is."),
)
ABOUT = (
    "Turns the subtitles burned into videos into subtitle files. What is wrong with a request is"
    " told as RFC 9457 has it; see `GET /problems`."
)


def operation_id(route: APIRoute) -> str:
    """The function's own name: verb first, unique."""
    return route.name


def install(app: FastAPI) -> None:
    """Give the application its description."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = plain()
            # The responses refer to it by name, being of another media type than FastAPI knows of.
            schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = description.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(schema.pop("$defs", {}))
            schemas["Problem"] = schema
            _replace_default(description)
            description["webhooks"] = {"workflow.ended": {"post": _WEBHOOK}}
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described
    app.include_router(router)


@router.get("/docs", response_class=HTMLResponse)
def show_description(request: Request) -> HTMLResponse:
    """The operations, for people; nothing is fetched from elsewhere."""
    app: FastAPI = request.app
    rows = [
        f"<tr><td>{method.upper()}</td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('summary', ''))}</td></tr>"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    ]
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>YiVideo</title>"
        "<style>body{font:1rem sans-serif;margin:2rem}td{padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>YiVideo {escape(app.version)}</h1>"
        "<p>The whole description: <a href=/openapi.json>openapi.json</a>; what can go wrong: "
        f"<a href=/problems>problems</a>.</p><table>{''.join(rows)}</table>"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _replace_default(description: dict[str, Any]) -> None:
    """FastAPI's own form of a bad request gives way to a problem."""
    for operations in description["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                operation["responses"]["422"] = declared("invalid-request")[422]
    for name in ("HTTPValidationError", "ValidationError"):
        description["components"]["schemas"].pop(name, None)


_WEBHOOK: dict[str, Any] = {
    "operationId": "receive_callback",
    "summary": "A workflow has ended",
    "description": "Sent to `callback_url`, signed as Standard Webhooks has it; any 2xx will do.",
    "tags": ["workflows"],
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "timestamp", "data"],
                    "properties": {
                        "type": {
                            "enum": [
                                "workflow.succeeded",
                                "workflow.failed",
                                "workflow.cancelled",
                            ]
                        },
                        "timestamp": {"type": "string", "format": "date-time"},
                        "data": {
                            "type": "object",
                            "required": ["workflow_id"],
                            "properties": {"workflow_id": {"type": "string"}},
                        },
                    },
                }
            }
        }
    },
    "responses": {"2XX": {"description": "Taken; it is not sent again."}},
}
