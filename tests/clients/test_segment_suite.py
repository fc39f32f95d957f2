"""The suite that Segment ships with its client for Python, pointed at the server: all of it but one test."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Office = Any
DRIVER = Path(__file__).with_name("segment_suite.py")
PARTS = (
    ("test_consumer:0",),
    ("test_consumer:1",),
    ("test_client", "test_init", "test_module"),
    ("test_oauth", "test_request", "test_utils"),
)
"""Modules that run at once, for they sleep more than they do."""


def test_all_of_it_but_one_passes(office: Office):
    command = [sys.executable, str(DRIVER), office.url, office.write_key]
    each = [
        subprocess.Popen([*command, *part], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for part in PARTS
    ]
    counts, posts = Counter[str](), Counter[str]()
    for printed, wrong in [one.communicate(timeout=120) for one in each]:
        said = json.loads(printed.splitlines()[-1])
        assert said["failed"] == [], wrong
        counts.update({name: said[name] for name in ("found", "ran", "skipped")})
        posts.update(said["posts"])
    assert counts == {"found": 140, "ran": 139, "skipped": 0}
    assert posts.keys() == {"200"}
    assert posts["200"] >= 40, "they did not come to us"
