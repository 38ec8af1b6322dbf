"""A thousand cases made from the description: none is a fault of ours."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tests.api.conftest import Served

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

# Streams do not end by themselves.
SKIPPED = {"watch_events", "watch_workflow_events"}
CASES = 1000


def operations(api: Served) -> list[Any]:
    schema = schemathesis.openapi.from_dict(api.client.get("/openapi.json").json())
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if one.definition.raw["operationId"] not in SKIPPED]


@pytest.mark.filterwarnings("ignore::Warning")
def test_no_case_is_a_fault_of_ours(api: Served) -> None:
    """Whatever the description allows is answered, with a status below 500."""
    chosen = operations(api)
    seen: list[int] = []

    for operation in chosen:

        @settings(
            max_examples=CASES // len(chosen) + 1,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def is_answered(case: Any) -> None:
            answer = case.call(base_url=api.url, timeout=20)
            seen.append(answer.status_code)
            assert answer.status_code < 500, answer.text

        is_answered()
    assert len(seen) >= CASES * 0.9
