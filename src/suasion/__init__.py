"""suasion: finds whom a message truly helps, sends it only where that is lawful, and proves what it changed."""
