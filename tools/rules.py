"""Our own source -> where it breaks a rule that no ready-made linter knows. Exits 1 if there is such a place.

A line is let off by a comment that names the rule and says why: `# rule splitlines: typed by a person`.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LET_OFF = re.compile(r"# rule (\w+): \S")
Finder = Callable[[ast.Module], Iterator[ast.AST]]
CLIENTS = {"Anthropic", "AsyncAnthropic", "OpenAI", "AsyncOpenAI"}
NETWORK = {"httpx", "httpx2", "aiohttp", "requests", "urllib3", "urllib.request", "http.client", "websockets"}
# what a provider, a sink or a connection is called in our code, and what gives one
SPEAKS = {"provider", "sink", "client", "http", "provider_of", "open_provider"}
UNESCAPED = {"mark_safe", "SafeString", "SafeText", "SafeData", "html_safe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is looked for, in which files, and what to do instead."""

    find: Finder
    where: tuple[str, ...]
    sentence: str
    but_not: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        return path.startswith(self.where) and not path.startswith(self.but_not or ("\0",))


def retries(tree: ast.Module) -> Iterator[ast.AST]:
    """Clients that may repeat a paid call: made without max_retries=0, or told another number later."""
    settled = {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and _gives_no_retries(f)}
    for call in _calls(tree):
        if _name(call.func) in CLIENTS and not any(_settles(keyword, settled) for keyword in call.keywords):
            yield call
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "max_retries" and not _is(node.value, 0):
            yield node.value
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (value for key, value in pairs if key and _is(key, "max_retries") and not _is(value, 0))


def _gives_no_retries(function: ast.FunctionDef) -> bool:
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return bool(returned) and all(
        isinstance(value, ast.Dict) and any(key and _is(key, "max_retries") for key in value.keys) for value in returned
    )


def _settles(keyword: ast.keyword, settled: set[str]) -> bool:
    if keyword.arg == "max_retries":
        return True  # whether it is 0 is looked at beside this
    return keyword.arg is None and isinstance(keyword.value, ast.Call) and _name(keyword.value.func) in settled


def live_html(tree: ast.Module) -> Iterator[ast.AST]:
    """Text that is declared to be HTML; a format that is not a constant may hold what somebody wrote."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _name(node) in UNESCAPED:
            yield node
        if isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & UNESCAPED:
            yield node
    for call in _calls(tree):
        if _name(call.func) in {"format_html", "format_html_join"} and not all(map(_is_constant, _formats(call))):
            yield call


def _formats(call: ast.Call) -> list[ast.expr]:
    return call.args[: 2 if _name(call.func) == "format_html_join" else 1] or [call]


def _is_constant(node: ast.expr) -> bool:
    """A literal without parts to fill in, or the name of a constant."""
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def http_in_atomic(tree: ast.Module) -> Iterator[ast.AST]:
    """Calls to the outside while a transaction is open: its locks would last as long as the other side likes."""
    for block in _atomic_blocks(tree):
        for call in _calls(block):
            if isinstance(call.func, ast.Attribute) and _speaker(call.func.value) in SPEAKS:
                yield call


def _speaker(receiver: ast.expr) -> str:
    return _name(receiver.func if isinstance(receiver, ast.Call) else receiver).lstrip("_")


def _atomic_blocks(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.With | ast.AsyncWith) and any(_is_atomic(i.context_expr) for i in node.items):
            yield from node.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_atomic, node.decorator_list)):
            yield from node.body


def _is_atomic(node: ast.expr) -> bool:
    return _name(node.func if isinstance(node, ast.Call) else node) == "atomic"


def status(tree: ast.Module) -> Iterator[ast.AST]:
    """A status that is set by anything else than advance()."""
    for function in [tree, *(f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef))]:
        if getattr(function, "name", "") != "advance":
            yield from _sets_status(function)


def _sets_status(scope: ast.AST) -> Iterator[ast.AST]:
    for node in _own(scope):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            yield from (t for t in targets if isinstance(t, ast.Attribute) and t.attr == "status")
        if isinstance(node, ast.Call) and _name(node.func) in {"update", "aupdate"}:
            yield from (k.value for k in node.keywords if k.arg == "status")
        if isinstance(node, ast.Call) and _name(node.func) in {"setattr", "bulk_update"}:
            yield from (c for c in ast.walk(node) if _is(c, "status"))


def splitlines(tree: ast.Module) -> Iterator[ast.AST]:
    """splitlines() also cuts at U+2028 and U+0085, which JSON may hold: one line of a result file becomes two."""
    yield from (call for call in _calls(tree) if _name(call.func) == "splitlines")


def addresses(tree: ast.Module) -> Iterator[ast.AST]:
    """A field in which a person, or a row, could say where keys and essays are sent."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            kind, named = _name(node.value.func), any("url" in _name(t).lower().split("_") for t in targets)
            if kind.endswith("URLField") or (named and kind.endswith("Field")):
                yield node


