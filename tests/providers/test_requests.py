import json

import pytest

from batches.providers import anthropic_requests, openai_requests
from batches.providers.base import AnswerBy, Part
from batches.providers.manifest import find
from tests.providers.asking import SCHEMA, question

PNG = Part(image=b"\x89PNG", media_type="image/png")


def anthropic_body(**changes):
    request = question(**changes)
    return anthropic_requests.body(request, find("anthropic", request.model))


def openai_body(**changes):
    request = question(**({"model": "gpt-6-luna"} | changes))
    return openai_requests.body(request, find("openai", request.model))


def test_the_whole_body_for_anthropic_by_schema():
    assert anthropic_body(model="claude-haiku-5-5", effort="low") == {
        "model": "claude-haiku-5-5",
        "max_tokens": 500,
        "system": "You judge essays.",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Essay A: cats."}, {"type": "text", "text": "Essay B: dogs."}],
            }
        ],
        "thinking": {"type": "disabled"},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"},
    }


def test_the_whole_body_for_anthropic_by_a_forced_tool():
    body = anthropic_body(answer_by=AnswerBy.TOOL)
    assert body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 500,
        "system": "You judge essays.",
        "messages": body["messages"],
        "tools": [
            {
                "name": "record_judgement",
                "description": "Hands in the answer.",
                "input_schema": SCHEMA,
                "strict": True,
            }
        ],
        "tool_choice": {"type": "tool", "name": "record_judgement", "disable_parallel_tool_use": True},
    }


@pytest.mark.parametrize(
    ("model", "effort"), [("claude-opus-5-5", ""), ("claude-sonnet-5-5", ""), ("claude-haiku-5-5", "max")]
)
def test_where_a_tool_cannot_be_forced_the_system_asks_for_it(model, effort):
    body = anthropic_body(model=model, effort=effort, answer_by=AnswerBy.TOOL)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert body["system"] == "You judge essays.\n\nAnswer only by calling the tool record_judgement, once."


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("claude-haiku-4-5", "", None),
        ("claude-haiku-5-5", "", {"type": "disabled"}),
        ("claude-opus-5", "high", {"type": "disabled"}),
        ("claude-opus-5", "xhigh", None),
        ("claude-sonnet-5-5", "", {"type": "between_tools"}),
        ("claude-opus-5-5", "", None),
        ("claude-fable-5-1", "low", None),
    ],
)
def test_thinking_is_as_quiet_as_the_model_allows(model, effort, thinking):
    assert anthropic_body(model=model, effort=effort).get("thinking") == thinking


def test_the_last_shared_part_is_cached_for_an_hour_where_the_prefix_is_long_enough():
    long = Part(text="rubric " * 2_400, shared=True)  # about 4,200 tokens
    parts = (Part(text="a", shared=True), long, Part(text="Essay B."))
    content = anthropic_body(parts=parts)["messages"][0]["content"]
    assert [block.get("cache_control") for block in content] == [None, {"type": "ephemeral", "ttl": "1h"}, None]


def test_a_prefix_below_the_models_minimum_or_not_shared_is_not_marked():
    short = (Part(text="rubric " * 2_000, shared=True), Part(text="Essay B."))  # about 3,500 tokens
    assert "cache_control" not in json.dumps(anthropic_body(parts=short))
    assert "cache_control" in json.dumps(anthropic_body(parts=short, model="claude-haiku-5-5"))
    assert "cache_control" not in json.dumps(anthropic_body(parts=(Part(text="x" * 99_999),)))


def test_the_whole_body_for_openai_by_schema():
    assert openai_body(effort="low") == {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": "You judge essays."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Essay A: cats."}, {"type": "text", "text": "Essay B: dogs."}],
            },
        ],
        "max_completion_tokens": 500,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "record_judgement", "strict": True, "schema": SCHEMA},
        },
    }


def test_the_whole_body_for_openai_by_tool():
    body = openai_body(answer_by=AnswerBy.TOOL, model="gpt-4o-mini", effort="low")
    assert body == {
        "model": "gpt-4o-mini",
        "messages": body["messages"],
        "max_completion_tokens": 500,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "record_judgement",
                    "description": "Hands in the answer.",
                    "strict": True,
                    "parameters": SCHEMA,
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "record_judgement"}},
        "parallel_tool_calls": False,
    }


def test_images_go_as_base64_blocks_to_anthropic_and_as_data_urls_to_openai():
    parts = (Part(text="Essay A:"), PNG)
    assert anthropic_body(parts=parts)["messages"][0]["content"][1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
    }
    assert openai_body(parts=parts)["messages"][1]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw=="},
    }


def test_requests_with_one_prefix_share_one_cache_key_and_others_do_not():
    def key(rubric, essay, model="gpt-6-luna"):
        return openai_body(parts=(Part(text=rubric, shared=True), Part(text=essay)), model=model)["prompt_cache_key"]

    assert key("r", "one") == key("r", "two")
    assert len({key("r", "one"), key("R", "one"), key("r", "one", "gpt-6.1-sol")}) == 3
    assert "prompt_cache_key" not in openai_body()


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_sampling_parameters_are_never_sent(name):
    assert name not in anthropic_body()
    assert name not in openai_body()


def test_lines_are_the_bodies_with_their_ids_and_the_same_bytes_every_time():
    request = question()
    model = find("anthropic", request.model)
    line = anthropic_requests.line(request, model)
    assert line == anthropic_requests.line(request, model)
    assert json.loads(line) == {"custom_id": "n0nce-1", "params": anthropic_requests.body(request, model)}
    request = question(model="gpt-6-luna")
    assert json.loads(openai_requests.line(request, find("openai", "gpt-6-luna"))) == {
        "custom_id": "n0nce-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": openai_body(),
    }


def test_a_line_is_one_line_however_it_is_split():
    text = "a\x85b\u2028c\u2029d\x1ee\nf\rg"
    line = anthropic_requests.line(question(parts=(Part(text=text),)), find("anthropic", "claude-haiku-4-5"))
    assert len(line.decode().splitlines()) == 1
    assert line.endswith(b"\n")
    assert json.loads(line)["params"]["messages"][0]["content"][0]["text"] == text


def test_the_token_counter_of_openai_is_asked_in_the_shape_of_its_responses():
    body = openai_requests.count_body(question(model="gpt-6-luna", parts=(Part(text="x"), PNG)))
    assert body == {
        "model": "gpt-6-luna",
        "instructions": "You judge essays.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "x"},
                    {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBORw=="},
                ],
            }
        ],
        "text": {"format": {"type": "json_schema", "name": "record_judgement", "strict": True, "schema": SCHEMA}},
    }
