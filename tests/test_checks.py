"""What a start says about callbacks."""

import pytest

from batches import checks
from tests.pipeline.conftest import cj  # noqa: F401

GOOD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("sink", "addresses", "ids"),
    [
        ("none", {}, ["batches.I001"]),
        ("kafka", {}, ["batches.W001"]),
        ("kafka", {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092"}, []),
        ("webhook", {"WEBHOOK_URL": "https://example.org/hook"}, ["batches.W001"]),
        ("webhook", {"WEBHOOK_URL": "https://example.org/hook", "WEBHOOK_SECRET": GOOD}, []),
        ("webhook", {"WEBHOOK_URL": "http://127.0.0.1:8080/hook", "WEBHOOK_SECRET": GOOD}, []),
        ("webhook", {"WEBHOOK_URL": "http://example.org/hook", "WEBHOOK_SECRET": GOOD}, ["batches.E004"]),
        ("webhook", {"WEBHOOK_URL": "example.org", "WEBHOOK_SECRET": "secret"}, ["batches.E004"] * 2),
    ],
)
def test_a_start_says_whether_callbacks_can_leave(cj, settings, sink, addresses, ids):  # noqa: F811
    for name, value in addresses.items():
        setattr(settings, name, value)
    cj(callback_sink=sink)
    found = checks.callbacks_have_an_address(None)
    assert [one.id for one in found] == ids
    assert all(one.hint for one in found)
    assert "secret" not in str([one.msg for one in found]).replace("a webhook secret is", "")
