"""An address is one mailbox that mail can go to, or it is refused."""

from __future__ import annotations

from email.headerregistry import Address
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.delivery.address import Sender, ascii_address, check_sender, is_deliverable
from suasion.errors import CampaignError

GOOD = (
    "ada@example.org",
    "o'brien+flu.2026@mail.town.example",
    "!#$%&'*+/=?^_`{|}~-@x.co",
    "a@1.2.3.example",
    "a@xn--kln-sna.example",
    f"{'l' * 64}@{'d' * 63}.{'d' * 63}.{'d' * 57}.ab",
)
BAD = (
    "",
    "@",
    "ada",
    "ada@",
    "@example.org",
    "ada@localhost",
    "ada@example.org.",
    "ada@.example.org",
    "ada@example..org",
    "ada@-example.org",
    "ada@example-.org",
    "ada@exam_ple.org",
    "ada@192.0.2.1",
    "ada@[192.0.2.1]",
    ".ada@example.org",
    "ada.@example.org",
    "a..da@example.org",
    "ada@@example.org",
    "ada@home@example.org",
    "ada @example.org",
    " ada@example.org",
    "ada@example.org\n",
    "ada@example.org\r\nBcc: all@example.org",
    "ada@example.org,bob@example.org",
    "ada@example.org;bob@example.org",
    '"ada lovelace"@example.org',
    "Ada <ada@example.org>",
    "<ada@example.org>",
    "ada(home)@example.org",
    "ada@example.org\x00",
    "ada\\@example.org",
    f"{'l' * 65}@example.org",
    f"ada@{'d' * 64}.org",
    f"ada@{'d.' * 125}org",
    "ädä@example.org",
    "ada@exa\ud800mple.org",
)


@pytest.mark.parametrize("address", GOOD)
def test_an_address_of_plain_parts_travels_as_it_is(address: str):
    assert ascii_address(address) == address


@pytest.mark.parametrize("address", BAD)
def test_what_is_not_one_plain_mailbox_is_refused(address: str):
    assert not is_deliverable(address)


@pytest.mark.parametrize(
    ("written", "travels"),
    [
        ("ada@köln.example", "ada@xn--kln-sna.example"),
        ("Ada@KÖLN.Example", "Ada@xn--kln-sna.example"),
        ("ada@例え.example", "ada@xn--r8jz45g.example"),
        ("ada@ko\u0308ln.example", "ada@xn--kln-sna.example"),
    ],
)
def test_an_international_domain_travels_in_ascii(written: str, travels: str):
    assert ascii_address(written) == travels


@pytest.mark.parametrize(
    "domain", ["straße.example", "ｅxample.org", "exam\u3002example", "a\u200db.example", "ⓐ.example"]
)
def test_a_domain_that_may_be_read_as_another_is_refused(domain: str):
    assert not is_deliverable(f"ada@{domain}")


LOOKS_LIKE_ONE = st.from_regex(r"[ -~äß]{0,6}@?[ -~äß.]{0,6}\.[a-z]{2}", fullmatch=True)


@given(st.emails() | st.text() | LOOKS_LIKE_ONE)
def test_what_is_accepted_is_read_as_the_same_mailbox_by_others(address: str):
    travels = ascii_address(address)
    if travels is not None:
        local, domain = travels.split("@")
        assert Address(addr_spec=travels) == Address(username=local, domain=domain)
        assert parseaddr(travels) == ("", travels)
        assert ascii_address(travels) == travels
        assert travels.isascii()
        assert local == address.split("@")[0]


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("Town Health Office <health@town.example>", "Town Health Office"),
        ("  Town   <health@town.example> ", "Town"),
        ("Doe, Jane; (Dr.) <health@town.example>", "Doe, Jane; (Dr.)"),
        ('"Doe, Jane" <health@town.example>', "Doe, Jane"),
        (r'"Jane \"JD\" Doe \\" <health@town.example>', r'Jane "JD" Doe \ '.strip()),
        ("Müller & Söhne<health@town.example>", "Müller & Söhne"),
    ],
)
def test_a_sender_is_a_name_and_an_address(sender: str, name: str):
    assert check_sender(sender) == Sender(name, "health@town.example")


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "health@town.example",
        "<health@town.example>",
        "  <health@town.example>",
        '"" <health@town.example>',
        '" " <health@town.example>',
        "Town health@town.example",
        "Town <health@town.example",
        "Town <health@town.example> <b@town.example>",
        "Town <health@town.example>, Bob <b@town.example>",
        "Town <health@town.example> x",
        "Town <health>",
        "Town <health@town.example, b@town.example>",
        "Town <>",
        "bank@bank.example <health@town.example>",
        '"bank@bank.example" <health@town.example>',
        '"a <b>" <health@town.example>',
        'Jane "JD" Doe <health@town.example>',
        '"Jane" Doe <health@town.example>',
        '"Jane <health@town.example>',
        "Town\r\nBcc: a@b.example <health@town.example>",
        "Town\x00 <health@town.example>",
        "Town\u2028 <health@town.example>",
        "Town <health@town.example\r\nBcc: a@b.example>",
    ],
)
def test_what_is_no_sender_is_refused(sender: str):
    with pytest.raises(CampaignError, match="sender"):
        check_sender(sender)


@given(st.text())
def test_any_text_is_a_sender_or_refused(text: str):
    try:
        sender = check_sender(text)
    except CampaignError:
        return
    assert is_deliverable(sender.address)


def test_the_domain_of_a_sender_is_in_ascii():
    assert check_sender("Köln <info@köln.example>").domain == "xn--kln-sna.example"
