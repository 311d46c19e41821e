import { readFileSync } from "node:fs";
import { parse, type ScalarTag, type CollectionTag } from "yaml";

export interface Template {
  Resources: Record<string, { Type: string; [attribute: string]: unknown }>;
  [section: string]: unknown;
}

/** `!Sub x` and its like in their long form, `{"Fn::Sub": x}`. */
function long(name: string, value: unknown): object {
  if (name === "Ref" || name === "Condition") return { [name]: value };
  if (name !== "GetAtt") return { [`Fn::${name}`]: value };
  const [resource, ...attribute] = String(value).split(".");
  return { "Fn::GetAtt": [resource, attribute.join(".")] };
}

const tags = ["Condition", "Equals", "GetAtt", "If", "Join", "Not", "Ref", "Select", "Split", "Sub"].flatMap(
  (name): (ScalarTag | CollectionTag)[] => [
    { tag: `!${name}`, resolve: (value: string) => long(name, value) },
    { tag: `!${name}`, collection: "seq", resolve: (value) => long(name, (value as { toJSON(): unknown }).toJSON()) },
  ],
);

/** A template as CloudFormation reads it, without the short forms of YAML. */
export function read(file: string): Template {
  return parse(readFileSync(file, "utf8"), { customTags: tags });
}
