"""A provider's name and endpoint -> its Provider; each SDK is imported only when it is used."""

from importlib import import_module

from batches.providers.base import Endpoint, Provider

# A new provider is one row here, its modules, and its rows in models.toml.
PROVIDERS = {
    "anthropic": ("batches.providers.anthropic", "AnthropicProvider"),
    "openai": ("batches.providers.openai", "OpenAIProvider"),
}


def open_provider(name: str, endpoint: Endpoint) -> Provider:
    """Raises NotConfigured without a key, ValueError for a name that is none of PROVIDERS."""
    if name not in PROVIDERS:
        raise ValueError(f"There is no provider {name!r}; there are {', '.join(PROVIDERS)}.")
    module, cls = PROVIDERS[name]
    provider: Provider = getattr(import_module(module), cls)(endpoint)
    return provider
