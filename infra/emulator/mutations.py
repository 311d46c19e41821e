"""Shows that the story fails when the template is wrong: breaks a copy of it in one place, plays the story, and
prints what was found. Another `--seed` picks other places."""

import argparse
import random
import subprocess
import sys

from guard import many
from story import TEMPLATE, play, read_template


def functions(template):
    return {name: resource["Properties"] for name, resource in template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"}


def statements(template):
    return [(name, statement) for name, function in functions(template).items()
            for policy in function.get("Policies", []) for statement in policy["Statement"]]


def a_route_is_missing(template, pick):
    paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    path, method = pick([(path, method) for path, operations in paths.items() for method in operations])
    del paths[path][method]
    return f"{method} {path}"


def a_permission_is_missing(template, pick):
    name, statement = pick(statements(template))
    action = pick(many(statement["Action"]))
    statement["Action"] = [one for one in many(statement["Action"]) if one != action] or ["sts:GetCallerIdentity"]
    return f"{action} of {name}"


def a_variable_is_missing(template, pick):
    name, variables = pick([(name, function["Environment"]["Variables"])
                            for name, function in functions(template).items() if "Environment" in function])
    variable = pick(list(variables))
    del variables[variable]
    return f"{variable} of {name}"


def a_permission_is_not_needed(template, pick):
    table = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Scan"]
    name, statement, action = pick([
        (name, statement, action) for name, statement in statements(template) for action in table
        if many(statement["Action"])[0].startswith("dynamodb:") and action not in many(statement["Action"])])
    statement["Action"] = [*many(statement["Action"]), action]
    return f"{action} for {name}"


def main():
    mutations = [a_route_is_missing, a_permission_is_missing, a_variable_is_missing, a_permission_is_not_needed]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default="0")
    parser.add_argument("only", nargs="*", choices=[[], *(mutation.__name__ for mutation in mutations)])
    arguments = parser.parse_args()
    survived = False
    for mutation in mutations:
        if arguments.only and mutation.__name__ not in arguments.only:
            continue
        template = read_template(TEMPLATE)
        what = mutation(template, random.Random(arguments.seed).choice)
        wrong = play(template, out=subprocess.DEVNULL)
        print(f"{mutation.__name__.replace('_', ' ')}: {what}")
        for line in wrong or ["NOTHING WAS FOUND"]:
            print(f"    {line}", flush=True)
        survived |= not wrong
    sys.exit(survived)


if __name__ == "__main__":
    main()
