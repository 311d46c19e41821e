import { App, LegacyStackSynthesizer } from "aws-cdk-lib";
import { Hub } from "./lib/hub.js";

const app = new App();
new Hub(app, "hokatsu", {
  templateFile: process.env["TEMPLATE"] ?? "../../template.yaml",
  // Adds nothing of its own, such as a check of the bootstrap version.
  synthesizer: new LegacyStackSynthesizer(),
});
