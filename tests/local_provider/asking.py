"""Essays and prompts in the form that the feature judge reads, as each provider's request."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

GOOD = """Learning from home gives pupils a freedom that classrooms rarely allow. A student who grasps algebra quickly
may move ahead, while another can replay an explanation until the difficulty dissolves.

Nevertheless, distance has its price. Conversation, friendship and the quiet encouragement of an attentive teacher are
hard to reproduce on a screen. Schools should therefore offer both, and trust families to choose between them."""
POOR = """i think is good becuase student dont have to went to school . they was happy at there house and they can to do
homeworks and the teacher have more time and more better and students is happy becuase they dont have to wake up and and
they can sleep"""
CLAUDE, GPT = "claude-haiku-4-5-20251001", "gpt-4o-mini"
JUDGEMENT = {
    "justification": {"type": "string"},
    "winner": {"type": "string", "enum": ["A", "B"]},
    "confidence": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
}


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SINGLE = closed(JUDGEMENT)
BUNDLE = closed({"judgements": {"type": "array", "items": closed({"id": {"type": "string"}, **JUDGEMENT})}})


def essay(place: str, text: str) -> str:
    mark = sha256(text.encode()).hexdigest()[:8]
    return f'<essay place="{place}" mark="{mark}">\n{text}\n</essay {mark}>\n'


def pair(a: str = GOOD, b: str = POOR, rubric: str = "Judge the writing.") -> str:
    return f"{rubric}\n\n{essay('A', a)}{essay('B', b)}\nWhich is better?"


def bundle(tags: Iterable[str]) -> str:
    return "".join(
        f'<comparison id="{tag}">\n{essay("A", f"{GOOD} {tag}")}{essay("B", POOR)}</comparison {tag}>\n' for tag in tags
    )


def claude(prompt: Any = None, *, schema: dict[str, Any] | None = SINGLE, **more: Any) -> dict[str, Any]:
    """The body of POST /v1/messages, and the params of a batch request."""
    body: dict[str, Any] = {"model": CLAUDE, "max_tokens": 500, "system": "You judge essays."}
    body["messages"] = [{"role": "user", "content": pair() if prompt is None else prompt}]
    if schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return body | more


def gpt(prompt: Any = None, *, schema: dict[str, Any] | None = SINGLE, **more: Any) -> dict[str, Any]:
    """The body of POST /v1/chat/completions."""
    said = [
        {"role": "system", "content": "You judge."},
        {"role": "user", "content": pair() if prompt is None else prompt},
    ]
    body: dict[str, Any] = {"model": GPT, "max_completion_tokens": 500, "messages": said}
    if schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": schema},
        }
    return body | more


def gpt_response(prompt: Any = None, **more: Any) -> dict[str, Any]:
    """The body of POST /v1/responses."""
    form = {"type": "json_schema", "name": "judgement", "strict": True, "schema": SINGLE}
    said = pair() if prompt is None else prompt
    return {"model": GPT, "instructions": "You judge.", "input": said, "text": {"format": form}} | more


def requests(n: int, **more: Any) -> list[dict[str, Any]]:
    """An Anthropic batch of n different prompts."""
    return [{"custom_id": f"cj-{i:04d}", "params": claude(pair(rubric=f"Rubric {i}."), **more)} for i in range(n)]


def lines(n: int, **more: Any) -> list[dict[str, Any]]:
    """An OpenAI batch of n different prompts."""
    url = "/v1/chat/completions"
    return [
        {"custom_id": f"cj-{i:04d}", "method": "POST", "url": url, "body": gpt(pair(rubric=f"Rubric {i}."), **more)}
        for i in range(n)
    ]
