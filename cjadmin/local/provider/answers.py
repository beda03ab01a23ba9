"""A checked call -> the judge's answer in the schema that was asked for, with the faults in force put into it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from . import prompt_reading, tokens
from .calls import Answer, Call, Usage
from .draws import draw
from .faults import Faults
from .feature_judge import Verdict, judge
from .prefix_cache import PrefixCache
from .settings import Settings

NO_ESSAYS = "This prompt holds no two essays in the form the local judge reads, so this is not a judgement."
REFUSAL_TOKENS = 12
THINKING_TOKENS = {"low": 40, "minimal": 15, "medium": 90, "high": 160, "xhigh": 320, "max": 600}
PLAIN = ("justification", "winner", "confidence")  # what it says when no schema asks for more
THOUGHT = "Reading both essays for control of language, range and development before deciding."
Values = dict[str, Any]


def answer(call: Call, *, settings: Settings, faults: Faults, cache: PrefixCache, now: float, batch: bool) -> Answer:
    """Judge what the prompt holds. Every answer is billed, a refusal and a cut one too."""
    prompt = call.prompt_sha256()
    lucky = not batch or draw("lucky", settings.seed, prompt) < settings.batch_cache_hits
    usage = cache.input_usage(call, now, lucky=lucky)
    if faults.strikes("refusal", call.provider):
        return Answer(text="", refused=True, usage=replace(usage, output_tokens=REFUSAL_TOKENS))
    thinking = _thinking_tokens(call, prompt)
    text, winner = _written(call, settings, faults)
    return _within_limit(call, text, winner, usage, thinking, faults)


def _within_limit(call: Call, text: str, winner: str, usage: Usage, thinking: int, faults: Faults) -> Answer:
    room = call.max_tokens - thinking
    written = tokens.count_text(text)
    thought = THOUGHT if thinking else ""
    if written <= room and not faults.strikes("truncation", call.provider):
        used = replace(usage, output_tokens=written + thinking, reasoning_tokens=thinking)
        return Answer(text=text, winner=winner, usage=used, thought=thought)
    used = replace(usage, output_tokens=call.max_tokens, reasoning_tokens=min(thinking, call.max_tokens))
    return Answer(text=tokens.cut(text, min(room, written * 3 // 5)), truncated=True, usage=used, thought=thought)


def _thinking_tokens(call: Call, prompt: str) -> int:
    """From half to one and a half times what the effort usually takes."""
    usual = THINKING_TOKENS.get(call.thinks, 0)
    return round(usual * (0.5 + draw("thinking", call.model.id, prompt)))


def _written(call: Call, settings: Settings, faults: Faults) -> tuple[str, str]:
    """The answer's text and, for the ledger, the winners it names."""
    bundled = call.schema is not None and "judgements" in call.schema.get("properties", {})
    pairs = prompt_reading.pairs(call.pieces, bundled=bundled)
    if not pairs:
        values = _values(Verdict(tag="", winner="A", confidence=1, justification=NO_ESSAYS, instructed=False))
        return _text(call, {"judgements": []} | values if bundled else values, settings, faults), ""
    verdicts = [
        judge(pair, call.model.id, settings, faults.obedience, faults.commands, faults.noticing) for pair in pairs
    ]
    said = [_faulty(_values(verdict), call, faults) for verdict in verdicts]
    if not bundled:
        return _text(call, said[0], settings, faults), said[0]["winner"]
    said.sort(key=lambda values: draw("order", settings.seed, values["id"], verdicts[0].justification))
    said = _faulty_tags(said, call, faults)
    winners = orjson.dumps({values["id"]: values["winner"] for values in said}).decode()
    return _text(call, {"judgements": said}, settings, faults), winners


def _values(verdict: Verdict) -> Values:
    return {
        "id": verdict.tag,
        "justification": verdict.justification,
        "winner": verdict.winner,
        "confidence": verdict.confidence,
        "contains_instructions_to_judge": verdict.instructed,
    }


FAULTY_VALUES: dict[str, Callable[[Values], Values]] = {
    "winner_c": lambda said: said | {"winner": "C"},
    "winner_lower_case": lambda said: said | {"winner": said["winner"].lower()},
    "line_separator": lambda said: said | {"justification": f"{said['justification']}\u2028It stands\u0085apart."},
}
FAULTY_TAGS: dict[str, Callable[[list[Values]], list[Values]]] = {
    "missing_tag": lambda said: said[1:],
    "doubled_tag": lambda said: [*said, said[0]],
    "foreign_tag": lambda said: [*said[1:], said[0] | {"id": "ZZ99"}],
}
FAULTY_TEXT: dict[str, Callable[[str], str]] = {
    "prose": lambda text: (
        "Having read both with care, I find the two hard to separate, but the first is a little stronger."
    ),
    "fenced": lambda text: f"```json\n{text}\n```",
}


def _faulty(said: Values, call: Call, faults: Faults) -> Values:
    for name, spoil in FAULTY_VALUES.items():
        if faults.strikes(name, call.provider):
            said = spoil(said)
    return said


def _faulty_tags(said: list[Values], call: Call, faults: Faults) -> list[Values]:
    for name, spoil in FAULTY_TAGS.items():
        if said and faults.strikes(name, call.provider):
            said = spoil(said)
    return said


def _text(call: Call, values: Values, settings: Settings, faults: Faults) -> str:
    said = {name: values[name] for name in PLAIN} if call.schema is None else shaped(call.schema, values)
    text = orjson.dumps(said).decode()
    for name, spoil in FAULTY_TEXT.items():
        if faults.strikes(name, call.provider):
            text = spoil(text)
    return text


def shaped(schema: Any, value: Any) -> Any:
    """Any value of this schema: the given one where it fits by name and type, in the schema's own order."""
    if not isinstance(schema, dict):
        return value
    if "anyOf" in schema:
        return shaped(schema["anyOf"][0], value)
    if "properties" in schema:
        known = value if isinstance(value, dict) else {}
        return {name: shaped(inner, known.get(name)) for name, inner in schema["properties"].items()}
    if schema.get("type") == "array":
        return [shaped(schema.get("items"), one) for one in value] if isinstance(value, list) else []
    if "enum" in schema:
        return _of_enum(schema["enum"], value)
    return value if value is not None else EMPTY.get(str(schema.get("type")))


EMPTY: dict[str, Any] = {"string": NO_ESSAYS, "integer": 1, "number": 1.0, "boolean": False, "object": {}}
FAULTY_WINNERS = ("C", "a", "b")  # what the winner faults say against the schema, as real providers have


def _of_enum(choices: list[Any], value: Any) -> Any:
    """The value if it is a choice (or a fault's), else the choice at its place: A is the first, B the second."""
    if value in choices or value in FAULTY_WINNERS:
        return value
    return choices[min("AB".index(value), len(choices) - 1)] if value in ("A", "B") else choices[0]
