import { mapOf } from "../shape/collections.ts";
import type { Shape } from "../shape/shape.ts";
import { anyText } from "../shape/values.ts";

/** AWS takes 50 of a resource. Ours, EKS's and those of Kubernetes are up to nine: an Auto Scaling group of Inferentia chips has most. */
const mostTags = 40;
const mostKeyCharacters = 128;
const mostValueCharacters = 256;
/** What every service takes. */
const allowed = /^[\p{L}\p{N}\p{Zs}_.:/=+@-]*$/u;
const allowedText = "letters, digits, spaces and _ . : / = + - @ are allowed";
const shorter = "choose a shorter name";

const value: Shape<string> = {
  ...anyText(),
  read(node, reading) {
    const text = anyText().read(node, reading);
    if (text === undefined) return undefined;
    if (text.length > mostValueCharacters) {
      const cause = `is ${text.length} characters long`;
      reading.report.problem(node, cause, `the value of a tag has at most ${mostValueCharacters}`);
    } else if (!allowed.test(text)) {
      reading.report.problem(node, "has characters that AWS does not take in a tag", allowedText);
    }
    return text;
  },
};

/** Tags of AWS, such as every service takes beside ours. */
export function awsTags(): Shape<Readonly<Record<string, string>>> {
  const tags = mapOf(value, { key: "name", checkKey });
  return {
    ...tags,
    read(node, reading) {
      if (node.kind === "map") {
        const seen = new Map<string, string>();
        for (const { key, ...place } of node.entries.values()) {
          const other = seen.get(key.toLowerCase());
          if (other !== undefined) {
            reading.report.problem(place, `IAM takes it for the same tag as ${other}`, "choose another name");
          }
          seen.set(key.toLowerCase(), key);
        }
        if (node.entries.size > mostTags) {
          const cause = `has ${node.entries.size} tags; with ours AWS takes ${mostTags}`;
          reading.report.problem({ ...node, offset: node.keyOffset ?? node.offset }, cause, "remove some");
        }
      }
      return tags.read(node, reading);
    },
  };
}

/** IAM takes names that differ in upper and lower case only for the same. */
function checkKey(key: string): readonly [cause: string, hint: string] | undefined {
  if (/^aws:/i.test(key)) return ["AWS keeps names that begin with aws: for itself", "choose another name"];
  if (/^(?:(?:cortex\.dev|kubernetes\.io|k8s\.io)\/|eks:)/i.test(key)) {
    return ["is a tag that what belongs to a cluster is found by", "choose another name"];
  }
  if (/^name$/i.test(key)) return ["is the tag that names each thing of a cluster", "choose another name"];
  if (key === "") return ["a tag needs a name", "choose one"];
  if (key.length > mostKeyCharacters) return [`the name of a tag has at most ${mostKeyCharacters} characters`, shorter];
  return allowed.test(key) ? undefined : ["has characters that AWS does not take in the name of a tag", allowedText];
}
