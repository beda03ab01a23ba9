"""A task that fails as an SDK might: with the key in its error, its cause and its log."""

import logging
import os


def fail_with_the_key() -> None:
    key = os.environ["ANTHROPIC_API_KEY"]
    logging.getLogger("anthropic._base_client").error("request headers=%s", {"x-api-key": key})
    try:
        raise KeyError(f"Authorization: Bearer {key}")
    except KeyError as problem:
        raise RuntimeError(f"<Request headers={{'x-api-key': '{key}'}}>") from problem
