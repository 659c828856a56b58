"""The whole deployment on this machine: emulated AWS with template.yaml on it, and what one does with it."""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.emulator import CREDENTIALS, REGION, emulator
from local.errors import CannotSyncError, LocalStackError
from local.sam import STAGE, build_and_deploy, settings

PROJECT = Path(__file__).parents[1]
# An update resets what it does not name.
_CLIENT_SETTINGS = frozenset(
    {
        "AllowedOAuthFlows",
        "AllowedOAuthFlowsUserPoolClient",
        "AllowedOAuthScopes",
        "AccessTokenValidity",
        "ExplicitAuthFlows",
        "IdTokenValidity",
        "ReadAttributes",
        "RefreshTokenValidity",
        "SupportedIdentityProviders",
        "TokenValidityUnits",
        "WriteAttributes",
    }
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a person types at the sign-in page."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed local stack. `outputs` are those of template.yaml by name, `state` its folder of logs."""

    endpoint_url: str
    outputs: Mapping[str, str]
    state: Path

    @property
    def api_url(self) -> str:
        """Base URL of the settings API as it is reached on this machine."""
        return f"{self.endpoint_url}/_aws/execute-api/{self.outputs['ApiId']}/{STAGE}"

    @property
    def portal_url(self) -> str:
        """Address of the district portal on this machine."""
        return f"{self.api_url}/portal"

    def client(self, service: str) -> Any:
        """A boto3 client of one of the stack's services, with all rights."""
        return _client(self.endpoint_url, service)

    def create_account(self, *, district_id: str | None, role: str, email: str | None = None) -> Account:
        """Create a user of the portal with this district and role; without an address, one is made up."""
        cognito = self.client("cognito-idp")
        account = Account(email or f"{secrets.token_hex(6)}@example.org", f"Aa1!{secrets.token_hex(12)}")
        attributes = {"email": account.email, "email_verified": "true", "custom:role": role}
        if district_id is not None:
            attributes["custom:district_id"] = district_id
        pool = self.outputs["UserPoolId"]
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=account.email,
            TemporaryPassword=account.password,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=account.email, Password=account.password, Permanent=True
        )
        return account

    def sign_in(self, *, district_id: str | None, role: str) -> str:
        """Create a user of the portal with this district and role, and return an ID token for the API."""
        account = self.create_account(district_id=district_id, role=role)
        answer = self.client("cognito-idp").admin_initiate_auth(
            UserPoolId=self.outputs["UserPoolId"],
            ClientId=self.outputs["PortalClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": account.email, "PASSWORD": account.password},
        )
        token: str = answer["AuthenticationResult"]["IdToken"]
        return token

    def let_the_portal_sign_in(self) -> None:
        """Have the sign-in page lead back to the portal where it is on this machine; the template knows AWS's hosts."""
        cognito = self.client("cognito-idp")
        names = {"UserPoolId": self.outputs["UserPoolId"], "ClientId": self.outputs["PortalClientId"]}
        described = cognito.describe_user_pool_client(**names)["UserPoolClient"]
        kept = {name: value for name, value in described.items() if name in _CLIENT_SETTINGS}
        cognito.update_user_pool_client(
            **{**kept, **names, "CallbackURLs": [self.portal_url], "LogoutURLs": [self.portal_url]}
        )

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function by the name of its output (`DispatchFunction`) and return its answer.

        Raises:
            LocalStackError: The function ended by an exception or a time-out.
        """
        answer = self.client("lambda").invoke(FunctionName=self.outputs[function], Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise LocalStackError(f"{function} failed: {json.dumps(payload)}")
        return payload

    def logs(self, function: str) -> list[str]:
        """Every line that a function (`FetchFunction`) has logged, oldest first within each stream."""
        logs = self.client("logs")
        group = self.client("lambda").get_function_configuration(FunctionName=self.outputs[function])
        name = group["LoggingConfig"]["LogGroup"]
        # Streams by pages of 50, of which the local stack makes one for each invocation.
        return [
            event["message"]
            for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=name)
            for stream in page["logStreams"]
            for event in logs.get_log_events(logGroupName=name, logStreamName=stream["logStreamName"])["events"]
        ]


@contextmanager
def local_stack(
    name: str, *, enforce_iam: bool = False, report: Callable[[str], None] = lambda _: None
) -> Iterator[Stack]:
    """Bring up a stack of its own, beside any other, and take it away at the end, however that comes.

    `name` begins the name of its folder under .local/, which is kept only after an error that its logs may explain.
    `report` gets the name of each step as it begins.

    Raises:
        LocalStackError: A step failed; the message holds the end of its output.
    """
    parent = PROJECT / ".local"
    parent.mkdir(exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    try:
        report("Starting the local stack")
        with emulator(PROJECT, state, enforce_iam=enforce_iam) as endpoint_url:
            report("Building and deploying template.yaml to it")
            build_and_deploy(PROJECT, state, endpoint_url)
            name_of_stack = settings(PROJECT)["stack_name"]
            described = _client(endpoint_url, "cloudformation").describe_stacks(StackName=name_of_stack)
            outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0]["Outputs"]}
            stack = Stack(endpoint_url, outputs, state)
            stack.let_the_portal_sign_in()
            yield stack
    except (CannotSyncError, KeyboardInterrupt):
        shutil.rmtree(state)
        raise
    shutil.rmtree(state)


def _client(endpoint_url: str, service: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the stubs want each service's literal name
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        # A proxy of the developer's shell would be asked for an address of this machine. Functions may run for minutes.
        config=Config(proxies={}, read_timeout=900, retries={"total_max_attempts": 1}),
    )
