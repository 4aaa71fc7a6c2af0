import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, parseDocument, stringify } from "yaml";
import { parsePlainYaml } from "../../src/kubernetes/plain-yaml.ts";

const ofKubectl = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTi==
    server: https://10.0.0.1:6443
  name: arn:aws:eks:us-east-1:1234:cluster/models
contexts:
- context:
    cluster: arn:aws:eks:us-east-1:1234:cluster/models
    namespace: "models"
    user: admin
  name: models
current-context: models
kind: Config
preferences: {}
users:
- name: admin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - --region
      - us-east-1
      - eks
      - get-token
      command: aws
      env:
        - name: AWS_PROFILE
          value: 'dev'
      interactiveMode: IfAvailable
      provideClusterInfo: false
      installHint:
`;

/** @returns what the full parser makes of it; undefined when it finds something wrong */
function fully(text: string): { readonly value: unknown } | undefined {
  try {
    return parseDocument(text).errors.length > 0 ? undefined : { value: parse(text) as unknown };
  } catch {
    return undefined;
  }
}

describe("plain YAML", () => {
  test("is read as kubectl and its like write it", () => {
    expect(parsePlainYaml(ofKubectl)).toEqual({ value: parse(ofKubectl) });
    expect(parsePlainYaml(`---\n# a comment\n${ofKubectl.replaceAll("\n", "\r\n")}`)).toEqual({
      value: parse(ofKubectl),
    });
  });

  test("is never read otherwise than the full parser reads it, whatever stands there", () => {
    const texts = [
      "a",
      "a b",
      "1",
      "1.5",
      "0x1f",
      "yes",
      "true",
      "null",
      "~",
      "",
      "- a",
      "a: b",
      "a #b",
      "#a",
      "'a'",
      '"a\\n"',
      "{}",
      "[a]",
      "|",
      "&a b",
      "*a",
      "a:",
      "-",
      "--a",
      ".5",
      ".inf",
      "é",
      "2001-01-01",
      "0o7",
      "+1",
      "1_000",
      "a:b",
      "@a",
      "? a",
      "...",
    ];
    const scalar = fc.constantFrom(...texts);
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ depthSize: "small" }, scalar, tie("list"), tie("map")),
      list: fc.array(tie("any"), { maxLength: 3 }),
      map: fc.dictionary(fc.constantFrom("a", "b-c", "d.e", "1", "true"), tie("any"), { maxKeys: 3 }),
    })).any;
    const lines = fc.array(
      fc.tuple(fc.nat(6), fc.constantFrom("", "- ", "-", "a:", "b: ", "c: ", "- d: ", "- e:"), scalar),
      { maxLength: 8 },
    );
    const written = fc.oneof(
      value.map((one) => stringify(one, { lineWidth: 0 })),
      value.map((one) => stringify(one, { lineWidth: 0, indentSeq: false, defaultStringType: "QUOTE_SINGLE" })),
      lines.map((all) => all.map(([indent, head, tail]) => `${" ".repeat(indent)}${head}${tail}`).join("\n")),
    );
    fc.assert(
      fc.property(written, (text) => {
        const quick = parsePlainYaml(text);
        if (quick) expect(quick, JSON.stringify(text)).toEqual(fully(text));
      }),
      { numRuns: 5_000 },
    );
  });
});
