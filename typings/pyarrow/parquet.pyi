# Arrow ships no types for what it makes at import time; everything in it is Any to the checker.
from typing import Any

def __getattr__(name: str) -> Any: ...
