"""What the API is asked for: the bodies of requests. Unknown fields are refused by name."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from yivideo.api.texts import Address, Group, LabelName, LabelValue, StepName, VideoPath

MOST_STEPS = 64
MOST_LABELS = 32

Priority = Annotated[
    int, Field(ge=0, le=9, strict=True, description="0 to 9, 9 first; each is worth a minute.")
]
Params = dict[str, Any]


class Strict(BaseModel):
    """A body in which nothing goes unnoticed."""

    model_config = ConfigDict(extra="forbid")


class ChainEntry(Strict):
    """A step of the chain with parameters of its own."""

    name: StepName
    params: Params = Field(default={}, description="See `GET /v1/steps` for their schemas.")


def _named(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


# A name alone is the usual way; both are told apart before anything else is looked at, so that a
# complaint names the place in the body and not a branch of a union.
Entry = Annotated[ChainEntry, BeforeValidator(_named, json_schema_input_type=StepName | ChainEntry)]


class WorkflowConfig(Strict):
    """What is to be done with the video."""

    workflow_chain: Annotated[list[Entry], Field(min_length=1, max_length=MOST_STEPS)] | None = (
        Field(default=None, description="The steps in order; the six built-in ones when left out.")
    )


EXAMPLE: Mapping[str, Any] = {
    "video_path": "/videos/film.mp4",
    "workflow_config": {
        "workflow_chain": [
            "ffmpeg.extract_keyframes",
            "paddleocr.detect_subtitle_area",
            "ffmpeg.crop_subtitle_images",
            "paddleocr.create_stitched_images",
            "paddleocr.perform_ocr",
            {"name": "paddleocr.postprocess_and_finalize", "params": {"formats": ["srt"]}},
        ]
    },
    "priority": 7,
    "labels": {"shelf": "documentaries"},
}


class WorkflowOrder(Strict):
    """A workflow to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [dict(EXAMPLE)]})

    video_path: VideoPath = Field(
        description="An absolute path below a media root, or `upload:ID` of a finished upload."
    )
    workflow_config: WorkflowConfig = WorkflowConfig(workflow_chain=None)
    priority: Priority = 5
    group: Group = Field(
        default="default", description="The tenant whose share of device time it takes."
    )
    labels: Annotated[dict[LabelName, LabelValue], Field(max_length=MOST_LABELS)] = {}
    callback_url: Address | None = Field(
        default=None, description="Told of its end; see the webhooks."
    )
    params: Annotated[dict[StepName, Params], Field(max_length=MOST_STEPS)] = Field(
        default={}, description="Parameters by step name, beside those in the chain."
    )


class RetryOrder(Strict):
    """How to go on with a workflow that has ended."""

    from_step: StepName | None = Field(
        default=None, description="Begin again here; at the step that failed when left out."
    )
    params: Annotated[dict[StepName, Params], Field(max_length=MOST_STEPS)] = Field(
        default={}, description="Changed parameters by step name."
    )


class PriorityOrder(Strict):
    """Another priority."""

    priority: Priority
