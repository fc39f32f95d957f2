"""How the server stands: ``/health``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from suasion.errors import SuasionError
from suasion.server.keys import Keys, Scope
from suasion.server.metrics import Metrics
from suasion.server.troubles import Troubles

FINE = "ok"
_PRIVATE = {"Cache-Control": "no-store"}


class Readiness(BaseModel):
    """Whether requests should be sent here, and what of it holds; "ok", or the kind of what is wrong.

    `told` is what is wrong and concerns all processes: placements that cannot be served, a streamer that
    fails, alarms.
    """

    ready: bool
    checks: dict[str, str]
    told: dict[str, str] = Field(default_factory=dict)


class Problem(BaseModel):
    """Why a request was refused."""

    code: str
    message: str


@dataclass
class Standing:
    """What is known of the server itself.

    Parameters
    ----------
    checks : dict of str to callable
        Each raises an error where something does not work.
    keys : Keys
    metrics : Metrics
    troubles : Troubles
    draining : bool
        Whether it was asked to end.
    """

    checks: dict[str, Callable[[], object]]
    keys: Keys
    metrics: Metrics
    troubles: Troubles
    draining: bool = field(default=False)

    def mount(self, made: FastAPI) -> None:
        """Add its routes to an application."""
        made.add_api_route(
            "/ready",
            self.ready,
            response_model=Readiness,
            responses={503: {"model": Readiness, "description": "Send requests elsewhere for now."}},
            summary="Whether requests should be sent here",
            tags=["operation"],
        )
        made.add_api_route(
            "/metrics",
            self.written,
            response_class=PlainTextResponse,
            responses={401: {"model": Problem, "description": "No key with the scope `read`."}},
            summary="Counters in the text format of Prometheus",
            tags=["operation"],
            openapi_extra={"security": [{"bearer": []}, {"key": []}]},
        )

    def ready(self) -> Response:
        """Whether the ledger and the inbox can be written to, and nobody asked the server to end."""
        found = {name: _checked(check) for name, check in self.checks.items()}
        found["running"] = "draining" if self.draining else FINE
        is_ready = set(found.values()) == {FINE}
        said = Readiness(ready=is_ready, checks=found, told=self.troubles.told())
        return JSONResponse(said.model_dump(exclude_defaults=True), 200 if is_ready else 503, _PRIVATE)

    def written(self, request: Request) -> Response:
        """What is counted; for who has a key with the scope ``read``."""
        if not self.keys.allowed(request.scope["headers"], Scope.READ):
            said = "Send a key: `suasion key add NAME --scope read`."
            problem = Problem(code="unknown_key", message=said)
            return JSONResponse(problem.model_dump(), 401, {**_PRIVATE, "WWW-Authenticate": "Bearer"})
        written = self.metrics.written() + self.troubles.written()
        return Response(written, headers=_PRIVATE, media_type=CONTENT_TYPE_LATEST)


def _checked(check: Callable[[], object]) -> str:
    try:
        check()
    except (SuasionError, DBAPIError, OSError) as error:
        return type(error).__name__
    return FINE
