#!/usr/bin/env python3
"""What the deployed template costs in a month in which nothing happens, from its resources, as a table of Markdown.

    tests/infra/idle.py PROJECT            fails if docs/deploy.md or README.md say something else
    UPDATE_DOCS=1 tests/infra/idle.py …    writes what they should say

US dollars in us-east-1, November 2026, without free tiers.
"""

import os
import re
import sys
from pathlib import Path

from template import PARAMETERS, Template

KEY, SECRET, ALARM_METRIC, CUSTOM_METRIC, APP_CLIENT = 1.00, 0.40, 0.10, 0.30, 6.00
ROUTE_METRICS = CUSTOM_METRIC * 5  # Count, 4xx, 5xx, Latency and IntegrationLatency of each route.
LAMBDA_REQUEST, LAMBDA_GB_SECOND, LOG_GB, READ_UNIT, KMS_REQUEST = 0.20 / 1e6, 0.0000133334, 0.50, 0.125 / 1e6, 0.03 / 1e4
TRACE, SQS_REQUEST = 5.00 / 1e6, 0.40 / 1e6
MINUTES = 365 * 24 * 60 / 12

# One run of the reconciler that finds nothing: rather more than is usual. Its data key is cached for five minutes.
SECONDS, LOG_BYTES, READ_UNITS, KMS_REQUESTS = 0.1, 2_000, 2, 2 / 5

# Metrics of the tasks that are reported each minute, and those that are reported only when a draw does something.
EACH_MINUTE = {"DrawsOutstanding", "DrawsResumed"}
NOW_AND_THEN = {"DrawsEnded", "NotificationsFailed", "NotificationsUnknown", "BrokenFunctions"}

BEGIN, END = "<!-- Computed by tests/infra/idle.py -->\n", "<!-- End of what is computed -->\n"
SENTENCE = r"(Idle it costs about \$)[\d.]+"


def made(template):
    """The resources that are made where no parameter but OperatorEmail is given: type, name and properties of each."""
    for name, resource in template.resources.items():
        if template.resolve({"Fn::If": [resource["Condition"], True, False]}) if "Condition" in resource else True:
            yield resource["Type"], name, resource.get("Properties", {})


def lines(template):
    """What costs something: what it is, how many there are, and dollars a month for all of them."""
    resources = list(made(template))
    of = lambda kind: [(name, properties) for type_name, name, properties in resources if type_name == kind]

    clients = [name for name, it in of("AWS::Cognito::UserPoolClient") if "client_credentials" in it["AllowedOAuthFlows"]]
    yield "Cognito app client for programs", len(clients), APP_CLIENT * len(clients)

    alarms = [it for _, it in of("AWS::CloudWatch::Alarm")]
    metrics = [one for alarm in alarms for one in alarm.get("Metrics", [alarm]) if "Expression" not in one]
    yield f"{len(alarms)} alarms: metrics that they look at", len(metrics), ALARM_METRIC * len(metrics)

    own = {
        it.get("MetricName")
        for it in (one.get("MetricStat", {}).get("Metric", one) for one in metrics)
        if it.get("Namespace") == {"Ref": "AWS::StackName"}
    }
    assert own <= EACH_MINUTE | NOW_AND_THEN, f"nobody knows how often these are reported: {own}"
    yield "metrics that are reported each minute", len(EACH_MINUTE), CUSTOM_METRIC * len(EACH_MINUTE)
    for _, stage in of("AWS::ApiGatewayV2::Stage"):
        if stage["DefaultRouteSettings"]["DetailedMetricsEnabled"]:
            routes = len(of("AWS::ApiGatewayV2::Route"))
            yield "metrics of routes", routes, ROUTE_METRICS * routes

    yield "keys of KMS", len(of("AWS::KMS::Key")), KEY * len(of("AWS::KMS::Key"))
    secrets = of("AWS::SecretsManager::Secret")
    yield "secrets", len(secrets), SECRET * len(secrets)

    yield "polls of the queue of the webhooks", polls(template), SQS_REQUEST * polls(template)

    functions = dict(template.functions())
    for _, rule in of("AWS::Events::Rule"):
        if rule.get("ScheduleExpression") != "rate(1 minute)":
            continue
        function = rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
        run = LAMBDA_REQUEST + LAMBDA_GB_SECOND * SECONDS * functions[function]["memory"] / 1024
        run += LOG_GB * LOG_BYTES / 1e9 + READ_UNIT * READ_UNITS + KMS_REQUEST * KMS_REQUESTS
        if template.resolve(template.resources[function]["Properties"].get("Tracing")) == "Active":
            run += TRACE
        yield "runs of the reconciler, with log, reads and decryption", round(MINUTES), run * MINUTES


def polls(template):
    """Lambda asks an empty queue with five requests at a time, each of which waits for 20 seconds."""
    queues = len(template.of_type("AWS::Lambda::EventSourceMapping"))
    return round(queues * 5 * 3 * MINUTES)


def table(costs):
    rows = "".join(f"| {what} | {count:,} | ${dollars:.2f} |\n" for what, count, dollars in costs)
    total = sum(dollars for _, _, dollars in costs)
    return f"\n| idle, a month | how many | |\n| --- | --: | --: |\n{rows}| **together** | | **${total:.2f}** |\n\n", total


def main():
    root = Path(sys.argv[1])
    PARAMETERS["EmailSender"] = ""
    text, total = table(list(lines(Template(root))))
    page = (root / "docs/deploy.md").read_text()
    before, rest = page.split(BEGIN)
    written, after = rest.split(END)
    stale = {}
    if written != text:
        stale["docs/deploy.md"] = f"{before}{BEGIN}{text}{END}{after}"
    page = (root / "README.md").read_text()
    changed, found = re.subn(SENTENCE, lambda it: f"{it[1]}{total:.2f}", page)
    assert found == 1, f"README.md does not say what it costs idle, as {SENTENCE}"
    if changed != page:
        stale["README.md"] = changed
    if os.environ.get("UPDATE_DOCS"):
        for name, page in stale.items():
            (root / name).write_text(page)
    elif stale:
        sys.exit(f"{', '.join(stale)}: stale; write it anew with UPDATE_DOCS=1:\n{text}")


if __name__ == "__main__":
    main()
