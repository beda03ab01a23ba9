"""The source files -> who imports whom. What import-linter cannot say: one module alone may import this package."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# package -> the modules of the app that may import it
ONLY_IN = {
    "anthropic": {"batches.providers.anthropic"},
    "openai": {"batches.providers.openai"},
    "confluent_kafka": {"batches.sinks.kafka"},
    "rq": {"batches.tasks", "batches.worker"},
    "django_rq": {"batches.tasks", "batches.admin"},  # the admin takes RQ's own page out of its menu, no more
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """The top-level packages a file imports, at its head or in its functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def importers(package: str) -> set[str]:
    return {module_name(path) for path in (ROOT / "batches").rglob("*.py") if package in imported(path)}


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_imported_only_where_it_belongs(package):
    assert importers(package) <= ONLY_IN[package]


def test_the_search_sees_imports_inside_functions(tmp_path):
    file = tmp_path / "late.py"
    file.write_text("def late():\n    from openai.types import Batch\n    return Batch\n")
    assert imported(file) == {"openai"}


def pinned() -> set[str]:
    """Every package that a fresh installation has, in one spelling."""
    lines = [
        line for name in ("requirements.txt", "constraints.txt") for line in (ROOT / name).read_text().splitlines()
    ]
    return {re.split(r"[\[=]", line)[0].lower().replace("_", "-") for line in lines if "==" in line}


def test_whatever_the_program_imports_is_pinned():
    """A package that happens to be installed here would be missing on the next machine."""
    files = [path for folder in ("batches", "cjadmin") for path in (ROOT / folder).rglob("*.py")]
    names = set().union(*(imported(path) for path in files)) - set(sys.stdlib_module_names) - {"batches", "cjadmin"}
    providers = packages_distributions()
    missing = {name for name in names if not {d.lower().replace("_", "-") for d in providers.get(name, [])} & pinned()}
    assert missing == set()


def test_no_template_or_page_points_outside():
    """Pages work without a network: nothing is loaded from elsewhere."""
    pages = [path for folder in ("templates", "batches", "static/cj") for path in (ROOT / folder).rglob("*.html")]
    loading = [
        path for path in pages if 'src="http' in path.read_text() or 'rel="stylesheet" href="http' in path.read_text()
    ]
    assert loading == []
