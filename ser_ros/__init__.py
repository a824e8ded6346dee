"""Sharp-Eyed Refinement: a robot says what it sees, looks again, corrects itself and remembers."""

__version__ = "0.1.0"
