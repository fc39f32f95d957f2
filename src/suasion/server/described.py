"""The OpenAPI document: what programs may ask, and what they are answered."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from suasion.server.described_decisions import decided

Described = dict[str, Any]

_KEYS: Described = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `suasion key add`."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
    "writeKey": {
        "type": "http",
        "scheme": "basic",
        "description": "The write key of a stream as user, without password; or as Bearer, or in the body.",
    },
}
_TEXT: Described = {"type": "string"}
_OBJECT: Described = {"type": "object"}
_ID: Described = {"type": ["string", "number", "null"]}
_EVENT: Described = {
    "type": "object",
    "description": "One of userId and anonymousId is needed. Times are ISO 8601.",
    "properties": {
        "type": {"enum": ["identify", "track", "page", "screen", "group", "alias"]},
        "messageId": {"type": "string", "description": "The same again is the same event."},
        "userId": _ID,
        "anonymousId": _ID,
        "event": _TEXT,
        "name": {"type": ["string", "null"]},
        "properties": _OBJECT,
        "traits": _OBJECT,
        "groupId": _ID,
        "previousId": _ID,
        "context": _OBJECT,
        "timestamp": _TEXT,
        "originalTimestamp": _TEXT,
        "sentAt": _TEXT,
        "writeKey": _TEXT,
    },
}
_BATCH: Described = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": _EVENT},
        "context": _OBJECT,
        "timestamp": _TEXT,
        "sentAt": _TEXT,
        "writeKey": _TEXT,
    },
}
_PROBLEM: Described = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": _TEXT, "message": _TEXT},
    "additionalProperties": False,
}
_SUCCESS: Described = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"const": True}},
    "additionalProperties": False,
}
_WAIT: Described = {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer"}}}
_REFUSED = {
    "400": "Not JSON, or not UTF-8. A bad event in a good batch is no reason to refuse it.",
    "401": "No stream has this write key.",
    "408": "The body took longer than ten seconds.",
    "413": "More than 4 MB, unpacked.",
    "415": "Packed, and not by gzip.",
    "429": "More events than the stream may send.",
    "503": "Nothing was taken; send it again.",
}
_FOR_ALL = (
    ("/record.schema.json", "The JSON Schema of records"),
    ("/.well-known/suasion-transparency.json", "Who sends from here, and where it is on record"),
    ("/campaigns/{name}.json", "The records of a campaign"),
    ("/campaigns/{name}.jsonld", "The records of a campaign as JSON-LD"),
    ("/campaigns/{name}/notice.json", "The transparency notice of a campaign, by numbered items"),
    ("/proof/inclusion/{number}", "The proof that a row is in the log"),
    ("/proof/consistency/{number}", "The proof that the log continues its first rows"),
    ("/receipt/{token}", "The receipt of a send, for whoever has its token"),
)
"""Paths of JSON that everybody may read."""


def described(made: FastAPI) -> Described:
    """The document of an application, with what is served beside it; made once."""
    if made.openapi_schema is None:
        said = get_openapi(title=made.title, version=made.version, routes=made.routes)
        paths = said.setdefault("paths", {})
        for name in ("identify", "track", "page", "screen", "group", "alias", "batch"):
            paths[f"/v1/{name}"] = {"post": _taken(name, _BATCH if name == "batch" else _EVENT)}
        paths["/v1/projects/{key}/settings"] = {"get": _settings()}
        paths |= decided
        for path, summary in _FOR_ALL:
            paths[path] = {"get": _read(path, summary)}
        said.setdefault("components", {})["securitySchemes"] = _KEYS
        made.openapi_schema = said
    return made.openapi_schema


def _taken(name: str, body: Described) -> Described:
    said = "Take events" if name == "batch" else f"Take one event of the kind {name}"
    refused = {
        status: _answer(why, _PROBLEM, _WAIT if status in ("429", "503") else None)
        for status, why in _REFUSED.items()
    }
    return {
        "summary": f"{said}; they are on disk when it answers",
        "operationId": name,
        "tags": ["events"],
        "security": [{"writeKey": []}, {"bearer": []}, {}],
        "requestBody": {
            "required": True,
            "description": "JSON, whatever its Content-Type; plain or packed by gzip.",
            "content": {"application/json": {"schema": body}},
        },
        "responses": {"200": _answer("On disk.", _SUCCESS)} | refused,
    }


def _settings() -> Described:
    return {
        "summary": "Where a browser sends its events",
        "operationId": "settings",
        "tags": ["events"],
        "parameters": [_in_path("key")],
        "responses": {"200": _answer("Settings.", _OBJECT), "401": _answer("No such write key.", _PROBLEM)},
    }


def _read(path: str, summary: str) -> Described:
    named = [part[1:].partition("}")[0] for part in path.split("/") if part.startswith("{")]
    kind = "application/ld+json" if path.endswith(".jsonld") else "application/json"
    found: Described = {"description": "Found.", "content": {kind: {"schema": {}}}}
    lacking: Described = {"404": {"description": "There is none."}} if named else {}
    return {
        "summary": summary,
        "operationId": path.strip("/").replace("/", "_").replace(".", "_").replace("{", "").replace("}", ""),
        "tags": ["record"],
        "parameters": [_in_path(name) for name in named],
        "responses": {"200": found} | lacking,
    }


def _in_path(name: str) -> Described:
    schema: Described = {"type": "integer", "minimum": 0} if name == "number" else _TEXT
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answer(said: str, schema: Described, headers: Described | None = None) -> Described:
    content = {"application/json": {"schema": schema}}
    return {"description": said, "content": content} | ({"headers": headers} if headers else {})
