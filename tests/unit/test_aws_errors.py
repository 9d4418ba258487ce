"""What AWS refuses for good is a defect and seen at once; what passes is tried again."""

import re
from functools import cache

import botocore.client
import botocore.session
import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError
from botocore.retries import standard
from pynamodb import exceptions as pynamodb_exceptions
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, GetError, TableError, TransactWriteError

from cardvault.aws import service_errors
from cardvault.aws.failures import as_cardvault_error
from cardvault.errors import AwsUnavailable, InternalError
from tests.support.template import resources

# What the operations we call can answer that passes, as each one's reference says. Everything
# else in the SDK's models of these operations must be a defect.
PASSING = {
    "dynamodb": {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "TransactionInProgressException",
    },
    "kms": {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
    },
    "s3": set(),
    "secretsmanager": {"InternalServiceError", "LimitExceededException"},
    "ssm": {"InternalServerError"},
    "states": {"ExecutionLimitExceeded", "KmsThrottlingException"},
    "ses": {"LimitExceededException", "TooManyRequestsException"},
}
CLIENT = {"states": "stepfunctions", "ses": "sesv2"}
NOT_AN_OPERATION = {
    "kms:ReEncryptFrom": "ReEncrypt",
    "kms:ReEncryptTo": "ReEncrypt",
    "s3:ListBucket": "ListObjectsV2",
}
DEFECTS = [
    ("AccessDeniedException", 400),
    ("AccessDenied", 403),
    ("UnrecognizedClientException", 400),
    ("InvalidSignatureException", 400),
    ("ExpiredTokenException", 400),
    ("OptInRequired", 403),
    ("MissingAuthenticationToken", 403),
    ("ValidationException", 400),
    ("SerializationException", 400),
    ("ResourceNotFoundException", 400),
    ("ItemCollectionSizeLimitExceededException", 400),
    ("DisabledException", 400),
    ("KMSInvalidStateException", 400),
    ("NotFoundException", 400),
    ("InvalidKeyUsageException", 400),
    ("KMS.DisabledException", 400),
    ("NoSuchBucket", 404),
    ("NoSuchKey", 404),
    ("DecryptionFailure", 400),
    ("ParameterNotFound", 400),
    ("StateMachineDoesNotExist", 400),
    ("StateMachineDeleting", 400),
    ("NotImplemented", 501),
    ("SomethingNewOfThisYear", 400),
    ("404", 404),
]
TRANSIENT = [
    ("ThrottlingException", 400),
    ("Throttling", 400),
    ("ProvisionedThroughputExceededException", 400),
    ("RequestLimitExceeded", 400),
    ("TooManyRequestsException", 429),
    ("SlowDown", 503),
    ("OperationAborted", 409),
    ("RequestTimeout", 400),
    ("RequestTimeTooSkewed", 403),
    ("ExecutionLimitExceeded", 400),
    ("KmsThrottlingException", 400),
    ("InternalServerError", 500),
    ("KMSInternalException", 500),
    ("KeyUnavailableException", 500),
    ("ServiceUnavailable", 503),
    ("SomethingNewOfThisYear", 500),
    ("SomethingNewOfThisYear", 429),
    ("502", 502),
]


def answer(code, status=400, **more):
    error = {"Code": code, "Message": "CANARY-CODE"}
    told = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(told, "AnyOperation")


