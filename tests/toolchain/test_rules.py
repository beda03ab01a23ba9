"""tools/rules.py finds what it is there to find, in code that was broken on purpose, and nothing in ours."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import rules

ROOT = Path(__file__).resolve().parent.parent.parent
PROVIDER, PIPELINE, ADMIN, PAGE = (
    "batches/providers/x.py",
    "batches/pipeline/x.py",
    "batches/admin/x.py",
    "templates/x.html",
)
BROKEN = [
    ("retries", PROVIDER, "import openai\nclient = openai.OpenAI(api_key=key)"),
    ("retries", PROVIDER, "client = AsyncAnthropic(**_options(key))"),
    ("retries", PROVIDER, "def _options():\n    return {'api_key': 1}\nclient = anthropic.Anthropic(**_options())"),
    ("retries", PROVIDER, "client.with_options(max_retries=2)"),
    ("retries", PROVIDER, "client.post('/x', options={'max_retries': 1})"),
    ("retries", PROVIDER, "client.with_options(max_retries=False)"),
    ("live_html", ADMIN, "from django.utils.safestring import mark_safe"),
    ("live_html", ADMIN, "text = safestring.SafeString(essay.text)"),
    ("live_html", ADMIN, "format_html(f'<b>{essay.text}</b>')"),
    ("live_html", ADMIN, "format_html('<b>' + essay.text)"),
    ("live_html", ADMIN, "format_html(essay.text)"),
    ("live_html", ADMIN, "format_html_join(', ', text, rows)"),
    ("http_in_atomic", PIPELINE, "with transaction.atomic():\n    if x:\n        provider.submit(path)"),
    ("http_in_atomic", PIPELINE, "with lock, transaction.atomic(using=a):\n    self._client.post(path)"),
    ("http_in_atomic", PIPELINE, "@transaction.atomic\ndef f():\n    account.provider_of(a).poll(1)"),
    ("status", PIPELINE, "job.status = 'COLLECTED'"),
    ("status", PIPELINE, "def f(job):\n    job.status: str = 'COLLECTED'"),
    ("status", PIPELINE, "def f():\n    BatchJob.objects.filter(pk=1).update(status='COLLECTED')"),
    ("status", PIPELINE, "setattr(job, 'status', 'COLLECTED')"),
    ("status", PIPELINE, "BatchJob.objects.bulk_update(jobs, ['status'])"),
    ("splitlines", PROVIDER, "for line in response.content.splitlines(): pass"),
    ("splitlines", PIPELINE, "raw.data.splitlines(keepends=True)"),
    ("addresses", "batches/models/x.py", "class A(Model):\n    address = models.URLField()"),
    ("addresses", "batches/models/x.py", "class A(Model):\n    base_url: str = models.CharField(max_length=200)"),
    ("addresses", ADMIN, "class F(Form):\n    webhook_url = forms.CharField()"),
    ("network", PIPELINE, "import httpx2"),
    ("network", ADMIN, "def f():\n    from urllib.request import urlopen"),
    ("network", ADMIN, "from urllib import request"),
    ("open_actions", ADMIN, "@admin.action(description='Go')\ndef go(screen, request, rows): pass"),
    ("open_actions", ADMIN, "@action\ndef go(screen, request, rows): pass"),
    ("open_actions", ADMIN, "@action(permissions=['a', 'b'])\ndef go(screen, request, rows): pass"),
    ("csrf", ADMIN, "from x import csrf_exempt\n@csrf_exempt\ndef view(request): pass"),
    ("environment", ADMIN, "key = os.environ['OPENAI_API_KEY']"),
    ("environment", PIPELINE, "key = os.getenv('OPENAI_API_KEY')"),
    ("live_html", PAGE, "<p>{{ essay.text|safe }}</p>"),
    ("live_html", PAGE, "{% autoescape off %}{{ text }}{% endautoescape %}"),
    ("inline_script", PAGE, "<p>\n<script>go('{{ title }}')</script>"),
    ("inline_script", PAGE, '<a href="#" onclick="go()">'),
    ("inline_script", PAGE, '<a href="javascript:go()">'),
]
SOUND = [
    (PROVIDER, "def _o():\n    return {'max_retries': 0}\nclient = OpenAI(**_o())\nclient.with_options(max_retries=0)"),
    (ADMIN, "BOX = '<b>{}</b>'\nformat_html(BOX, essay.text)\nformat_html('<i>{}</i>', essay.text)"),
    (PIPELINE, "answer = provider.poll(1)\nwith transaction.atomic():\n    job.advance(2)"),
    (PIPELINE, "def advance(self, to):\n    return rows.update(status=to)"),
    (PIPELINE, "rows.filter(status='JUDGED')\nif job.status == 'PLANNED': pass"),
    (PIPELINE, "names = typed.splitlines()  # rule splitlines: typed by a person"),
    (PROVIDER, "import httpx2"),
    (ADMIN, "@admin.action(permissions=['submit'])\ndef go(screen, request, rows): pass"),
    (PAGE, '<script src="{% static "cj/x.js" %}"></script><p>{{ text|safe_name }}</p>'),
]


def names(path: str, text: str) -> set[str]:
    return {line.split(": ")[1] for line in rules.broken_in(path, text)}


@pytest.mark.parametrize(("name", "path", "text"), BROKEN)
def test_what_breaks_a_rule_is_found(name, path, text):
    assert names(path, text) == {name}


@pytest.mark.parametrize(("path", "text"), SOUND)
def test_what_keeps_the_rules_is_let_be(path, text):
    assert names(path, text) == set()


def test_every_rule_has_been_seen_to_catch_something():
    assert {name for name, _, _ in BROKEN} == {*rules.RULES, *rules.TEMPLATE}


def test_a_comment_lets_off_one_line_from_one_rule_and_only_with_a_reason():
    line = "x = raw.splitlines()"
    assert names(PIPELINE, f"{line}  # rule splitlines:") == {"splitlines"}
    assert names(PIPELINE, f"{line}  # rule status: of HTTP") == {"splitlines"}
    assert names(PIPELINE, f"{line}  # rule splitlines: typed\n{line}") == {"splitlines"}


def test_our_own_source_breaks_none_and_the_place_is_named_where_it_does():
    assert [line for path in rules.sources() for line in rules.broken_in(_called(path), path.read_text())] == []
    [said] = rules.broken_in(PIPELINE, "\njob.status = 1")
    assert re.fullmatch(r"batches/pipeline/x\.py:2: status: A status moves only through advance\(\)\.", said)


def _called(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_bandit_fails_the_check_where_code_is_unsafe(tmp_path):
    """The options that tools/check.py gives it let small things pass and stop at the first of medium severity."""
    from tools.check import CHECKS, OURS

    unsafe = tmp_path / "unsafe.py"
    unsafe.write_text("import subprocess\nsubprocess.run(command, shell=True)\nimport pickle\npickle.loads(data)\n")
    command = CHECKS["unsafe code"][: -len(OURS)]
    done = subprocess.run([*command, str(unsafe)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "B301" in done.stdout
    unsafe.write_text("import subprocess\nsubprocess.run([sys.executable])\n")
    assert subprocess.run([*command, str(unsafe)], capture_output=True, check=False).returncode == 0


def test_the_rules_are_part_of_the_check():
    from tools.check import CHECKS

    assert CHECKS["rules"] == [sys.executable, "tools/rules.py"]
