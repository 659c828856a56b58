"""What calls somebody, and that the runbook says what to do then."""

from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.schedule import CATCH_UP
from roster_sync.observability import Metric
from tests.support.template import ROOT, resources, walk

ALARMS = {name: body["Properties"] for name, body in resources("AWS::CloudWatch::Alarm").items()}


def watched(namespace: str, metric: str) -> set[Any]:
    """What an alarm of this metric watches: the logical ids among its dimensions' values."""
    return {
        next(node for node in walk(dimension["Value"]) if isinstance(node, str))
        for alarm in ALARMS.values()
        if (alarm.get("Namespace"), alarm.get("MetricName")) == (namespace, metric)
        for dimension in alarm["Dimensions"]
    }


def test_every_dead_letter_calls_somebody() -> None:
    kept = {"DispatchDeadLetterQueue", "DeletionsDeadLetterQueue"}
    assert watched("AWS/SQS", "ApproximateNumberOfMessagesVisible") == kept
    assert watched("OneRosterSync", Metric.DEAD_LETTERS_KEPT) == {"dead_letters"}


def test_no_message_expires_unseen() -> None:
    """A dead letter that is read is kept with its run, which rings; what is not read rings days before it expires."""
    queues = resources("AWS::SQS::Queue")
    aging = watched("AWS/SQS", "ApproximateAgeOfOldestMessage")

    # A dead letter of dispatch, or of a deletion, rings by being there.
    assert aging == set(queues) - {"DispatchDeadLetterQueue", "DeletionsDeadLetterQueue"}
    for name, alarm in ALARMS.items():
        if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage":
            queue = alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
            assert alarm["Threshold"] < queues[queue]["Properties"]["MessageRetentionPeriod"] / 2, name


def test_every_failing_function_calls_somebody() -> None:
    behind_the_api = "SettingsApiFunction"

    assert watched("AWS/Lambda", "Errors") == set(resources("AWS::Serverless::Function")) - {behind_the_api}


def test_a_failing_api_calls_somebody_although_its_function_answers() -> None:
    """A defect is answered with 500 and is no error to Lambda; what is one is a 502 or 504 of the gateway."""
    assert watched("AWS/ApiGateway", "5XXError") == {"AWS::StackName", "Stage"}


def test_nights_that_nobody_looks_for_call_somebody_while_they_can_still_be_caught_up() -> None:
    alarm = ALARMS["NightMissingAlarm"]
    [completed] = [metric for metric in alarm["Metrics"] if metric["ReturnData"]]

    assert completed["Expression"] == "FILL(invocations, 0) - FILL(errors, 0)"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    [period] = {m["MetricStat"]["Period"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert timedelta(seconds=period * alarm["EvaluationPeriods"]) <= CATCH_UP / 3
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_is_wrong_and_where_help_is(name: str) -> None:
    headings = [line.removeprefix("## ") for line in (ROOT / "docs/runbook/README.md").read_text().splitlines()]

    assert ALARMS[name]["AlarmDescription"].endswith(f" Runbook: {name}.")
    assert name in headings


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_reaches_somebody_and_knows_what_silence_means(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
    assert ALARMS[name]["TreatMissingData"] in ("breaching", "notBreaching")
