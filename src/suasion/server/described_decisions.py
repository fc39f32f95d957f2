"""The part of the OpenAPI document that tells how to ask what to show.

Shapes of OFREP as of https://github.com/open-feature/protocol, service/openapi.yaml.
"""

from __future__ import annotations

from typing import Any

Described = dict[str, Any]

_TEXT: Described = {"type": "string"}
_MAYBE: Described = {"type": ["string", "null"]}
_PERSON: Described = {
    "type": "object",
    "description": "Whom it is about; what else is said of them is not looked at.",
    "properties": {"targetingKey": _MAYBE, "userId": _MAYBE},
}
_ASKED: Described = {
    "type": "object",
    "required": ["placement"],
    "properties": {
        "placement": _TEXT,
        "context": {
            "oneOf": [{"type": "null"}, _PERSON, {"type": "array", "items": _PERSON, "maxItems": 1000}],
            "description": "A list gets a list of decisions.",
        },
        "candidates": {"type": ["array", "null"], "items": _TEXT, "maxItems": 1000},
        "count": {"enum": [*range(1, 101)], "description": "At most so many variants; 1, never 1.0."},
    },
}
_ANSWER: Described = {
    "type": "object",
    "required": ["placement", "variant", "value", "probability", "reason", "decision_id", "policy", "more"],
    "properties": {
        "placement": _TEXT,
        "variant": _TEXT,
        "value": {},
        "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "reason": {"enum": ["SPLIT", "TARGETING_MATCH", "CACHED", "DISABLED"]},
        "decision_id": _MAYBE,
        "policy": {"type": ["integer", "null"]},
        "more": {"type": "array"},
    },
}
_ANSWERS: Described = {
    "type": "object",
    "required": ["decisions"],
    "properties": {"decisions": {"type": "array", "items": _ANSWER}},
}
_CONTEXT: Described = {
    "type": "object",
    "properties": {
        "context": {
            "anyOf": [
                {"type": "object", "maxProperties": 0},
                {
                    "type": "object",
                    "required": ["targetingKey"],
                    "properties": {"targetingKey": {"type": "string", "minLength": 1}},
                },
            ]
        }
    },
}
_FLAG: Described = {
    "type": "object",
    "required": ["key", "value", "variant", "reason", "metadata"],
    "properties": {
        "key": _TEXT,
        "value": {},
        "variant": _TEXT,
        "reason": _ANSWER["properties"]["reason"],
        "metadata": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    },
}
_FAILED: Described = {
    "type": "object",
    "required": ["errorCode", "errorDetails"],
    "properties": {"key": _TEXT, "errorCode": _TEXT, "errorDetails": _TEXT},
}
_FLAGS: Described = {
    "type": "object",
    "required": ["flags", "metadata"],
    "properties": {
        "flags": {"type": "array", "items": {"anyOf": [_FLAG, _FAILED]}},
        "metadata": {"type": "object"},
    },
}
_PROBLEM: Described = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": _TEXT, "message": _TEXT},
    "additionalProperties": False,
}
_WAIT: Described = {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer"}}}
_REFUSED = {
    "401": "No key with the scope `decide`.",
    "408": "The body took longer than ten seconds.",
    "413": "The body is too large.",
    "429": "More persons than a key may ask about.",
    "503": "Ask again later.",
}
_SECURITY = [{"bearer": []}, {"key": []}]


def _asked(
    name: str, summary: str, body: Described, responses: Described, *parameters: Described
) -> Described:
    refused = {status: _said(why, _PROBLEM, status in ("429", "503")) for status, why in _REFUSED.items()}
    return {
        "summary": summary,
        "operationId": name,
        "tags": ["decisions"],
        "security": _SECURITY,
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": refused | responses,
    }


def _said(description: str, schema: Described, waits: bool = False) -> Described:
    headers: Described = {"headers": _WAIT} if waits else {}
    return {"description": description, "content": {"application/json": {"schema": schema}}} | headers


_WRONG = _said("What was wrong, by a code of OFREP.", _FAILED)
_KEY: Described = {"name": "key", "in": "path", "required": True, "schema": _TEXT}
_TAG: Described = {"name": "If-None-Match", "in": "header", "required": False, "schema": _TEXT}

decided: Described = {
    "/v1/decide": {
        "post": _asked(
            "decide",
            "What to show to one person, or to up to 1,000; no exposure",
            _ASKED,
            {
                "200": _said("The decision, or decisions.", {"anyOf": [_ANSWER, _ANSWERS]}),
                "400": _said("Not what is asked for here.", _PROBLEM),
                "404": _said("There is no such placement.", _PROBLEM),
            },
        )
    },
    "/ofrep/v1/evaluate/flags/{key}": {
        "post": _asked(
            "evaluate_flag",
            "OFREP: what to show at one placement; no exposure",
            _CONTEXT,
            {
                "200": _said("What to show.", _FLAG),
                "400": _WRONG,
                "404": _said("There is no such placement.", {"anyOf": [_FAILED, _PROBLEM]}),
            },
            _KEY,
        ),
    },
    "/ofrep/v1/evaluate/flags": {
        "post": _asked(
            "evaluate_flags",
            "OFREP: what to show at all placements; no exposure",
            _CONTEXT,
            {
                "200": _said("What to show, with an ETag.", _FLAGS),
                "304": {"description": "As the client knows it."},
                "400": _WRONG,
            },
            _TAG,
        ),
    },
}
"""Paths."""
