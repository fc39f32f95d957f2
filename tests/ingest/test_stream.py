"""Who may send events."""

from pathlib import Path

import pytest

from suasion.errors import SourceError
from suasion.ingest import Stream, load_stream
from suasion.rules import Basis, Purpose

SITE = """
write_key = "wk_site_0123456789"
user_id = "member"
basis = "consent"
purposes = ["public_health", "civic"]
territory = "DE"
"""


def declared(folder: Path, content: str, name: str = "site") -> Stream:
    path = folder / f"{name}.toml"
    path.write_text(content)
    return load_stream(path)


def test_a_stream_is_read(tmp_path: Path):
    stream = declared(tmp_path, SITE + "events_per_second = 5\n")
    assert stream.name == "site"
    assert stream.basis is Basis.CONSENT
    assert stream.purposes == (Purpose.PUBLIC_HEALTH, Purpose.CIVIC)
    assert stream.events_per_second == 5


def test_a_thousand_events_a_second_may_be_sent_unless_said_otherwise(tmp_path: Path):
    assert declared(tmp_path, SITE).events_per_second == 1000


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"wk_site_0123456789"', '"short"', "write_key"),
        ('"wk_site_0123456789"', '"with:colon:that:basic:cuts"', "write_key"),
        ('"wk_site_0123456789"', '"with a blank and long enough"', "write_key"),
        ('"member"', '"Member-Id"', "user_id"),
        ('"consent"', '"whim"', "basis"),
        ('["public_health", "civic"]', "[]", "purposes"),
        ('"DE"', '"Germany"', "territory"),
        ('territory = "DE"', 'territory = "DE"\nevents_per_second = 0', "events_per_second"),
        ('territory = "DE"', 'territory = "DE"\nevents_per_second = inf', "events_per_second"),
        ('territory = "DE"', 'territory = "DE"\nwritekey = "x"', "writekey"),
        ('user_id = "member"\n', "", "user_id"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, old: str, new: str, where: str):
    assert old in SITE
    with pytest.raises(SourceError, match=where):
        declared(tmp_path, SITE.replace(old, new))


def test_an_error_does_not_repeat_the_key(tmp_path: Path):
    with pytest.raises(SourceError) as told:
        declared(tmp_path, SITE.replace("wk_site_0123456789", "secret!"))
    assert "secret" not in str(told.value)


def test_a_name_of_a_file_that_is_no_name_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="name"):
        declared(tmp_path, SITE, "My Site")
