"""Hand each decision to a channel at most once, and stop at an opt-out before it is acknowledged."""

from suasion.delivery.address import check_sender, is_deliverable
from suasion.delivery.carriers import Carrier, Fate, Mail
from suasion.delivery.carriers.maildir import MaildirCarrier
from suasion.delivery.carriers.smtp import SmtpCarrier
from suasion.delivery.compose import Letter, Skeleton, skeleton
from suasion.delivery.replies import Kind, Reply, reply_from
from suasion.delivery.send import Dispatch, Sent, send

__all__ = [
    "Carrier",
    "Dispatch",
    "Fate",
    "Kind",
    "Letter",
    "Mail",
    "MaildirCarrier",
    "Reply",
    "Sent",
    "Skeleton",
    "SmtpCarrier",
    "check_sender",
    "is_deliverable",
    "reply_from",
    "send",
    "skeleton",
]
