"""Bodies of every shape: answered or refused, never a crash, for one crash would keep a whole batch from ending."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cjadmin.local.provider import batch_lines
from cjadmin.local.provider.calls import Refused
from cjadmin.local.provider.local_provider import LocalProvider
from cjadmin.local.provider.settings import Settings
from tests.local_provider import asking

BODIES = {
    ("anthropic", ""): asking.claude(
        [{"type": "text", "text": asking.pair(), "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "t", "input_schema": asking.SINGLE}],
        tool_choice={"type": "auto"},
        thinking={"type": "adaptive"},
    ),
    ("openai", "/v1/chat/completions"): asking.gpt(
        tools=[{"type": "function", "function": {"name": "t", "parameters": asking.SINGLE}}], metadata={"a": "b"}
    ),
    ("openai", "/v1/responses"): asking.gpt_response(reasoning={}, tools=[], metadata={}),
}
JUNK = st.sampled_from([None, True, 0, -1, 10**6, "", "x", "low", [], [None], {}, {"type": "text"}, {"type": "object"}])


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _places(inner, (*at, step))


def _with(value: Any, at: tuple[Any, ...], junk: Any) -> Any:
    """A copy with one place replaced."""
    if not at:
        return junk
    copy = value.copy()
    copy[at[0]] = _with(value[at[0]], at[1:], junk)
    return copy


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProvider]:
    provider = LocalProvider(tmp_path_factory.mktemp("any_body"), Settings())
    yield provider
    provider.close()


@pytest.mark.parametrize(("provider", "endpoint"), BODIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_body_with_junk_anywhere_is_answered_or_refused(
    local: LocalProvider, data: st.DataObject, provider: str, endpoint: str
) -> None:
    body = BODIES[provider, endpoint]
    changed = _with(body, data.draw(st.sampled_from(sorted(_places(body), key=repr))), data.draw(JUNK))
    try:
        call = local.read(provider, endpoint, changed, version="2026-10-21")
    except Refused as refused:
        event(f"refused with {refused.status}")
        return
    answer = local.answer(call, batch=True)
    assert batch_lines.OF[provider].succeeded("a", call, answer).startswith(b"{")
