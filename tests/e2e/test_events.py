import json
from typing import Any

from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.support.polling import eventually


def a_queue_of_events(stack: Stack, district_id: str) -> str:
    """The URL of a queue that gets every event of a district, as a product's would."""
    sqs, events = stack.client("sqs"), stack.client("events")
    url: str = sqs.create_queue(QueueName=f"events-of-{district_id}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["oneroster-sync"], "detail": {"district_id": [district_id]}}
    events.put_rule(Name=f"events-of-{district_id}", EventPattern=json.dumps(pattern))
    events.put_targets(Rule=f"events-of-{district_id}", Targets=[{"Id": "product", "Arn": arn}])
    return url


def told(stack: Stack, url: str, *, users: int) -> list[dict[str, Any]]:
    """The events of so many users and of the end of their run."""
    sqs = stack.client("sqs")
    received: list[dict[str, Any]] = []

    def all_told() -> bool | None:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
            for message in messages:
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        kinds = [event["detail-type"] for event in received]
        return (kinds.count("UserChanged") >= users and "RunCompleted" in kinds) or None

    eventually(all_told, "every event has come")
    return received


def test_products_are_told_of_each_user_and_of_the_end_of_a_night(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    url = a_queue_of_events(stack, district.api.district_id)
    night = district.night()

    received = told(stack, url, users=night.writes)
    written = {user["user_id"] for user in district.users() if user["run_id"] == night.run["run_id"]}
    changed = [event["detail"] for event in received if event["detail-type"] == "UserChanged"]
    ended = [event["detail"] for event in received if event["detail-type"] == "RunCompleted"]
    assert {detail["user_id"] for detail in changed} == written
    assert all(
        detail.keys() == {"version", "district_id", "run_id", "user_id", "change", "attributes"} for detail in changed
    )
    assert {(detail["run_id"], detail["state"]) for detail in ended} == {(night.run["run_id"], night.run["state"])}


def test_products_are_told_of_uploads(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    url = a_queue_of_events(stack, district.api.district_id)
    school = next(iter(district.schools.values()))

    district.api.upload(f"First Name,Last Name,Email,Role,School\nAda,Byron,ada@example.org,counselor,{school}\n")

    received = told(stack, url, users=1)
    (ada,) = [user for user in district.users() if user["email"] == "ada@example.org"]
    (changed,) = [event["detail"] for event in received if event["detail-type"] == "UserChanged"]
    (ended,) = [event["detail"] for event in received if event["detail-type"] == "RunCompleted"]
    assert (changed["user_id"], changed["change"], changed["run_id"]) == (ada["user_id"], "create", ada["run_id"])
    assert (ended["kind"], ended["state"], ended["run_id"]) == ("upload", "completed", ada["run_id"])
