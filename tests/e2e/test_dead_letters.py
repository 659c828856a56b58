"""Messages that were given up, on the deployed stack, each function held to its policy."""

from local.stack import Stack
from roster_sync.domain.run import RunState
from tests.e2e.conftest import ADistrict
from tests.e2e.test_dead_runs import no_consumer, pass_an_hour


def give_up(stack: Stack, queue: str) -> int:
    """Do with a queue's messages what SQS does after their last try; how many there were."""
    sqs, outputs = stack.client("sqs"), stack.outputs
    moved = 0
    while received := sqs.receive_message(QueueUrl=outputs[f"{queue}QueueUrl"], MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            sqs.send_message(QueueUrl=outputs[f"{queue}DeadLetterQueueUrl"], MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=outputs[f"{queue}QueueUrl"], ReceiptHandle=message["ReceiptHandle"])
        moved += len(received)
    return moved


def test_changes_that_were_given_up_end_the_run_and_a_redrive_stores_every_user(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)

    with no_consumer(stack, "UpsertFunction"):
        run_id = district.begin_night()
        district.run(run_id, RunState.APPLYING)
        pass_an_hour(district, run_id)
        chunks = give_up(stack, "UserChanges")
        failed = district.run(run_id)
    before = len(district.users())
    issues = [issue["code"] for issue in district.api.items(f"runs/{run_id}/issues")]

    redriven = district.api.post(f"runs/{run_id}/redrive")
    run = district.run(run_id)

    assert chunks == failed["chunks_expected"] > 1
    assert (failed["state"], before) == ("failed", len(district.counselors))
    assert issues.count("work_not_done") == failed["issues_by_code"]["work_not_done"] == chunks
    assert redriven["state"] == "applying"
    assert run["state"] == "completed_with_issues"
    assert run["counts"]["created"] + run["counts"]["linked"] == len(district.users()) - len(district.counselors) + 1


def test_a_sync_request_that_was_given_up_ends_the_run_and_staff_redrives_it_by_a_command(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)
    with no_consumer(stack, "FetchFunction"):
        run_id = district.begin_night()
        give_up(stack, "SyncRequests")
        failed = district.run(run_id)

    answer = stack.invoke("DeadLettersFunction", {"district_id": district.api.district_id, "run_id": run_id})
    run = district.run(run_id)

    assert failed["state"] == "failed"
    assert answer == {"run_id": run_id, "state": "queued"}
    assert run["state"] == "completed_with_issues"
