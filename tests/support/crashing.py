"""A stage on which each call also dies, once at each of its boundaries, and the platform goes on.

A call is played to its end first: its answer, and what it left, are how each play must end in
which it dies and is repeated. Boundaries are heard from the recorder, so a new call of AWS or of
the supplier is covered as soon as a scenario comes by it.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ReadTimeoutError

from cardvault import errors
from cardvault.fulfilment.place import LONGEST_ACCEPTANCE
from tests.support import world
from tests.support.interrupt import Crash
from tests.support.stage import Moving, Stage

MOST_REPEATS = 5
PAUSE_S = 31.0  # longer than two mails, or two codes, must lie apart
DAY_S = 86_400.0
READS = ("Get", "Query", "Scan", "TransactGet", "List", "Decrypt", "check_order", "list_orders")
# A customer who gets no mail asks for a link again, since the answer tells nothing.
RENEWS = "renew_claim"
# How often something was tried or written: more after a repeat, and no harm.
COUNTED = {"version", "auditSeq", "attempt", "storingAttempt", "mails", "sent", "codesSent"}
COUNTED |= {"files", "tries", "shown", "entrySeq", "formerCodes"}
CHANCE = {"lastFourDigits"}
# A rate limit has a record for each minute in which it counted: how many depends on the pace.
A_MINUTE = re.compile(r"CALLER#\*#[0-9]+")
PLACEMENT, MAIL = "a placement", "a mail"
ORDER = "GET /api/orders/{orderId}"
RESEND = "POST /api/orders/{orderId}/emails"


Path = tuple[str, ...]  # the function, the boundaries that it came by, how it died at the last


def killed() -> None:
    """The process ends: nothing of it runs any more."""
    raise Crash


def unanswered() -> None:
    """The call's answer is lost, or the call never arrived; the process goes on with that."""
    raise ReadTimeoutError(endpoint_url="https://nobody.invalid")


@dataclass(frozen=True)
class End:
    """An answer, and what is left behind it, without what is of chance or of the moment."""

    items: Counter[str]
    events: Counter[str]
    outside: Counter[str]

    @classmethod
    def of(cls, stage: Stage, answer: Any) -> "End":
        items, events = Counter[str](), Counter[str]()
        for table, item in world.items():
            if table == "AuditTrailTable" and "event" in item:
                events[item["event"]] += 1
            else:
                told = {name: item[name] for name in sorted(item) if name not in COUNTED | CHANCE}
                text, minutes = A_MINUTE.subn("CALLER#*#*", f"{table} {world.told(told)}")
                items[text] = 1 if minutes else items[text] + 1
        calls = {"bought": len(stage.supplier.placed), "mailed": len(stage.recorder.mails)}
        outside = Counter(calls) + world.files() + world.executions()
        return cls(items, events, outside + Counter({f"answered {_status(answer)}": 1}))

    def differences(self, clean: "End") -> Iterator[str]:
        """What is missing, and what is too much, beside the clean one."""
        for mine, its in zip(vars(self).values(), vars(clean).values(), strict=True):
            yield from (f"missing: {what}" for what in its - mine)
            yield from (f"too much: {what}" for what in mine - its)


@dataclass(frozen=True)
class Moment:
    """All that a call can change, to be put back."""

    saved: world.Saved
    ahead: Any
    lists: tuple[list[Any], ...]
    orders: dict[str, Any]

    @classmethod
    def of(cls, stage: Stage) -> "Moment":
        lists = tuple(map(list, _lists(stage)))
        return cls(world.Saved.now(), Moving.ahead, lists, dict(stage.supplier.orders))

    def put_back(self, stage: Stage) -> None:
        self.saved.put_back()
        Moving.ahead = self.ahead
        for mine, its in zip(_lists(stage), self.lists, strict=True):
            mine[:] = its
        stage.supplier.orders = dict(self.orders)


@dataclass(frozen=True)
class Finding:
    """A `difference` after dying at the end of the path; what a person `settled`, if one did."""

    path: Path
    settled: str | None
    difference: str


