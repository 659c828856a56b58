"""Measured figures beside their targets, and the tables that are printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement.

    Attributes:
        target: What it should be at most, in the same unit; None for a figure that only explains others.
        at_least: Whether the target is what it should be at least.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Print figures as a table; those that miss their target are red."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("measured", "target", "measured / target"):
        table.add_column(heading, justify="right")
    for figure in figures:
        target = ratio = ""
        style = None
        if figure.target is not None:
            target = f"{'>=' if figure.at_least else '<='} {_text(figure.target)} {figure.unit}"
            ratio = f"{figure.value / figure.target:.2f}" if figure.target else ""
            missed = figure.value < figure.target if figure.at_least else figure.value > figure.target
            style = "red" if missed else "green"
        table.add_row(figure.name, f"{_text(figure.value)} {figure.unit}", target, ratio, style=style)
    console.print(table)


def show_comparison(console: Console, title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print a table of texts, such as one client a column."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    console.print(table)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
