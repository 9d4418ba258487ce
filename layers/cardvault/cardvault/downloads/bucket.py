"""The bucket of downloads.

The one place outside memory where codes lie readable: for minutes, under SSE-KMS with a key of
its own (I1).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cardvault.aws.rounds import Round
from cardvault.errors import OutOfTime

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "downloads/"
TOKEN_LIFETIME = timedelta(minutes=5)
URL_LIFETIME = timedelta(seconds=60)
# An address signed in a token's last moment, and a file still being read, outlive both.
FILE_LIFETIME = TOKEN_LIFETIME + URL_LIFETIME + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep: how many files it deleted, and whether it had no time for more."""

    deleted: int
    more: bool


@dataclass(frozen=True, slots=True)
class DownloadsBucket:
    """Writing, signing and deleting; a role holds the one right of these that it needs."""

    s3: "S3Client"
    name: str

    def put(
        self, content: bytes, *, extension: str, content_type: str, disposition: str, key_arn: str
    ) -> str:
        """Store a file under a key that nobody can guess, and return that key."""
        key = f"{PREFIX}{secrets.token_hex(16)}.{extension}"
        self.s3.put_object(
            Bucket=self.name,
            Key=key,
            Body=content,
            ContentType=content_type,
            ContentDisposition=disposition,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key_arn,
            BucketKeyEnabled=True,
        )
        return key

    def sign(self, key: str) -> str:
        """An address (SigV4) that gives the file, an attachment, for URL_LIFETIME.

        Computed here, without a call. The bucket's policy refuses any older signature.
        """
        return self.s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.name,
                "Key": key,
                "ResponseCacheControl": "no-store",
            },
            ExpiresIn=int(URL_LIFETIME.total_seconds()),
        )

    def sweep(self, time: Round) -> Swept:
        """Delete the files that no token or address can reach any more, as far as time goes."""
        deleted, in_use_since = 0, time.clock() - FILE_LIFETIME
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=PREFIX)
        try:
            for page in time.pace(pages):
                files = page.get("Contents", [])
                over = [item["Key"] for item in files if item["LastModified"] < in_use_since]
                if over:
                    time.expect_time()
                    self._delete(over)
                deleted += len(over)
        except OutOfTime:
            return Swept(deleted, more=True)
        return Swept(deleted, more=False)

    def _delete(self, keys: Sequence[str]) -> None:
        """Delete a page of files in one call. Raises ClientError of the first that stays.

        A page of ListObjectsV2 has 1,000 keys, and DeleteObjects takes as many.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        answer = self.s3.delete_objects(
            Bucket=self.name, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        for failure in answer.get("Errors", []):
            code = failure.get("Code", "")
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "DeleteObjects")
