"""The page that checks: in a real browser, from a file, without network, it finds what the package finds."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from suasion.disclosure import line_of, proof, saved
from suasion.ledger import checkpoints, log

MADE = run_path(str(Path(__file__).with_name("booked.py")))
SAVED = run_path(str(Path(__file__).with_name("test_saved.py")))
NOW, KEY, NAME, VKEY, LATER = (MADE[name] for name in ("NOW", "KEY", "NAME", "VKEY", "LATER"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TEXTS = list[tuple[str, str]]

needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return MADE["booked"](tmp_path_factory.mktemp("book"))


def in_browser(folder: Path, cases: list[tuple[TEXTS, str]]) -> list[dict[str, list[str]]]:
    """What the page finds in each case, opened from disk by a browser that can reach nothing."""
    asked = json.dumps(cases).replace("<", "\\u003c")
    run = (
        "<script>(async () => { const found = []; "
        f"for (const [texts, key] of {asked}) found.push(await check(texts, key)); "
        "const told = document.createElement('pre'); told.id = 'told'; "
        "told.textContent = JSON.stringify(found); document.body.append(told); })();</script>"
    )
    path = folder / "page.html"
    path.write_text(saved.page().replace("</body>", f"{run}</body>"), "utf-8")
    command = [
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={folder / 'browser'}", "--host-resolver-rules=MAP * ~NOTFOUND"),
        *("--virtual-time-budget=60000", "--timeout=100000", "--dump-dom", path.as_uri()),
    ]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'<pre id="told">(.*?)</pre>', made, re.DOTALL)
    assert found, made[-2000:]
    return json.loads(html.unescape(found[1]))


def lines(book: Any) -> str:
    return "".join(f"{line_of(row)}\n" for row in log.rows(book.ledger))


def honest(book: Any) -> list[tuple[TEXTS, str]]:
    notes = [note for (note,) in book.rows("SELECT note FROM checkpoints ORDER BY size")]
    every = [(f"{at}.json", json.dumps(one)) for at, one in enumerate(SAVED["proofs"](book))]
    kept = [(f"{at}.txt", note) for at, note in enumerate(notes)]
    return [([("log.jsonl", lines(book)), *kept, *every], VKEY), ([("log.jsonl", lines(book))], VKEY)]


def attacks(book: Any) -> list[tuple[TEXTS, str]]:
    """Each must be refused."""
    note, text = checkpoints.latest(book.ledger, KEY, NAME, LATER), lines(book)
    receipt = json.dumps(SAVED["receipt"](book, 1))
    forged = checkpoints.sign(KEY, checkpoints.Checkpoint(NAME, 6, bytes(32)))
    rows = text.splitlines(keepends=True)
    return [
        ([("log", text.replace("flu", "flo", 1)), ("note", note)], VKEY),
        ([("log", "".join(rows[:-1])), ("note", note)], VKEY),
        ([("log", "".join(rows[::-1]))], VKEY),
        ([("log", text + "{}\n")], VKEY),
        ([("log", text), ("note", forged)], VKEY),
        ([("one", note), ("other", forged)], VKEY),
        ([("receipt", receipt), ("note", forged)], VKEY),
        ([("receipt", receipt)], checkpoints.verifier_key(b"another", NAME)),
        ([("receipt", receipt)], VKEY[:-1]),
        ([("receipt", "{}")], VKEY),
        ([("note", note + "x")], VKEY),
    ]


@needs_browser
def test_the_page_finds_what_the_package_finds(book: Any, tmp_path: Path):
    luck, good = random.Random(4), SAVED["proofs"](book)
    same = {log.canonical(one) for one in good}
    changed = [SAVED["mutated"](luck, luck.choice(good), good) for _ in range(1500)]
    # 1.0 and 1 are one number to a browser, and there is no larger one than it can count to.
    texts = [json.dumps(one) for one in changed if log.canonical(one) not in same]
    texts = [text for text in texts if not re.search(r"\d\.0\b(?!0)|\d{17}", re.sub(r'"[^"]*"', "", text))]
    cases = [*honest(book), *attacks(book), *(([("proof", text)], VKEY) for text in texts)]
    found = in_browser(tmp_path, cases)
    assert [one["problems"] for one in found[:2]] == [[], []]
    assert len(found[0]["good"]) == 1 + 2 + len(good)
    assert found[0]["open"] == []
    (unsigned,) = found[1]["open"]
    assert unsigned.startswith("log.jsonl: 6 of its rows are under no checkpoint that you gave")
    for (texts_given, _), one in zip(cases[2:], found[2:], strict=True):
        assert one["problems"], texts_given
    assert "forked" in " ".join(found[2 + 5]["problems"])
    assert len(texts) > 1000


@needs_browser
def test_odd_characters_have_one_hash_everywhere(tmp_path: Path):
    other = MADE["BOOK"]["Book"](tmp_path)
    odd = 'żółw " \\ \n \t \x01 \x1f \u2028 \x7f </script> \N{GRINNING FACE} ä'
    with other.ledger.writing() as connection:
        for kind in ("campaign", odd):
            log.append(connection, kind, odd, {"content": odd, odd: [1.5, None, True, -0.0, 1e300]}, NOW)
    said = proof.inclusion(other.ledger, KEY, NAME, 2, LATER)
    (found,) = in_browser(tmp_path, [([("log", lines(other)), ("proof", json.dumps(said))], VKEY)])
    assert (len(found["good"]), found["problems"]) == (2, [])


def test_the_page_is_one_file_that_loads_nothing_and_writes_no_markup():
    text = saved.page()
    assert len(re.findall("<script", text)) == 1
    assert not re.search(
        r"""(src|href|action|data|poster)\s*=|url\(|@import|import\(|fetch|XMLHttp|WebSocket""", text
    )
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(", text)
