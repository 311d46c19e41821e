"""What a function's policy allows and the template's Boundary does not is refused when it runs, and nowhere before.
This finds it before."""

import json
import sys
from fnmatch import fnmatchcase

from samcli.yamlhelper import yaml_parse


def listed(value):
    return value if isinstance(value, list) else [value]


def text(resource):
    """A resource as one text, whichever way it is written: `!GetAtt X.Arn` is `${X.Arn}`."""
    match resource:
        case {"Fn::GetAtt": path}:
            return "${%s}" % ".".join(listed(path))
        case {"Fn::Sub": str(pattern)}:
            return pattern
        case str():
            return resource
        case _:
            return json.dumps(resource)


def within(name, pattern):
    return name == pattern or fnmatchcase(name, pattern)


def allowed(statements):
    for statement in statements:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, text(resource)


def main(template):
    resources = yaml_parse(open(template, encoding="utf-8").read())["Resources"]
    boundary = list(allowed(resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]))
    beyond, checked = 0, 0
    for name, function in resources.items():
        if function["Type"] != "AWS::Serverless::Function":
            continue
        for policy in function["Properties"].get("Policies", []):
            for action, resource in allowed(policy["Statement"]):
                checked += 1
                if not any(within(action, a) and within(resource, r) for a, r in boundary):
                    print(f"{name}: {action} on {resource} is beyond the Boundary")
                    beyond += 1
    print(f"{template}: {checked} permissions, {beyond} beyond the Boundary")
    return 1 if beyond or not checked else 0


sys.exit(main(sys.argv[1]))
