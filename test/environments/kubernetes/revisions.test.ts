import { expect, test } from "vitest";
import { keepRevision, readRevisions } from "../../../src/environments/kubernetes/revisions.ts";
import { record } from "./support/cluster-objects.ts";
import { memoryClient, refusal } from "./support/memory-client.ts";

const namespace = "models";
const { signal } = new AbortController();
const owner = (uid: string) => ({ apiVersion: "v1", kind: "ConfigMap", name: "iris", uid });

test("a revision of an API that was deleted a moment ago does not stand in for one of its successor", async () => {
  const client = memoryClient();
  await keepRevision(client, namespace, record(1, { createdBy: "bob@desk" }), owner("old"), signal);
  await keepRevision(client, namespace, record(1), owner("new"), signal);
  expect(client.objects.get("ControllerRevision/iris-1")?.metadata.ownerReferences).toEqual([owner("new")]);
  expect(await readRevisions(client, namespace, "iris", signal)).toEqual([record(1)]);
});

test("a revision that is kept already stays as it is", async () => {
  const client = memoryClient();
  await keepRevision(client, namespace, record(1, { createdBy: "bob@desk" }), owner("one"), signal);
  await keepRevision(client, namespace, record(1), owner("one"), signal);
  expect(await readRevisions(client, namespace, "iris", signal)).toMatchObject([{ createdBy: "bob@desk" }]);
});

test("what somebody else calls as a revision is to be called is never touched, and said", async () => {
  const client = memoryClient();
  client.refuse = (write) => {
    if (write.startsWith("create")) throw refusal(409, "AlreadyExists");
  };
  await expect(keepRevision(client, namespace, record(1), owner("one"), signal)).rejects.toThrow("AlreadyExists");
  expect(client.writes).toEqual([]);
});
