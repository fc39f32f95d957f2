"""Answer over HTTP: events in, decisions out; opt-out, why me, the campaigns' record, the log.

``serve`` is the process, ``application`` what it serves, ``app`` that part of it which people read; ``keys``
are those of programs.
"""

from suasion.server import keys
from suasion.server.app import app
from suasion.server.application import application
from suasion.server.processes import serve

__all__ = ["app", "application", "keys", "serve"]
