"""docs/api.md -> every curl in it, made as it is written."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from batches.models import Assessment, Comparison, Round
from tests.admin import factories
from tests.api.conftest import BASE, send, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
PAGE = Path(settings.BASE_DIR) / "docs" / "api.md"


def commands() -> list[str]:
    """The curl commands of the page, a command a line."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    text = "".join(blocks).replace("\\\n", " ")
    return [found.strip() for found in re.findall(r"^curl .*?(?=^curl |^export |\Z)", text, re.DOTALL | re.MULTILINE)]


def request_of(command: str, variables: dict[str, str]) -> tuple[str, str, bytes, dict[str, str]]:
    """Method, address, body and headers that curl would send."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command)[1:]
    method, url, body, headers = "GET", "", b"", {}
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0).encode()
        elif not word.startswith("-"):
            url = word
    return method, url, body, headers


def test_every_curl_of_the_page_does_what_the_page_says() -> None:
    project = factories.project("Northfield")
    variables = {"CJ": BASE, "TOKEN": token(project), "SLUG": ""}
    answers: list[Any] = []
    for command in commands():
        if command.startswith('curl -s -X POST "$CJ/assessments/$SLUG/scale"'):
            judge_one()
        method, url, body, headers = request_of(command.replace('"project": 1', f'"project": {project.pk}'), variables)
        if "If-None-Match" in headers:
            headers["If-None-Match"] = answers[-1]["ETag"]
        answers.append(send(Client(), method, url, body or None, headers))
        if url == f"{BASE}/assessments":
            variables["SLUG"] = answers[-1].data["slug"]
    came = [answer.status_code for answer in answers]
    assert came == [200, 201, 201, 201, 200, 200, 200, 304, 200, 200, 200, 202, 200]
    assert Assessment.objects.get().essays.count() == 3
    assert Round.objects.get().submitted_at is not None
    assert answers[3].data["rounds"][0]["correlation_id"] == "3f1b8a52-9c1e-4b8e-9d43-0a4a7d1f0c11"


def judge_one() -> None:
    factories.judged(factories.job([Comparison.objects.first()]).items.get())
