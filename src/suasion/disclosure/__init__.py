"""Tell recipients and the public who speaks, to whom and why: record, footer, and proof that it is all."""

from suasion.disclosure.content import content_digest
from suasion.disclosure.entry import Entry, entry_of
from suasion.disclosure.lines import line_of, read_log
from suasion.disclosure.notice import Notice, links, notice_of
from suasion.disclosure.record import record, record_result, result_of
from suasion.disclosure.verify import Verified, verify, verify_lines

__all__ = [
    "Entry",
    "Notice",
    "Verified",
    "content_digest",
    "entry_of",
    "line_of",
    "links",
    "notice_of",
    "read_log",
    "record",
    "record_result",
    "result_of",
    "verify",
    "verify_lines",
]