@dataclass
class CrashingStage(Stage):
    """`points` counts the boundaries that were come by, `findings` has what was otherwise."""

    points: int = 0
    played: set[Path] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    plays_all: bool = False
    _settled: str | None = None
    _path: Path = ()
    _dies: Callable[[], None] | None = None
    _dies_at: int = 0
    _busy: bool = False

    def call(self, folder: str, event: Mapping[str, Any]) -> Any:
        """What the function answers when nothing happens to it."""
        if self._busy or self._is_scripted():
            return super().call(folder, event)
        before, is_cold, self._busy = Moment.of(self), folder not in self._apps, True
        try:
            self.recorder.passes = self._pass
            self._begin(folder)
            answer = super().call(folder, event)
            if _status(answer) >= 400:
                return answer  # sent again, it is another attempt and counted as one
            path, clean, after = self._path, End.of(self, answer), Moment.of(self)
            if not any(writes(came_by.partition(" ")[2]) for came_by in path[1:]):
                return answer
            for number in range(1, len(path)):
                self.points += 1
                for dies in _ways_to_die(path[number]):
                    if self._is_new((*path[: number + 1], dies.__name__)):
                        before.put_back(self)
                        self._play(folder, event, clean, (dies, number), is_cold=is_cold)
            after.put_back(self)
            return answer
        finally:
            self._busy = False

    @cached_property
    def _comes_again(self) -> set[str]:
        """What runs on a schedule; and a customer who gets no mail asks for a link again."""
        resources = self.account.document["Resources"].values()
        schedules = [one for one in resources if "ScheduleExpression" in one.get("Properties", {})]
        text = json.dumps(schedules)
        scheduled = {folder for folder, name in self.account.functions.items() if name in text}
        return scheduled | {RENEWS}

    def _is_scripted(self) -> bool:
        """Whether something else is to happen in the next call: a repeat would not meet it."""
        failing = [one for one in self.supplier.placing if isinstance(one, Exception)]
        return bool(self.recorder.before or self.refusals or failing)

    def _is_new(self, path: Path) -> bool:
        """A call that went the same way before died there already."""
        is_new = self.plays_all or path not in self.played
        self.played.add(path)
        return is_new

    def _play(self, folder: str, event: Any, clean: End, point: Any, *, is_cold: bool) -> None:
        if is_cold:
            self._apps.pop(folder, None)
        bought, self._settled = len(self.supplier.placed), None
        dies, at = point
        self._begin(folder, dies, at)
        try:
            answer = super().call(folder, event)
        except (Crash, Exception):  # noqa: BLE001 - whatever it is, it is asked again
            answer = {"statusCode": 500}
        path = (*self._path[: at + 1], dies.__name__)
        has_died, self._dies = self._dies is None, None
        if not has_died:
            self.findings.append(Finding(path, None, "was not come by again"))
            return
        if _is_unfinished(answer) or folder in self._comes_again:
            answer = self._go_on(folder, event, len(self.supplier.placed) > bought)
        for difference in End.of(self, answer).differences(clean):
            self.findings.append(Finding(path, self._settled, difference))

    def _begin(self, folder: str, dies: Callable[[], None] | None = None, at: int = 0) -> None:
        self._path, self._dies, self._dies_at = (folder,), dies, at

    def _pass(self, boundary: str) -> None:
        self._path += (boundary,)
        if self._dies and len(self._path) == self._dies_at + 1:
            dies, self._dies = self._dies, None
            dies()

    def _go_on(self, folder: str, event: Mapping[str, Any], has_bought: bool) -> Any:
        """Ask again in a new process, as the platform, the workflow or the client does."""
        self._apps.pop(folder, None)
        died_at = self.now()
        first_s = {RENEWS: PAUSE_S, "apply_retention": DAY_S}.get(folder, 1.0)
        for pause_s in (first_s, *[PAUSE_S] * MOST_REPEATS):
            self.wait(seconds=pause_s)
            try:
                answer = super().call(folder, event)
            except errors.PlacementUnknown:
                if has_bought:
                    order = f"S-{event['orderId']}"
                    self.supplier.has(order, "HANDLING", cards=(), created_at=died_at)
                return self._settle_placement(event["orderId"], has_bought)
            except errors.MailOutcomeUnknown:
                return self._settle_mail(event["orderId"])
            except Exception as error:  # noqa: BLE001 - a finding, whatever it is
                return {"statusCode": 500, "body": repr(error)}
            if not _is_unfinished(answer):
                break
        return answer

    def _settle_placement(self, order_id: str, has_bought: bool) -> Any:
        """What the state machine does then, and the person whom it calls."""
        self._settled = PLACEMENT
        if has_bought:
            return super().call("reconcile_order", {"orderId": order_id})
        self.task("reconcile_order", errors.PlacementNotFound, orderId=order_id)
        self.task("record_outcome", error="PlacementNotFound", orderId=order_id)
        self.wait(seconds=LONGEST_ACCEPTANCE.total_seconds() + 1)
        shown = self.http("get_order", ORDER, 200, path={"orderId": order_id})
        confirmed = {"orderId": order_id, "confirmedNotPlaced": shown["placingAt"]}
        return super().call("place_order", {"input": confirmed, "orderId": order_id})

    def _settle_mail(self, order_id: str) -> Any:
        """The state machine calls a person, who has it sent again."""
        self._settled = MAIL
        self.task("record_outcome", orderId=order_id, error="MailOutcomeUnknown")
        self.wait(seconds=PAUSE_S)
        self.http("resend_email", RESEND, 202, path={"orderId": order_id}, body={})


def _ways_to_die(boundary: str) -> tuple[Callable[[], None], ...]:
    """A reading that gets no answer is the same wherever the answer was lost."""
    side, _, operation = boundary.partition(" ")
    return (killed,) if side == "after" and not writes(operation) else (killed, unanswered)


def writes(operation: str) -> bool:
    """Whether a call of AWS or of the supplier changes anything, as far as its name tells."""
    return not operation.startswith(READS)


def _lists(stage: Stage) -> tuple[list[Any], ...]:
    return stage.recorder.mails, stage.supplier.placing, stage.supplier.placed


def _status(answer: Any) -> int:
    return int(answer.get("statusCode", 200)) if isinstance(answer, Mapping) else 200


def _is_unfinished(answer: Any) -> bool:
    """Whether it failed, or says that it comes later, or leaves records to the stream."""
    left = isinstance(answer, Mapping) and answer.get("batchItemFailures")
    return bool(left or _status(answer) in {409, 429} or _status(answer) >= 500)
