"""An approval is bound to what is said, by whom and to whom, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError

Change = Callable[[Any], object]


def _put(content: dict[str, Any], *path: str, to: Any) -> None:
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = to


def _in_campaign(*path: str, to: Any) -> Change:
    return lambda declared: _put(declared.campaign, *path, to=to)


def _in_message(*path: str, to: Any) -> Change:
    return lambda declared: _put(declared.messages, *path, to=to)


def _rename_treatment(declared: Any) -> None:
    treatments = declared.campaign["treatments"]
    treatments["note"] = treatments.pop("reminder")


def _rename_variant(declared: Any) -> None:
    variants = declared.messages["due"]["variants"]
    variants["plainer"] = variants.pop("plain")


SAID = {
    "name": _in_campaign("name", to="other"),
    "sponsor": _in_campaign("sponsor", to="Somebody else"),
    "purpose": _in_campaign("purpose", to="commercial"),
    "segment": _in_campaign("segment", to="people"),
    "who is in the segment": lambda declared: setattr(declared, "where", "age >= 70"),
    "sender": _in_campaign("delivery", "sender", to="Else <else@town.example>"),
    "imprint": _in_campaign("delivery", "imprint", to="Elsewhere"),
    "channel": _in_campaign("delivery", "channel", to="post"),
    "subject": _in_message("due", "variants", "plain", "subject", to="Your check-up is overdue"),
    "no subject": _in_message("due", "variants", "plain", "subject", to=None),
    "text": _in_message("due", "variants", "plain", "text", to="Dear {{ first_name }}, it is  time."),
    "html": _in_message("due", "variants", "plain", "html", to="<p>It  is.</p>"),
    "fallback": _in_message("due", "fallbacks", "first_name", to="citizen"),
    "no fallback": _in_message("due", "fallbacks", to={}),
    "another variant": _in_campaign("treatments", "invitation", "variant", to="cold"),
    "name of a variant": _rename_variant,
    "name of a treatment": _rename_treatment,
    "address of the links": lambda declared: setattr(declared, "public_url", "https://town.example/x"),
}
NOT_SAID = {
    "budget": _in_campaign("budget", to=1.0),
    "last day": _in_campaign("delivery", "not_after", to="2028-01-31T20:00:00+01:00"),
    "hours": _in_campaign("delivery", "hours", to=None),
    "cost": _in_campaign("treatments", "reminder", "cost", to=9.0),
    "holdout": _in_campaign("holdout", to=0.5),
    "a variant that is not used": _in_message("visit", "variants", "cold", "text", to="Come now."),
    "a fallback that is not used": _in_message("due", "fallbacks", "district", to="village"),
    "a message that is not used": _in_message("other", to={"variants": {"a": {"text": "Hi"}}}),
    "review": _in_message("due", "review", to={"by": "A", "on": "2026-01-01"}),
    "the only variant, named": _in_campaign("treatments", "reminder", "variant", to="plain"),
    "spacing of the segment": lambda declared: setattr(
        declared, "where", "age>=18 and (district is not null)"
    ),
    "a slash": lambda declared: setattr(declared, "public_url", "https://town.example/"),
}


@pytest.mark.parametrize("change", SAID.values(), ids=SAID)
def test_another_content_has_another_digest(declared: Any, change: Change):
    before = declared.digest()
    change(declared)
    assert declared.digest() != before


@pytest.mark.parametrize("change", NOT_SAID.values(), ids=NOT_SAID)
def test_the_same_content_has_the_same_digest(declared: Any, change: Change):
    before = declared.digest()
    change(declared)
    assert declared.digest() == before


words = st.text(max_size=5).filter(bool)


# Each example says all that counts.
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.tuples(words, words, words), other=st.tuples(words, words, words))
def test_no_two_wordings_share_a_digest(
    declared: Any, one: tuple[str, str, str], other: tuple[str, str, str]
):
    digests = set[str]()
    for said in (one, other):
        declared.messages["due"]["variants"]["plain"] = dict(
            zip(("subject", "text", "html"), said, strict=True)
        )
        digests.add(declared.digest())
    assert len(digests) == len({one, other})


def test_what_nobody_is_told_has_no_digest(declared: Any):
    declared.campaign["delivery"] = None
    with pytest.raises(CampaignError, match=r"no \[delivery\]"):
        declared.digest()


@pytest.mark.parametrize("message", [None, "unknown"])
def test_a_treatment_without_words_has_no_digest(declared: Any, message: str | None):
    declared.campaign["treatments"]["reminder"] = {"message": message}
    with pytest.raises(CampaignError, match="'reminder' has no message"):
        declared.digest()
