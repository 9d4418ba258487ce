"""Counts for the alarms, as CloudWatch embedded metric lines."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from cardvault.aws.settings import Settings

NAMESPACE = "Cardvault"

_settings = Settings()


def count(name: str) -> None:
    """Add one to a metric of this stack. The line has no level, so no log level drops it."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="service", value=_settings.service_name)
