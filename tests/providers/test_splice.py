"""Spliced lines are byte for byte the lines of whole requests, whatever stands in the texts."""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.providers import manifest, splice
from batches.providers.base import AnswerBy, Part
from batches.providers.choose import open_provider
from tests.providers.asking import ENDPOINT, question

PROVIDERS = {name: open_provider(name, ENDPOINT) for name in ("anthropic", "openai")}
MODELS = [model for model in manifest.load().values() if not model.retires_on or model.retires_on > date(2027, 1, 1)]
HOSTILE = [
    '"',
    "\\",
    '"}]',
    "\n",
    "\r",
    "\x00",
    "\x1f",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "é",
    "😀",
    "中",
    '\\"',
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join)
)


@st.composite
def parts(draw: Any, *, shared: bool) -> Part:
    if draw(st.booleans()):
        return Part(image=draw(st.binary(min_size=1, max_size=40)), media_type="image/png")
    return Part(text=draw(TEXTS) * draw(st.sampled_from([1, 1, 40])), shared=shared and draw(st.booleans()))


def body_of(line: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = line.get("params") or line["body"]
    return body


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    model=st.sampled_from(MODELS),
    first=st.lists(parts(shared=True), min_size=1, max_size=3),
    last=st.lists(parts(shared=False), min_size=1, max_size=3),
    system=TEXTS,
    answer_by=st.sampled_from(AnswerBy),
    custom_id=st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"),
)
def test_a_spliced_line_is_the_line_of_the_whole_request(model, first, last, system, answer_by, custom_id):
    provider = PROVIDERS[model.provider]
    opening = question(model=model.id, system=system, parts=tuple(first), answer_by=answer_by)
    whole = replace(opening, custom_id=custom_id, parts=(*first, *last))
    blocks = splice.blocks(provider, tuple(last))
    line = b"".join(splice.frame(provider, opening).pieces(custom_id.encode(), blocks.encoded))
    assert line == provider.line(whole)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    read = orjson.loads(line)
    assert read["custom_id"] == custom_id
    texts = [block["text"] for block in body_of(read)["messages"][-1]["content"] if block["type"] == "text"]
    assert texts == [part.text for part in (*first, *last) if not part.image]
    assert orjson.loads(orjson.dumps(read)) == read


@pytest.mark.parametrize("name", PROVIDERS)
def test_frames_and_blocks_that_differ_in_one_byte_have_other_hashes(name):
    provider, model = PROVIDERS[name], next(model.id for model in MODELS if model.provider == name)
    opening = question(model=model, parts=(Part(text="Essay A: cats."),))
    frames = [splice.frame(provider, opening), splice.frame(provider, replace(opening, max_tokens=501))]
    assert frames[0].sha256 != frames[1].sha256
    assert frames[0] == splice.frame(provider, opening)
    assert splice.blocks(provider, (Part(text="x"),)).sha256 != splice.blocks(provider, (Part(text="y"),)).sha256


@pytest.mark.parametrize("name", PROVIDERS)
def test_half_a_surrogate_pair_has_no_bytes(name):
    model = next(model.id for model in MODELS if model.provider == name)
    with pytest.raises(ValueError, match="surrogate"):
        splice.blocks(PROVIDERS[name], (Part(text="\ud800"),))
    with pytest.raises(ValueError, match="surrogate"):
        splice.frame(PROVIDERS[name], question(model=model, parts=(Part(text="\ud800"),)))
