"""A measured figure beside its target, and the table of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement.

    Attributes:
        target: What it should be at most, in the same unit; None for a figure that only explains others.
    """

    name: str
    value: float
    unit: str
    target: float | None = None


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Print figures as a table; those over their target are red."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("measured", "target", "measured / target"):
        table.add_column(heading, justify="right")
    for figure in figures:
        target = ratio = ""
        style = None
        if figure.target is not None:
            target = f"<= {_text(figure.target)} {figure.unit}"
            ratio = f"{figure.value / figure.target:.2f}"
            style = "red" if figure.value > figure.target else "green"
        table.add_row(figure.name, f"{_text(figure.value)} {figure.unit}", target, ratio, style=style)
    console.print(table)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
