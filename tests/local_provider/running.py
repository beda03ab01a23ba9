"""Whole batches through the real SDKs, from creation to result lines."""

import time
from typing import Any

import anthropic
import openai
import orjson

POLLS_FOR = 15.0
OPEN = ("validating", "in_progress", "finalizing", "cancelling")


def claude_ended(client: anthropic.Anthropic, batch_id: str) -> Any:
    limit = time.monotonic() + POLLS_FOR
    while (batch := client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        assert time.monotonic() < limit, batch
        time.sleep(0.03)
    return batch


def claude_lines(client: anthropic.Anthropic, batch_id: str) -> list[bytes]:
    """The raw lines of the results, split as bytes."""
    batch = claude_ended(client, batch_id)
    raw = client.get(batch.results_url, cast_to=anthropic._response.BinaryAPIResponse).read()
    return raw.split(b"\n")


def gpt_batch(client: openai.OpenAI, lines: list[Any], **more: Any) -> Any:
    """Upload and create; a bytes line goes into the file as it is."""
    file = b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines)
    uploaded = client.files.create(file=("cj-job.jsonl", file, "application/jsonl"), purpose="batch")
    given = {"input_file_id": uploaded.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return client.batches.create(**given | more)


def gpt_ended(client: openai.OpenAI, batch_id: str) -> Any:
    limit = time.monotonic() + POLLS_FOR
    while (batch := client.batches.retrieve(batch_id)).status in OPEN:
        assert time.monotonic() < limit, batch
        time.sleep(0.03)
    return batch


def gpt_lines(client: openai.OpenAI, file_id: str | None) -> list[bytes]:
    assert file_id is not None
    return client.files.content(file_id).content.split(b"\n")


def parsed(lines: list[bytes]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in lines if line]


def is_json(line: bytes) -> bool:
    """Whether a line can be read at all."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
