"""Settings from TOML: what fits is read, every mistake is named with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cmsdesk.base.settings import SettingsWrong, load_settings


@dataclass(frozen=True)
class Door:
    width_cm: float
    key: Path
    colour: str = "white"


@dataclass(frozen=True)
class House:
    name: str
    floors: int
    lit: bool
    front: Door
    doors: tuple[Door, ...] = ()
    words: tuple[str, ...] = field(default_factory=tuple)
    cellar: Door | None = None


WHOLE = """
name = "Villa"
floors = 2
lit = true
words = ["a", "b"]
[front]
width_cm = 90
key = "keys/front"
[cellar]
width_cm = 70.5
key = "/absolute"
colour = "grey"
[[doors]]
width_cm = 1.0
key = "x"
"""


def load(folder: Path, text: str | bytes) -> House:
    path = folder / "house.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(path, House)


def test_nested_tables_lists_paths_and_defaults(tmp_path: Path) -> None:
    house = load(tmp_path, WHOLE)
    assert house == House(
        "Villa",
        2,
        True,
        Door(90.0, tmp_path.resolve() / "keys/front"),
        (Door(1.0, tmp_path.resolve() / "x"),),
        ("a", "b"),
        Door(70.5, Path("/absolute"), "grey"),
    )
    assert type(house.front.width_cm) is float


@pytest.mark.parametrize(
    ("change", "where", "problem"),
    [
        (('name = "Villa"\n', ""), "name", "is missing"),
        (('name = "Villa"', "name = 3"), "name", "is not of type «str»"),
        (("floors = 2", "floors = true"), "floors", "is not of type «int»"),
        (("floors = 2", "floors = 2.0"), "floors", "is not of type «int»"),
        (("lit = true", "lit = 1"), "lit", "is not of type «bool»"),
        (("lit = true", 'lit = "true"'), "lit", "is not of type «bool»"),
        (('words = ["a", "b"]', 'words = "ab"'), "words", "is not a list"),
        (('words = ["a", "b"]', 'words = ["a", 2]'), "words.1", "is not of type «str»"),
        (("width_cm = 90", "width_cm = true"), "front.width_cm", "is not of type «float»"),
        (('key = "keys/front"', "key = 1"), "front.key", "is not a path"),
        (("width_cm = 1.0", "width = 1.0"), "doors.0.width", "is not known"),
        (("floors = 2", "floors = 2\nfloor = 3"), "floor", "is not known"),
        (("[front]", "[back]"), "back", "is not known"),
        (("name =", "name"), "the file", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, change: tuple[str, str], where: str, problem: str
) -> None:
    with pytest.raises(SettingsWrong) as caught:
        load(tmp_path, WHOLE.replace(*change, 1))
    cause, _ = caught.value.sentences(str)
    assert cause.startswith(f"The settings file «house.toml» cannot be used: {where} {problem}")


def test_a_table_where_a_value_belongs_and_the_reverse(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="front is not a table"):
        load(tmp_path, 'name = "x"\nfloors = 1\nlit = true\nfront = "wide"')
    with pytest.raises(SettingsWrong, match="name is not of type"):
        load(tmp_path, WHOLE.replace('name = "Villa"', "name = {a = 1}"))


def test_a_missing_or_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="cannot be read"):
        load_settings(tmp_path / "none.toml", House)
    with pytest.raises(SettingsWrong, match="is not TOML"):
        load(tmp_path, b'name = "\xff"')
