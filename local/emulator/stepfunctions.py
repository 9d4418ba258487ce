"""Step Functions: starting, timing and retrying executions."""

import contextvars
import json
import random
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from local.emulator.provisioning import Properties, Response, after_provisioning, is_true

START_PAUSE_S = 0.15
"""How long the emulator sleeps before each execution, for no reason a client could notice."""
INPUT_MAX_BYTES = 262_144
NAME_MAX_CHARACTERS = 80
NOT_IN_A_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")

Document = dict[str, Any]


def fill_gaps() -> None:
    """Make executions start, end and retry as on AWS."""
    after_provisioning("AWS::StepFunctions::StateMachine", apply_logging)
    _validate_and_deduplicate_starts()
    _keep_the_first_outcome()
    _enforce_execution_timeouts()
    _cap_and_jitter_retries()
    _name_throttled_tasks()
    stepfunctions.time = _ImpatientTime()


def apply_logging(arn: str, properties: Properties, _before: Properties) -> None:
    """Fill a gap: LoggingConfiguration keeps CloudFormation's spelling, so no client reads it."""
    logging = properties.get("LoggingConfiguration")
    if not logging:
        return
    described = _camel_case(logging)
    described["includeExecutionData"] = is_true(logging.get("IncludeExecutionData"))
    stepfunctions._state_machines[arn]["loggingConfiguration"] = described


def _camel_case(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _camel_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel_case(item) for item in value]
    return value


def _validate_and_deduplicate_starts() -> None:
    """Fill a gap: names and input are not checked, and an equal second start is refused.

    AWS answers a second StartExecution with the running execution when name and input are equal.
    """
    start = stepfunctions._start_execution

    def start_once(request: Document) -> Response:
        refusal = _refusal(request)
        if refusal is not None:
            code, message = refusal
            refused: Response = stepfunctions.error_response_json(code, message, 400)
            return refused
        running = _equal_running_execution(request)
        if running is not None:
            answer = {key: running[key] for key in ("executionArn", "startDate")}
            same: Response = stepfunctions.json_response(answer)
            return same
        started: Response = start(request)
        return started

    stepfunctions._start_execution = start_once


def _refusal(request: Document) -> tuple[str, str] | None:
    name, text = request.get("name"), request.get("input", "{}")
    if name is not None and (
        not 1 <= len(name) <= NAME_MAX_CHARACTERS or NOT_IN_A_NAME.search(name)
    ):
        return "InvalidName", f"Invalid Name: '{name}'"
    if len(text.encode()) > INPUT_MAX_BYTES:
        return "InvalidExecutionInput", f"Input is longer than {INPUT_MAX_BYTES} bytes"
    try:
        json.loads(text)
    except ValueError:
        return "InvalidExecutionInput", "Invalid State Machine Execution Input"
    return None


def _equal_running_execution(request: Document) -> Document | None:
    machine = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    for execution in list(stepfunctions._executions.values()):
        if (
            execution["name"] == request.get("name")
            and execution["stateMachineArn"] == machine
            and execution["status"] == "RUNNING"
            and execution["input"] == request.get("input", "{}")
        ):
            return dict(execution)
    return None


def _keep_the_first_outcome() -> None:
    """Fill a gap: a task that fails after StopExecution turns ABORTED into FAILED."""
    fail = stepfunctions._fail_execution

    def fail_if_running(execution: Document, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._fail_execution = fail_if_running


def _enforce_execution_timeouts() -> None:
    """Fill a gap, in part: TimeoutSeconds of the whole machine is ignored."""
    run = stepfunctions._run_execution

    def run_with_timeout(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        if execution is None:
            return
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"], {})
        seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
        if seconds is None:
            run(arn)
            return
        context = contextvars.copy_context()
        timer = threading.Timer(seconds, context.run, (_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            run(arn)
        finally:
            timer.cancel()

    stepfunctions._run_execution = run_with_timeout


def _time_out(execution: Document) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["error"] = "States.Timeout"
    execution["stopDate"] = now_iso()
    stepfunctions._add_event(execution, "ExecutionTimedOut", {})
    stepfunctions._emit_execution_status_event(execution)


def _cap_and_jitter_retries() -> None:
    """Fill a gap: MaxDelaySeconds and JitterStrategy are ignored, and the backoff stops at 60 s.

    The emulator computes `IntervalSeconds * BackoffRate ** attempt`; handing it a retrier whose
    interval is already the right delay, and whose rate is 1, keeps its own loop.
    """
    find = stepfunctions._find_matching_retrier

    def find_with_delay(
        retriers: list[Document], error: str, counts: Mapping[int, int]
    ) -> tuple[Document | None, int]:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retry_delay_s(retrier, counts.get(index, 0))
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    stepfunctions._find_matching_retrier = find_with_delay


def _name_throttled_tasks() -> None:
    """Fill a gap: a task that Lambda throttles fails as `Lambda.Unknown`.

    On AWS it is `Lambda.TooManyRequestsException`, by which a state machine retries it.
    """
    call = stepfunctions._call_lambda

    def call_by_name(function: str, event: object) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            if "TooManyRequestsException" not in error.cause:
                raise
            name = "Lambda.TooManyRequestsException"
            raise stepfunctions._ExecutionError(name, error.cause) from None

    stepfunctions._call_lambda = call_by_name


def retry_delay_s(retrier: Mapping[str, Any], attempt: int) -> float:
    """Compute the delay before a retry as the Amazon States Language defines it."""
    interval, rate = retrier.get("IntervalSeconds", 1), retrier.get("BackoffRate", 2.0)
    delay = float(interval * rate**attempt)
    if "MaxDelaySeconds" in retrier:
        delay = min(delay, float(retrier["MaxDelaySeconds"]))
    if retrier.get("JitterStrategy") == "FULL":
        delay = random.uniform(0, delay)  # noqa: S311 - a delay, not a secret
    return delay


class _ImpatientTime:
    """Fill a gap: the `time` module without the pause at the start of every execution.

    The execution is stored before its thread starts, so nothing depends on the pause.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        if seconds != START_PAUSE_S:
            time.sleep(seconds)
