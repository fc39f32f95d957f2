"""Under every message: who pays, who answers for it, why me, and how to stop it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.disclosure import Notice, notice_of
from suasion.errors import CampaignError

TOKEN = "AAAAAAAAAAe-_0123456789abcdefghi"
LINKS = [f"https://town.example/why/{TOKEN}", f"https://town.example/o/{TOKEN}"]

declarable = st.text(
    st.one_of(
        st.sampled_from("<>&\"'= \n\t/"), st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    ),
    min_size=1,
)


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str | None] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def _notice(declared: Any) -> Notice:
    return notice_of(declared.read_campaign(), declared.read_segment(), declared.public_url, declared.part)


def test_the_notice_says_who_pays_and_answers_for_it(declared: Any):
    notice = _notice(declared)
    for said in (notice.text(TOKEN), _Reader(notice.html(TOKEN)).text):
        assert "Town Health Office pays for this message." in said
        assert "public health" in said
        assert "Town Health Office, Market Square 1, 12345 Town" in said


def test_the_links_carry_the_token(declared: Any):
    notice = _notice(declared)
    assert [word for word in notice.text(TOKEN).split() if "://" in word] == LINKS
    assert _Reader(notice.html(TOKEN)).links == LINKS


def test_people_differ_by_their_token_only(declared: Any):
    notice = _notice(declared)
    assert notice.text(TOKEN).replace(TOKEN, "other") == notice.text("other")
    assert notice.html(TOKEN).replace(TOKEN, "other") == notice.html("other")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sponsor=declarable, imprint=declarable)
def test_no_sponsor_becomes_markup_or_another_line(declared: Any, sponsor: str, imprint: str):
    plain = _notice(declared)
    declared.campaign["sponsor"], declared.campaign["delivery"]["imprint"] = sponsor, imprint
    notice = _notice(declared)
    declared.campaign["sponsor"], declared.campaign["delivery"]["imprint"] = "Town", "Hall"
    read, before = _Reader(notice.html(TOKEN)), _Reader(plain.html(TOKEN))
    assert (read.tags, read.links) == (before.tags, before.links)
    assert " ".join(sponsor.split()) in read.text
    assert " ".join(imprint.split()) in read.text
    assert len(notice.text(TOKEN).splitlines()) == len(plain.text(TOKEN).splitlines())


def test_an_address_is_escaped(declared: Any):
    declared.public_url = 'https://town.example/?a=1&b="'
    assert _Reader(_notice(declared).html(TOKEN)).links == [
        f'https://town.example/?a=1&b="/why/{TOKEN}',
        f'https://town.example/?a=1&b="/o/{TOKEN}',
    ]


def test_what_is_not_delivered_has_no_notice(declared: Any):
    declared.campaign["delivery"] = None
    with pytest.raises(CampaignError, match=r"no \[delivery\]"):
        _notice(declared)
