"""Each function gets exactly the variables that it reads."""

import dataclasses
import json

import pytest

from roster_sync import environment
from tests.support.template import ROOT, functions, resources, variables

POWERTOOLS = {"POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_gets_exactly_the_variables_that_it_reads(function: str) -> None:
    reads = getattr(environment, f"{function.title().replace('_', '')}Environment")

    assert variables(function) - POWERTOOLS == {field.name.upper() for field in dataclasses.fields(reads)}


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_logs_and_counts_under_its_own_name(function: str) -> None:
    assert functions()[function]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == function
    assert variables(function) >= POWERTOOLS


def test_sam_local_gets_the_variables_of_each_function() -> None:
    given = json.loads((ROOT / "local" / "sam-local-env.json").read_text())

    described = {
        name: set(body["Properties"]["Environment"]["Variables"])
        for name, body in resources("AWS::Serverless::Function").items()
    }

    assert {name: set(values) for name, values in given.items()} == described
