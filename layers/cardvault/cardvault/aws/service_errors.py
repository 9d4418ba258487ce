"""What went wrong at AWS: trouble that passes by itself, or a defect that somebody must mend.

A throttled, unreachable or failing service works again later. A missing right, a disabled key, a
table that is not there or a malformed request does not. To try such a call again wastes time and
hides the defect.
"""

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import CancellationReason, PynamoDBException, VerboseClientError

AwsError = ClientError | BotoCoreError | PynamoDBException

# Codes that pass, whatever their HTTP status. A code that is not here is judged by its status.
# Sources: the codes that the SDK itself tries again,
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html ; common errors,
# https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html ; DynamoDB,
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html ; KMS,
# https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html ; S3,
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html ; Step Functions,
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "ExecutionLimitExceeded",
        "KmsThrottlingException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
TRANSIENT_CODES = THROTTLED_CODES | frozenset(
    {
        # another writer was in the way; a new try reads afresh
        "ConditionalCheckFailedException",
        "OperationAborted",
        "TransactionConflictException",
        "TransactionInProgressException",
        # the request came too late; a new try signs it anew
        "RequestExpired",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "RequestTimeoutException",
        # the service failed
        "DependencyTimeoutException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "KMSInternalException",
        "KeyUnavailableException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)

# Why DynamoDB cancelled a transaction. The others (ValidationError,
# ItemCollectionSizeLimitExceeded) stay true however often it is tried.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
THROTTLED_REASONS = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})
TRANSIENT_REASONS = THROTTLED_REASONS | {"ConditionalCheckFailed", "TransactionConflict"}

_CANCELLED = "TransactionCanceledException"
_TRANSIENT_STATUSES = {429, 500, 502, 503, 504}

# No answer came, or no credentials to ask with. Any other error of the SDK's own, such as a
# parameter of the wrong type, is made before anything is sent and is made again each time.
_NO_ANSWER = (
    sdk.ConnectionError,
    sdk.CredentialRetrievalError,
    sdk.HTTPClientError,
    sdk.IncompleteReadError,
    sdk.MetadataRetrievalError,
)


def is_transient(error: AwsError) -> bool:
    """Whether the same call may work later though nobody mends anything.

    An unknown code counts by its HTTP status: 5xx and 429 pass, any other 4xx does not, for AWS
    means by it that the request itself is wrong. Without a status it does not: a defect that is
    taken for trouble is tried again in vain and seen late, trouble that is taken for a defect is
    seen at once and costs one redrive.
    """
    cause = _cause(error)
    if isinstance(cause, ClientError):
        return _is_transient_answer(cause)
    return isinstance(cause, _NO_ANSWER)


def is_throttled(error: AwsError) -> bool:
    """Whether the same call may work in a moment, for it was only too much at once.

    A transaction with a failed condition among its reasons will not.
    """
    cause = _cause(error)
    if not isinstance(cause, ClientError):
        return False
    if _code(cause) == _CANCELLED:
        reasons = _reasons(cause)
        return bool(reasons & THROTTLED_REASONS) and "ConditionalCheckFailed" not in reasons
    return _code(cause) in THROTTLED_CODES


def code_of(error: AwsError) -> str:
    """AWS's own code for what went wrong, or the exception's type where there is none."""
    cause = _cause(error)
    if isinstance(cause, ClientError):
        return _code(cause)
    return type(cause or error).__name__


def reasons_of(error: AwsError) -> set[str]:
    """Why DynamoDB cancelled a transaction, one code or more; empty for any other error."""
    cause = _cause(error)
    return _reasons(cause) if isinstance(cause, ClientError) else set()


def _cause(error: AwsError) -> Exception | None:
    return error.cause if isinstance(error, PynamoDBException) else error


def _is_transient_answer(error: ClientError) -> bool:
    code = _code(error)
    if code == _CANCELLED:
        reasons = _reasons(error)
        return bool(reasons) and reasons <= TRANSIENT_REASONS
    return code in TRANSIENT_CODES or _status(error) in _TRANSIENT_STATUSES


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _reasons(error: ClientError) -> set[str]:
    if isinstance(error, VerboseClientError):
        reasons: list[CancellationReason | None] = list(error.cancellation_reasons)
        return {reason.code for reason in reasons if reason}
    answer: list[dict[str, str]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return {reason["Code"] for reason in answer if reason["Code"] != "None"}


def _status(error: ClientError) -> int | None:
    """The HTTP status. PynamoDB's copy of an error lacks it, the error it was made from has it."""
    source = error.__cause__ if isinstance(error, VerboseClientError) else error
    answer = source.response if isinstance(source, ClientError) else error.response
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
