"""Consumer secrets, encrypted by KMS with the district as context."""

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import ConfigurationError, OwnOutageError, TransientError
from roster_sync.domain.identifiers import DistrictId

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class Secrets:
    """Encrypts and decrypts with one key; a ciphertext is of use only with the district it was made for."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._client: KMSClient = boto3.client(
            "kms",
            config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}),
        )

    def encrypt(self, district_id: DistrictId, text: str) -> bytes:
        """The ciphertext of a district's secret.

        Raises:
            TransientError: KMS did not answer.
        """
        try:
            return self._client.encrypt(
                KeyId=self._key_id, Plaintext=text.encode(), EncryptionContext=_context(district_id)
            )["CiphertextBlob"]
        except AWS_ERRORS as error:
            if is_outage(error):
                raise _outage() from error
            raise

    def decrypt(self, district_id: DistrictId, ciphertext: bytes) -> str:
        """A district's secret in the clear; for the moment of signing, never to be kept.

        Raises:
            ConfigurationError: The ciphertext is of another district or key, or damaged.
            TransientError: KMS did not answer.
        """
        try:
            answer = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=ciphertext, EncryptionContext=_context(district_id)
            )
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error.response["Error"].get("Code") in _NOT_OURS:
                raise ConfigurationError(
                    "The stored consumer secret cannot be decrypted for this district. Enter the consumer secret again."
                ) from error
            if is_outage(error):
                raise _outage() from error
            raise
        return answer["Plaintext"].decode()


def _context(district_id: DistrictId) -> dict[str, str]:
    return {"district_id": district_id}


def _outage() -> TransientError:
    return OwnOutageError("The key service is busy or did not answer.")
