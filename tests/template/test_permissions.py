"""Who may do what: policies of functions, tables, keys and the bucket."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.template import as_list, functions, properties, resources, statements, template, walk

TABLES = sorted(resources("AWS::DynamoDB::Table"))
# On AWS this is SendMessage alone; the local stack parts off an action SendMessageBatch.
JUSTIFIED_WILDCARDS = {"sqs:SendMessage*"}


def rights() -> Iterator[tuple[str, str, Any]]:
    """Each allowed action with its function and resource."""
    for function in functions():
        for statement in statements(function):
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield function, action, resource


def may(action: str, resource: str) -> set[str]:
    """Functions that may do an action on a resource of the template."""
    return {
        function
        for function, allowed, on in rights()
        if allowed == action and resource in (str(node).split(".")[0].strip("${") for node in walk(on))
    }


def test_a_policy_names_each_action_and_each_resource() -> None:
    actions = {action for _, action, _ in rights()}
    resources_named = [on for _, _, on in rights()]

    assert {action for action in actions if "*" in action} == JUSTIFIED_WILDCARDS
    assert "*" not in resources_named
    # The wildcard after a bucket's name stands for its objects. The local stack sees no table in a batch of statements.
    assert {str(on) for on in resources_named if "*" in str(on)} == {
        "{'Fn::If': ['IsOnAws', {'Fn::GetAtt': ['UsersTable', 'Arn']}, '*']}",
        *(f"{{'Fn::Sub': '${{{bucket}.Arn}}/*'}}" for bucket in ("UploadsBucket", "CheckpointsBucket")),
    }


def test_policies_are_our_own() -> None:
    managed = [policy for name in functions() for policy in functions()[name]["Policies"] if "Statement" not in policy]

    assert managed == []


def test_only_what_signs_requests_to_providers_can_decrypt_their_secrets() -> None:
    assert may("kms:Decrypt", "SecretsKey") == {"fetch", "test_connection"}


def test_only_the_api_can_encrypt_secrets() -> None:
    assert may("kms:Encrypt", "SecretsKey") == {"settings_api"}


def test_no_function_can_use_the_tables_key_itself() -> None:
    assert {on["Fn::GetAtt"][0] for _, action, on in rights() if action.startswith("kms:")} == {"SecretsKey"}


def test_only_upserts_and_uploads_write_users() -> None:
    assert may("dynamodb:UpdateItem", "UsersTable") == {"upsert", "import_users", "settings_api"}
    assert may("dynamodb:PartiQLInsert", "UsersTable") == {"upsert", "import_users", "settings_api"}
    assert may("dynamodb:PutItem", "UsersTable") == set()


def test_only_the_deletion_of_a_district_deletes_users_and_no_function_reads_a_whole_table() -> None:
    assert may("dynamodb:BatchWriteItem", "UsersTable") == {"delete_district"}
    assert may("dynamodb:DeleteItem", "UsersTable") == set()
    assert [function for function, action, _ in rights() if action == "dynamodb:Scan"] == []


def test_only_the_deletion_of_a_district_sees_and_deletes_accounts_and_none_makes_or_changes_one() -> None:
    on_accounts = {(function, action) for function, action, _ in rights() if action.startswith("cognito-idp:")}

    assert on_accounts == {
        ("delete_district", "cognito-idp:ListUsers"),
        ("delete_district", "cognito-idp:AdminDeleteUser"),
    }
    assert may("cognito-idp:AdminDeleteUser", "UserPool") == {"delete_district"}


def test_what_tests_a_connection_counts_tests_and_writes_nothing_else() -> None:
    [counting] = [found for found in statements("test_connection") if "dynamodb:UpdateItem" in as_list(found["Action"])]

    assert counting["Resource"] == {"Fn::GetAtt": ["DistrictsTable", "Arn"]}
    assert counting["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["district_id", "item", "tests", "expires_at"]}
    }
    assert not any(
        action.startswith(("dynamodb:Put", "dynamodb:Delete", "dynamodb:Batch"))
        for found in statements("test_connection")
        for action in as_list(found["Action"])
    )


def test_no_function_may_what_it_never_does() -> None:
    """That what remains is enough is shown by the nights with IAM enforced."""
    assert may("dynamodb:GetItem", "UsersTable") == {"settings_api"}
    assert may("dynamodb:PutItem", "SyncRunsTable") == {
        "dispatch",
        "fetch",
        "upsert",
        "dead_letters",
        "import_users",
        "settings_api",
    }
    assert may("dynamodb:UpdateItem", "SyncRunsTable") == {
        "fetch",
        "upsert",
        "sweep",
        "dead_letters",
        "delete_district",
        "import_users",
        "settings_api",
    }
    assert may("dynamodb:BatchWriteItem", "SyncRunsTable") == {
        "fetch",
        "dead_letters",
        "delete_district",
        "import_users",
        "settings_api",
    }


def test_only_who_asks_for_syncs_can_and_only_fetch_and_redrives_send_changes() -> None:
    redrives = {"settings_api", "dead_letters"}
    assert may("sqs:SendMessage*", "SyncRequestsQueue") == {"dispatch", "fetch", "sweep", *redrives}
    assert may("sqs:SendMessage*", "UserChangesQueue") == {"fetch", *redrives}
    assert may("sqs:SendMessage*", "DeletionsQueue") == {"settings_api"}


def test_only_what_changes_users_ends_runs_or_deletes_districts_tells_of_it_and_only_the_bus_that_is_named() -> None:
    telling = [(function, on) for function, action, on in rights() if action == "events:PutEvents"]

    whoever = {"fetch", "upsert", "import_users", "settings_api", "sweep", "dead_letters", "delete_district"}
    assert {function for function, _ in telling} == whoever
    assert all(on["Fn::Sub"].endswith(":event-bus/${EventBus}") for _, on in telling)


def test_nobody_is_told_unless_a_deployment_says_so_and_of_values_only_if_it_says_that_too() -> None:
    assert template()["Parameters"]["EventBus"]["Default"] == "none"
    assert template()["Parameters"]["EventValues"]["Default"] == "false"


def test_a_function_receives_from_its_own_queue_alone() -> None:
    assert may("sqs:ReceiveMessage", "SyncRequestsQueue") == {"fetch"}
    assert may("sqs:ReceiveMessage", "UserChangesQueue") == {"upsert"}
    assert may("sqs:ReceiveMessage", "DeletionsQueue") == {"delete_district"}
    for queue in ("SyncRequestsDeadLetterQueue", "UserChangesDeadLetterQueue", "UploadsDeadLetterQueue"):
        assert may("sqs:ReceiveMessage", queue) == {"dead_letters"}


@pytest.mark.parametrize("function", ["fetch", "upsert", "delete_district"])
def test_a_function_may_with_its_queue_what_lambda_needs_in_order_to_poll_it(function: str) -> None:
    on_queues = {action for each, action, _ in rights() if each == function and action.startswith("sqs:")}

    assert on_queues - JUSTIFIED_WILDCARDS == {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


@pytest.mark.parametrize("name", [*TABLES, *sorted(resources("AWS::KMS::Key")), "UserPool"])
def test_a_deleted_stack_keeps_data_and_keys(name: str) -> None:
    resource = template()["Resources"][name]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_on_demand_restorable_and_encrypted_with_our_key(table: str) -> None:
    described = properties(table)

    assert described["BillingMode"] == "PAY_PER_REQUEST"
    assert described["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert described["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "TablesKey"}


def test_only_runs_and_lines_of_the_audit_log_expire() -> None:
    """And deletions that have ended. Leases have an `expires_at`, too, and must not be forgotten with their fence."""
    found = {table: properties(table).get("TimeToLiveSpecification") for table in TABLES}

    assert {table: each for table, each in found.items() if each} == {
        "SyncRunsTable": {"AttributeName": "expires_at", "Enabled": True},
        "DistrictsTable": {"AttributeName": "forget_at", "Enabled": True},
    }


def test_the_tables_key_opens_to_others_only_through_dynamodb_and_within_the_account() -> None:
    [open_to_all] = [
        statement
        for key in resources("AWS::KMS::Key").values()
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"AWS": "*"}
    ]

    assert open_to_all["Condition"]["StringEquals"] == {
        "kms:CallerAccount": {"Ref": "AWS::AccountId"},
        "kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"},
    }


@pytest.mark.parametrize("key", sorted(resources("AWS::KMS::Key")))
def test_keys_rotate(key: str) -> None:
    assert properties(key)["EnableKeyRotation"] is True


@pytest.mark.parametrize("name", ["UploadsBucket", "CheckpointsBucket"])
def test_files_are_private_encrypted_and_gone_after_a_day(name: str) -> None:
    bucket = properties(name)

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"]] == [1]


def test_only_the_portals_pages_may_put_uploads_from_a_browser() -> None:
    [rule] = properties("UploadsBucket")["CorsConfiguration"]["CorsRules"]
    [origin] = rule["AllowedOrigins"]
    condition, given, otherwise = origin["Fn::If"]

    assert template()["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "PortalOrigin"}, ""]}]}
    assert given == {"Ref": "PortalOrigin"}
    assert otherwise == {"Fn::Sub": "https://*.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    assert rule["AllowedMethods"] == ["PUT"]
    # The one header that a page must send, as the URL's signature covers it.
    assert rule["AllowedHeaders"] == ["Content-Type"]


@pytest.mark.parametrize("origin", ["", "https://portal.example.org", "https://localhost:8443"])
def test_an_origin_is_scheme_host_and_port(origin: str) -> None:
    assert re.search(template()["Parameters"]["PortalOrigin"]["AllowedPattern"], origin)


@pytest.mark.parametrize(
    "text", ["*", "http://portal.example.org", "https://portal.example.org/", "portal.example.org"]
)
def test_what_is_no_origin_of_https_is_refused(text: str) -> None:
    assert not re.search(template()["Parameters"]["PortalOrigin"]["AllowedPattern"], text)


@pytest.mark.parametrize("name", ["UploadsBucketPolicy", "CheckpointsBucketPolicy"])
def test_files_come_by_tls_only(name: str) -> None:
    policy = template()["Resources"][name]
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]

    assert policy["Condition"] == "IsOnAws"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_fetch_sees_the_pages_that_it_keeps() -> None:
    for action in ("s3:GetObject", "s3:PutObject"):
        assert may(action, "CheckpointsBucket") == {"fetch"}
    for action in ("s3:DeleteObject", "s3:ListBucket"):
        assert may(action, "CheckpointsBucket") == {"fetch", "delete_district"}
