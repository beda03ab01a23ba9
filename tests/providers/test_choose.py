import subprocess
import sys

import pytest

from batches.providers import open_provider
from batches.providers.base import NotConfigured
from tests.providers.asking import ENDPOINT


@pytest.mark.parametrize(("name", "cls"), [("anthropic", "AnthropicProvider"), ("openai", "OpenAIProvider")])
def test_a_provider_is_opened_by_its_name(name, cls):
    assert type(open_provider(name, ENDPOINT)).__name__ == cls


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="no provider 'gemini'; there are anthropic, openai"):
        open_provider("gemini", ENDPOINT)


def test_the_key_is_in_no_repr():
    assert "k-secret" not in repr(ENDPOINT)
    assert "k-secret" not in repr(vars(open_provider("openai", ENDPOINT)).get("_endpoint"))


def test_no_sdk_is_imported_before_a_provider_is_opened():
    code = (
        "import sys, batches.providers, batches.providers.manifest, batches.providers.prices;"
        "print({'anthropic', 'openai', 'httpx2', 'aiohttp', 'django'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_neither_django_nor_the_rest_of_the_app_is_imported_at_all():
    code = (
        "import sys, batches.providers.anthropic, batches.providers.openai;"
        "print([m for m in sys.modules if m.startswith(('django', 'cjadmin', 'batches.')) and 'providers' not in m])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_missing_key_is_found_when_it_is_opened_not_when_it_is_used():
    with pytest.raises(NotConfigured):
        open_provider("anthropic", type(ENDPOINT)())
