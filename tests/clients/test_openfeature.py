"""SDKs of OpenFeature with their OFREP providers, as they are published, ask what to show."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from segment import analytics as segment

Office = Any
VARIANTS = {
    "plain": {"title": "Town Health Office", "url": "/"},
    "bus": {"title": "Your check-up: come by bus", "url": "/bus"},
    "evening": {"title": "Your check-up: open until eight", "url": "/evening"},
}


@pytest.fixture
def client(office: Office) -> Iterator[OpenFeatureClient]:
    headers = {"Authorization": f"Bearer {office.key}"}
    api.set_provider(OFREPProvider(office.url, headers_factory=lambda: headers))
    yield api.get_client()
    api.shutdown()


def test_python_gets_what_was_drawn_and_its_probability(office: Office, client: OpenFeatureClient):
    shown = set[str]()
    for who in office.residents("yes")[2:32]:
        found = client.get_object_details("banner", {}, EvaluationContext(who))
        assert found.error_code is None
        assert found.reason == Reason.SPLIT
        assert found.value == VARIANTS[str(found.variant)]
        assert found.flag_metadata["experiment"] == "placement:banner"
        assert 0.05 <= float(found.flag_metadata["propensity"]) <= 0.9
        told = office.decide(who)
        if told["policy"] == found.flag_metadata["policy"]:  # it may have learned meanwhile
            assert (found.variant, found.flag_metadata["propensity"]) == (
                told["variant"],
                told["probability"],
            )
        shown.add(str(found.variant))
    assert shown == VARIANTS.keys()


@pytest.mark.parametrize("answered", ["no", "", "expired", "nobody"])
def test_python_gets_the_generic_variant_without_permission(
    office: Office, client: OpenFeatureClient, answered: str
):
    people = office.residents(answered)
    if answered == "nobody":
        people = ["nobody", "R9999999", "member=", "=", "\x00"]
    assert people
    for who in people[:5]:
        found = client.get_object_details("banner", {}, EvaluationContext(who))
        assert (found.reason, found.variant, found.value) == (Reason.DISABLED, "plain", VARIANTS["plain"])
        assert found.flag_metadata == {"experiment": "placement:banner"}


def test_python_is_told_what_was_wrong(client: OpenFeatureClient):
    nobody = client.get_object_details("banner", {}, EvaluationContext(None, {"plan": "gold"}))
    assert nobody.error_code == ErrorCode.TARGETING_KEY_MISSING
    unknown = client.get_object_details("no_such_flag", {"mine": 1}, EvaluationContext("R0000001"))
    assert (unknown.error_code, unknown.value) == (ErrorCode.FLAG_NOT_FOUND, {"mine": 1})
    kind = client.get_boolean_details("banner", True, EvaluationContext("R0000001"))
    assert (kind.error_code, kind.value) == (ErrorCode.TYPE_MISMATCH, True)


def test_a_write_key_asks_in_vain(office: Office):
    api.set_provider(OFREPProvider(office.url, headers_factory=lambda: {"X-API-Key": office.write_key}))
    found = api.get_client().get_object_details("banner", {"mine": 1}, EvaluationContext("R0000001"))
    api.shutdown()
    assert found.value == {"mine": 1}
    assert found.error_code == ErrorCode.GENERAL


def test_node_gets_the_same_as_python(office: Office, node: Callable[..., Any], client: OpenFeatureClient):
    permitted, refused = office.residents("yes")[5], office.residents("no")[0]
    asked = [
        ("banner", {"targetingKey": permitted}),
        ("banner", {"targetingKey": f"member={permitted}"}),
        ("banner", {"targetingKey": refused}),
        ("no_such_flag", {"targetingKey": permitted}),
        ("banner", {"plan": "gold"}),
    ]
    first, same, generic, unknown, nobody = node(
        "openfeature", {"host": office.url, "key": office.key, "asked": asked}
    )
    python = client.get_object_details("banner", {}, EvaluationContext(permitted))
    assert (first["value"], first["reason"]) == (VARIANTS[first["variant"]], "SPLIT")
    told = {name: first["flagMetadata"][name] for name in ("propensity", "policy", "experiment")}
    if told["policy"] == python.flag_metadata["policy"]:  # it may have learned meanwhile
        assert first["variant"] == python.variant
        assert told.items() <= python.flag_metadata.items()
    assert same["reason"] == "SPLIT", "however they are named"
    assert (generic["reason"], generic["variant"]) == ("DISABLED", "plain")
    assert unknown["errorCode"] == "FLAG_NOT_FOUND"
    assert nobody["errorCode"] == "TARGETING_KEY_MISSING"


def test_the_web_asks_for_all_at_once_and_then_only_whether_it_changed(
    office: Office, node: Callable[..., Any]
):
    permitted, refused = office.residents("yes")[6], office.residents("no")[1]
    told = {"host": office.url, "key": office.key, "flag": "banner"}
    context = {"first": {"targetingKey": permitted}, "second": {"targetingKey": refused}}
    done = node("web", {**told, **context})
    first, second = done["found"]
    assert first["value"] == VARIANTS[first["variant"]]
    assert first["reason"] == "SPLIT"
    assert (second["variant"], second["reason"]) == ("plain", "DISABLED")
    tags = [tag for status, tag in done["heard"] if status == 200]
    assert len(tags) >= 2, "once for each person"
    assert all(tag != after for tag, after in pairwise(tags)), "never the same anew"
    assert {status for status, _ in done["heard"]} == {200, 304}


def test_what_a_client_says_that_was_seen_is_shown_from_then_on(office: Office, client: OpenFeatureClient):
    who = office.residents("yes")[7]
    before = client.get_object_details("banner", {}, EvaluationContext(who))
    sender = segment.Client(office.write_key, host=office.url)
    said = {"decision_id": before.flag_metadata["decision_id"]}
    sender.track(who, "Experiment Viewed", said)
    sender.track(
        office.residents("yes")[8], "Experiment Viewed", said
    )  # somebody else's: it counts for nobody
    sender.shutdown()

    def shown(one: str) -> str:
        return str(client.get_object_details("banner", {}, EvaluationContext(one)).reason)

    office.until(lambda: shown(who) == Reason.CACHED)
    after = client.get_object_details("banner", {}, EvaluationContext(who))
    assert (after.variant, after.value) == (before.variant, before.value)
    assert after.flag_metadata["propensity"] == before.flag_metadata["propensity"]
    assert shown(office.residents("yes")[8]) == Reason.SPLIT
