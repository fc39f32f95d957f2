"""The newest record of each part of a campaign, in the shape that is exported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from suasion.disclosure.label import HOUSE
from suasion.ledger import log

Json = dict[str, Any]
SCHEMA_ID = "urn:suasion:record:2"


def records(rows: Sequence[log.LogRow], campaign: str) -> tuple[Json, ...]:
    """The newest record of each part of a campaign, with its newest figures.

    Parameters
    ----------
    rows : sequence of LogRow
        The whole log.
    campaign : str

    Returns
    -------
    tuple of dict
        As `schema` says; empty where the campaign has no record.
    """
    entries, results = _newest(rows, "campaign", campaign), _newest(rows, "result", campaign)
    state = _state(rows, campaign)
    return tuple(
        _record(entry, results[part].content if part in results else None, state)
        for part, entry in entries.items()
    )


def _newest(rows: Iterable[log.LogRow], kind: str, campaign: str) -> dict[str, log.LogRow]:
    """By part, in the order of their first record."""
    found: dict[str, log.LogRow] = {}
    for row in rows:
        if (row.kind, row.campaign) == (kind, campaign):
            found[row.content.get("part", HOUSE)] = row
    return found


def _state(rows: Iterable[log.LogRow], campaign: str) -> str:
    said = [row.kind for row in rows if row.campaign == campaign and row.kind in ("pause", "resume")]
    return "suspended" if said and said[-1] == "pause" else "live"


def _record(row: log.LogRow, result: Json | None, state: str) -> Json:
    said = row.content
    return {
        "schema": SCHEMA_ID,
        "record_id": said["record_id"],
        "version_tag": said["version_tag"],
        "supersedes": said["supersedes"],
        "published_at": row.at,
        "languages": said["disclosure"]["languages"],
        "ad": _ad(said),
        "label": {
            "text": " ".join(label["text"] for label in said["labels"]),
            "is_political": said["purpose"] in ("political", "advocacy"),
            "jurisdiction_template": [label["regime"] for label in said["labels"]],
        },
        "parties": _parties(said),
        "linked_process": [] if said["disclosure"]["process"] is None else [said["disclosure"]["process"]],
        "period": {"recorded": row.at, "planned_end": said["not_after"]},
        "money": _money(said, result),
        "targeting": _targeting(said),
        "delivery": _delivery(result),
        "effect": _effect(said, result),
        "safeguards": _safeguards(said),
        "rights": _rights(said),
        "status": {"state": state, "earlier_suspension": said["disclosure"]["suspended"]},
        "proof": {
            "position": row.position,
            "leaf_hash": row.hash,
            "log_url": f"{_root(said)}/log.jsonl",
            "rule_set_hash": said["rules"],
            "content_hash": said["content"],
        },
    }


def _ad(said: Json) -> Json:
    variants = [
        {
            "variant_id": told["treatment"],
            "creative_hash": told["creative"],
            "subject": told["says"]["subject"],
            "text": told["says"]["text"],
            "html": told["says"]["html"],
            "share_of_sends": told["share"],
            "people_planned_dp": told["people"],
            "cost": told["cost"],
            "price": told["price"],
            "price_if": told["price_if"],
        }
        for told in said["treatments"]
    ]
    return {
        "permanent_url": f"{_root(said)}/campaigns/{quote(said['campaign'], safe='')}",
        "media_type": "text/html" if any(one["html"] for one in variants) else "text/plain",
        "channel": said["channel"],
        "subject": said["aim"]["label"],
        "purpose": said["purpose"],
        "campaign": said["campaign"],
        "part": said["part"],
        "places": said["places"],
        "variants": variants,
        "ai_generated": said["disclosure"]["ai"],
        "ai_marking": said["disclosure"]["ai_marking"],
    }


def _parties(said: Json) -> Json:
    return {
        **said["parties"],
        "imprint": said["imprint"],
        "sender": said["sender"],
        "authorization": said["disclosure"]["authorization"],
    }


def _money(said: Json, result: Json | None) -> Json:
    declared = said["disclosure"]["money"]
    return {
        "currency": said["currency"],
        "budget": said["budget"],
        "spent_dp": None if result is None else result["spent"],
        "in_kind_value": declared["in_kind"],
        "campaign_amount": declared["campaign_total"],
        "origin_public_private": declared["origin"],
        "origin_inside_eu": declared["inside_eu"],
        "method": declared["method"],
    }


def _targeting(said: Json) -> Json:
    chosen = said["targeting"]
    return {
        "used": chosen["used"],
        "segment": said["aim"],
        "include": chosen["include"],
        "exclude": chosen["exclude"],
        "kept_out_by_rules": chosen["kept_out"],
        "data_categories": chosen["data_categories"],
        "never_used": chosen["never_used"],
        "traits": said["traits"],
        "data_sources": said["sources"],
        "model": said["model"],
        "audience_size_dp": said["audience"],
        "min_audience": said["least_audience"],
        "tracking": said["disclosure"]["tracking"],
    }


def _delivery(result: Json | None) -> Json:
    known = result or {"reach": None, "treatments": {}, "shares": {}, "replies": {}}
    return {
        "reach_dp": known["reach"],
        "by_variant_dp": known["treatments"],
        "shares": known["shares"],
        "replies_dp": known["replies"],
    }


def _effect(said: Json, result: Json | None) -> Json:
    return {
        "registered_plan_hash": said["analysis_digest"],
        "analysis": said["analysis"],
        "holdout_share": said["holdout"],
        "exploration_share": said["exploration"],
        "lift": None if result is None else result["lift"],
        "judged_by": None if result is None else result["analysis_digest"],
    }


def _safeguards(said: Json) -> Json:
    declared = said["disclosure"]
    return {
        "parity": said["parity"],
        "approved": said["approval"],
        "dpia": declared["dpia"],
        "privacy_of_counts": "Gaussian noise; minimum audience; one answer a question",
    }


def _rights(said: Json) -> Json:
    root, declared = _root(said), said["disclosure"]
    return {
        "opt_out": said["opt_out"],
        "opt_out_url": f"{root}/o/",
        "why_url": f"{root}/why/",
        "complaint_url": declared["complaint_url"],
        "complaint_email": declared["complaint_email"],
        "policy_url": declared["policy_url"],
        "risk_assessment_url": declared["risk_assessment_url"],
        "repository_url": declared["repository_url"],
        "kept_years": declared["keep_years"],
    }


def _root(said: Mapping[str, Any]) -> str:
    return str(said["public_url"]).rstrip("/")
