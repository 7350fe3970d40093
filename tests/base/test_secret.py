"""A secret shows itself nowhere but through `reveal`."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.base.secret import Secret

VALUE = "73519842"


@dataclass
class Holder:
    secret: Secret


def test_reveals_what_it_was_given() -> None:
    assert Secret(VALUE).reveal() == VALUE.encode()
    assert Secret(bytearray(b"\x00\xff")).reveal() == b"\x00\xff"
    assert Secret("è").reveal_text() == "è"
    assert len(Secret(VALUE)) == 8


@pytest.mark.parametrize("value", [73519842, 0, None, [55, 51], memoryview(b"7351")])
def test_is_made_of_bytes_or_text_only(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        Secret(value)  # type: ignore[arg-type]  # what is tested
    assert "7351" not in str(caught.value)


def test_keeps_its_own_copy() -> None:
    given_value = bytearray(b"1234")
    secret = Secret(given_value)
    given_value[0] = 0x39
    assert secret.reveal() == b"1234"


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{:>20}".format,
        "{!r}".format,
        lambda secret: "%s" % secret,  # noqa: UP031 - a way that text is made
        lambda secret: f"{secret}",
        lambda secret: repr(Holder(secret)),
        lambda secret: repr([secret]),
    ],
)
def test_no_text_shows_the_value(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(VALUE))
    assert VALUE not in shown
    assert "Secret(…)" in shown


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        hash,
        lambda secret: secret == Secret(VALUE),
        lambda secret: secret != Secret(VALUE),
        lambda secret: secret in [Secret(VALUE)],
        lambda secret: {secret},
        lambda secret: secret.__getstate__(),
        lambda secret: asdict(Holder(secret)),
        vars,
        iter,
        bytes,
    ],
)
def test_every_other_way_out_is_closed(leak: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        leak(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_has_no_place_for_further_attributes() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = VALUE  # type: ignore[attr-defined]  # what is tested


def test_log_and_traceback_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("test").warning("pin %s %r", secret, {"pin": secret})
    try:
        raise ValueError(secret)
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "Secret(…)" in caplog.text
    assert VALUE not in caplog.text + text


def test_wiping_overwrites_the_only_copy() -> None:
    secret = Secret(VALUE)
    window = memoryview(secret._value)
    with pytest.raises(BufferError):
        secret.wipe()  # the bytearray cannot shrink while it is watched, but its bytes are gone already
    assert bytes(window) == bytes(8)
    window.release()
    secret.wipe()
    assert secret.wiped
    assert len(secret) == 0


def test_a_wiped_secret_serves_no_more() -> None:
    with Secret(VALUE) as secret:
        assert not secret.wiped
    assert secret.wiped
    with pytest.raises(ValueError, match="wiped"):
        secret.reveal()
    with pytest.raises(ValueError, match="wiped"):
        secret.matches(Secret(VALUE))
    with pytest.raises(ValueError, match="wiped"):
        Secret(VALUE).matches(secret)


def test_is_wiped_when_the_work_fails() -> None:
    kept = Secret(VALUE)
    with pytest.raises(RuntimeError), kept:
        raise RuntimeError
    assert kept.wiped


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_matches_only_the_same_value(one: bytes, other: bytes) -> None:
    assert Secret(one).matches(Secret(one))
    assert Secret(one).matches(Secret(other)) == (one == other)


def test_random_digits_are_digits_and_differ() -> None:
    many = [Secret.random_digits(8).reveal_text() for _ in range(500)]
    assert all(len(text) == 8 and text.isdecimal() and text.isascii() for text in many)
    assert len(set(many)) > 490
    assert {digit for text in many for digit in text} == set("0123456789")
