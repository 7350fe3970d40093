"""Callers with the same errand, in the order in which they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cmsdesk.backend.services.line import Line, Place


def waiting(line: Line[Place], *weights: int) -> tuple[list[Place], list[str], list[threading.Thread]]:
    """Have threads wait one after another; they note whether they lead, and leave at once."""
    places, noted, threads = [Place(weight) for weight in weights], [], []

    def wait(number: int) -> None:
        if line.leads(places[number]):
            noted.append(f"{number} leads")
            line.leave()
        else:
            noted.append(f"{number} served")

    for number in range(len(places)):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        until(lambda wanted=number + 1: len(line._waiting) == wanted)
    return places, noted, threads


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_leader_takes_along_as_many_as_it_can_bear_and_the_next_one_leads() -> None:
    line: Line[Place] = Line()
    assert line.leads(Place(1)), "who is alone goes at once"
    places, noted, threads = waiting(line, 2, 3, 4, 1)
    assert line.take_along(8) == places[:2], "the third is too heavy, and nobody overtakes it"
    assert noted == []
    line.leave()
    for thread in threads:
        thread.join(20)
    assert sorted(noted) == ["0 served", "1 served", "2 leads", "3 leads"]
    assert line.leads(Place(1)), "nobody is left"


def test_nobody_is_let_go_before_the_leader_leaves() -> None:
    line: Line[Place] = Line()
    assert line.leads(Place(1))
    [place], noted, [thread] = waiting(line, 1)
    assert line.take_along(1) == [place]
    assert line.take_along(1) == [place], "what was taken stays taken"
    thread.join(0.1)
    assert noted == []
    line.leave()
    thread.join(20)
    assert noted == ["0 served"]
