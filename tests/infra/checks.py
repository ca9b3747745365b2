"""What no public validator looks at: the rules that this template has given itself. Prints one line for each fault."""

import re
import sys

from template import Template


def placeholders(template):
    """The `${…}` of the state machine are the substitutions of the template, each filled by the function of its name."""
    for machine, properties in template.state_machines().items():
        used = set(re.findall(r"\$\{([^}]+)\}", template.definition_path(machine).read_text()))
        yield from substitutions(template, used, properties["DefinitionSubstitutions"])


def substitutions(template, used, given):
    for name in sorted(used - given.keys()):
        yield f"the state machine's ${{{name}}} has no substitution"
    for name in sorted(given.keys() - used):
        yield f"the substitution {name} is used nowhere in the state machine"
    for name, value in given.items():
        function, _, kind = value["Ref"].partition(".")
        if kind and function != name:
            yield f"the substitution {name} is another function, {function}"
        is_function = template.resources.get(function, {}).get("Type") == "AWS::Serverless::Function"
        if is_function and kind != "Version":
            yield f"the substitution {name} is no version: an execution would meet other code on its way"


def statements(value):
    """Every policy statement, wherever it stands."""
    if isinstance(value, dict):
        if "Effect" in value and ("Action" in value or "NotAction" in value):
            yield value
        for item in value.values():
            yield from statements(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)


def wildcards(template):
    """No wildcard action, but for the account's own administration of the key; a comment at every wildcard resource."""
    for name, resource in template.resources.items():
        for statement in statements(resource):
            actions = statement.get("Action", "*")
            for action in actions if isinstance(actions, list) else [actions]:
                administration = action == "kms:*" and statement.get("Sid") == "AdministeredByTheAccount"
                if "*" in action and not administration:
                    yield f"{name} allows {action}"
    lines = template.text.splitlines()
    for number, line in enumerate(lines):
        code = line.split(" #")[0]
        listed = bool(re.match(r"\s*- .*\*\"?$", code)) and heading(lines, number) == "Resource:"
        if (listed or re.search(r"(Resource|Action): .*\*\"?$", code)) and "#" not in line:
            # The comment stands before the statement, which is the nearest line that begins a list item above.
            start = next(n for n in range(number, -1, -1) if re.match(r"\s*- (Effect|Sid)", lines[n]) or "!If" in lines[n])
            if not any(lines[n].strip().startswith("#") for n in range(max(start - 3, 0), start)):
                yield f"line {number + 1}: a wildcard without a comment: {line.strip()}"


def heading(lines, number):
    """The line that the list begins below which this line is an item of."""
    indent = lambda line: len(line) - len(line.lstrip())
    above = (line for line in reversed(lines[:number]) if line.strip() and indent(line) < indent(lines[number]))
    return next(above).strip().split(" #")[0]


def partitions(template):
    """Nothing is written for one partition only: China has other ARNs and other hosts."""
    for number, line in enumerate(template.text.splitlines(), 1):
        code = line.split("#")[0]
        if "arn:aws:" in code or ("amazonaws.com" in code and "ServicePrincipals:" not in code):
            yield f"line {number}: holds in one partition only: {line.strip()}"


def roles(template):
    """One role for each function, used by nothing else."""
    users = {}
    for name, properties in template.of_type("AWS::Serverless::Function").items():
        users.setdefault(properties["Role"]["Fn::GetAtt"][0], []).append(name)
    for role, functions in users.items():
        if len(functions) > 1:
            yield f"{role} is the role of {', '.join(functions)}"
    machines = {it["Role"]["Fn::GetAtt"][0] for it in template.of_type("AWS::Serverless::StateMachine").values()}
    rules = {
        target["RoleArn"]["Fn::GetAtt"][0]
        for it in template.of_type("AWS::Events::Rule").values()
        for target in it["Targets"]
        if "RoleArn" in target
    }
    # Handed to a service by whoever has its ARN: the API does so with the schedules of repeating draws.
    passed = {
        statement["Resource"]["Fn::GetAtt"][0]
        for it in template.of_type("AWS::IAM::Role").values()
        for policy in it.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement.get("Action") == "iam:PassRole"
    }
    for role in template.of_type("AWS::IAM::Role").keys() - users.keys() - machines - rules - passed:
        yield f"{role} is nobody's role"


def logs(template):
    """A function may write the log that it is given. Lambda drops what it may not, without a word."""
    for name, function in template.functions():
        group = f"{function['log_group']}.Arn"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if not any(action in one["actions"] and group in one.get("resource", []) for one in function["statements"]):
                yield f"{name} has no {action} on its log group {function['log_group']}"


