"""Ids that must not be mixed up."""

from typing import NewType

DistrictId = NewType("DistrictId", str)
SchoolId = NewType("SchoolId", str)
UserId = NewType("UserId", str)
RunId = NewType("RunId", str)
SourcedId = NewType("SourcedId", str)
"""A record's identity at the provider: opaque, case-sensitive (OneRoster 1.1 §4.13)."""
