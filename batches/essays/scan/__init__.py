"""An essay's text -> the places where it may be talking to its judge, for a person to look at. Never marks down."""

from batches.essays.scan.suspicion import Suspicion, suspicions

__all__ = ["Suspicion", "suspicions"]
