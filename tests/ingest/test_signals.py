"""Signals of browsers and consent platforms: read as their makers write them, and never anything but refused.

The vectors in ``signals.json`` were made by the reference implementations that it names.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suasion.errors import InputError, SourceError
from suasion.ingest.signals import gpc, gpp, tcf
from suasion.ingest.signals.bits import Bits

VECTORS = json.loads(Path(__file__).with_name("signals.json").read_text("utf-8"))
SAMPLE = VECTORS["tcf"][1]["text"]
SETS = ("special_features", "purposes", "legitimate_purposes")
LISTS = ("vendors", "legitimate_vendors", "disclosed")
PLAIN = ("cmp", "cmp_version", "screen", "language", "vendor_list", "policy", "service_specific")
PLAIN += ("non_standard_texts", "purpose_one_treatment", "publisher_country")


def ids(runs: str) -> set[int]:
    """The numbers of ``1-3,7``."""
    ends = [part.split("-") for part in runs.split(",") if part]
    return {number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)}


@pytest.mark.parametrize("told", VECTORS["tcf"], ids=lambda told: told["text"][:12])
def test_a_tc_string_says_what_it_was_made_of(told: dict[str, Any]):
    found = tcf.read(told["text"])
    assert {name: getattr(found, name) for name in PLAIN} == {name: told[name] for name in PLAIN}
    assert {name: set(getattr(found, name)) for name in SETS} == {name: set(told[name]) for name in SETS}
    assert {name: getattr(found, name) for name in LISTS} == {name: ids(told[name]) for name in LISTS}
    assert (found.created, found.updated) == tuple(
        map(datetime.fromisoformat, (told["created"], told["updated"]))
    )
    kept = {(one.purpose, int(one.kind)): set(one.vendors) for one in found.restrictions}
    assert kept == {(purpose, kind): ids(vendors) for purpose, kind, vendors in told["restrictions"]}
    own = (told["publisher_purposes"], told["publisher_legitimate_purposes"])
    assert (found.publisher_purposes, found.publisher_legitimate_purposes) == tuple(
        None if one is None else frozenset(one) for one in own
    )


@pytest.mark.parametrize("told", VECTORS["gpp"], ids=lambda told: told["text"][:12])
def test_a_gpp_string_says_what_it_was_made_of(told: dict[str, Any]):
    found, answers = gpp.read(told["text"]), {0: None, 1: True, 2: False, None: None}
    said = told["told"]
    assert list(found.sections) == told["sections"]
    assert found.usp == said.pop("uspv1", None)
    wanted = {
        name: (*(answers[one[key]] for key in ("sale", "sharing", "targeted")), one["gpc"])
        for name, one in said.items()
    }
    assert {one.name: (one.sale, one.sharing, one.targeted, one.gpc) for one in found.us} == wanted
    out = any(True in one for one in wanted.values()) or (found.usp or "1YNN")[2] == "Y"
    assert found.opted_out is out


def test_a_tc_string_inside_a_gpp_string_is_read():
    found = gpp.read(f"DBABMA~{SAMPLE}")
    assert (found.sections, found.tcf, found.opted_out) == ((2,), tcf.read(SAMPLE), False)


def test_sections_follow_their_header():
    assert gpp.read(f"DBACNYA~{SAMPLE}~1YYN").opted_out is True
    for wrong in (f"DBACNYA~{SAMPLE}", f"DBACNYA~{SAMPLE}~1YYN~1YYN", f"DBACNYA~1YYN~{SAMPLE}"):
        with pytest.raises(InputError):
            gpp.read(wrong)


# TC strings, by hand.


def written(*fields: tuple[int, int]) -> str:
    """Numbers of so many bits as base64url."""
    bits = "".join(f"{value:0{width}b}" for value, width in fields if width)
    bits += "0" * (-len(bits) % 6)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(alphabet[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def core(
    at: str = "2025-06-01T00:00:00+00:00",
    consents: str = "0" * 24,
    interests: str = "0" * 24,
    vendors: str = "",
    legitimate: str = "",
    restrictions: tuple[tuple[int, int, int], ...] = (),
) -> str:
    ds = int(10 * datetime.fromisoformat(at).timestamp())
    head = [
        (2, 6),
        (ds, 36),
        (ds, 36),
        (5, 12),
        (1, 12),
        (1, 6),
        (3, 6),
        (4, 6),
        (99, 12),
        (5, 6),
        (1, 1),
        (0, 1),
    ]
    purposes = [(0, 12), (int(consents, 2), 24), (int(interests, 2), 24), (0, 1), (3, 6), (4, 6)]
    lists = [
        field
        for one in (vendors, legitimate)
        for field in ((len(one), 16), (0, 1), (int(one or "0", 2), len(one)))
    ]
    limits = [(len(restrictions), 12)]
    for purpose, kind, vendor in restrictions:
        limits += [(purpose, 6), (kind, 2), (1, 12), (0, 1), (vendor, 16)]
    return written(*head, *purposes, *lists, *limits)


def shown(*vendors: int) -> str:
    """A segment of disclosed vendors."""
    most = max(vendors, default=0)
    return written(
        (1, 3),
        (most, 16),
        (1, 1),
        (len(vendors), 12),
        *((v, w) for one in vendors for v, w in ((0, 1), (one, 16))),
    )


ADS = "001100000000000000000000"
ALL = "1" * 24


def test_who_agreed_to_profiles_for_a_vendor_that_was_shown_does_not_refuse():
    text = f"{core(consents=ADS, vendors='0100')}.{shown(2, 3)}"
    assert [tcf.read(text).refuses(vendor) for vendor in (1, 2, 3)] == [None, False, True]


def test_half_an_agreement_is_a_refusal():
    assert tcf.read(core(consents="001" + "0" * 21, vendors="1")).refuses(1) is True


def test_legitimate_interest_is_no_agreement_to_profiles():
    said = tcf.read(core(interests=ALL, legitimate="1"))
    assert [said.allows(1, purpose) for purpose in range(1, 8)] == [
        False,
        True,
        False,
        False,
        False,
        False,
        True,
    ]
    assert said.refuses(1) is True


@pytest.mark.parametrize(("kind", "allowed"), [(0, False), (1, True), (2, True)])
def test_a_publisher_restricts_what_a_vendor_may_do(kind: int, allowed: bool):
    said = tcf.read(core("2025-06-01T00:00:00+00:00", ALL, ALL, "11", "11", ((2, kind, 1),)))
    assert (said.allows(1, 2), said.allows(2, 2)) == (allowed, True)


def test_a_publisher_may_require_consent_or_interest_where_the_other_is_missing():
    interest = tcf.read(core(interests=ALL, legitimate="1", restrictions=((2, 1, 1),)))
    consent = tcf.read(core(consents=ALL, vendors="1", restrictions=((2, 2, 1),)))
    assert (interest.allows(1, 2), consent.allows(1, 2)) == (False, False)


def test_since_march_2026_a_string_must_say_who_was_shown():
    new = core("2026-03-01T00:00:00+00:00")
    with pytest.raises(InputError, match="since March 2026"):
        tcf.read(new)
    assert tcf.read(f"{new}.{shown(1)}").disclosed == {1}
    assert tcf.read(core("2026-02-28T23:59:59+00:00")).disclosed is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        ".",
        "A",
        "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA",  # version 1
        SAMPLE[:40],
        f"{SAMPLE}.",
        f"{SAMPLE}.{SAMPLE.split('.')[1]}",  # two of a kind
        f"{core()}.{written((4, 3), (0, 40))}",
        f"{core()}.{written((1, 3), (9, 16), (1, 1), (1, 12), (1, 1), (5, 16), (4, 16))}",
        f"{core()}.{written((1, 3), (9, 16), (1, 1), (1, 12), (1, 1), (5, 16), (10, 16))}",
        f"{core()}.{written((1, 3), (9, 16), (1, 1), (1, 12), (0, 1), (0, 16))}",
        core(restrictions=((2, 3, 1),)),
        "C" * 40_000,
        "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAA=",
        "ÇOvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA",
    ],
)
def test_what_is_no_tc_string_is_refused_without_being_quoted(wrong: str):
    with pytest.raises(InputError) as told:
        tcf.read(wrong)
    assert len(wrong) < 2 or wrong not in str(told.value)


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "~", "DBAA~", "DBABTA", "DBABTA~1YNX", "DBABTA~2YNN", "DBABTA~1YNN~", "CBABTA~1YNN"),
        *("DCABTA~1YNN", "DBABBg~", "DBABBg~B", "DBABBg~CAUAAABA", "DBABBg~BD__AABA"),
        "DB" + "_" * 400 + "~x",
    ],
)
def test_what_is_no_gpp_string_is_refused(wrong: str):
    with pytest.raises(InputError):
        gpp.read(wrong)


ALPHABET = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", max_size=300)
BROKEN = st.tuples(
    st.sampled_from([one["text"] for kind in ("tcf", "gpp") for one in VECTORS[kind]]),
    st.integers(0, 400),
    st.integers(0, 3),
    ALPHABET,
).map(lambda one: one[0][: one[1]] + one[3][:10] + one[0][one[1] + one[2] :])


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200), ALPHABET, ALPHABET.map("C".__add__), ALPHABET.map("DBAB".__add__), BROKEN
    )
)
@example("C" + "_" * 300)
@example("DB____~A")
def test_no_text_makes_a_reader_fail_otherwise(text: str):
    for read in (tcf.read, gpp.read):
        with suppress(InputError):
            read(text)


@given(st.integers(1, 10**6))
def test_fibonacci_numbers_come_back(number: int):
    """Zeckendorf's representation, lowest first, with a one behind it."""
    steps, left, bits = [1, 2], number, ""
    while steps[-1] <= number:
        steps.append(steps[-1] + steps[-2])
    for step in reversed([one for one in steps if one <= number]):
        bits = ("1" if step <= left else "0") + bits
        left -= step if step <= left else 0
    assert Bits("x", written((int(bits + "1", 2), len(bits) + 1))).fibonacci() == number


