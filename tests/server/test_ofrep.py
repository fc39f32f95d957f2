"""The protocol of OpenFeature, shape by shape, and its own client."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

DECIDE = run_path(str(Path(__file__).with_name("test_decide.py")))
PLACED, Site = DECIDE["PLACED"], DECIDE["Site"]
NAME, everybody = PLACED["NAME"], PLACED["everybody"]
FLAGS = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    folder = PLACED["copy"](PLACED["on_record"](tmp_path_factory.getbasetemp()), tmp_path / "town")
    second = (folder / "placements" / f"{NAME}.toml").read_text("utf-8").replace("Top of", "Foot of")
    (folder / "placements" / "foot.toml").write_text(second, "utf-8")
    made = Site(PLACED["opened"](folder))
    yield made
    made.end()


def _who(site: Any, reason: str, at: int = 0) -> str:
    decide = site.made.decider.decide
    return [who for who in everybody() if decide(NAME, who).reason == reason][at]


def _context(who: str) -> dict[str, Any]:
    return {"context": {"targetingKey": who, "plan": "gold"}}


def test_a_flag_has_all_its_keys_and_primitives_only(site: Any):
    who = _who(site, "SPLIT")
    status, said, headers = site.ask(f"{FLAGS}/{NAME}", _context(who))
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert set(said) == {"key", "value", "variant", "reason", "metadata"}
    assert (said["key"], said["reason"]) == (NAME, "SPLIT")
    assert set(said["metadata"]) == {"experiment", "propensity", "decision_id", "policy"}
    assert all(isinstance(one, str | int | float | bool) for one in said["metadata"].values())
    own = site.made.decider.decide(NAME, who)
    assert (said["variant"], said["metadata"]["decision_id"]) == (own.variant, own.decision_id)


@pytest.mark.parametrize("body", [{}, {"context": {}}, {"context": None}])
def test_nobody_in_particular_gets_the_generic_variant(site: Any, body: Any):
    status, said, _ = site.ask(f"{FLAGS}/{NAME}", body)
    assert (status, said["variant"], said["reason"]) == (200, "plain", "DISABLED")
    assert said["value"] == "Welcome to the health office."
    assert said["metadata"] == {"experiment": f"placement:{NAME}"}


def test_without_consent_the_generic_variant_is_disabled_and_has_no_decision(site: Any):
    for who in (_who(site, "DISABLED"), "member=R9999999", "nobody"):
        said = site.ask(f"{FLAGS}/{NAME}", _context(who))[1]
        assert (said["variant"], said["reason"]) == ("plain", "DISABLED")
        assert "decision_id" not in said["metadata"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"context":{"plan":"gold"}}', "TARGETING_KEY_MISSING"),
        (b'{"context":{"targetingKey":""}}', "TARGETING_KEY_MISSING"),
        (b'{"context":[]}', "INVALID_CONTEXT"),
        (b'{"context":"x"}', "INVALID_CONTEXT"),
        (b'{"context":{"targetingKey":{}}}', "INVALID_CONTEXT"),
        (b'{"context":{"targetingKey":1.5}}', "INVALID_CONTEXT"),
        (b"", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b'{"context":{"targetingKey":"\xff"}}', "PARSE_ERROR"),
    ],
)
def test_a_request_that_cannot_be_evaluated_is_told_why(site: Any, body: bytes, code: str):
    status, said, headers = site.ask(f"{FLAGS}/{NAME}", body)
    assert (status, said["errorCode"], said["key"]) == (400, code, NAME)
    assert said["errorDetails"]
    assert headers["content-type"] == "application/json"
    status, said, _ = site.ask(FLAGS, body)
    assert (status, said["errorCode"]) == (400, code)
    assert said["errorDetails"]


@pytest.mark.parametrize("flag", ["nowhere", "a/b", "%00", "%F0%9F%9A%8C", "..%2f"])
def test_a_flag_that_is_not_there_is_not_found(site: Any, flag: str):
    status, said, _ = site.ask(f"{FLAGS}/{flag}", {})
    assert (status, said["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert said["key"]
    assert said["errorDetails"]


def test_a_placement_whose_file_is_wrong_is_an_error_and_the_others_are_served(site: Any):
    PLACED["edit"](site.ws.folder / "placements" / "foot.toml", "purpose =", "porpoise =")
    site.made.decider.refresh()
    status, said, _ = site.ask(f"{FLAGS}/foot", {})
    assert (status, said["errorCode"]) == (400, "GENERAL")
    status, said, _ = site.ask(FLAGS, {})
    assert status == 200
    assert {one["key"]: one.get("errorCode") for one in said["flags"]} == {"foot": "GENERAL", NAME: None}


def test_all_flags_have_a_tag_of_this_persons_result(site: Any):
    first, second = _who(site, "SPLIT"), _who(site, "SPLIT", 1)
    status, said, headers = site.ask(FLAGS, _context(first))
    assert status == 200
    assert set(said) == {"flags", "metadata"}
    assert {one["key"]: one["reason"] for one in said["flags"]} == {"foot": "DISABLED", NAME: "SPLIT"}
    tag = headers["etag"]
    assert tag.startswith('"')
    assert "etag" in headers["access-control-expose-headers"].lower()
    known = {"X-API-Key": site.key, "If-None-Match": tag}
    assert site.ask(FLAGS, _context(first), known)[0] == 304
    assert site.ask(FLAGS, _context(first), known)[2]["etag"] == tag
    assert site.ask(FLAGS, _context(second), known)[0] == 200
    assert site.ask(FLAGS, {}, known)[0] == 200
    assert site.ask(FLAGS, _context(first), {**known, "If-None-Match": f'"x", W/{tag}'})[0] == 304


def test_a_changed_result_has_another_tag(site: Any):
    who = _who(site, "SPLIT")
    tag = site.ask(FLAGS, _context(who))[2]["etag"]
    site.ws.erase_person(who)
    status, said, headers = site.ask(FLAGS, _context(who), {"X-API-Key": site.key, "If-None-Match": tag})
    assert status == 200
    assert headers["etag"] != tag
    assert {one["reason"] for one in said["flags"]} == {"DISABLED"}


def test_browsers_may_ask_with_what_they_need(site: Any):
    asked = "authorization, x-api-key, content-type, if-none-match"
    for path in (FLAGS, f"{FLAGS}/{NAME}", "/v1/decide"):
        status, _, headers = site.ask(path, b"", {"Access-Control-Request-Headers": asked}, "OPTIONS")
        assert status in (200, 204)
        assert headers["access-control-allow-origin"] == "*"
        assert set(asked.split(", ")) <= set(headers["access-control-allow-headers"].split(", "))
        assert "POST" in headers["access-control-allow-methods"]


def test_without_a_key_nothing_is_evaluated(site: Any):
    assert site.ask(f"{FLAGS}/{NAME}", {}, {})[0] == 401
    assert site.ask(FLAGS, {}, {"Authorization": "Bearer x"})[0] == 401


def test_the_python_client_of_openfeature_understands_it(site: Any):
    url = f"http://127.0.0.1:{site.port}"
    provider = OFREPProvider(url, headers_factory=lambda: {"Authorization": f"Bearer {site.key}"})
    api.set_provider(provider)
    client = api.get_client()
    who = next(one for one in everybody() if site.made.decider.decide(NAME, one).variant == "walk")
    details = client.get_string_details(NAME, "default", EvaluationContext(who))
    assert (details.value, details.variant, details.reason) == ("walk", "walk", "SPLIT")
    assert details.flag_metadata["decision_id"]
    nobody = client.get_string_details(NAME, "default", EvaluationContext())
    assert (nobody.value, nobody.variant, nobody.reason) == (
        "Welcome to the health office.",
        "plain",
        "DISABLED",
    )
    lost = client.get_string_details("nowhere", "default", EvaluationContext(who))
    assert (lost.value, str(lost.error_code)) == ("default", "FLAG_NOT_FOUND")
    bus = next(one for one in everybody() if site.made.decider.decide(NAME, one).variant == "bus")
    assert client.get_object_value(NAME, {}, EvaluationContext(bus)) == {
        "title": "Come by bus",
        "url": "/bus",
    }
    api.shutdown()
