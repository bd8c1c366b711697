"""Flows as tests run them, on the tests' own Prefect server, and what Prefect's UI shows of a run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

ON_PREFECT = [
    pytest.mark.usefixtures("prefect"),
    pytest.mark.filterwarnings("default", "ignore::ResourceWarning"),
]
"""Marks of tests in which flows run: Prefect's own warnings are not this project's."""


def run_flow(flow: Any, **parameters: Any) -> Any:
    """A run of a flow, as its state."""
    return asyncio.run(flow(return_state=True, **parameters))


def artifacts(key: str) -> list[Any]:
    """All artifacts of a key, oldest first."""

    async def read() -> list[Any]:
        async with get_client() as client:
            return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))

    return sorted(asyncio.run(read()), key=lambda artifact: artifact.created)