@cache
def connection():
    return Connection("eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def by_pynamodb(raised):
    """What PynamoDB makes of the SDK's error: its own copy, under its own exception."""

    def failing(*_):
        raise raised

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", failing)
        with pytest.raises(TableError) as wrapped:
            connection().list_tables()
    return wrapped.value


def cancelled(*reasons):
    told = [{"Code": code, "Message": "CANARY-CODE"} for code in reasons]
    return answer("TransactionCanceledException", CancellationReasons=told)


WRAPPED = pytest.mark.parametrize(
    "wrap", [lambda error: error, by_pynamodb], ids=["raw", "pynamodb"]
)


@WRAPPED
@pytest.mark.parametrize(("code", "status"), DEFECTS)
def test_what_aws_refuses_for_good_is_a_defect(wrap, code, status):
    known = as_cardvault_error(wrap(answer(code, status)))
    assert type(known) is InternalError
    assert str(known) == code, "the log names AWS's code, and nothing of its message"


@WRAPPED
@pytest.mark.parametrize(("code", "status"), TRANSIENT)
def test_what_passes_may_be_tried_again(wrap, code, status):
    known = as_cardvault_error(wrap(answer(code, status)))
    assert (type(known), str(known)) == (AwsUnavailable, code)


@WRAPPED
@pytest.mark.parametrize(
    ("reasons", "family"),
    [
        (("None", "ThrottlingError"), AwsUnavailable),
        (("ProvisionedThroughputExceeded", "ConditionalCheckFailed"), AwsUnavailable),
        (("TransactionConflict", "ThrottlingError"), AwsUnavailable),
        (("None", "ValidationError"), InternalError),
        (("ThrottlingError", "ValidationError"), InternalError),
        (("ItemCollectionSizeLimitExceeded", "TransactionConflict"), InternalError),
        (("AccessDenied",), InternalError),
        (("None",), InternalError),
        ((), InternalError),
    ],
)
def test_a_cancelled_transaction_is_judged_by_its_reasons(wrap, reasons, family):
    assert type(as_cardvault_error(wrap(cancelled(*reasons)))) is family


def test_reasons_are_read_from_the_error_of_a_transaction():
    wrapped = TransactWriteError("CANARY-CODE", by_pynamodb(cancelled("ThrottlingError")).cause)
    assert type(as_cardvault_error(wrapped)) is AwsUnavailable


UNANSWERED = {
    "EndpointConnectionError": {"endpoint_url": "https://CANARY-CODE.invalid"},
    "ConnectTimeoutError": {"endpoint_url": "https://CANARY-CODE.invalid"},
    "ReadTimeoutError": {"endpoint_url": "https://CANARY-CODE.invalid"},
    "ConnectionClosedError": {"endpoint_url": "https://CANARY-CODE.invalid"},
    "ProxyConnectionError": {"proxy_url": "https://CANARY-CODE.invalid"},
    "SSLError": {"endpoint_url": "https://CANARY-CODE.invalid", "error": "CANARY-CODE"},
    "ResponseStreamingError": {"error": "CANARY-CODE"},
    "IncompleteReadError": {"actual_bytes": 1, "expected_bytes": 2},
    "MetadataRetrievalError": {"error_msg": "CANARY-CODE"},
    "CredentialRetrievalError": {"provider": "container-role", "error_msg": "CANARY-CODE"},
}
UNASKED = {
    "ParamValidationError": {"report": "CANARY-CODE"},
    "NoCredentialsError": {},
    "NoRegionError": {},
    "UnknownServiceError": {"service_name": "x", "known_service_names": "y"},
    "PaginationError": {"message": "CANARY-CODE"},
}


@WRAPPED
@pytest.mark.parametrize("name", UNANSWERED)
def test_no_answer_may_be_tried_again(wrap, name):
    known = as_cardvault_error(wrap(getattr(sdk, name)(**UNANSWERED[name])))
    assert (type(known), str(known)) == (AwsUnavailable, name)


@WRAPPED
@pytest.mark.parametrize("name", UNASKED)
def test_a_request_that_was_never_sent_is_a_defect(wrap, name):
    known = as_cardvault_error(wrap(getattr(sdk, name)(**UNASKED[name])))
    assert (type(known), str(known)) == (InternalError, name)


@pytest.mark.parametrize("error", [DoesNotExist("CANARY-CODE"), GetError("CANARY-CODE")])
def test_an_error_of_pynamodbs_own_is_a_defect(error):
    known = as_cardvault_error(error)
    assert (type(known), str(known)) == (InternalError, type(error).__name__)


def test_a_client_error_without_anything_in_it_is_a_defect():
    assert type(as_cardvault_error(ClientError({}, "AnyOperation"))) is InternalError


def test_every_code_that_the_sdk_tries_again_is_transient():
    for checker in (standard.TransientRetryableChecker, standard.ThrottledRetryableChecker):
        codes = getattr(checker, "_TRANSIENT_ERROR_CODES", []) + getattr(
            checker, "_THROTTLED_ERROR_CODES", []
        )
        assert codes
        assert set(codes) <= service_errors.TRANSIENT_CODES
    statuses = set(standard.TransientRetryableChecker._TRANSIENT_STATUS_CODES)
    assert statuses == service_errors._TRANSIENT_STATUSES - {429}


# What Lambda asks for under a function's role, for what feeds it and takes what it gives up.
OF_LAMBDA_ITSELF = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:SendMessage",
}


def operations_of_ours():
    """(service, operation) of every action that a role of the template allows."""
    actions = {
        action
        for function in resources("AWS::Serverless::Function").values()
        for policy in function["Properties"].get("Policies", [])
        if isinstance(policy, dict) and "Statement" in policy
        for statement in policy["Statement"]
        for action in statement["Action"]
    }
    for action in sorted(actions - OF_LAMBDA_ITSELF):
        service, _, operation = action.partition(":")
        yield service, NOT_AN_OPERATION.get(action, operation)
    yield from [("dynamodb", "TransactWriteItems"), ("dynamodb", "TransactGetItems")]


def test_every_error_of_every_operation_that_we_call_was_judged():
    session, judged = botocore.session.get_session(), 0
    for service, operation in operations_of_ours():
        model = session.get_service_model(CLIENT.get(service, service))
        for shape in model.operation_model(operation).error_shapes:
            code = shape.metadata.get("error", {}).get("code") or shape.name
            if code == "TransactionCanceledException":
                continue  # by its reasons
            known = as_cardvault_error(answer(code))
            assert isinstance(known, AwsUnavailable) == (code in PASSING[service]), (service, code)
            judged += 1
    assert judged > 50


def test_pynamodbs_errors_are_what_this_test_takes_them_for():
    wrapped = by_pynamodb(answer("ThrottlingException"))
    assert type(wrapped.cause) is pynamodb_exceptions.VerboseClientError
    assert "ResponseMetadata" not in wrapped.cause.response, "its status is in the original alone"
    assert re.fullmatch("ThrottlingException", wrapped.cause_response_code)
