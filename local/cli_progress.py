"""Shows what is being done: a bar on a terminal, lines elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

PLAIN_WIDTH = 120
PAUSE_S = 5.0
"""Between two plain lines that say the same step is still under way."""


def console() -> Console:
    """Where everything is printed, as it is: brackets in a provider's text are no markup."""
    printing = Console(highlight=False, markup=False)
    return printing if printing.is_terminal else Console(highlight=False, markup=False, width=PLAIN_WIDTH)


class Steps:
    """One step after the other, each with its time."""

    def __init__(self, printing: Console) -> None:
        self.console = printing
        self._text = ""
        self._began = self._said = 0.0
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal its cursor back, however the step under way ended."""
        if self._bar:
            self._bar.stop()

    def begin(self, text: str) -> None:
        """End the step before and begin one."""
        self.end()
        self._text = text
        self._began = self._said = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"{text} ...", soft_wrap=True)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=self.console, transient=True)
        self._task = self._bar.add_task(text, total=None)
        self._bar.start()

    def at(self, what: str, done: int | None = None, total: int | None = None) -> None:
        """Say how far the step is; to be called as often as one likes."""
        if self._bar:
            description = f"{self._text}: {what}"
            self._bar.update(self._task, description=description, completed=done or 0, total=total)
        elif time.monotonic() - self._said >= PAUSE_S:
            self._said = time.monotonic()
            self.console.print(f"  {what}, {self._said - self._began:.0f} s so far", soft_wrap=True)

    def end(self) -> None:
        """End the step, if there is one."""
        if self._bar:
            self._bar.stop()
            self.console.print(f"{self._text}: {time.monotonic() - self._began:.1f} s", soft_wrap=True)
        self._bar = None