def network(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if any(name == one or name.startswith(f"{one}.") for name in names for one in NETWORK):
            yield node


def open_actions(tree: ast.Module) -> Iterator[ast.AST]:
    """Admin actions without permissions=[...]: whoever may look may run them."""
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", []):
            made = decorator.func if isinstance(decorator, ast.Call) else decorator
            if _name(made) == "action" and not _has_permission(decorator):
                yield decorator


def _has_permission(decorator: ast.expr) -> bool:
    given = [k.value for k in getattr(decorator, "keywords", []) if k.arg == "permissions"]
    return bool(given) and isinstance(given[0], ast.List) and len(given[0].elts) == 1


def csrf(tree: ast.Module) -> Iterator[ast.AST]:
    yield from (n for n in ast.walk(tree) if isinstance(n, ast.Name | ast.Attribute) and _name(n) == "csrf_exempt")


def environment(tree: ast.Module) -> Iterator[ast.AST]:
    yield from (
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    )


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own(child)


def _name(node: ast.AST | None) -> str:
    return str(getattr(node, "attr", "") or getattr(node, "id", ""))


def _is(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


RULES: dict[str, Rule] = {
    "retries": Rule(
        find=retries,
        where=("batches/",),
        sentence="A paid call may be repeated by the SDK: say max_retries=0.",
    ),
    "live_html": Rule(
        find=live_html,
        where=("batches/", "cjadmin/"),
        sentence="What somebody wrote could become HTML: use a template, or format_html with a constant format.",
    ),
    "http_in_atomic": Rule(
        find=http_in_atomic,
        where=("batches/",),
        sentence="A call to the outside stands in a transaction: make it before or after.",
    ),
    "status": Rule(
        find=status,
        where=("batches/",),
        but_not=("batches/migrations/",),
        sentence="A status moves only through advance().",
    ),
    "splitlines": Rule(
        find=splitlines,
        where=("batches/providers/", "batches/pipeline/", "batches/webhooks/"),
        sentence='Lines of a provider end at b"\\n" only: use batches.providers.lines.',
    ),
    "addresses": Rule(
        find=addresses,
        where=("batches/",),
        but_not=("batches/migrations/",),
        sentence="Where keys and essays are sent comes from the settings only, never from a form or a row.",
    ),
    "network": Rule(
        find=network,
        where=("batches/",),
        but_not=("batches/providers/", "batches/sinks/"),
        sentence="Only providers/ and sinks/ speak to the outside.",
    ),
    "open_actions": Rule(
        find=open_actions,
        where=("batches/admin/",),
        sentence="Give the action permissions=[...] with one permission.",
    ),
    "csrf": Rule(
        find=csrf,
        where=("batches/", "cjadmin/"),
        but_not=("batches/webhooks/",),
        sentence="Only a webhook, which is signed, may do without the CSRF token.",
    ),
    "environment": Rule(
        find=environment,
        where=("batches/",),
        but_not=(
            *("batches/conf.py", "batches/pipeline/account.py", "batches/providers/connections.py"),
            *("batches/admin/accounts.py", "batches/api/probes.py"),
        ),
        sentence="The environment holds the keys and is read in few places: ask batches.conf or pipeline.account.",
    ),
}
# What a template must not hold: text without escaping, and scripts that the content security policy would stop.
TEMPLATE = {
    "live_html": re.compile(r"\|\s*safe(seq)?\b|{%\s*autoescape\s+off|{%\s*filter\s+[^%]*\bsafe\b"),
    "inline_script": re.compile(r"<script(?![^>]*\bsrc=)|<[^>]+\son[a-z]+\s*=|javascript:", re.IGNORECASE),
}
TEMPLATE_SENTENCE = "A page shows text and runs only scripts from static/: leave the escaping on, move the script."


def broken_in(path: str, text: str) -> Iterator[str]:
    """One line of text for each place of a file that breaks a rule."""
    lines = text.splitlines()
    for number, name, sentence in sorted(set(_found(path, text))):
        let_off = LET_OFF.search(lines[number - 1])
        if not let_off or let_off[1] != name:
            yield f"{path}:{number}: {name}: {sentence}"


def _found(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    if path.endswith(".html"):
        for name, pattern in TEMPLATE.items():
            for match in pattern.finditer(text):
                yield text.count("\n", 0, match.start()) + 1, name, TEMPLATE_SENTENCE
        return
    tree = ast.parse(text)
    for name, rule in RULES.items():
        if rule.covers(path):
            for node in rule.find(tree):
                yield getattr(node, "lineno", 1), name, rule.sentence


def sources() -> Iterator[Path]:
    for folder, kind in (("batches", "*.py"), ("cjadmin", "*.py"), ("batches", "*.html"), ("templates", "*.html")):
        yield from sorted((ROOT / folder).rglob(kind))


def main() -> int:
    broken = [
        line for path in sources() for line in broken_in(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    print("\n".join(broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
