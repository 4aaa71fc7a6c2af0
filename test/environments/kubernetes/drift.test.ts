import { describe, expect, test } from "vitest";
import { driftOf } from "../../../src/environments/kubernetes/drift.ts";
import type { KubeObject } from "../../../src/kubernetes/objects.ts";

const wanted = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "iris", labels: { a: "1" } },
  spec: {
    template: {
      spec: {
        containers: [
          { name: "api", image: "good", env: [{ name: "KEY", value: "x" }], ports: [{ containerPort: 80 }] },
          { name: "other", image: "other" },
        ],
      },
    },
  },
} as KubeObject;

/** `wanted` as the server gives it back, defaults added, after `edit`. */
function live(edit: (object: typeof structured) => void = () => {}): KubeObject {
  const structured = structuredClone(wanted) as unknown as {
    metadata: { labels: Record<string, string>; managedFields?: unknown };
    spec: {
      replicas?: number;
      template: { spec: { containers: Record<string, unknown>[]; dnsPolicy?: string } };
    };
    status?: unknown;
  };
  structured.spec.template.spec.dnsPolicy = "ClusterFirst";
  structured.spec.replicas = 3;
  structured.status = { replicas: 3 };
  edit(structured);
  return structured as unknown as KubeObject;
}
declare const structured: {
  metadata: { labels: Record<string, string>; managedFields?: unknown };
  spec: { template: { spec: { containers: Record<string, unknown>[] } } };
};

describe("drift", () => {
  test("is not what the server or a controller fills in", () => {
    expect(driftOf(wanted, live())).toEqual([]);
  });

  test("is an object that is gone", () => {
    expect(driftOf(wanted, undefined)).toEqual([{ path: "Deployment iris", before: undefined, after: "as deployed" }]);
  });

  test("is a field that differs, by its place", () => {
    const edited = live(({ spec, metadata }) => {
      spec.template.spec.containers[0]!.image = "bad";
      metadata.labels.a = "2";
    });
    expect(driftOf(wanted, edited)).toEqual([
      { path: "Deployment iris: metadata.labels.a", before: "2", after: "1" },
      { path: "Deployment iris: spec.template.spec.containers[api].image", before: "bad", after: "good" },
    ]);
  });

  test("is an item that was added to or taken from a list; values of variables are hidden", () => {
    const edited = live(({ spec }) => {
      spec.template.spec.containers[0]!.env = [
        { name: "KEY", value: "y" },
        { name: "DEBUG", value: "1" },
      ];
      spec.template.spec.containers.pop();
    });
    expect(driftOf(wanted, edited)).toEqual([
      {
        path: "Deployment iris: spec.template.spec.containers[api].env[KEY].value",
        before: "(hidden)",
        after: "(hidden)",
      },
      { path: "Deployment iris: spec.template.spec.containers[api].env[DEBUG]", before: "(hidden)", after: undefined },
      {
        path: "Deployment iris: spec.template.spec.containers[other]",
        before: undefined,
        after: '{"name":"other","image":"other"}',
      },
    ]);
  });

  test("is a field that somebody else set in a specification, not what controllers set", () => {
    const fieldsV1 = {
      "f:spec": {
        "f:replicas": {},
        "f:template": { "f:spec": { "f:containers": { 'k:{"name":"api"}': { "f:tty": {} } } } },
      },
    };
    const by = (manager: string) =>
      live(({ metadata }) => {
        metadata.managedFields = [{ manager, operation: "Update", fieldsV1 }];
      });
    expect(driftOf(wanted, by("kubectl-edit"))).toEqual([
      {
        path: "Deployment iris: spec.template.spec.containers[api].tty",
        before: "set by kubectl-edit",
        after: undefined,
      },
    ]);
    expect(driftOf(wanted, by("kube-controller-manager"))).toEqual([]);
  });
});
