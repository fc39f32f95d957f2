"""Global Privacy Control: the header by which a browser says that its user opts out of sale and sharing.

Written after the W3C draft "Global Privacy Control (GPC)", section 3.2: a field of value ``1``, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping

FIELD = "sec-gpc"


def read(headers: Mapping[str, str]) -> bool:
    """Whether a request opts out.

    Parameters
    ----------
    headers : mapping of str to str
        Fields of an HTTP request; names in any case.

    Returns
    -------
    bool

    Examples
    --------
    >>> read({"Sec-GPC": "1"}), read({"sec-gpc": "0"}), read({})
    (True, False, False)
    """
    return any(name.lower() == FIELD and value.strip() == "1" for name, value in headers.items())
