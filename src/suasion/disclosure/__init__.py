"""Tell recipients and the public who speaks, to whom and why: record, footer, and proof that it is all."""

from suasion.disclosure import counts, export, proof, saved
from suasion.disclosure.content import content_digest
from suasion.disclosure.entry import Entry
from suasion.disclosure.facts import facts_of_campaign
from suasion.disclosure.lines import line_of
from suasion.disclosure.notice import Notice, notice_of
from suasion.disclosure.record import record, record_result, result_of
from suasion.disclosure.saved import Verified
from suasion.disclosure.verify import verify
from suasion.disclosure.written import entry_of

__all__ = [
    "Entry",
    "Notice",
    "Verified",
    "content_digest",
    "counts",
    "entry_of",
    "export",
    "facts_of_campaign",
    "line_of",
    "notice_of",
    "proof",
    "record",
    "record_result",
    "result_of",
    "saved",
    "verify",
]
