"""That `sam build` builds for what `sam deploy` deploys. Each reads the template without what the other is told."""

import logging
import sys

from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.yamlhelper import yaml_parse

logging.disable(logging.WARNING)


def main(path):
    stacks, _ = SamLocalStackProvider.get_stacks(path)
    built = {function.architecture for function in SamFunctionProvider(stacks).get_all()}
    # CloudFormation puts whatever value it is told in the place of a reference.
    deployed = yaml_parse(open(path, encoding="utf-8").read())["Globals"]["Function"]["Architectures"]
    print(f"{path}: sam build makes {sorted(built)}, sam deploy sends {deployed}")
    return 0 if list(built) == deployed else 1


sys.exit(main(sys.argv[1]))
