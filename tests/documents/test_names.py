"""Every paper that can be asked for by name is made by a function of that name."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from cmsdesk.documents.papers import Paper


@pytest.mark.parametrize("paper", Paper)
def test_a_papers_function_takes_content_stationery_and_time(paper: Paper) -> None:
    module, name = paper.value
    taken = inspect.signature(getattr(import_module(f"cmsdesk.documents.{module}"), name)).parameters
    needed = [one for one, parameter in taken.items() if parameter.default is inspect.Parameter.empty]
    assert needed[1:] == ["stationery", "now"]
