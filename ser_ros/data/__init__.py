"""Dataset formats, pseudo-initial captions and the simulated home."""
