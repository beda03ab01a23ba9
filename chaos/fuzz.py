"""Result lines and whole files of every odd kind -> never an exception, never another winner than was said."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from batches.models import BatchItem, BatchJob, Comparison, Judgement, RawFile
from batches.pipeline import collect, resolve
from batches.providers import anthropic_results, openai_results
from batches.providers.base import FileKind, ProviderError, ResultFile
from batches.providers.lines import refuse_torn
from chaos import making
from chaos.checker import Found

READ = {"anthropic": anthropic_results.read_line, "openai": openai_results.read_line}
# No letter that could turn one winner into the other, and no digit or letter of an id.
NOISE = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\x00",
    "\u2028",
    "\u0085",
    "\x1e",
    " ",
    "\r",
    "\t",
    "\udc80",
    "é",
    "-",
    "+",
]
Winner = str | None  # None: nothing may be read as a judgement


def _answer(winner: object, **more: object) -> str:
    return json.dumps({"justification": "It has fewer slips.", "winner": winner, "confidence": 4} | more)


SHAPES: list[tuple[Callable[[str], str], bool]] = [  # (the model's text for a winner, may it count as that winner?)
    (lambda w: _answer(w), True),
    (lambda w: _answer(w.lower()), True),
    (lambda w: f"  {_answer(w)}\n", True),
    (lambda w: _answer("C"), False),
    (lambda w: _answer(""), False),
    (lambda w: _answer([w]), False),
    (lambda w: _answer(None), False),
    (lambda w: _answer({"is": w}), False),
    (lambda w: _answer(w, confidence=True), False),
    (lambda w: _answer(w, confidence="4"), False),
    (lambda w: _answer(w, confidence=9), False),
    (lambda w: _answer(w).replace("4", "NaN"), False),
    (lambda w: _answer(w).replace("4", "1e400"), False),
    (lambda w: _answer(w, justification=7), False),
    (lambda w: f"Essay {w} is better.", False),
    (lambda w: f'"{w}"', False),
    (lambda w: f"[{_answer(w)}]", False),
    (lambda w: "", False),
    (lambda w: "null", False),
    (lambda w: "[" * 5000, False),
    (lambda w: '{"winner":"A","winner":"B","justification":"x","confidence":3}', False),
    (lambda w: json.dumps({"winner": w}), False),
]


def line(provider: str, custom_id: object, text: str, rng: random.Random) -> str:
    """A result line around a model's text."""
    usage = {"input_tokens": 9, "output_tokens": 9}
    if provider == "anthropic":
        message = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}
        body: dict[str, Any] = {"custom_id": custom_id, "result": {"type": "succeeded", "message": message}}
    else:
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        tokens = {"prompt_tokens": 9, "completion_tokens": 9}
        body = {
            "custom_id": custom_id,
            "response": {"status_code": 200, "body": {"choices": [choice], "usage": tokens}},
            "error": None,
        }
    return json.dumps(body, ensure_ascii=rng.random() < 0.5)


def mangle(text: str, rng: random.Random) -> bytes:
    """Cut, doubled, or with noise in it that cannot make an A of a B."""
    kind = rng.randrange(5)
    place = rng.randrange(len(text))
    if kind == 0:
        text = text[:place]
    elif kind == 1:
        text = text[:place] + rng.choice(NOISE) + text[place:]
    elif kind == 2:
        text = text[:place] + text[place + rng.randrange(1, 30) :]
    elif kind == 3:
        text = text + text
    else:
        text = text[:place] + "".join(rng.choices(NOISE, k=5)) + text[place + 5 :]
    return text.encode("utf-8", "surrogatepass").replace(b"\n", b" ")


def lines(seed: int, n: int) -> Found:
    """So many lines, each read and held against what may be read in it."""
    rng, found = random.Random(seed), Found()
    for number in range(n):
        provider, winner = rng.choice(["anthropic", "openai"]), rng.choice("AB")
        shape, counts = rng.choice(SHAPES)
        text = line(provider, f"abcdef012345-{number:06d}", shape(winner), rng)
        spoilt = rng.random() < 0.6
        raw = mangle(text, rng) if spoilt else text.encode("utf-8", "surrogatepass")
        try:
            end = resolve.read(READ[provider](raw))
        except Exception as problem:
            found.add("exceptions", f"{problem!r} at {raw[:120]!r}")
            continue
        said = str(end.draft.winner) if end.draft else None
        if said not in ((winner, None) if counts else (None,)) and not (spoilt and said == winner):
            found.add("wrong winner", f"{said} for {winner}: {raw[:200]!r}")
        if counts and not spoilt and said != winner:
            found.add("answer not read", raw[:200])
        found.counts["judgements"] += said is not None
        found.counts[end.outcome.value] += 1
    return found


