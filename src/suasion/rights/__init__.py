"""Answer a person: all that is held of them, and its erasure, with a certificate of what is done and due."""

from suasion.rights.certificate import Certificate, Due
from suasion.rights.erase import erase
from suasion.rights.export import export
from suasion.rights.holdings import Holdings
from suasion.rights.refuse import refuse_erased

__all__ = ["Certificate", "Due", "Holdings", "erase", "export", "refuse_erased"]
