"""The embedded stack: the whole product on one machine, without Docker or an AWS account."""
