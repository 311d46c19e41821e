"""That a deployment publishes a new version of just those functions whose configuration it changes.

CloudFormation makes a version when its logical id or a property of it changes. SAM derives the id from what is written
in the template, not from the values of parameters; and Lambda refuses a version of a function that did not change. So
the template is transformed with another value of each parameter, and functions are compared with their versions.
"""

import copy
import json
import logging
import re
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

logging.getLogger("samtranslator").setLevel(logging.ERROR)
# What is a function's, but no version's: it goes into the logical id, and Lambda would refuse the version.
OF_NO_VERSION = {"CodeSigningConfigArn", "RecursiveLoop", "ReservedConcurrentExecutions", "Tags"}
SAM_TAG = [{"Key": "lambda:createdBy", "Value": "SAM"}]


class NoPolicies:
    def load(self):
        return {}


def other(parameter):
    """Another value than the default."""
    for value in parameter.get("AllowedValues", []):
        if value != parameter["Default"]:
            return value
    return "other"


def evaluated(node, values, conditions):
    """A part of a template with parameters, conditions and texts put in; what only a deployment knows stays."""

    def inner(one):
        return evaluated(one, values, conditions)

    if isinstance(node, list):
        return [inner(one) for one in node if one != {"Ref": "AWS::NoValue"}]
    if not isinstance(node, dict):
        return node
    match node:
        case {"Ref": str(name)}:
            return values.get(name, node)
        case {"Condition": str(name)}:
            return inner(conditions[name])
        case {"Fn::If": [name, yes, no]}:
            return inner(yes if inner(conditions[name]) else no)
        case {"Fn::Equals": [one, two]}:
            return inner(one) == inner(two)
        case {"Fn::Not": [one]}:
            return not inner(one)
        case {"Fn::And": every}:
            return all(inner(one) for one in every)
        case {"Fn::Or": some}:
            return any(inner(one) for one in some)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\}", lambda m: str(values.get(m[1], m[0])), text)
    return {key: inner(value) for key, value in node.items() if value != {"Ref": "AWS::NoValue"}}


def transformed(template, values):
    """What CloudFormation is given."""
    # The transform takes a template to pieces.
    return transform(copy.deepcopy(template), dict(values), NoPolicies())


def deployed(template, values):
    """Every function's configuration, and what its version is known by."""
    made = transformed(template, values)
    conditions, functions = made.get("Conditions", {}), {}
    resources = made["Resources"].items()
    for name, resource in resources:
        if resource["Type"] == "AWS::Lambda::Function":
            configuration = evaluated(resource["Properties"], values, conditions)
            versions = [
                (id_, evaluated(version["Properties"], values, conditions))
                for id_, version in resources
                if version["Type"] == "AWS::Lambda::Version"
                and version["Properties"]["FunctionName"] == {"Ref": name}
            ]
            assert len(versions) == 1, f"{name} has {len(versions)} versions"
            functions[name] = (configuration, versions[0])
    return functions


def main(path):
    template = yaml_parse(open(path, encoding="utf-8").read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    parameters = template["Parameters"]
    values = {name: str(parameter["Default"]) for name, parameter in parameters.items()}
    before, wrong, published = deployed(template, values), [], {}
    for name, parameter in parameters.items():
        after = deployed(template, values | {name: other(parameter)})
        changed = {function for function in before if after[function][0] != before[function][0]}
        published[name] = {function for function in before if after[function][1] != before[function][1]}
        wrong += [f"{function} changes with {name}, and no version is published" for function in changed - published[name]]
        wrong += [f"{function} does not change with {name}: Lambda refuses its version" for function in published[name] - changed]
    for function, (configuration, _) in before.items():
        for item in OF_NO_VERSION & configuration.keys():
            if (item, configuration[item]) != ("Tags", SAM_TAG):
                wrong.append(f"{function} has {item}, a change of which makes a version that Lambda refuses")
    longest = {name: "x" * parameter["MaxLength"] for name, parameter in parameters.items() if "MaxLength" in parameter}
    for function, (_, (_, version)) in deployed(template, values | longest).items():
        if len(version.get("Description", "")) > 256:
            wrong.append(f"{function} has a VersionDescription that may be longer than Lambda takes")
    print("\n".join(wrong) or json.dumps({name: len(functions) for name, functions in published.items()}))
    return 1 if wrong or not before else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
