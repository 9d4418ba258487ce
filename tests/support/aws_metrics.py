"""Metrics that AWS services make by themselves, and what names the thing that each is of."""

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html"
API = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"
SQS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
    "sqs-available-cloudwatch-metrics.html"
)
# (namespace, name) -> the dimensions it is published under, and where AWS says so.
DOCUMENTED: dict[tuple[str, str], tuple[set[str], str]] = {
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, LAMBDA),
    ("AWS/Lambda", "Invocations"): ({"FunctionName"}, LAMBDA),
    ("AWS/Lambda", "Throttles"): ({"FunctionName"}, LAMBDA),
    ("AWS/Lambda", "AsyncEventsDropped"): ({"FunctionName"}, LAMBDA),
    ("AWS/Lambda", "DestinationDeliveryFailures"): ({"FunctionName"}, LAMBDA),
    ("AWS/Lambda", "IteratorAge"): ({"FunctionName"}, LAMBDA),
    ("AWS/States", "ExecutionsFailed"): ({"StateMachineArn"}, STATES),
    ("AWS/States", "ExecutionsTimedOut"): ({"StateMachineArn"}, STATES),
    ("AWS/States", "ExecutionsAborted"): ({"StateMachineArn"}, STATES),
    ("AWS/States", "ExecutionThrottled"): ({"StateMachineArn"}, STATES),
    ("AWS/ApiGateway", "4xx"): ({"ApiId"}, API),
    ("AWS/ApiGateway", "5xx"): ({"ApiId"}, API),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"}, SQS),
}
# What gives the value of a dimension: Ref or an attribute, of which types of resource.
# Source: the return values of each type in
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
VALUES: dict[str, tuple[str, set[str]]] = {
    "FunctionName": ("Ref", {"AWS::Serverless::Function"}),
    "StateMachineArn": ("Ref", {"AWS::Serverless::StateMachine"}),
    "ApiId": ("Ref", {"AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api"}),
    "QueueName": ("QueueName", {"AWS::SQS::Queue"}),
}
