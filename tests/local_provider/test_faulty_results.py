"""Faults in result files: lines lost, repeated, spoiled, invented, and downloads cut off."""

from collections import Counter
from typing import Any

import anthropic
import openai
import orjson
import pytest

from tests.local_provider import asking
from tests.local_provider.conftest import Server
from tests.local_provider.running import claude_ended, claude_lines, gpt_batch, gpt_ended, gpt_lines, is_json, parsed

ONCE = {"next": 1}


def _gpt_both(server: Server, gpt: openai.OpenAI, **faults: Any) -> tuple[list[bytes], list[bytes]]:
    """The lines of the output and the error file of six requests under these faults."""
    server.faults(**faults)
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(6)).id)
    files = [gpt_lines(gpt, name)[:-1] if name else [] for name in (ended.output_file_id, ended.error_file_id)]
    return files[0], files[1]


def _claude_all(server: Server, claude: anthropic.Anthropic, **faults: Any) -> list[bytes]:
    server.faults(**faults)
    batch = claude.messages.batches.create(requests=asking.requests(6))
    return claude_lines(claude, batch.id)[:-1]


def test_lines_that_failed_are_not_billed(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    faults = {"errored_line": ONCE, "failed_line": ONCE, "expired_line": ONCE, "status_zero_line": ONCE}
    types = Counter(line["result"]["type"] for line in parsed(_claude_all(server, claude, **faults)))
    assert types == {"succeeded": 2, "errored": 3, "expired": 1}
    output, errors = _gpt_both(server, gpt, **faults)
    assert len(output) == 2
    responses = [line["response"] for line in parsed(errors)]
    statuses = Counter(str(response and response["status_code"]) for response in responses)
    assert statuses == {"500": 1, "0": 1, "None": 2}
    assert Counter(row["billed"] for row in server.ledger()) == {True: 4, False: 8}


def test_lines_are_lost_repeated_spoiled_and_invented(
    server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    for lines in (
        _claude_all(server, claude, missing_line={"next": 2}),
        _gpt_both(server, gpt, missing_line={"next": 2})[0],
    ):
        assert len(lines) == 4
    for lines in (_claude_all(server, claude, duplicate_line=ONCE), _gpt_both(server, gpt, duplicate_line=ONCE)[0]):
        assert (len(lines), len(set(lines))) == (7, 6)
    for lines in (_claude_all(server, claude, malformed_line=ONCE), _gpt_both(server, gpt, malformed_line=ONCE)[0]):
        assert [is_json(line) for line in lines].count(False) == 1
    for lines in (_claude_all(server, claude, unknown_id_line=ONCE), _gpt_both(server, gpt, unknown_id_line=ONCE)[0]):
        assert sum(line["custom_id"].startswith("nobody-") for line in parsed(lines)) == 1
        assert len(lines) == 7
    for lines in (_claude_all(server, claude, junk_line=1.0), _gpt_both(server, gpt, junk_line=1.0)[0]):
        assert len(lines) == 12
        assert sum(b'"custom_id"' in line and is_json(line) for line in lines) == 6
    assert all(row["billed"] for row in server.ledger())


def test_a_repeated_line_may_say_the_opposite(server: Server, gpt: openai.OpenAI) -> None:
    output, _ = _gpt_both(server, gpt, duplicate_line_other_answer=ONCE)
    winners: dict[str, set[str]] = {}
    for line in parsed(output):
        said = orjson.loads(line["response"]["body"]["choices"][0]["message"]["content"])
        winners.setdefault(line["custom_id"], set()).add(said["winner"])
    assert sorted(map(len, winners.values())) == [1, 1, 1, 1, 1, 2]


def test_a_body_may_be_null(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    assert (
        sum(line["result"]["message"] is None for line in parsed(_claude_all(server, claude, null_body_line=ONCE))) == 1
    )
    output, _ = _gpt_both(server, gpt, null_body_line=ONCE)
    assert sum(line["response"]["body"] is None for line in parsed(output)) == 1


@pytest.mark.parametrize("how", ["short", "whole_lines", "broken"])
def test_a_download_is_cut_off(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI, how: str) -> None:
    batch = claude.messages.batches.create(requests=asking.requests(6))
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(6)).id)
    claude_ended(claude, batch.id)
    server.faults(truncated_download={"how": how, "next": 2})
    if how == "broken":
        with pytest.raises((openai.APIConnectionError, Exception), match=r"peer closed|Connection"):
            gpt.files.content(ended.output_file_id)
        with pytest.raises(Exception, match=r"peer closed|Connection"):
            claude_lines(claude, batch.id)
    else:
        for lines in (gpt_lines(gpt, ended.output_file_id), claude_lines(claude, batch.id)):
            assert 2 <= len([line for line in lines if line]) < 6
            assert (lines[-1] == b"") == (how == "whole_lines")
    assert len(parsed(gpt_lines(gpt, ended.output_file_id))) == 6
    assert len(parsed(claude_lines(claude, batch.id))) == 6


def test_a_justification_may_hold_line_separators_unescaped(server: Server, gpt: openai.OpenAI) -> None:
    output, _ = _gpt_both(server, gpt, line_separator=1.0)
    assert len(output) == 6
    assert all("\u2028".encode() in line and "\u0085".encode() in line for line in output)
    assert len(b"\n".join(output).decode().splitlines()) > 6
