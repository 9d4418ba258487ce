"""What an alarm of template.yaml would say, by CloudWatch's own rules."""

import json
import operator
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.template import resources

COMPARED = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
}
EXTRA_PERIODS = 2
"""How much farther back than its periods an alarm looks for real data. CloudWatch does not say how
far that is; its examples look at five periods for an alarm of three."""


@dataclass(frozen=True)
class Datum:
    """One value of a metric, at so many seconds."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    value: float
    at_s: float = 0.0


@dataclass(frozen=True)
class Alarm:
    """An alarm as the template has it."""

    properties: dict[str, Any]

    @property
    def periods(self) -> int:
        return int(self.properties["EvaluationPeriods"])

    @property
    def needed(self) -> int:
        return int(self.properties.get("DatapointsToAlarm", self.periods))

    def dimensions(self) -> dict[str, Any]:
        return {each["Name"]: each["Value"] for each in self.properties["Dimensions"]}

    def rings(self, values: list[tuple[float, float]], now_s: float) -> bool:
        """Whether it is in ALARM at that moment, given (seconds, value) of its metric."""
        period, farthest = self.properties["Period"], self.periods + EXTRA_PERIODS
        by_age = defaultdict(list)
        for at_s, value in values:
            if at_s < now_s:
                by_age[int((now_s - at_s - 1e-9) // period)].append(value)
        statistic = STATISTICS[self.properties["Statistic"]]
        points = [statistic(by_age[age]) if age in by_age else None for age in range(farthest)]
        return self.state(points[::-1]) == "ALARM"

    def state(self, points: list[float | None]) -> str:
        """ALARM or OK for the latest points, None where one is missing.

        Real points come first, also those before the alarm's periods; what they leave open is
        filled as TreatMissingData says.
        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        """
        breaches = COMPARED[self.properties["ComparisonOperator"]]
        threshold, missing = self.properties["Threshold"], self.properties["TreatMissingData"]
        real = [breaches(point, threshold) for point in points if point is not None]
        filled = [{"breaching": True, "notBreaching": False}[missing]] * (self.periods - len(real))
        evaluated = [*filled, *real][-self.periods :]
        return "ALARM" if sum(evaluated) >= self.needed else "OK"


def alarms() -> dict[str, Alarm]:
    """The alarms of the template by their names: the logical id without `Alarm`."""
    found = resources("AWS::CloudWatch::Alarm").items()
    return {name.removesuffix("Alarm"): Alarm(alarm["Properties"]) for name, alarm in found}


def watching(metric: str, of: str) -> list[str]:
    """The names of the alarms on a metric of the resource with that logical id."""
    return [
        name
        for name, alarm in alarms().items()
        if alarm.properties["MetricName"] == metric and {"Ref": of} in alarm.dimensions().values()
    ]


def embedded_metrics(printed: str) -> list[Datum]:
    """Every metric that CloudWatch would read from these lines.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    found = []
    for line in printed.splitlines():
        if line.startswith("{") and "_aws" in (entry := json.loads(line)):
            found += list(_of(entry))
    return found


def _of(entry: dict[str, Any]) -> list[Datum]:
    at_s = entry["_aws"]["Timestamp"] / 1000
    data = []
    for directive in entry["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((name, entry[name]) for name in names))
            for metric in directive["Metrics"]:
                values = entry[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    named = (directive["Namespace"], metric["Name"], dimensions, unit)
                    data.append(Datum(*named, value, at_s))
    return data
