"""Nothing that is free of charge ever holds a key, even where one is exported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cjadmin.local.environment import keyless

ROOT = Path(__file__).resolve().parent.parent.parent
CANARY = "sk-canary-0123456789"
EXPORTED = {
    "ANTHROPIC_API_KEY": CANARY,
    "ANTHROPIC_AUTH_TOKEN": CANARY,
    "ANTHROPIC_BASE_URL": f"https://{CANARY}.example",
    "ANTHROPIC_CUSTOM_HEADERS": f"x-api-key: {CANARY}",
    "OPENAI_API_KEY": CANARY,
    "OPENAI_ADMIN_KEY": CANARY,
    "OPENAI_BASE_URL": f"https://{CANARY}.example",
    "OPENAI_ORG_ID": CANARY,
    "AZURE_OPENAI_API_KEY": CANARY,
    "SOME_OTHER_API_KEY": CANARY,
    "https_proxy": f"http://{CANARY}.example",
    "ALL_PROXY": f"http://{CANARY}.example",
    "CJ_LOCAL_PROVIDER_URL": f"https://{CANARY}.example",
}


def test_keyless_drops_whatever_could_reach_a_paid_provider():
    kept = keyless(EXPORTED | {"PATH": "/bin", "DATABASE_URL": "postgres://x", "CJ_MAX_ATTEMPTS": "5"})
    assert kept == {"PATH": "/bin", "DATABASE_URL": "postgres://x", "CJ_MAX_ATTEMPTS": "5", "CJ_LOCAL_PROVIDER": "1"}


def test_the_tests_themselves_hold_no_key():
    assert keyless(os.environ) == dict(os.environ) | {"CJ_LOCAL_PROVIDER": "1"}


# Runs the command up to the point where it would first start something, and prints what it then has in its environment.
WITNESS = f"""
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
import django
django.setup()
from cjadmin.local.management.commands import demo
def witness():
    print(json.dumps(dict(os.environ)))
    sys.exit(0)
demo.services = witness
from django.core.management import call_command
call_command("demo", exit=True)
"""


def environment_of_demo(folder: Path) -> dict[str, str]:
    script = folder / "witness.py"
    script.write_text(WITNESS)
    environ = os.environ | EXPORTED | {"DJANGO_SETTINGS_MODULE": "cjadmin.settings"}
    done = subprocess.run([sys.executable, str(script)], env=environ, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_the_demo_starts_itself_again_without_the_keys(tmp_path):
    environ = environment_of_demo(tmp_path)
    assert [name for name, value in environ.items() if CANARY in value] == []
    assert environ["CJ_LOCAL_PROVIDER"] == "1"


def test_a_pytest_run_sees_no_exported_key(tmp_path):
    """Every test target runs pytest; its plugin drops the keys before anything is imported that could read them."""
    probe = tmp_path / "test_probe.py"
    probe.write_text(
        f"import os\ndef test_no_key():\n    assert not [v for v in os.environ.values() if {CANARY!r} in v]\n"
    )
    run = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*run, str(probe)], cwd=ROOT, env=os.environ | EXPORTED, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout


def test_a_program_started_keyless_sees_no_exported_key(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import json, os\nprint(json.dumps(dict(os.environ)))\n")
    command = [sys.executable, "-m", "cjadmin.local.environment", str(program)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | EXPORTED, capture_output=True, text=True, check=True)
    assert [name for name, value in json.loads(done.stdout).items() if CANARY in value] == []


@pytest.mark.parametrize("target", ["demo", "bench"])
def test_the_makefile_starts_it_keyless(target):
    """`make test` is itself a make, whose variables would change what this one prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    setup, start = done.stdout.splitlines()
    assert setup.startswith("sh tools/setup.sh")
    assert ".venv/bin/python -m cjadmin.local.environment" in start