class _Reader:
    """The one verb of a provider that collecting stored files needs."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def read_results(self, path: Path, kind: FileKind) -> Any:
        from batches.providers.lines import read_lines

        return read_lines(path, READ[self._provider])


def files(seed: int, n: int) -> Found:
    """So many whole files: torn ones refused, all others collected to the end with the first answer to each id."""
    rng, found = random.Random(seed), Found()
    making.clear()
    for number in range(n):
        provider = rng.choice(["anthropic", "openai"])
        made = making.assessment(provider, "provider_batch", 5)
        try:
            _one_file(rng, provider, made, found)
        except Exception as problem:
            found.add("exceptions", f"file {number}: {problem!r}")
    return found


def _one_file(rng: random.Random, provider: str, made: Any, found: Found) -> None:
    job = _job(provider, made)
    ids = list(job.items.values_list("custom_id", flat=True))
    content, truth = _content(rng, provider, ids)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        path.write_bytes(content)
        try:
            refuse_torn(path)
        except ProviderError:
            found.counts["torn files refused"] += 1
            BatchItem.objects.filter(job=job).delete()
            return
        from batches.pipeline import raw

        file = ResultFile(kind=FileKind.OUTPUT, path=path, sha256=_hash(content), size=len(content))
        stored = raw._store(job, file)
    collect.CHUNK = rng.choice([1, 2, 500])
    for _ in range(2):  # the second time must change nothing
        collect._read(job, _Reader(provider), RawFile.objects.get(pk=stored.pk))  # type: ignore[arg-type]
    collect.CHUNK = 500
    for custom_id in ids:
        winner = Judgement.objects.filter(item__custom_id=custom_id).values_list("winner", flat=True).first()
        if winner != truth.get(custom_id):
            found.add("wrong winner", f"{custom_id}: {winner}, not {truth.get(custom_id)}: {content[:300]!r}")
    found.counts["files collected"] += 1
    BatchItem.objects.filter(job=job, outcome=None).exists()


def _hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _job(provider: str, made: Any) -> BatchJob:
    """A job that is ready to be collected, as if its batch had just ended."""
    from batches.pipeline import submit

    judge = making.judge(provider)
    group = submit.Group(judge=judge, strategy="provider_batch")
    from batches.pipeline import account

    assert judge.account is not None
    job = submit.open_job(group, account.provider_of(judge.account))
    assert job is not None, Comparison.objects.filter(round__assessment=made).count()
    taken = BatchJob.objects.take(job.pk, seconds=600)
    assert taken is not None
    for status in ("SENDING", "IN_PROGRESS", "COLLECTING"):
        batch = f"batch-{job.nonce}" if status != "SENDING" else ""
        assert taken.advance(BatchJob.Status(status), provider_batch_id=batch)
    return taken


def _content(rng: random.Random, provider: str, ids: list[str]) -> tuple[bytes, dict[str, Winner]]:
    """A file's bytes, and the winner that must come of each id: of its first line that can be read as one about it."""
    out: list[bytes] = []
    truth: dict[str, Winner] = {}
    for custom_id in rng.sample(ids, rng.randrange(1, len(ids) + 1)) + rng.choices(ids, k=rng.randrange(3)):
        winner = rng.choice("AB")
        shape, counts = rng.choice(SHAPES[:8])
        out.append(line(provider, custom_id, shape(winner), rng).encode("utf-8", "surrogatepass"))
        truth.setdefault(custom_id, winner if counts else None)
    for _ in range(rng.randrange(4)):
        junk = [b"", b"  ", b"null", b"[]", b"<html>", b"\x00\xff", b'{"custom_id": 5}', b"[" * 3000, b"1" * 5000]
        stranger = line(provider, f"nobody-{rng.randrange(10**6)}", _answer("A"), rng).encode()
        out.insert(rng.randrange(len(out) + 1), rng.choice([*junk, stranger]))
    ending = rng.choice([b"\n", b"\r\n"])
    body = ending.join(out) + (ending if rng.random() < 0.8 else b"")
    if rng.random() < 0.15 and len(body) > 60:
        body = body[: -rng.randrange(2, 40)] + b'{"custom_id": "x'
    return body, truth
