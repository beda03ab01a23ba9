"""The vendors behind one set of verbs; their SDKs are loaded only when one is opened."""

from batches.providers.choose import open_provider

__all__ = ["open_provider"]
