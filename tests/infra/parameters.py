"""Holds the template's parameters to what they must refuse: each by itself, and those that do not fit each other."""

import re
import sys

from template import Template

FINE = {"OperatorEmail": "me@example.com"}
ISSUER = {"TokenIssuer": "https://id.example.com/", "TokenKeysUrl": "https://id.example.com/jwks"}
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0"
SENDER = {"EmailSender": "draws@example.com"}

# What is given beside FINE, in which region, and the rule or the parameter that refuses it; None if it is taken.
CASES = [
    ({}, "eu-central-1", None),
    ({"OperatorEmail": "none"}, "eu-central-1", None),
    ({"OperatorEmail": ""}, "eu-central-1", "OperatorEmail"),
    ({"OperatorEmail": "somebody"}, "eu-central-1", "OperatorEmail"),
    ({"OperatorEmail": "none", "MonthlyBudgetUsd": "20"}, "eu-central-1", "ABudgetTellsSomebody"),
    ({"MonthlyBudgetUsd": "20"}, "eu-central-1", None),
    (ISSUER, "eu-central-1", None),
    ({"TokenIssuer": ISSUER["TokenIssuer"]}, "eu-central-1", "AnIssuerHasKeys"),
    ({"TokenKeysUrl": ISSUER["TokenKeysUrl"]}, "eu-central-1", "KeysHaveAnIssuer"),
    ({"TokenScopePrefix": "lottery/"}, "eu-central-1", "KeysHaveAnIssuer"),
    ({**ISSUER, "TokenAudience": ""}, "eu-central-1", "TokenAudience"),
    ({"TokenIssuer": "id.example.com"}, "eu-central-1", "TokenIssuer"),
    ({}, "cn-north-1", "ChinaBringsAnIssuer"),
    ({}, "cn-northwest-1", "ChinaBringsAnIssuer"),
    (ISSUER, "cn-north-1", None),
    ({**ISSUER, **SENDER}, "cn-north-1", "ChinaBringsAnIssuer"),
    (SENDER, "eu-central-1", None),
    ({"EmailSender": "Draws <draws@example.com>"}, "eu-central-1", "EmailSender"),
    ({"EmailSender": "example.com"}, "eu-central-1", "EmailSender"),
    ({"DomainName": "draws.example.com", "CertificateArn": CERTIFICATE, "HostedZoneId": "Z1"}, "eu-central-1", None),
    ({"DomainName": "draws.example.com"}, "eu-central-1", "ADomainHasACertificate"),
    ({"CertificateArn": CERTIFICATE}, "eu-central-1", "ACertificateHasADomain"),
    ({"HostedZoneId": "Z1"}, "eu-central-1", "ACertificateHasADomain"),
    ({"DomainName": "https://draws.example.com"}, "eu-central-1", "DomainName"),
    ({"PublicUrl": "https://draws.example.com"}, "eu-central-1", None),
    ({"PublicUrl": "https://draws.example.com/"}, "eu-central-1", "PublicUrl"),
    ({"PublicUrl": "http://draws.example.com"}, "eu-central-1", "PublicUrl"),
    ({"SmsMaxPrice": "1"}, "eu-central-1", "SmsMaxPrice"),
    ({"SmsPerSecond": "0"}, "eu-central-1", "SmsPerSecond"),
    ({"WatchRequestsPerSecond": "0"}, "eu-central-1", "WatchRequestsPerSecond"),
    ({"Protect": "yes"}, "eu-central-1", "Protect"),
    ({"ApiLogLevel": "DEBUG"}, "eu-central-1", "ApiLogLevel"),
]


def value_of(rule, parameters):
    """A function of a rule. Numbers are compared as texts, as CloudFormation does."""
    if not isinstance(rule, dict):
        return str(rule)
    ((function, argument),) = rule.items()
    if function == "Ref":
        return parameters[argument]
    values = [it if isinstance(it, list) else value_of(it, parameters) for it in argument]
    match function:
        case "Fn::Equals":
            return values[0] == values[1]
        case "Fn::Not":
            return not values[0]
        case "Fn::Or":
            return any(values)
        case "Fn::Contains":
            return values[1] in values[0]
    raise ValueError(f"rules have no {function} here")


def refusals(template, given, region):
    """The parameters that refuse what is given; only if there is none, the rules that do."""
    return list(refusing_parameters(template, given)) or list(refusing_rules(template, given, region))


def values_of(template, given):
    declared = template.body["Parameters"].items()
    return {name: str(given.get(name, it.get("Default", ""))) for name, it in declared}


def refusing_parameters(template, given):
    for name, value in values_of(template, given).items():
        it = template.body["Parameters"][name]
        allowed = [str(one) for one in it.get("AllowedValues", [value])]
        if value not in allowed or not re.search(it.get("AllowedPattern", ""), value):
            yield name
        elif it["Type"] == "Number" and not it.get("MinValue", 0) <= float(value) <= it.get("MaxValue", float("inf")):
            yield name
        elif it["Type"] == "String" and not it.get("MinLength", 0) <= len(value) <= it.get("MaxLength", 4096):
            yield name


def refusing_rules(template, given, region):
    parameters = {**values_of(template, given), "AWS::Region": region}
    for name, rule in template.body["Rules"].items():
        if value_of(rule["RuleCondition"], parameters):
            if not all(value_of(it["Assert"], parameters) for it in rule["Assertions"]):
                yield name


if __name__ == "__main__":
    template = Template(sys.argv[1])
    faults = [
        f"{given} in {region}: {found or 'nothing'} refuses it instead of {expected or 'nothing'}"
        for given, region, expected in CASES
        if (found := set(refusals(template, {**FINE, **given}, region))) != ({expected} - {None})
    ]
    untested = template.body["Rules"].keys() - {expected for _, _, expected in CASES}
    faults += [f"no case for the rule {rule}" for rule in sorted(untested)]
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(bool(faults))
