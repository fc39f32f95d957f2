"""One file a promise of speed; each prints one JSON object as its last line."""
