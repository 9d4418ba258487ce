"""Every AWS call of a function, as the requests that IAM would decide."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.signers import RequestSigner

from cardvault.aws import boto_clients
from local.emulator.dynamodb_access import accesses
from tests.support.account import PSEUDO, REGION, Account
from tests.support.iam import Request

Parameters = Mapping[str, Any]
_ARN = f"arn:aws:{{}}:{REGION}:{PSEUDO['AWS::AccountId']}:{{}}"
VIA_S3 = {"kms:ViaService": (f"s3.{REGION}.amazonaws.com",)}


@dataclass(frozen=True)
class Call:
    """One call: what it was, and what IAM decides about it."""

    operation: str
    requests: tuple[Request, ...]


def _let_pass(boundary: str) -> None:
    """Nothing happens at a call's boundaries."""


@dataclass
class Recorder:
    """Notes what a function asks of AWS while it is `acting`.

    `before` holds what happens first, once each, at a call of that operation: it may raise.
    `passes` hears of each call's two boundaries, before it is made and after it was: it may raise.
    """

    account: Account
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    mails: list[Parameters] = field(default_factory=list)
    before: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    passes: Callable[[str], None] = _let_pass
    _function: str | None = None

    @contextmanager
    def acting(self, function: str) -> Iterator[None]:
        """Everything called meanwhile is that function's."""
        before, self._function = self._function, function
        try:
            yield
        finally:
            self._function = before

    @contextmanager
    def listening(self) -> Iterator[None]:
        call, sign = vars(BaseClient)["_make_api_call"], RequestSigner.generate_presigned_url
        recorder = self

        def recorded(client: Any, operation: str, parameters: Parameters) -> Any:
            service = client.meta.service_model.service_name
            recorder._note(service, operation, parameters)
            recorder._happen(operation)
            with recorder.passing(operation):
                answer = call(client, operation, parameters)
            if operation == "ReEncrypt":  # only the answer tells which key it was
                source = {"KeyId": answer["SourceKeyId"], **parameters}
                recorder._note(service, "ReEncryptFrom", source)
            return answer

        def signed(signer: Any, **named: Any) -> Any:
            # A request to the address acts with the rights of the role that signed it.
            bucket, key = _place(named["request_dict"]["url"])
            recorder._note("s3", named["operation_name"], {"Bucket": bucket, "Key": key})
            return sign(signer, **named)

        with (
            mock.patch.object(BaseClient, "_make_api_call", recorded),
            mock.patch.object(boto_clients, "_rehearse"),  # sends nothing, so it is no call
            mock.patch.object(RequestSigner, "generate_presigned_url", signed),
        ):
            yield

    @contextmanager
    def passing(self, operation: str) -> Iterator[None]:
        """Both boundaries of a call of the function that acts."""
        if self._function:
            self.passes(f"before {operation}")
        yield
        if self._function:
            self.passes(f"after {operation}")

    def _note(self, service: str, operation: str, parameters: Parameters) -> None:
        if self._function is None:
            return
        if service not in _READERS:
            raise AssertionError(f"teach the recorder what {service} {operation} asks of IAM")
        requests = _READERS[service](self.account, operation, parameters)
        self.calls[self._function].append(Call(operation, tuple(requests)))
        if operation == "SendEmail":
            self.mails.append(parameters)

    def _happen(self, operation: str) -> None:
        if self._function and self.before and self.before[0][0] == operation:
            self.before.pop(0)[1]()

    def requests(self, function: str) -> list[Request]:
        return [request for call in self.calls[function] for request in call.requests]


def _place(url: str) -> tuple[str, str]:
    host, _, path = url.removeprefix("https://").partition("/")
    return host.partition(".")[0], path.partition("?")[0]


def _dynamodb(account: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    for access in accesses(operation, parameters, account.partition_key):
        arn = account.table_arn(access.table)
        resource = f"{arn}/index/{access.index}" if access.index else arn
        yield Request(access.action, resource, access.context)


def _kms(_: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    if operation == "ReEncrypt":
        context = parameters.get("DestinationEncryptionContext")
        yield Request("kms:ReEncryptTo", parameters["DestinationKeyId"], _encryption(context))
        return
    context = parameters.get("SourceEncryptionContext") or parameters.get("EncryptionContext")
    yield Request(f"kms:{operation}", parameters["KeyId"], _encryption(context))


def _encryption(context: Mapping[str, str] | None) -> dict[str, tuple[str, ...]]:
    """Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    pairs = context or {}
    keys = {f"kms:EncryptionContext:{name}": (value,) for name, value in pairs.items()}
    return {**keys, "kms:EncryptionContextKeys": tuple(sorted(pairs))} if pairs else {}


def _s3(account: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    """Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    secure = {"aws:SecureTransport": ("true",)}
    if operation == "ListObjectsV2":
        prefix = {"s3:prefix": (parameters["Prefix"],)} if "Prefix" in parameters else {}
        yield Request("s3:ListBucket", bucket, {**secure, **prefix})
        return
    if operation == "DeleteObjects":
        for item in parameters["Delete"]["Objects"]:
            yield Request("s3:DeleteObject", f"{bucket}/{item['Key']}", secure)
        return
    place = f"{bucket}/{parameters['Key']}"
    default_key = account.bucket_key(parameters["Bucket"])
    if operation == "PutObject":
        key = parameters.get("SSEKMSKeyId", default_key)
        named = {"s3:x-amz-server-side-encryption-aws-kms-key-id": (key,)}
        yield Request("s3:PutObject", place, {**secure, **named})
        yield Request("kms:GenerateDataKey", key, VIA_S3)
        return
    yield Request(f"s3:{operation}", place, secure)
    if operation == "GetObject":
        yield Request("kms:Decrypt", default_key, VIA_S3)


def _sesv2(_: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    """Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsesv2.html"""
    sender = parseaddr(parameters["FromEmailAddress"])[1]
    context = {"ses:FromAddress": (sender,)}
    yield Request(f"ses:{operation}", _ARN.format("ses", f"identity/{sender}"), context)
    if "ConfigurationSetName" in parameters:
        named = f"configuration-set/{parameters['ConfigurationSetName']}"
        yield Request(f"ses:{operation}", _ARN.format("ses", named), context)


def _secretsmanager(_: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    yield Request(f"secretsmanager:{operation}", parameters["SecretId"])


def _ssm(_: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    name = parameters["Name"].lstrip("/")
    yield Request(f"ssm:{operation}", _ARN.format("ssm", f"parameter/{name}"))


def _stepfunctions(_: Account, operation: str, parameters: Parameters) -> Iterator[Request]:
    yield Request(f"states:{operation}", parameters["stateMachineArn"])


_READERS = {
    "dynamodb": _dynamodb,
    "kms": _kms,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "sesv2": _sesv2,
    "ssm": _ssm,
    "stepfunctions": _stepfunctions,
}
