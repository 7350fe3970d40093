"""The house measures (functions, files, classes) and a docstring in every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "cmsdesk").rglob("*.py"))

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 300
MAX_METHODS = 25
P90_FUNCTION_LINES = 30


def _length(node: ast.AST) -> int:
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) + 1


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_keeps_the_measures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    too_long = [
        f"{node.name}: {_length(node)} lines"
        for node in _functions(tree)
        if _length(node) > MAX_FUNCTION_LINES
    ]
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    too_long += [f"{node.name}: {_length(node)} lines" for node in classes if _length(node) > MAX_CLASS_LINES]
    methods = {
        node.name: sum(1 for part in node.body if isinstance(part, ast.FunctionDef)) for node in classes
    }
    too_long += [f"{name}: {count} methods" for name, count in methods.items() if count > MAX_METHODS]
    assert not too_long
    assert text.count("\n") <= MAX_FILE_LINES
    assert ast.get_docstring(tree) or not text.strip(), "a module says what it is for"


def test_most_functions_are_short() -> None:
    lengths = sorted(_length(node) for path in FILES for node in _functions(ast.parse(path.read_text())))
    assert lengths[len(lengths) * 9 // 10] <= P90_FUNCTION_LINES


def test_no_machine_paths_or_registry_hosts() -> None:
    # Spelt so that this file does not hold what it looks for.
    banned = [
        "pypi" + ".org",
        "python" + "hosted",
        "registry." + "npmjs",
        "/work" + "/main",
        "/root" + "/.pyenv",
    ]
    texts = [
        p for p in ROOT.rglob("*") if p.suffix in {".py", ".md", ".toml", ".lock", ".sh", ".yml", ".yaml"}
    ]
    mine = [p for p in texts if not {".venv", ".git", "var"} & set(p.relative_to(ROOT).parts)]
    found = [f"{p.relative_to(ROOT)}: {b}" for p in mine for b in banned if b in p.read_text(errors="ignore")]
    assert not found


def test_production_never_imports_posix_only_modules_at_import_time() -> None:
    posix = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
    found = []
    for path in FILES:
        if "sandbox" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                found += [f"{path.name}: {a.name}" for a in node.names if a.name in posix]
            elif isinstance(node, ast.ImportFrom) and node.module in posix:
                found.append(f"{path.name}: {node.module}")
    assert not found
