"""Run the tests that segment-analytics-python ships, as they are, against a server; print what came of them.

They send to the default host with the write key "testsecret". Nothing of them or of the client is changed:
what goes to that host is taken to the server by an adapter, which is how `requests` lets anybody route.
"""

import json
import logging
import sys
import unittest
import unittest.mock
from collections.abc import Mapping
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from segment.analytics import request, test

sys.modules.setdefault("mock", unittest.mock)  # the package of that name is the same, for old Pythons
HOST = "https://api.segment.io"
LEFT_OUT = "test_should_timeout"
"""It expects that a connection takes longer than 0.1 ms. To ourselves it is there at once, and reading its
answer ends in another class of error than the one that is expected."""


class Taken(HTTPAdapter):
    """Takes requests to the server, with its write key instead of the tests'."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__()
        self.url, self.auth = url, HTTPBasicAuth(key, "")
        self.answered: list[int] = []

    def send(self, request: PreparedRequest, *settings: Any, **named: Any) -> Response:
        """Send it there; through no proxy, whatever a test asks."""
        assert request.url is not None
        request.url = request.url.replace(HOST, self.url)
        answer = super().send(self.auth(request), *settings, **{**named, "proxies": {}})
        self.answered.append(answer.status_code)
        return answer

    def cert_verify(self, *_: Any) -> None:
        """There is none: the server is ours."""


def cases(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    """All tests of a suite, one by one."""
    found: list[unittest.TestCase] = []
    for one in suite:
        found += cases(one) if isinstance(one, unittest.TestSuite) else [one]
    return found


def named(name: str) -> list[unittest.TestCase]:
    """The tests of a module; of ``NAME:0`` and ``NAME:1`` every other one."""
    module, _, half = name.partition(":")
    found = cases(unittest.defaultTestLoader.discover(test.__path__[0], f"{module}.py"))
    return found[int(half) :: 2] if half else found


def run(url: str, key: str, *modules: str) -> Mapping[str, Any]:
    """Run those of some modules, in their order."""
    taken = Taken(url, key)
    request._session.mount(HOST, taken)
    logging.disable()
    mine = [case for name in modules for case in named(name)]
    chosen = [one for one in mine if not one.id().endswith(f".{LEFT_OUT}")]
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite(chosen))
    failed = [*result.failures, *result.errors]
    return {
        "found": len(mine),
        "ran": result.testsRun,
        "failed": [case.id() for case, _ in failed],
        "skipped": len(result.skipped),
        "posts": {status: taken.answered.count(status) for status in set(taken.answered)},
    }


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))
