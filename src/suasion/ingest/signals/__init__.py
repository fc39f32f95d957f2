"""Read what browsers and consent platforms say for a person: TC strings, GPP strings, Global Privacy Control.

``tcf.read``, ``gpp.read`` and ``gpc.read`` each read one; what is no such text is an InputError, and nothing
else.
"""

from suasion.ingest.signals import gpc, gpp, tcf
from suasion.ingest.signals.gpp import Gpp
from suasion.ingest.signals.tcf import Tcf

__all__ = ["Gpp", "Tcf", "gpc", "gpp", "tcf"]
