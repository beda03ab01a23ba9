"""What is installed: the versions that the lists say, each file with a hash that pip checks."""

import hashlib
import importlib.util
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENTRY = re.compile(r"(?m)^([a-z0-9._-]+)==(\S+)((?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


@pytest.fixture
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_of_this_test", ROOT / "tools" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_has_what_its_lists_pin_and_nothing_else(setup, name):
    assert setup.unlocked(name) == []
    pinned = {package: version for each in setup.LISTS[name] for package, version in setup.pins(each).items()}
    locked = setup.pins(setup.LOCKS[name])
    assert {package: pinned.get(package) for package in locked} == locked


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_package_of_a_lock_has_hashes_and_no_index_is_named(name):
    text = (ROOT / name).read_text()
    rest = ENTRY.sub("", text)
    assert re.fullmatch(r"# Made by `make lock` from requirements\S*\.txt and constraints\.txt: change those\.\n", rest)
    assert len(ENTRY.findall(text)) > 60
    assert "://" not in text


def test_a_list_that_was_changed_without_its_lock_is_refused_in_a_sentence(setup, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path)
    (tmp_path / "requirements.txt").write_text("-c constraints.txt\nDjango==9.0\norjson_x[fast]==1.0 # why\n")
    (tmp_path / "constraints.txt").write_text("asgiref==1.0\nonly-elsewhere==2.0\n")
    (tmp_path / "requirements.lock").write_text("asgiref==1.0 \\\ndjango==6.0 \\\norjson-x==1.0 ; sys_platform \\\n")
    with pytest.raises(SystemExit, match=r"^requirements.lock does not have django==9.0: run `make lock`"):
        setup.install("requirements.txt")


@pytest.mark.parametrize("tampered", [False, True])
def test_a_file_with_another_hash_is_not_installed(setup, tmp_path, monkeypatch, tampered):
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("tiny.py", "")
        packed.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        packed.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(b"other" if tampered else wheel.read_bytes()).hexdigest()
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_text("tiny==1.0\n")
    (tmp_path / "requirements.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    for name, value in {"ROOT": tmp_path, "VENV": tmp_path, "PYTHON": Path(sys.executable)}.items():
        monkeypatch.setattr(setup, name, value)
    for name, value in {"DRY_RUN": "1", "NO_INDEX": "1", "FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    if tampered:
        with pytest.raises(SystemExit, match=r"^Installing requirements.lock failed"):
            setup.install("requirements.txt")
    else:
        setup.install("requirements.txt")
    assert (tmp_path / "requirements.txt.installed").exists() is not tampered
