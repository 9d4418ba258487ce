"""Structured logs that can not hold a card.

At DEBUG, pynamodb prints items and botocore prints KMS answers, plaintext data keys included
(I1): both are held at WARNING whatever the level of our own logger.
"""

import logging

from aws_lambda_powertools import Logger

_TALKATIVE = ("boto3", "botocore", "pynamodb", "urllib3", "requests", "s3transfer")

for _name in _TALKATIVE:
    logging.getLogger(_name).setLevel(logging.WARNING)

logger = Logger(utc=True)
