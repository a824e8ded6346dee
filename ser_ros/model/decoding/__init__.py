"""Writing a caption: greedy with a verified draft, and beam search, over one session protocol. NumPy only."""

from ser_ros.model.decoding.beam import beam_search
from ser_ros.model.decoding.greedy import greedy
from ser_ros.model.decoding.session import Session, TopK, Written

__all__ = ["Session", "TopK", "Written", "beam_search", "greedy"]
