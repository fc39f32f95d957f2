"""``GET /v1/projects/KEY/settings``: what analytics.js of Segment asks before it sends anything."""

from __future__ import annotations

from typing import Any

import msgspec

from suasion.server.answers import Receive, RequestError, Scope, Send, answer, header, preflight, refuse
from suasion.server.metrics import Metrics
from suasion.server.streams import Streams

BEFORE, AFTER = "/v1/projects/", "/settings"


def is_settings(path: str) -> bool:
    """Whether a path asks for settings."""
    return path.startswith(BEFORE) and path.rstrip("/").endswith(AFTER)


class ProjectSettings:
    """Tells browsers where to send events; it tells nothing that the page that asks does not know.

    Parameters
    ----------
    streams : Streams
    public_url : str or None
        Where browsers reach us; without it, the host that they asked.
    metrics : Metrics
    """

    def __init__(self, streams: Streams, public_url: str | None, metrics: Metrics) -> None:
        self._streams = streams
        self._public_url = public_url
        self._metrics = metrics

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await preflight(send, b"GET", header(scope["headers"], b"access-control-request-headers"))
            return
        try:
            said = self._settings(scope)
        except RequestError as refusal:
            self._metrics.refused("settings", refusal.code)
            await refuse(send, refusal)
        else:
            await answer(send, 200, msgspec.json.encode(said), [(b"cache-control", b"public, max-age=60")])

    def _settings(self, scope: Scope) -> dict[str, Any]:
        if scope["method"] not in ("GET", "HEAD"):
            raise RequestError(405, "not_allowed", "GET settings here.")
        key = scope["path"].rstrip("/").removeprefix(BEFORE).removesuffix(AFTER)
        if key not in self._streams():
            raise RequestError(401, "unknown_key", "No stream has this write key.")
        asked = f"{scope['scheme']}://{header(scope['headers'], b'host').decode('latin-1')}"
        scheme, _, host = (self._public_url or asked).rstrip("/").partition("://")
        goes = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}
        each = {"__default": {"enabled": True, "integrations": {}}}
        return {
            "integrations": {
                "Segment.io": {**goes, "unbundledIntegrations": [], "addBundledMetadata": False}
            },
            "plan": {"track": each, "identify": each, "group": each},
            "edgeFunction": {},
            "enabledMiddleware": {},
            "middlewareSettings": {},
            "remotePlugins": [],
            "metrics": {"sampleRate": 0},  # or it would send figures about itself
            "analyticsNextEnabled": True,
            "legacyVideoPluginsEnabled": False,
        }
