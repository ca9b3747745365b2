"""Runs cloudformation-validate on a template, or on what SAM makes of it; findings for information are left out.

Those are about tags and about what an update replaces.
"""

import json
import sys
import tempfile
from pathlib import Path

from cloudformation_validate import RegoEngine, Severity
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

# What it says and is not so here.
EXPLAINED = (
    # SAM gives the versions of functions the policy that they lack here.
    "Both 'UpdateReplacePolicy' and 'DeletionPolicy' are needed",
    # The default is not used: it means that there is no canary, and then there is no interval.
    "{'Ref': 'CanaryMinutes'} default '0' is below minimum 1",
)


class NoManagedPolicies:
    """The template names no managed policy of AWS, so none is looked up."""

    def load(self):
        return {}


def plain(path):
    """The template without SAM's types. Where the code lies is of no matter here, but SAM wants an address."""
    template = yaml_parse(path.read_text())
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        for address in ("CodeUri", "DefinitionUri"):
            if address in resource["Properties"]:
                resource["Properties"][address] = "s3://bucket/key"
    return transform(template, {}, NoManagedPolicies())


with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(plain(Path(sys.argv[1])), file)
    file.flush()
    diagnostics = RegoEngine().validate_template(file.name).diagnostics
faults = [one for one in diagnostics if one.severity != Severity.INFO and not one.message.startswith(EXPLAINED)]
for fault in faults:
    print(f"{fault.severity.name}: {fault.message[:400]}")
sys.exit(bool(faults))
