import assert from "node:assert/strict";
import { test } from "node:test";
import { App, LegacyStackSynthesizer } from "aws-cdk-lib";
import { Hub } from "../lib/hub.js";
import { read } from "../lib/template.js";

const templateFile = "../../template.yaml";

/** The CDK keeps `!GetAtt Table.Arn` as it is written; a template may also say `["Table", "Arn"]`. */
function sameGetAtt(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("Fn::GetAtt" in value)) return value;
  const path = value["Fn::GetAtt"];
  return { "Fn::GetAtt": Array.isArray(path) ? path.join(".") : path };
}

const plain = (template: unknown) => JSON.parse(JSON.stringify(template, sameGetAtt));

test("the app deploys the template, the whole template, and nothing else", () => {
  const app = new App();
  new Hub(app, "hokatsu", { templateFile, synthesizer: new LegacyStackSynthesizer() });
  const synthesized = plain(app.synth().getStackByName("hokatsu").template);
  const written = plain(read(templateFile));

  assert.deepEqual(Object.keys(synthesized.Resources).sort(), Object.keys(written.Resources).sort());
  for (const name of Object.keys(written.Resources)) {
    assert.deepEqual(synthesized.Resources[name], written.Resources[name], name);
  }
  assert.deepEqual(synthesized, written);
});
