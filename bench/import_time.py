"""Import time of each function beyond boto3, which every Lambda function with AWS pays."""

import subprocess
import sys
from pathlib import Path

from bench.figures import Figure

TARGET_MS = 350
_TIMES = 5
_PROGRAM = """
import importlib, sys, time
import boto3
began = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - began)
"""


def import_time() -> list[Figure]:
    """Import each function's module in interpreters of its own; the best time of each."""
    names = sorted(path.parent.name for path in Path("functions").glob("*/app.py"))
    return [
        Figure(name, min(_import_ms(f"functions.{name}.app") for _ in range(_TIMES)), "ms", TARGET_MS) for name in names
    ]


def _import_ms(module: str) -> float:
    command = [sys.executable, "-c", _PROGRAM, module]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) * 1000
