"""One mailbox has one keyed hash, whichever way its address is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suasion.delivery.address import ascii_address
from suasion.ledger import tokens

KEY = b"a key"

SPELLINGS = (
    "u0@köln.example",
    "u0@ko\u0308ln.example",
    "U0@KÖLN.EXAMPLE",
    "u0@xn--kln-sna.example",
    "U0@XN--KLN-SNA.Example",
    " u0@köln.example\n",
    "u0@köln.example.",
    "u0@kö\u00adln.example",
    "ｕ0@ｋöln．example",
    "u0@köln\u3002example",
)


def hashed(address: str) -> bytes:
    return tokens.hash_of(KEY, "email", address)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_mailbox_has_one_hash(spelling: str):
    assert hashed(spelling) == hashed(SPELLINGS[0])


@pytest.mark.parametrize(
    "other", ["u1@köln.example", "u0@koln.example", "u0@köln.example.org", "u0@mail.köln.example"]
)
def test_another_mailbox_has_another_hash(other: str):
    assert hashed(other) != hashed(SPELLINGS[0])


def test_a_domain_that_two_generations_read_differently_is_what_it_travels_as_today():
    assert hashed("u0@straße.example") == hashed("u0@xn--strae-oqa.example") != hashed("u0@strasse.example")


def test_only_addresses_of_mail_have_several_spellings():
    assert tokens.hash_of(KEY, "member", "R1") != tokens.hash_of(KEY, "member", "r1")
    assert tokens.hash_of(KEY, "email", "r1") != tokens.hash_of(KEY, "member", "r1")


@pytest.mark.parametrize(
    ("kind", "value", "fold"),
    [
        ("email", "Ada+News+x@Town.example", "ada@town.example"),
        ("email", '"Ada+x"@town.example', "ada@town.example"),
        ("email", "+x@town.example", "+x@town.example"),
        ("email", "no address", "no address"),
        ("email", "ada@t+own.example", "ada@t+own.example"),
        ("member", " ÅR12+x ", "år12+x"),
    ],
)
def test_a_never_knows_a_mailbox_without_tags_and_an_identifier_without_case(
    kind: str, value: str, fold: str
):
    assert tokens.folded(kind, value) == fold
    assert tokens.hash_of(KEY, kind, value, tokens.folded) == tokens.hash_of(KEY, kind, fold)


@given(st.sampled_from(["email", "member"]), st.text())
@example("member", "\u00a8")
def test_what_is_folded_stays_so(kind: str, value: str):
    once = tokens.folded(kind, value)
    assert tokens.folded(kind, once) == once


LOCAL = st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True)
LABEL = st.text(st.sampled_from("aZ0öÖéßşİςあ例ﬁ"), min_size=1, max_size=6)
RESPELLINGS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: f"\t{text} ",
)


@given(LOCAL, LABEL)
@example("Ada", "İ")
def test_an_address_hashes_as_it_travels(local: str, label: str):
    written = f"{local}@{label}.example"
    travels = ascii_address(written)
    if travels is not None:
        assert tokens.spelled("email", written) == travels.lower()
        assert hashed(written) == hashed(travels)


@given(LOCAL, LABEL, st.lists(st.sampled_from(RESPELLINGS), max_size=4))
def test_case_and_composition_make_no_difference_to_what_mail_can_go_to(
    local: str, label: str, respellings: list[Callable[[str], str]]
):
    written = again = f"{local}@{label}.example"
    for respell in respellings:
        again = respell(again)
    if ascii_address(written) is not None and ascii_address(again.strip()) is not None:
        assert hashed(again) == hashed(written)


@given(st.text())
@example("@" * 3)
@example("\ud800@\ud800")
@example("ö" * 100_000)
def test_any_text_has_a_spelling_that_is_its_own(text: str):
    once = tokens.spelled("email", text)
    assert tokens.spelled("email", once) == once
    assert len(hashed(text)) == 16
