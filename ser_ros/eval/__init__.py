"""Metrics and benchmarks computed from prediction files."""
