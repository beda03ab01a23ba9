"""The pipeline's fixtures, for the harness's own tests."""

from tests.pipeline.conftest import cj, provider, running_provider

__all__ = ["cj", "provider", "running_provider"]
