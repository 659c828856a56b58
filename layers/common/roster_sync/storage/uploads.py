"""The bucket of uploads that are too large for one request."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from roster_sync.domain.errors import ConfigurationError, NotFoundError, OwnOutageError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.upload import CONTENT_TYPE, MAX_FILE_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FOLDER: Final = "uploads"


class Uploads:
    """Files by district and run; each arrival starts `import_users`."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _s3(self) -> "S3Client":
        """Made when it is first used: most requests to the API have nothing to do with files."""
        config = Config(
            # Some regions still presign by the older version 2 unless told, which newer regions refuse.
            signature_version="s3v4",
            # Else a presigned URL names S3's host of no region, which redirects: no browser follows that with a PUT.
            # Nor would the page know that host, which it must name to be let through.
            s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
            connect_timeout=2,
            read_timeout=20,
            retries={"mode": "standard"},
        )
        return boto3.client("s3", config=config)

    def put(self, district_id: DistrictId, run_id: RunId, content: bytes) -> None:
        """Keep a file.

        Raises:
            TransientError: The bucket did not take it.
        """
        with _errors_as_ours():
            self._s3.put_object(
                Bucket=self._bucket, Key=_key(district_id, run_id), Body=content, ContentType=CONTENT_TYPE
            )

    def url(self, district_id: DistrictId, run_id: RunId, valid_for: timedelta) -> str:
        """A URL to which one file may be PUT, with CONTENT_TYPE as its Content-Type."""
        return self._s3.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._bucket, "Key": _key(district_id, run_id), "ContentType": CONTENT_TYPE},
            ExpiresIn=int(valid_for.total_seconds()),
        )

    def read(self, district_id: DistrictId, run_id: RunId) -> bytes:
        """A file's content.

        Raises:
            ConfigurationError: The file is longer than any upload may be.
            NotFoundError: There is no such file; files are kept for a day.
            TransientError: The bucket did not answer.
        """
        with _errors_as_ours():
            found = self._s3.get_object(Bucket=self._bucket, Key=_key(district_id, run_id))
            if found["ContentLength"] > MAX_FILE_BYTES:
                raise ConfigurationError("The file is larger than 50 MB. Split it into several files.")
            return found["Body"].read()

    def forget_district(self, district_id: DistrictId) -> None:
        """Delete all files of a district.

        Raises:
            TransientError: The bucket did not answer.
        """
        with _errors_as_ours():
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{_FOLDER}/{district_id}/"
            )
            for key in [found["Key"] for page in pages for found in page.get("Contents", [])]:
                self._s3.delete_object(Bucket=self._bucket, Key=key)


def upload_of(key: str) -> tuple[DistrictId, RunId]:
    """The district and run that a file's key names.

    Raises:
        ValueError: The key is none of ours.
    """
    _, district_id, name = key.split("/")
    return DistrictId(district_id), RunId(name.removesuffix(".csv"))


def _key(district_id: DistrictId, run_id: RunId) -> str:
    return f"{_FOLDER}/{district_id}/{run_id}.csv"


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"].get("Code") == "NoSuchKey":
            raise NotFoundError("The uploaded file is gone. Upload it again.") from error
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        raise OwnOutageError("The file store did not answer.") from error
    except BotoCoreError as error:
        raise OwnOutageError("The file store did not answer.") from error