# Global Privacy Control.


@pytest.mark.parametrize(
    ("headers", "on"),
    [
        ({"Sec-GPC": "1"}, True),
        ({"sec-gpc": " 1 "}, True),
        ({"SEC-GPC": "0"}, False),
        ({"Sec-GPC": "true"}, False),
        ({"Sec-GPC": "1, 1"}, False),
        ({"GPC": "1"}, False),
        ({}, False),
    ],
)
def test_only_the_one_field_with_the_one_value_opts_out(headers: dict[str, str], on: bool):
    assert gpc.read(headers) is on


# Columns of a source.


def test_a_column_of_signals_becomes_opt_outs(load: Any):
    out, kept = "DBABBg~BAUAAABA", "DBABBg~BAoAAABA"
    signals = ({"kind": "gpp", "column": "gpp"}, {"kind": "gpc", "column": "gpc"})
    result = load(f"id,gpp,gpc\n1,{out},1\n2,{kept},0\n3,,\n4,{out},no\n", signals=signals)
    assert result.records["opted_out:gpp"].to_pylist() == [True, False, None, True]
    assert result.records["opted_out:gpc"].to_pylist() == [True, False, None, False]
    assert not [name for name in result.records.column_names if name.startswith("signal:")]


def test_what_a_tc_string_allows_is_no_consent_and_what_it_refuses_counts(load: Any):
    yes, no = (f"{core(consents=ADS, vendors=v)}.{shown(1, 2)}" for v in ("10", "01"))
    signals = ({"kind": "tcf", "column": "tc", "vendor": 1},)
    result = load(f"id,tc\n1,{yes}\n2,{no}\n", signals=signals)
    assert result.records["opted_out:tcf"].to_pylist() == [False, True]
    assert not [name for name in result.records.column_names if name.startswith("consent:")]


def test_a_row_whose_signal_cannot_be_read_is_a_reject(load: Any):
    signals = ({"kind": "gpp", "column": "gpp"},)
    result = load(
        "id,gpp,age\n1,DBABBg~BAUAAABA,5\n2,rubbish,5\n3,,x\n", signals=signals, traits={"integer": "age"}
    )
    assert result.records["line"].to_pylist() == [2]
    assert result.rejects.to_pylist() == [
        {"line": 3, "column": "gpp", "reason": "not a GPP string"},
        {"line": 4, "column": "age", "reason": "not a whole number"},
    ]


def test_a_column_that_holds_no_signals_at_all_is_one_error(load: Any):
    with pytest.raises(SourceError, match="none of its 2 values is a GPP string"):
        load("id,gpp\n1,x\n2,y\n", signals=({"kind": "gpp", "column": "gpp"},))


@pytest.mark.parametrize("wrong", [{"kind": "tcf"}, {"kind": "gpp", "vendor": 3}, {"kind": "dnt"}])
def test_a_vendor_belongs_to_a_tc_string_alone(make_source: Any, wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=r"vendor|kind"):
        make_source("x.csv", signals=({"column": "c", **wrong},))
