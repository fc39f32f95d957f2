"""The transparency notice: the numbered items of Implementing Regulation (EU) 2025/1410, Annex II.

Items 1 to 5 and the content of the others are as in Regulation (EU) 2024/900, Art. 12(1); the numbers from 6
on are from a secondary source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from suasion.disclosure.export.records import Json

NOT_SAID = "not said"
NONE = "none"


@dataclass(frozen=True)
class Item:
    """One item of a notice.

    Parameters
    ----------
    number : int
    title : str
    lines : tuple of str
        Never empty.
    """

    number: int
    title: str
    lines: tuple[str, ...]


def items_of(record: Json) -> tuple[Item, ...]:
    """The items of the notice of one record.

    Parameters
    ----------
    record : dict
        As `records` makes it.

    Returns
    -------
    tuple of Item
    """
    said = _items(record)
    return tuple(Item(number, title, tuple(lines)) for number, (title, lines) in enumerate(said, 1))


def _items(record: Json) -> Iterator[tuple[str, list[str]]]:
    parties, money, rights = record["parties"], record["money"], record["rights"]
    currency, status = money["currency"], record["status"]
    yield "Sponsor", _party(parties["sponsor"])
    controlled = [parties["controlled_by"], parties["controlled_from"]]
    yield "Who controls the sponsor", [", ".join(filter(None, controlled)) or NONE]
    same = parties["payer"] == parties["sponsor"]
    yield "Who pays", ["The sponsor."] if same else _party(parties["payer"])
    since, until = (_day(record["period"][key]) for key in ("recorded", "planned_end"))
    yield "Period", [f"This version on record since {since}", f"Planned end {until}"]
    spent = f"Spent {dp(money['spent_dp'])} {currency}" if money["spent_dp"] else "Nothing spent yet"
    in_kind = [_money("Given in kind", money["in_kind_value"], currency)]
    yield "Amount of this advertisement", [_money("Budget", money["budget"], currency), spent, *in_kind]
    yield "Amount of the whole campaign", [_money("", money["campaign_amount"], currency)]
    inside = {True: "from inside the Union", False: "in part from outside the Union", None: NOT_SAID}
    origin = f"{money['origin_public_private'] or NOT_SAID}; {inside[money['origin_inside_eu']]}"
    yield "Origin of the money", [f"Public or private: {origin}"]
    yield "How amounts were found", [money["method"] or NOT_SAID]
    yield "Linked vote or law", [_process(one) for one in record["linked_process"]] or [NOT_SAID]
    official = [one["official_url"] for one in record["linked_process"] if one["official_url"]]
    yield "Official information on the vote", official or [NOT_SAID]
    yield "Repository", [rights["repository_url"] or record["ad"]["permanent_url"]]
    complaints = [one for one in (rights["complaint_url"], rights["complaint_email"]) if one]
    yield "Complaints", complaints or [NOT_SAID]
    yield (
        "Earlier suspension",
        [status["earlier_suspension"] or ("now" if status["state"] == "suspended" else NONE)],
    )
    yield "Targeting", _targeting(record)
    reach = record["delivery"]["reach_dp"]
    yield "Reach", [dp(reach) if reach else "nothing can be said yet"]


def dp(count: Mapping[str, Any]) -> str:
    """A noisy count as people read it.

    Examples
    --------
    >>> dp({"value": 4120, "low": 4050, "high": 4190}), dp({"value": None, "low": 0, "high": 130})
    ('about 4,120 (4,050 to 4,190)', 'fewer than 130')
    """
    if count["value"] is None:
        return f"fewer than {count['high']:,}"
    return f"about {count['value']:,} ({count['low']:,} to {count['high']:,})"


def _party(party: Mapping[str, Any]) -> list[str]:
    known = {
        "Name": party["name"],
        "Legal name": party["legal_name"],
        "E-mail": party["email"],
        "Postal address": party["postal"],
        "Established in": party["place"],
        "Register number": party["register_no"],
    }
    return [f"{title}: {value or NOT_SAID}" for title, value in known.items()]


def _day(iso: str) -> str:
    at = datetime.fromisoformat(iso)
    return f"{at.day} {at:%B %Y}"


def _money(title: str, amount: float | None, currency: str) -> str:
    said = NOT_SAID if amount is None else f"{amount:,.2f} {currency}"
    return f"{title} {said}".strip()


def _process(process: Mapping[str, Any]) -> str:
    if process["kind"] == "none":
        return NONE
    return ", ".join(
        _day(process[key]) if key == "on" else str(process[key])
        for key in ("kind", "name", "territory", "on")
        if process[key]
    )


def _targeting(record: Json) -> list[str]:
    chosen = record["targeting"]
    if not chosen["used"]:
        return ["No personal data were used to choose people."]
    lines = [f"Included: {one['value']} ({one['parameter']}), for {one['why']}" for one in chosen["include"]]
    lines += [f"Left out: {one['value']} ({one['parameter']}): {one['why']}" for one in chosen["exclude"]]
    lines.append(
        f"Left out besides: who is kept out by {len(chosen['kept_out_by_rules'])} rules, see the record"
    )
    lines.append(f"Kinds of data: {', '.join(chosen['data_categories']) or NONE}")
    sources = [f"{one['source']} ({one['basis']}; {one['licence']})" for one in chosen["data_sources"]]
    lines.append(f"Sources: {'; '.join(sources) or NONE}")
    model = chosen["model"]
    learned = f"{', '.join(model['learners'])}, {model['purpose']}" if model["learners"] else NONE
    lines.append(f"Artificial intelligence: {learned}")
    lines.append(f"People eligible: {dp(chosen['audience_size_dp'])}")
    for key, title in (("policy_url", "Policy"), ("risk_assessment_url", "Assessment of risks")):
        lines.append(f"{title}: {record['rights'][key] or NOT_SAID}")
    return lines