def versions(template):
    """A version is published for every parameter that a pinned function's variables depend on."""
    shared = template.body["Globals"]["Function"]["Environment"]["Variables"]
    parameters = template.body["Parameters"].keys()
    for name, properties in template.of_type("AWS::Serverless::Function").items():
        if "AutoPublishAlias" not in properties:
            continue
        variables = {**shared, **properties.get("Environment", {}).get("Variables", {})}
        described = references(properties.get("VersionDescription"))
        for missing in sorted(references(variables) & parameters - described):
            yield f"{name} publishes no version when {missing} changes: its VersionDescription does not hold it"
        if template.resources[name].get("UpdateReplacePolicy") != "Retain":
            yield f"{name} deletes the version that another replaces, which a draw may wait with"


def references(value):
    """The names that a value is made of."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return {value["Ref"]}
        if set(value) == {"Fn::Sub"}:
            text, own = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
            return set(re.findall(r"\$\{([\w:]+)\}", text)) - own.keys() | references(own)
        return set().union(*map(references, value.values()), set())
    if isinstance(value, list):
        return set().union(*map(references, value), set())
    return set()


def alarms(template):
    """An alarm says when it begins and when it is over."""
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        for moment in ("AlarmActions", "OKActions"):
            if alarm.get(moment) != [{"Ref": "OperatorTopic"}]:
                yield f"{name} has no {moment} that the operator is told of"


def routes(template):
    """Each route but the organiser's has a rate of its own, and exists before the stage that sets it."""
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    (name,) = [name for name, it in template.resources.items() if it["Type"] == "AWS::ApiGatewayV2::Stage"]
    for route, properties in template.of_type("AWS::ApiGatewayV2::Route").items():
        if properties["RouteKey"] == "$default":
            continue
        if "ThrottlingRateLimit" not in stage["RouteSettings"].get(properties["RouteKey"], {}):
            yield f"{route} has no rate of its own"
        if route not in template.resources[name]["DependsOn"]:
            yield f"{route} is not made before the stage that sets its rate"


def deliveries(template):
    """What a rule calls may be called by it, and where it leaves what it could not deliver takes that: nobody says otherwise."""
    permitted = [
        (it["FunctionName"]["Ref"], it["SourceArn"]) for it in template.of_type("AWS::Lambda::Permission").values()
    ]
    queues = [
        (queue["Ref"], source)
        for it in template.of_type("AWS::SQS::QueuePolicy").values()
        for queue in it["Queues"]
        for source in attributes(it["PolicyDocument"])
    ]
    for name, rule in template.of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            # What is started by a role of the rule's own is said by that role.
            function = target["Arn"].get("Fn::GetAtt", [None])[0]
            is_permitted = (function, {"Fn::GetAtt": [name, "Arn"]}) in permitted or (function, name) in queues
            if "RoleArn" not in target and not is_permitted:
                yield f"{name} may not call {function}"
            queue = target.get("DeadLetterConfig", {}).get("Arn", {}).get("Fn::GetAtt", [None])[0]
            if queue is None:
                yield f"{name} has no queue for what it cannot deliver to {function}"
            elif (queue, name) not in queues:
                yield f"{name} may not send to {queue}"
    for name, function in template.functions():
        invoke = template.resources[name]["Properties"].get("EventInvokeConfig", {})
        queue = invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", {}).get("Fn::GetAtt", [None])[0]
        target = f"{queue}.Arn"
        may = any("sqs:SendMessage" in one["actions"] and target in one.get("resource", []) for one in function["statements"])
        if queue and not may:
            yield f"{name} may not send what failed to {queue}"


def attributes(value):
    """The resources whose attributes a value is made of."""
    if isinstance(value, dict):
        if set(value) == {"Fn::GetAtt"}:
            return {value["Fn::GetAtt"][0]}
        return set().union(*map(attributes, value.values()), set())
    if isinstance(value, list):
        return set().union(*map(attributes, value), set())
    return set()


DRAWING = ("seal-entries", "stamp-commitment", "fetch-beacon", "draw-winners", "record-winners", "release-winners")


def secrecy(template):
    """The roles that draw have nothing to do with contact data."""
    for name, function in template.functions():
        if function["name"] not in DRAWING:
            continue
        for statement in function["statements"]:
            if all(action.startswith("xray:") for action in statement["actions"]):
                continue
            if any("Contacts" in resource or resource == "*" for resource in statement.get("resource", ["*"])):
                yield f"{name} can reach contact data"


if __name__ == "__main__":
    template = Template(*sys.argv[1:])
    of_any = (wildcards, partitions)
    of_the_lottery = (placeholders, roles, logs, versions, alarms, routes, deliveries, secrecy)
    # Of a second template, an example's, only what holds of any is asked.
    rules = of_any if len(sys.argv) > 2 else of_any + of_the_lottery
    faults = [fault for rule in rules for fault in rule(template)]
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(bool(faults))
