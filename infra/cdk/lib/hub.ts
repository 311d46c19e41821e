import { CfnResource, Stack, type StackProps } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import type { Construct } from "constructs";
import { read } from "./template.js";

/** The whole hub, as a template describes it. */
export class Hub extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { templateFile: string }) {
    super(scope, id, props);
    const { Resources } = read(props.templateFile);
    // The CDK knows SAM's types as they were years ago, so it passes them on as they are.
    const sam = Object.keys(Resources).filter((name) => Resources[name]?.Type.startsWith("AWS::Serverless::"));
    const template = new CfnInclude(this, "Template", {
      templateFile: props.templateFile,
      dehydratedResources: sam,
      // A function names the alarm that takes its new versions back, and the alarm names its function. SAM
      // takes the two apart.
      allowCyclicalReferences: true,
    });
    // What is passed on would get a new name.
    for (const name of sam) (template.node.findChild(name) as CfnResource).overrideLogicalId(name);
  }
}
