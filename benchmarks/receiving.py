"""Two servers that take batches of events into the inbox: `suasion serve`, and one as most would write it.

``python -m benchmarks.receiving suasion|fastapi PORT FOLDER``; for `benchmarks.ingest`.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import time
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from msgspec import Raw
from pydantic import BaseModel, ConfigDict, Field, model_validator

import suasion
from suasion.ingest import inbox, tracking
from suasion.server import serve
from suasion.server.application import STREAMING
from suasion.server.processes import SWITCHING
from suasion.workspace.streaming import INBOX

KEY = "wk_benchmark_0123456789"
STREAMS = {KEY: "site"}
Id = str | int | float | None
_WORKSPACE = 'name = "B"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "public_health"\n'
_STREAM = f"""
write_key = "{KEY}"
user_id = "member"
basis = "consent"
territory = "DE"
purposes = ["public_health"]
events_per_second = 1e9
"""


def stream_of(authorization: str) -> str | None:
    """The stream whose key stands in the header."""
    return STREAMS.get(b64decode(authorization.partition(" ")[2]).decode().partition(":")[0])


def own(folder: Path, port: int) -> None:
    """Serve a workspace, of which nobody drains the inbox, for all that came is counted at the end."""
    (folder / "streams").mkdir()
    (folder / "suasion.toml").write_text(_WORKSPACE, "utf-8")
    (folder / "streams" / f"{STREAMS[KEY]}.toml").write_text(_STREAM, "utf-8")
    with (folder / STREAMING).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        serve(suasion.open(folder, environment={"SUASION_KEY": "of the benchmark"}), port=port)


class EventIn(BaseModel):
    """An event with the same demands."""

    model_config = ConfigDict(extra="allow")
    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    messageId: str  # noqa: N815
    userId: Id = None  # noqa: N815
    anonymousId: Id = None  # noqa: N815
    event: Id = None
    groupId: Id = None  # noqa: N815
    previousId: Id = None  # noqa: N815
    timestamp: datetime | None = None
    originalTimestamp: datetime | None = None  # noqa: N815
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _is_of_somebody(self) -> EventIn:
        if self.userId in (None, "") and self.anonymousId in (None, ""):
            raise ValueError("neither userId nor anonymousId")
        lacks = {"track": self.event, "group": self.groupId, "alias": self.previousId}
        if lacks.get(self.type, 1) in (None, ""):
            raise ValueError("not all that its type needs")
        return self


class BatchIn(BaseModel):
    """The body."""

    batch: list[EventIn]
    sentAt: datetime | None = None  # noqa: N815
    timestamp: datetime | None = None
    context: dict[str, Any] = Field(default_factory=dict)


def fastapi(box: inbox.Inbox) -> FastAPI:
    """The same in FastAPI with pydantic, by the same writer into the same inbox."""
    application = FastAPI()

    @application.post("/v1/batch")
    async def batch(body: BatchIn, request: Request) -> dict[str, bool]:  # pyright: ignore[reportUnusedFunction]
        stream, at = stream_of(request.headers["authorization"]), time.time()
        raws = [Raw(one.model_dump_json(exclude_unset=True).encode()) for one in body.batch]
        if stream is None or any(len(raw) > tracking.MOST_EVENT for raw in raws):
            raise HTTPException(400)
        sent_at = body.sentAt.timestamp() if body.sentAt else None
        ids = [one.messageId for one in body.batch]
        parsed = tracking.Parsed(None, tracking.Head(sent_at=sent_at), ids, raws, at, ())
        await asyncio.wrap_future(box.offer(stream, parsed, at))
        return {"success": True}

    return application


def main() -> None:
    """Serve until killed."""
    kind, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if kind == "suasion":
        own(folder, port)
        return
    sys.setswitchinterval(SWITCHING)
    box = inbox.Inbox.open(folder / INBOX)
    box.check()
    uvicorn.run(fastapi(box), port=port, loop="uvloop", http="httptools", lifespan="off", log_level="error")


if __name__ == "__main__":
    main()
