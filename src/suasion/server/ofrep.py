"""The OpenFeature Remote Evaluation Protocol: any SDK of OpenFeature can ask what to show.

Shapes as of https://github.com/open-feature/protocol, service/openapi.yaml; a flag is a placement.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from suasion.errors import SuasionError
from suasion.workspace import deciding

PATH = "/ofrep/v1/evaluate/flags"
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Any])


class EvaluationError(Exception):
    """A request that cannot be evaluated.

    Parameters
    ----------
    code : str
        Of the protocol.
    details : str
        For whoever reads the client's log; no values of the request.
    """

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


def one(decider: deciding.Decider, flag: str, body: bytes) -> tuple[int, bytes, str]:
    """Evaluate one flag.

    Parameters
    ----------
    decider : Decider
    flag : str
    body : bytes
        Of the request.

    Returns
    -------
    int
        Status: 200; 404 there is no such flag; 400 the request, or the placement, is wrong.
    bytes
        Body of the answer.
    str
        The reason, or the error code.
    """
    if flag not in decider.names() and flag not in decider.broken():
        return 404, *_failed("FLAG_NOT_FOUND", f"There is no placement '{flag}'.", flag)
    try:
        answer = decider.decide(flag, _who(body))
    except EvaluationError as error:
        return 400, *_failed(error.code, error.details, flag)
    except SuasionError:
        return 400, *_failed("GENERAL", "The placement cannot be served: its declaration is wrong.", flag)
    return 200, _ENCODER.encode(_evaluated(answer)), answer.reason


def every(decider: deciding.Decider, body: bytes) -> tuple[int, bytes, list[str]]:
    """Evaluate all flags for one context; no exposure, for clients do it ahead.

    Parameters
    ----------
    decider : Decider
    body : bytes

    Returns
    -------
    int
        Status: 200, or 400.
    bytes
        Body of the answer.
    list of str
        Reasons, or the error code.
    """
    try:
        named = _who(body)
    except EvaluationError as error:
        made, code = _failed(error.code, error.details)
        return 400, made, [code]
    flags, reasons = list[dict[str, Any]](), list[str]()
    for flag in sorted({*decider.names(), *decider.broken()}):
        try:
            answer = decider.decide(flag, named)
            flags.append(_evaluated(answer))
            reasons.append(answer.reason)
        except SuasionError:
            said = "The placement cannot be served: its declaration is wrong."
            flags.append({"key": flag, "errorCode": "GENERAL", "errorDetails": said})
            reasons.append("GENERAL")
    return 200, _ENCODER.encode({"flags": flags, "metadata": {}}), reasons


def etag(body: bytes) -> bytes:
    """A strong validator of an evaluated result: that of one person is never that of another's.

    Examples
    --------
    >>> etag(b"{}") == etag(b"{}"), etag(b"{}") == etag(b"[]")
    (True, False)
    """
    return b'"%s"' % hashlib.blake2b(body, digest_size=16).hexdigest().encode()


def is_known(tag: bytes, if_none_match: bytes) -> bool:
    """Whether a client has a result already, by its ``If-None-Match``.

    Examples
    --------
    >>> is_known(b'"a"', b'"b", W/"a"'), is_known(b'"a"', b""), is_known(b'"a"', b"*")
    (True, False, False)
    """
    return tag in (one.strip().removeprefix(b"W/") for one in if_none_match.split(b","))


def _who(body: bytes) -> str | None:
    """Whom a request is about; None where it names no context, and so nobody in particular."""
    try:
        said = _DECODER.decode(body)
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise EvaluationError("PARSE_ERROR", "The body is no JSON object.") from None
    context = said.get("context")
    if context is None:
        return None
    if not isinstance(context, dict):
        raise EvaluationError("INVALID_CONTEXT", "The context is no object.")
    named = deciding.named_in(context)
    if named is not None or not context:
        return named
    for key in ("targetingKey", "userId"):
        if context.get(key) not in (None, ""):
            raise EvaluationError("INVALID_CONTEXT", f"{key} is neither text nor a whole number.")
    raise EvaluationError("TARGETING_KEY_MISSING", "Give the context a targetingKey, KIND=VALUE.")


def _evaluated(answer: deciding.Answer) -> dict[str, Any]:
    metadata: dict[str, Any] = {"experiment": f"placement:{answer.placement}"}
    if answer.probability is not None:
        metadata["propensity"] = answer.probability
    if answer.decision_id is not None:
        metadata |= {"decision_id": answer.decision_id, "policy": answer.policy}
    return {
        "key": answer.placement,
        "value": answer.value,
        "variant": answer.variant,
        "reason": answer.reason,
        "metadata": metadata,
    }


def _failed(code: str, details: str, flag: str | None = None) -> tuple[bytes, str]:
    about = {} if flag is None else {"key": flag}
    return _ENCODER.encode({**about, "errorCode": code, "errorDetails": details}), code
