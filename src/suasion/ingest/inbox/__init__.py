"""The durable inbox: events are on disk, once each, before they are acknowledged.

It is a file of its own, or stands beside a ledger on Postgres. It has three tables: what came, one row a
request; the digests of all messages of the last day, one row a commit; what could not be used. Digests are
appended, never sorted on disk: in an index of random digests every commit would rewrite a page for nearly
every event.
"""

from suasion.ingest.inbox.inbox import Batch, DeadLetter, Inbox
from suasion.ingest.inbox.subject import erase, find
from suasion.ingest.inbox.writer import Stored

__all__ = ["Batch", "DeadLetter", "Inbox", "Stored", "erase", "find"]
