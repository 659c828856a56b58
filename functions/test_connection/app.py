"""Test a district's saved or unsaved OneRoster settings, and answer with the probe's report."""

import time
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.errors import ConfigurationError
from roster_sync.environment import TestConnectionEnvironment
from roster_sync.observability import logger
from roster_sync.oneroster.address import normalise_base_url, normalise_token_url
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import (
    ForbiddenError,
    NotFoundAtProviderError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
)
from roster_sync.oneroster.retry import RetryPolicy
from roster_sync.security.secrets import Secrets
from roster_sync.storage.districts import Districts
from roster_sync.use_cases.probe.provider import ProviderErrors
from roster_sync.use_cases.probe.report import ProbeReport
from roster_sync.use_cases.probe.target import ProbeTarget, probe_target
from roster_sync.use_cases.probe_provider import (
    MOST_AT_ONCE,
    MOST_TESTS,
    TESTS_COUNTED_FOR,
    probe_provider,
    report_of_refusal,
    report_of_too_many_tests,
)

DEADLINE_S = 18.0
"""The report is there within 20 seconds, reading the settings included."""
REQUEST_SHARE = 0.8
"""Of the deadline, for one request: a silent provider is then known as such, and not as an unreachable host."""
MAX_BYTES = 16 * 1024 * 1024
"""Of an answer: several come at once, and to read larger ones would take longer than the deadline."""

PROVIDER_ERRORS = ProviderErrors(
    signature_refused=SignInRefusedError,
    forbidden=ForbiddenError,
    missing=NotFoundAtProviderError,
    request_refused=RequestRefusedError,
    throttled=ThrottledError,
)


@cache
def environment() -> TestConnectionEnvironment:
    """Read the variables once per execution environment, not on import."""
    return TestConnectionEnvironment.from_env()


@cache
def districts() -> Districts:
    """Connect once per execution environment."""
    return Districts(environment().districts_table)


@cache
def consumer_secrets() -> Secrets:
    """Connect when a stored secret is first used."""
    return Secrets(environment().secrets_key_id)


def open_provider(target: ProbeTarget, *, deadline_s: float) -> OneRosterClient:
    """Sign in; a stored secret is decrypted here and kept by nobody but the client."""
    request_timeout_s = deadline_s * REQUEST_SHARE
    secret = target.consumer_secret
    if isinstance(secret, bytes):
        secret = consumer_secrets().decrypt(target.district_id, secret)
    return OneRosterClient(
        target.base_url,
        target.consumer_key,
        secret,
        allow_local=environment().allow_local_providers,
        sign_in=target.sign_in,
        token_url=target.token_url,
        find_sign_in=True,
        page_size=target.page_size,
        parallel=min(target.parallel_requests, MOST_AT_ONCE),
        request_timeout_s=request_timeout_s,
        max_bytes=MAX_BYTES,
        # Tried again once, and only if that may still end in time.
        retry=RetryPolicy(attempts=2, total_s=deadline_s - request_timeout_s, longest_s=2),
    )


def probe(event: object, deadline_s: float) -> ProbeReport:
    """The report on what the event asks for, whatever the event is."""
    try:
        target = probe_target(
            event,
            districts().settings,
            lambda text: normalise_base_url(text, environment().allow_local_providers),
            lambda text: normalise_token_url(text, environment().allow_local_providers),
        )
    except ConfigurationError as error:
        return report_of_refusal(error)
    with logger.append_context_keys(district_id=target.district_id):
        wait_for = districts().count_test(target.district_id, datetime.now(UTC), MOST_TESTS, TESTS_COUNTED_FOR)
        if wait_for is not None:
            logger.info("Refused a test", extra={"seconds": round(wait_for.total_seconds())})
            return report_of_too_many_tests(wait_for)
        report = probe_provider(
            target,
            districts().schools(target.district_id),
            partial(open_provider, deadline_s=deadline_s),
            errors=PROVIDER_ERRORS,
            deadline_s=deadline_s,
            monotonic=time.monotonic,
        )
        logger.info(
            "Probed a provider",
            extra={
                "ok": report.ok,
                "requests": report.requests,
                "failed_steps": [step.name for step in report.steps if step.ok is False],
            },
        )
    return report


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Answer with the report."""
    return probe(event, DEADLINE_S).as_dict()
