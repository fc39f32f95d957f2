"""Answer a person: what is held of them, requests with clocks, erasure with proof; audits and breaches."""

from suasion.rights import audits, breaches, corrections, passed, proofs, requests, stages
from suasion.rights.access import Package, access
from suasion.rights.certificate import Certificate, verify_certificate
from suasion.rights.erase import erase
from suasion.rights.export import person_named
from suasion.rights.holdings import Holdings
from suasion.rights.refuse import refuse_erased
from suasion.rights.seals import seals_of

__all__ = [
    "Certificate",
    "Holdings",
    "Package",
    "access",
    "audits",
    "breaches",
    "corrections",
    "erase",
    "passed",
    "person_named",
    "proofs",
    "refuse_erased",
    "requests",
    "seals_of",
    "stages",
    "verify_certificate",
]
