"""Which files a command is about: files, folders, patterns."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path


def expand(paths: Sequence[str], suffixes: Sequence[str] = ()) -> Iterator[Path]:
    """Give the files that the arguments name, each once, in order.

    Args:
        paths: files; folders, searched with all below them; patterns with ``*``, ``?``, ``[]``, ``**``.
        suffixes: lower-case endings that files found in folders must have; empty takes all. A file that is
            named itself is always taken, even when it does not exist, so that its absence is reported.
    """
    seen: set[Path] = set()
    for argument in paths:
        for found in _expand_one(argument, tuple(suffixes)):
            if found not in seen:
                seen.add(found)
                yield found


def _expand_one(argument: str, suffixes: tuple[str, ...]) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.is_file() and not hidden and (not suffixes or found.name.lower().endswith(suffixes)):
                yield found
    elif not path.exists() and glob.has_magic(argument):
        for name in sorted(glob.glob(argument, recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute one
            if Path(name).is_file():
                yield Path(name)
    else:
        yield path
