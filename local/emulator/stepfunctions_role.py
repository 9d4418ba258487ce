"""Step Functions, when IAM is enforced: a machine may invoke what its role may."""

from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.services import lambda_svc, stepfunctions

from local.emulator.iam import role_may

INVOKE = "lambda:InvokeFunction"

_role: ContextVar[str] = ContextVar("role of the running state machine", default="")


def fill_gaps() -> None:
    """Fill a gap, in part: no call of an execution is checked against the machine's role.

    Checked here: that it may invoke its functions. Calls that a state makes to other services
    directly stay unchecked.
    """
    if app.AUTH:
        _remember_the_role()
        _check_invocations()


def _remember_the_role() -> None:
    run = stepfunctions._run_execution

    def run_with_role(arn: str) -> None:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn"), {})
        _role.set(machine.get("roleArn", ""))  # for this thread, which is the execution's own
        run(arn)

    stepfunctions._run_execution = run_with_role


def _check_invocations() -> None:
    call = stepfunctions._call_lambda

    def call_if_allowed(reference: str, event: object) -> Any:
        role, function = _role.get(), _arn_of(reference)
        if not role_may(role, INVOKE, function):
            message = f"{role} is not authorized to perform: {INVOKE} on resource: {function}"
            raise stepfunctions._ExecutionError("Lambda.AccessDeniedException", message)
        return call(reference, event)

    stepfunctions._call_lambda = call_if_allowed


def _arn_of(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    _function, config, name = lambda_svc._get_func_record_for_ref(reference)
    return str((config or {}).get("FunctionArn", name))
