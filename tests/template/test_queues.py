"""The queues, their dead letters, and how functions take from them."""

import pytest

from roster_sync.domain.deletion import REQUEST_TIME, WORK_TIME
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME
from roster_sync.domain.silence import LONG_SILENCE, SILENCE
from tests.support.template import functions, properties, resources

QUEUES = {
    name: body["Properties"]
    for name, body in resources("AWS::SQS::Queue").items()
    if "RedrivePolicy" in body["Properties"]
}
DEAD_LETTER_QUEUES = {
    name: body["Properties"] for name, body in resources("AWS::SQS::Queue").items() if name not in QUEUES
}
MAPPINGS = {
    body["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]: body["Properties"]
    for body in resources("AWS::Lambda::EventSourceMapping").values()
}


def test_the_night_has_two_queues_and_deletions_have_one() -> None:
    assert set(QUEUES) == {"SyncRequestsQueue", "UserChangesQueue", "DeletionsQueue"}
    assert set(MAPPINGS) >= set(QUEUES)


def test_every_dead_letter_that_has_a_run_is_read() -> None:
    read = {queue for queue, mapping in MAPPINGS.items() if mapping["FunctionName"]["Ref"] == "DeadLettersFunction"}

    of_no_run = {"DispatchDeadLetterQueue", "DeletionsDeadLetterQueue"}
    assert read == set(DEAD_LETTER_QUEUES) - of_no_run == set(MAPPINGS) - set(QUEUES)


def test_a_dead_letter_that_is_being_read_stays_invisible() -> None:
    for queue in set(MAPPINGS) - set(QUEUES):
        assert DEAD_LETTER_QUEUES[queue]["VisibilityTimeout"] >= 6 * properties("DeadLettersFunction")["Timeout"]


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_message_that_keeps_failing_goes_to_the_queues_own_dead_letters(queue: str) -> None:
    redrive = QUEUES[queue]["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [queue.replace("Queue", "DeadLetterQueue"), "Arn"]}
    assert redrive["maxReceiveCount"] >= 3


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_message_that_waits_outlives_the_patience_with_its_run(queue: str) -> None:
    assert QUEUES[queue]["MessageRetentionPeriod"] > 2 * LONG_SILENCE.total_seconds()


@pytest.mark.parametrize("queue", sorted(DEAD_LETTER_QUEUES))
def test_dead_letters_are_kept_as_long_as_sqs_can(queue: str) -> None:
    assert DEAD_LETTER_QUEUES[queue]["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("queue", sorted(resources("AWS::SQS::Queue")))
def test_messages_are_encrypted(queue: str) -> None:
    assert properties(queue)["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_message_stays_invisible_while_its_function_may_run(queue: str) -> None:
    function = properties(MAPPINGS[queue]["FunctionName"]["Ref"])

    assert QUEUES[queue]["VisibilityTimeout"] >= 2 * function["Timeout"]


def test_nobody_works_on_a_chunk_for_longer_than_a_new_attempt_waits() -> None:
    assert properties("UpsertFunction")["Timeout"] <= CHUNK_TIME.total_seconds()


def test_no_fetch_outlives_its_lease() -> None:
    assert properties("FetchFunction")["Timeout"] < LEASE_TIME.total_seconds()


def test_a_fetch_that_keeps_dying_is_a_dead_letter_before_six() -> None:
    queue = QUEUES["SyncRequestsQueue"]

    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] <= 2 * 3600


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_run_is_not_taken_for_dead_while_its_message_is_out_of_sight(queue: str) -> None:
    assert QUEUES[queue]["VisibilityTimeout"] < SILENCE.total_seconds()


@pytest.mark.parametrize("queue", sorted(MAPPINGS))
def test_only_failed_messages_of_a_batch_come_again(queue: str) -> None:
    assert MAPPINGS[queue]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("queue", ["SyncRequestsQueue", "DeletionsQueue"])
def test_a_failing_district_repeats_no_other(queue: str) -> None:
    assert MAPPINGS[queue]["BatchSize"] == 1


def test_a_deletion_holds_the_lease_for_longer_than_a_call_takes() -> None:
    assert properties("DeleteDistrictFunction")["Timeout"] < LEASE_TIME.total_seconds()


def test_a_deletion_outlasts_whoever_may_be_at_work_when_it_is_asked_for() -> None:
    assert max(function.get("Timeout", 3) for function in functions().values()) <= WORK_TIME.total_seconds()
    assert functions()["settings_api"]["Timeout"] < REQUEST_TIME.total_seconds()


def test_a_deletion_is_tried_for_longer_than_any_run_holds_the_lease_and_rings_before_it_is_given_up() -> None:
    queue = QUEUES["DeletionsQueue"]
    tried_for = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]

    assert LONG_SILENCE.total_seconds() < tried_for < queue["MessageRetentionPeriod"]
    assert properties("DeletionsWaitingAlarm")["Threshold"] < tried_for


@pytest.mark.parametrize(
    ("queue", "parameter"), [("SyncRequestsQueue", "FetchConcurrency"), ("UserChangesQueue", "UpsertConcurrency")]
)
def test_concurrency_is_limited_where_messages_are_taken(queue: str, parameter: str) -> None:
    condition, deployed, local = MAPPINGS[queue]["ScalingConfig"]["Fn::If"]

    assert condition == "IsOnAws"
    assert deployed == {"MaximumConcurrency": {"Ref": parameter}}
    assert local["MaximumConcurrency"] >= 2
    assert [name for name, function in functions().items() if "ReservedConcurrentExecutions" in function] == []
