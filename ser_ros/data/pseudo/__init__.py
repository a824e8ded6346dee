"""Pseudo-initial captions for stage 2 (paper F.1): by an LLM, by rules, or by the model itself."""
