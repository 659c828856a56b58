"""The bucket of journals: pages of fetches that take longer than one invocation; gone after a day."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.identifiers import DistrictId, RunId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Checkpoints:
    """Parts of journals, by district, run and name."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        """Made when it is first used: most fetches never need it."""
        config = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 5})
        return boto3.client("s3", config=config)

    def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
        """Keep a part; the same name replaces.

        Raises:
            TransientError: S3 did not take it, retries included.
        """
        with _errors_as_ours():
            self._s3.put_object(Bucket=self._bucket, Key=_prefix(district_id, run_id) + name, Body=content)

    def load(self, district_id: DistrictId, run_id: RunId, prefix: str) -> list[bytes]:
        """The parts whose names begin so, by name.

        Raises:
            TransientError: S3 did not answer, retries included.
        """
        with _errors_as_ours():
            return [
                self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                for key in self._keys(_prefix(district_id, run_id) + prefix)
            ]

    def forget(self, district_id: DistrictId, run_id: RunId) -> None:
        """Delete all parts of a run.

        Raises:
            TransientError: S3 did not answer, retries included.
        """
        with _errors_as_ours():
            for key in self._keys(_prefix(district_id, run_id)):
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    def forget_district(self, district_id: DistrictId) -> None:
        """Delete all parts of all runs of a district.

        Raises:
            TransientError: S3 did not answer, retries included.
        """
        with _errors_as_ours():
            for key in self._keys(f"{district_id}/"):
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


def _prefix(district_id: DistrictId, run_id: RunId) -> str:
    return f"{district_id}/{run_id}/"


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        if is_outage(error):
            raise OwnOutageError("The store of checkpoints is busy or did not answer.") from error
        raise
