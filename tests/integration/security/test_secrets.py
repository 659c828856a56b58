"""Consumer secrets: of use only with their district."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from roster_sync.domain.errors import ConfigurationError
from roster_sync.security.secrets import Secrets
from tests.support.builders import DISTRICT, OTHER_DISTRICT


@pytest.fixture
def secrets() -> Iterator[Secrets]:
    with mock_aws():
        yield Secrets(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])


def test_a_secret_comes_back_for_its_district(secrets: Secrets) -> None:
    ciphertext = secrets.encrypt(DISTRICT, "geheim & süß")

    assert secrets.decrypt(DISTRICT, ciphertext) == "geheim & süß"


def test_a_ciphertext_does_not_show_the_secret(secrets: Secrets) -> None:
    assert b"geheim" not in secrets.encrypt(DISTRICT, "geheim")


def test_a_secret_is_of_no_use_to_another_district(secrets: Secrets) -> None:
    ciphertext = secrets.encrypt(DISTRICT, "geheim")

    with pytest.raises(ConfigurationError, match="Enter the consumer secret again"):
        secrets.decrypt(OTHER_DISTRICT, ciphertext)


def test_a_damaged_secret_has_to_be_entered_again(secrets: Secrets) -> None:
    ciphertext = secrets.encrypt(DISTRICT, "geheim")

    with pytest.raises(ConfigurationError, match="Enter the consumer secret again"):
        secrets.decrypt(DISTRICT, ciphertext[:-1] + bytes([ciphertext[-1] ^ 1]))
