"""Logs: from a severity on, as JSON, on standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from careplane.kernel import observe


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:], logger.level = handlers, level


@pytest.mark.parametrize(("level", "lines"), [("debug", 3), ("info", 2), ("error", 1)])
def test_what_is_less_severe_is_left_out(
    level: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    observe.log(level)
    log = logging.getLogger("careplane.test")
    log.debug("one")
    log.info("two")
    log.error("three of %s", "four")
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(written) == lines
    assert written[-1]["event"] == "three of four"
    assert (written[-1]["level"], written[-1]["logger"]) == ("error", "careplane.test")
    assert written[-1]["timestamp"].endswith("Z")


def test_a_helper_that_has_ended_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    observe.log("warning")
    log = logging.getLogger("asyncio")
    log.warning("Unknown child process pid %d, will report returncode 255", 17)
    log.warning("Executing %s took %.3f seconds", "this", 0.2)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "Executing this took 0.200 seconds"


def test_addresses_that_are_asked_are_not_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    observe.log("debug")
    log = logging.getLogger("httpx")
    log.info("HTTP Request: POST https://elsewhere.test/hook?key=secret")
    log.warning("something is wrong")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "something is wrong"
