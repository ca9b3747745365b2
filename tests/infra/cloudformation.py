"""Runs cloudformation-validate; its findings for information (tags, replacement on update) are left out."""

import sys

from cloudformation_validate import RegoEngine, Severity

diagnostics = RegoEngine().validate_template(sys.argv[1]).diagnostics
faults = [one for one in diagnostics if one.severity != Severity.INFO]
for fault in faults:
    print(f"{fault.severity.name}: {fault.message}")
sys.exit(bool(faults))
