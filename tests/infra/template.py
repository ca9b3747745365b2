"""The deployment's template as data, with its intrinsic functions filled as for one deployment.

As a program it prints JSON: `summary` for the tests in Rust; `definition` the state machine with its placeholders
filled; `inlined` a plain CloudFormation state machine with that definition inside, which validators read.
"""

import json
import re
import sys
from pathlib import Path

import yaml

# The local stack is what CloudFormation would make of a stack called `local`, but for these names, and without versions:
# a version of a function is the function there, and the alias of the state machine is the state machine.
REGION, ACCOUNT, STACK, STATE_MACHINE = "us-east-1", "123456789012", "local", "lottery"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/00000000-0000-0000-0000-000000000000",
    "AWS::URLSuffix": "amazonaws.com",
}
TABLES = {"LotteryTable": "Lottery", "ContactsTable": "Contacts"}
PARAMETERS = {"OperatorEmail": "none", "EmailSender": "lottery@localhost", "TokenIssuer": ""}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, read into the long ones."""


def _long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def machine_name(properties):
    """A state machine is named after the file of its definition."""
    return properties["DefinitionUri"].rsplit("/", 1)[-1].split(".")[0]


class Template:
    """The template of the project whose folder is `root`, or another one in it."""

    def __init__(self, root, path=None):
        self.path = Path(path or Path(root) / "infra/template.yaml")
        self.text = self.path.read_text()
        self.body = yaml.load(self.text, Loader=_Loader)
        self.resources = self.body["Resources"]

    def of_type(self, type_name):
        return {name: it["Properties"] for name, it in self.resources.items() if it["Type"] == type_name}

    # What intrinsic functions give.

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.body["Parameters"]:
            return PARAMETERS.get(name, self.body["Parameters"][name].get("Default", ""))
        generated = re.fullmatch(r"(\w+)(\.Version|\.Alias|Aliaslive)", name)
        if name not in self.resources and generated:
            owner = generated.group(1)
            is_machine = self.resources[owner]["Type"] == "AWS::Serverless::StateMachine"
            return self.ref(owner) if is_machine else self.attribute(owner, "Arn")
        kind = self.resources[name]["Type"]
        properties = self.resources[name].get("Properties", {})
        if kind == "AWS::DynamoDB::Table":
            return TABLES[name]
        if kind in ("AWS::SES::ConfigurationSet", "AWS::Events::EventBus"):
            return self.resolve(properties["Name"])
        if kind == "AWS::Serverless::Function":
            return self.binary(name)
        if kind == "AWS::Serverless::StateMachine":
            return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine_name(properties)}"
        if kind == "AWS::S3::Bucket":
            return name.removesuffix("Bucket").lower()
        if kind == "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{self.resolve(properties['TopicName'])}"
        return name

    def attribute(self, name, attribute):
        kind = self.resources[name]["Type"]
        if attribute == "Arn" and kind == "AWS::DynamoDB::Table":
            return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLES[name]}"
        if attribute == "Arn" and kind == "AWS::Serverless::Function":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.ref(name)}"
        if attribute == "Arn" and kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self.ref(name)}"
        if attribute == "Name" and kind == "AWS::Serverless::StateMachine":
            return machine_name(self.resources[name]["Properties"])
        return f"{name}.{attribute}"

    def condition(self, name):
        return self.resolve(self.body["Conditions"][name])

    def resolve(self, value):
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item != "AWS::NoValue"]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            if function == "Ref":
                return argument if argument == "AWS::NoValue" else self.ref(argument)
            if function == "Fn::GetAtt":
                return self.attribute(*argument)
            if function == "Fn::Sub":
                return self.substitute(argument)
            if function == "Fn::If":
                return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])
            if function == "Fn::Equals":
                return self.resolve(argument[0]) == self.resolve(argument[1])
            if function == "Fn::Not":
                return not self.resolve(argument[0])
            if function == "Fn::Or":
                return any(self.resolve(item) for item in argument)
            if function == "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
            if function == "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            if function == "Fn::FindInMap":
                table, first, second = (self.resolve(part) for part in argument)
                return self.body["Mappings"][table][first][second]
        return {key: self.resolve(item) for key, item in value.items()}

    def substitute(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})

        def fill(match):
            name = match.group(1)
            if name in own:
                return str(self.resolve(own[name]))
            head, _, attribute = name.partition(".")
            return str(self.attribute(head, attribute) if attribute else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", fill, text)

    # What the tests ask for.

    def functions(self):
        shared = self.body["Globals"]["Function"]
        for logical_name, properties in self.of_type("AWS::Serverless::Function").items():
            variables = {**shared["Environment"]["Variables"], **properties.get("Environment", {}).get("Variables", {})}
            yield logical_name, {
                "name": self.binary(logical_name),
                "memory": properties.get("MemorySize", shared["MemorySize"]),
                "timeout": properties["Timeout"],
                "environment": {name: str(self.resolve(value)) for name, value in variables.items()},
                "log_group": properties.get("LoggingConfig", shared["LoggingConfig"])["LogGroup"]["Ref"],
                "statements": self.statements(properties["Role"]),
            }

    def binary(self, function):
        """A function is named after its binary."""
        return self.resources[function]["Metadata"]["BuildProperties"]["Binary"]

    def state_machines(self):
        """By the names of their definitions' files."""
        return {machine_name(properties): properties for properties in self.of_type("AWS::Serverless::StateMachine").values()}

    def state_machine(self):
        """That of a draw."""
        return self.state_machines()[STATE_MACHINE]

    def definition_path(self, name=STATE_MACHINE):
        return (self.path.parent / self.state_machines()[name]["DefinitionUri"]).resolve()

    def substitutions(self):
        return {name: self.resolve(value) for name, value in self.state_machine()["DefinitionSubstitutions"].items()}

    def definition(self):
        """The state machine with its placeholders filled. One without a substitution stays, and no validator takes it."""
        text = self.definition_path().read_text()
        for name, value in self.substitutions().items():
            text = text.replace("${" + name + "}", value)
        return text

    def statements(self, role):
        """Every statement that a role has, from its own policies and from managed policies of the template."""
        role = self.resources[role["Fn::GetAtt"][0]]["Properties"]
        documents = [policy["PolicyDocument"] for policy in role["Policies"]]
        for managed in role.get("ManagedPolicyArns", []):
            documents.append(self.resources[managed["Ref"]]["Properties"]["PolicyDocument"])
        listed = lambda value: value if isinstance(value, list) else [value]
        # Whose versions a role may call, it may call here.
        unversioned = lambda arn: arn.removesuffix(":*") if ":function:" in arn else arn
        found = []
        for statement in (one for document in documents for one in self.resolve(document["Statement"])):
            by = "resource" if "Resource" in statement else "not_resource"
            resources = [unversioned(one) for one in listed(statement.get("Resource", statement.get("NotResource")))]
            one = {"effect": statement["Effect"], "actions": listed(statement["Action"]), by: resources}
            found.append(one | ({"condition": statement["Condition"]} if "Condition" in statement else {}))
        return found

    def tables(self):
        for name, properties in self.of_type("AWS::DynamoDB::Table").items():
            types = {it["AttributeName"]: it["AttributeType"] for it in properties["AttributeDefinitions"]}
            keys = {it["KeyType"]: it["AttributeName"] for it in properties["KeySchema"]}
            yield {
                "name": TABLES[name],
                "partition_key": keys["HASH"],
                "sort_key": keys["RANGE"],
                "key_types": [types[keys["HASH"]], types[keys["RANGE"]]],
                "time_to_live": properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
                "billing": properties["BillingMode"],
            }

    def own_metrics(self):
        """Metrics of the stack itself that alarms look at, but for those that a filter makes of a log."""
        filters = self.of_type("AWS::Logs::MetricFilter").values()
        filtered = {one["MetricName"] for it in filters for one in it["MetricTransformations"]}
        for alarm in self.of_type("AWS::CloudWatch::Alarm").values():
            for one in alarm.get("Metrics", [alarm]):
                metric = one.get("MetricStat", {}).get("Metric", one)
                if metric.get("Namespace") == {"Ref": "AWS::StackName"} and metric["MetricName"] not in filtered:
                    dimensions = {it["Name"]: it["Value"] for it in metric.get("Dimensions", [])}
                    yield {"name": metric["MetricName"], "dimensions": dimensions}

    def summary(self):
        return {
            "functions": dict(self.functions()),
            "state_machine": {
                "substitutions": self.substitutions(),
                "statements": self.statements(self.state_machine()["Role"]),
            },
            "tables": list(self.tables()),
            "own_metrics": list(self.own_metrics()),
            "routes": [it["RouteKey"] for it in self.of_type("AWS::ApiGatewayV2::Route").values()],
        }

    def inlined(self):
        return {
            "Resources": {
                "StateMachine": {
                    "Type": "AWS::StepFunctions::StateMachine",
                    "Properties": {
                        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/lottery",
                        "StateMachineType": self.state_machine()["Type"],
                        "Definition": json.loads(self.definition()),
                    },
                }
            }
        }


if __name__ == "__main__":
    wanted, root = sys.argv[1:]
    answer = getattr(Template(root), wanted)()
    print(answer if isinstance(answer, str) else json.dumps(answer, indent=1))
