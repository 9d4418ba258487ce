"""Structured logs that cannot hold a card.

At DEBUG, pynamodb prints items and botocore prints KMS answers, plaintext data keys included
(I1). On Lambda the root logger has the level of the function, so it is held at WARNING here: no
library talks below that, and those known to are held whatever somebody sets the root to.

The level is Lambda's own setting (`LoggingConfig` in template.yaml, which Lambda hands over as
AWS_LAMBDA_LOG_LEVEL). It is never above INFO: Lambda takes a line without a level, as an embedded
metric is, for INFO and would drop it. It also takes a line whose time is not RFC 3339 for INFO.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

import logging

from aws_lambda_powertools import Logger

_TALKATIVE = ("boto3", "botocore", "pynamodb", "urllib3", "requests", "s3transfer")

for _name in (None, *_TALKATIVE):
    logging.getLogger(_name).setLevel(logging.WARNING)

logger = Logger(utc=True, use_rfc3339=True)
