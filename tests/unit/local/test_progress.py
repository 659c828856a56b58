import re
from io import StringIO

import pytest
from rich.console import Console

from local.cli_progress import Steps

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def on_a_terminal() -> tuple[StringIO, Console]:
    output = StringIO()
    return output, Console(file=output, force_terminal=True, width=100, highlight=False)


def interrupted(console: Console) -> None:
    with Steps(console) as steps:
        steps.begin("Deploying")
        raise KeyboardInterrupt


def test_a_step_that_breaks_off_gives_the_terminal_its_cursor_back() -> None:
    """After Ctrl-C during a deployment the shell had no cursor any more."""
    output, console = on_a_terminal()

    with pytest.raises(KeyboardInterrupt):
        interrupted(console)

    printed = output.getvalue()
    assert 0 <= printed.rfind(HIDE_CURSOR) < printed.rfind(SHOW_CURSOR)


def test_a_step_that_breaks_off_is_not_told_as_done() -> None:
    output, console = on_a_terminal()

    with pytest.raises(KeyboardInterrupt):
        interrupted(console)

    assert "Deploying: " not in output.getvalue()


def test_a_step_that_ends_says_how_long_it_took() -> None:
    output, console = on_a_terminal()

    with Steps(console) as steps:
        steps.begin("Deploying")
        steps.end()

    assert re.search(r"Deploying: \d+\.\d s\n", output.getvalue())


def test_without_a_terminal_a_step_is_a_plain_line() -> None:
    output = StringIO()

    with Steps(Console(file=output, width=100)) as steps:
        steps.begin("Deploying")
        steps.at("1 of 2", 1, 2)
        steps.end()

    assert output.getvalue() == "Deploying ...\n"
