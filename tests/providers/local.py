"""The local provider as the end-to-end tests speak to it, and the verbs they use together."""

import asyncio
import json
import time
import urllib.request
from base64 import b64decode
from dataclasses import replace

from batches.judging.prompts import EssayText, build_prompt
from batches.providers import open_provider
from batches.providers.base import BatchState, Endpoint, Part, Request

PATHS = {"anthropic": "/anthropic", "openai": "/openai/v1"}
MODELS = {"anthropic": "claude-haiku-4-5-20251001", "openai": "gpt-6-luna"}
NAMES = list(PATHS)
GOOD = "Cities should plant more trees. Shade cools the streets, and roots hold the rain that would flood cellars."
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
POOR = "tree is good becose they is tree and tree is nice nice."


class Local:
    def __init__(self, url):
        self.url = url

    def control(self, method, path, body=None):
        request = urllib.request.Request(f"{self.url}/control{path}", method=method, data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def faults(self, **plan):
        self.control("PUT", "/faults", plan)

    def ledger(self, **having):
        rows = self.control("GET", "/ledger")["rows"]
        return [row for row in rows if all(row[name] == value for name, value in having.items())]

    def provider(self, name, **changes):
        return open_provider(
            name, replace(Endpoint(base_url=self.url + PATHS[name], api_key="k", timeout=10), **changes)
        )


def asked_of(name, custom_id="n0nce-0", **changes):
    prompt = build_prompt(instructions="", rubric="Clarity.", a=EssayText(text=GOOD), b=EssayText(text=POOR))
    fields = {
        "custom_id": custom_id,
        "model": MODELS[name],
        "system": prompt.system,
        "parts": tuple(
            Part(text=p.text, image=p.image, media_type=p.media_type, shared=p.shared) for p in prompt.parts
        ),
        "schema": prompt.schema,
        "schema_name": prompt.schema_name,
        "max_tokens": 2_000,
    }
    return Request(**(fields | changes))


def questions(name, n, **changes):
    return [asked_of(name, f"n0nce-{i}", **changes) for i in range(n)]


def ask(provider, *requests):
    async def all_at_once():
        async with provider.open_calls() as calls:
            return await asyncio.gather(*(calls.complete(request) for request in requests))

    return asyncio.run(all_at_once())


def submit(provider, requests, folder, nonce="n0nce"):
    path = folder / "payload.jsonl"
    path.write_bytes(b"".join(provider.payload_bytes(requests)))
    file_id = provider.upload(path, name=f"cj-{nonce}.jsonl")
    return provider.submit(path, n=len(requests), input_file_id=file_id, metadata={"cj_nonce": nonce})


def ended(provider, batch_id):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        progress = provider.poll(batch_id)
        if progress.state in (BatchState.ENDED, BatchState.FAILED):
            return progress
        time.sleep(0.02)
    raise AssertionError(f"{batch_id} did not end")


def collected(provider, requests, folder):
    progress = ended(provider, submit(provider, requests, folder).provider_batch_id)
    return list(provider.results(progress))


def used(rows):
    return sum(
        row[k] for row in rows for k in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    )


def spent(results):
    usages = [each.usage for each in results]
    return sum(u.input_tokens + u.cache_read_tokens + u.cache_write_tokens + u.output_tokens for u in usages)
