"""Answer recipients and the public over HTTP: opt-out, why me, the campaigns' record, the log."""

from suasion.server.app import app, serve

__all__ = ["app", "serve"]
