import hashlib

import pytest

from batches.providers import anthropic_results, lines
from batches.providers.base import FileKind, Outcome, ProviderError
from tests.providers.asking import anthropic_line, message

SEPARATORS = ["\x85", "\u2028", "\u2029", "\x1c", "\x1d", "\x1e", "\x0b", "\x0c", "\x00", "\x1a"]


def succeeded(n, answer="A"):
    return anthropic_line({"type": "succeeded", "message": message(answer)}, custom_id=f"n-{n}")


@pytest.mark.parametrize("end", [b"\n", b""])
def test_lines_end_at_newlines_only_whatever_the_text_holds(tmp_path, end):
    path = tmp_path / "r.jsonl"
    raw = [
        succeeded(n, f"@{n}@x").replace(f"@{n}@".encode(), mark.encode()) for n, mark in enumerate("\x85\u2028\u2029")
    ]
    escaped = [succeeded(n + 3, mark + "x") for n, mark in enumerate(SEPARATORS)]
    path.write_bytes(b"\n".join(raw + escaped) + end)
    results = list(lines.read_lines(path, anthropic_results.read_line))
    assert [each.custom_id for each in results] == [f"n-{n}" for n in range(13)]
    assert [each.answer[0] for each in results] == ["\x85", "\u2028", "\u2029", *SEPARATORS]


def test_blank_lines_and_carriage_returns_are_no_results(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n\r\n" + succeeded(1) + b"\r\n\n" + succeeded(2) + b"\r\n")
    assert [each.custom_id for each in lines.read_lines(path, anthropic_results.read_line)] == ["n-1", "n-2"]


def test_a_stored_file_is_the_bytes_that_came_hashed_under_a_safe_name(tmp_path):
    file = lines.store([b'{"a":', b"1}\n"], tmp_path, name="../batch/1", kind=FileKind.ERROR)
    assert file.path == tmp_path / "_batch_1.error.jsonl"
    assert file.path.read_bytes() == b'{"a":1}\n'
    assert (file.size, file.sha256) == (8, hashlib.sha256(b'{"a":1}\n').hexdigest())
    assert list(tmp_path.iterdir()) == [file.path]


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_torn_last_line_is_a_cut_download_and_leaves_no_file(tmp_path, cut):
    whole = succeeded(1) + b"\n" + succeeded(2)
    with pytest.raises(ProviderError) as torn:
        lines.store([whole[:-cut]], tmp_path, name="b", kind=FileKind.OUTPUT)
    assert (torn.value.accepted, torn.value.transient, torn.value.code) == (None, True, "truncated_download")
    assert not list(tmp_path.glob("*.jsonl"))


@pytest.mark.parametrize("content", [b"", b"\n", b'{"a":1}', b'{"a":1}\n', b"spoilt\n", b'{"a":"\\ud800"}'])
def test_a_file_that_ends_with_a_whole_line_is_kept(tmp_path, content):
    assert lines.store([content], tmp_path, name="b", kind=FileKind.OUTPUT).path.read_bytes() == content


def test_a_spoilt_last_line_with_its_newline_is_a_result_of_its_own(tmp_path):
    file = lines.store([succeeded(1) + b"\nspoilt\n"], tmp_path, name="b", kind=FileKind.OUTPUT)
    results = list(lines.read_lines(file.path, anthropic_results.read_line))
    assert [each.reason for each in results] == ["", "malformed_line"]
    assert results[1].outcome is Outcome.ERRORED


def test_lines_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(succeeded(n) + b"\n" for n in range(100)))
    results = lines.read_lines(path, anthropic_results.read_line)
    assert next(results).custom_id == "n-0"
    assert sum(1 for _ in results) == 99
