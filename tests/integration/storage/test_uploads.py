"""The bucket of uploads."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from roster_sync.domain.errors import ConfigurationError, NotFoundError, TransientError
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.upload import MAX_FILE_BYTES
from roster_sync.storage.uploads import Uploads, upload_of
from tests.support.builders import DISTRICT

RUN = RunId("20261124T090000Z-upload-00000001")


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="uploads")
        yield Uploads("uploads")


def test_a_file_is_kept_under_a_key_that_names_district_and_run(uploads: Uploads) -> None:
    uploads.put(DISTRICT, RUN, b"Email\n")

    (stored,) = boto3.client("s3").list_objects_v2(Bucket="uploads")["Contents"]
    assert upload_of(stored["Key"]) == (DISTRICT, RUN)
    assert uploads.read(DISTRICT, RUN) == b"Email\n"


def test_a_url_is_signed_for_one_file_its_type_and_its_time(uploads: Uploads) -> None:
    url = urlsplit(uploads.url(DISTRICT, RUN, timedelta(minutes=15)))

    query = parse_qs(url.query)
    assert url.path.endswith(f"/{DISTRICT}/{RUN}.csv")
    assert query["X-Amz-Expires"] == ["900"]
    assert "content-type" in query["X-Amz-SignedHeaders"][0]


@pytest.mark.parametrize("region", ["eu-south-1", "us-east-1"])
def test_a_url_names_the_region_of_the_bucket(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """S3's host of no region answers a PUT with a redirect, or not at all, for most buckets; the portal lets none but
    the region's through."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    url = urlsplit(Uploads("uploads").url(DISTRICT, RUN, timedelta(minutes=15)))

    assert url.netloc == f"uploads.s3.{region}.amazonaws.com"


def test_a_file_longer_than_any_upload_is_not_read(uploads: Uploads) -> None:
    uploads.put(DISTRICT, RUN, bytes(MAX_FILE_BYTES + 1))

    with pytest.raises(ConfigurationError, match="larger than 50 MB"):
        uploads.read(DISTRICT, RUN)


def test_a_file_that_is_gone_is_not_found(uploads: Uploads) -> None:
    with pytest.raises(NotFoundError):
        uploads.read(DISTRICT, RUN)


def test_a_bucket_that_does_not_answer_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(TransientError):
        Uploads("uploads").put(DISTRICT, RUN, b"")


@pytest.mark.parametrize("key", ["springfield/run.csv", "uploads/a/b/c.csv", "run.csv"])
def test_a_key_that_is_not_ours_is_a_defect(key: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        upload_of(key)
