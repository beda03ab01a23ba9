"""The status API under /api/v1/: one module for each resource, and what they share."""

from batches.api.site import api

__all__ = ["api"]
