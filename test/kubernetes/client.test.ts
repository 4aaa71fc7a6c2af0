import { describe, expect, test } from "vitest";
import { type KubeObject, resource } from "../../src/kubernetes/objects.ts";
import { clusterTest, scratchNamespace } from "../support/cluster.ts";

const { signal } = new AbortController();

clusterTest("the client against a cluster", () => {
  test("creates, reads, applies, replaces, patches and removes an object", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one", namespace }, data: { a: "1" } };
    const { data: _, ...bare } = await client.create(object, signal);
    await expect(client.create(object, signal)).rejects.toMatchObject({ status: 409, reason: "AlreadyExists" });
    expect(await client.get(resource.configMap, namespace, "one", signal)).toMatchObject({ data: { a: "1" } });

    const applied = await client.apply({ ...object, data: { a: "2" } }, { force: true }, signal);
    expect(applied).toMatchObject({ data: { a: "2" } });
    expect(await client.apply({ ...object, data: { a: "3" } }, { force: true, dryRun: true }, signal)).toMatchObject({
      data: { a: "3" },
    });
    expect(await client.get(resource.configMap, namespace, "one", signal)).toMatchObject({ data: { a: "2" } });

    await expect(client.replace(bare, signal)).rejects.toMatchObject({ code: "CONFLICT", status: 409 });
    expect(await client.patch(resource.configMap, namespace, "one", { data: { b: "x" } }, signal)).toMatchObject({
      data: { a: "2", b: "x" },
    });
    expect(await client.patch(resource.configMap, namespace, "none", { data: {} }, signal)).toBeUndefined();

    await expect(client.remove(resource.configMap, namespace, "one", { uid: "another" }, signal)).rejects.toMatchObject(
      { code: "CONFLICT" },
    );
    expect(await client.remove(resource.configMap, namespace, "one", {}, signal)).toBe(true);
    expect(await client.remove(resource.configMap, namespace, "one", {}, signal)).toBe(false);
    expect(await client.get(resource.configMap, namespace, "one", signal)).toBeUndefined();
  });

  test("has nothing to say of kinds that the cluster does not know", async () => {
    await using scratch = await scratchNamespace("client");
    const unknown = { apiVersion: "none.example/v1", kind: "None", plural: "nones", isNamespaced: true };
    expect(await scratch.client.list(unknown, { namespace: scratch.name }, signal)).toBeUndefined();
    expect(await scratch.client.get(unknown, scratch.name, "x", signal)).toBeUndefined();
    await expect(
      scratch.client.apply({ apiVersion: "none.example/v1", kind: "None", metadata: { name: "x" } }, {}, signal),
    ).rejects.toMatchObject({
      code: "CLUSTER_REFUSED",
      message: expect.stringContaining("does not know the kind None"),
    });
  });

  test("reports every change of a watch in its order", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    const seen: string[] = [];
    const writing = (async () => {
      for (let index = 0; index < 500; index += 1) {
        const object = {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "count", namespace },
          data: { n: `${index}` },
        };
        await client.apply(object, {}, signal);
      }
      await client.remove(resource.configMap, namespace, "count", {}, signal);
    })();
    const options = { namespace, fieldSelector: "metadata.name=count" };
    for await (const event of client.watch(resource.configMap, options, AbortSignal.timeout(200_000))) {
      if (event.type === "deleted") break;
      const objects = event.type === "listed" ? event.items : [event.object];
      for (const object of objects) seen.push((object as unknown as { data: { n: string } }).data.n);
    }
    await writing;
    const first = Number(seen[0]);
    expect(seen).toEqual(Array.from({ length: 500 - first }, (_, index) => String(index + first)));
  }, 240_000);

  test("says that a namespace is missing, and how to make it", async () => {
    await using scratch = await scratchNamespace("client");
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "not-there" } };
    await expect(scratch.client.create(object, signal)).rejects.toMatchObject({
      message: expect.stringContaining("there is no namespace not-there"),
      hint: expect.stringContaining("kubectl create namespace not-there"),
    });
  });

  test("tells quota, Pod Security and fields that are not valid apart", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    await client.patch(
      resource.namespace,
      undefined,
      namespace,
      { metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
      signal,
    );
    const quota = {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "few", namespace },
      spec: { hard: { services: "0" } },
    };
    await client.create(quota, signal);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "bad", namespace },
      spec: { containers: [{ name: "one", image: "x", securityContext: { privileged: true } }] },
    };
    const refusalOf = (object: KubeObject) => () =>
      client.create(object, signal).then(
        () => undefined,
        (error: unknown) => error,
      );
    // What admits objects hears of labels and quotas a moment after they are written.
    await expect.poll(refusalOf(pod)).toMatchObject({
      code: "CLUSTER_REFUSED",
      message: expect.stringContaining("Pod Security forbids it"),
    });
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "one", namespace },
      spec: { ports: [{ port: 80 }] },
    };
    await expect.poll(refusalOf(service)).toMatchObject({
      code: "NO_CAPACITY",
      message: expect.stringContaining("the quota few"),
    });
    const wrong = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "No Name", namespace },
      data: { "a b": "1" },
    };
    await expect(client.apply(wrong, {}, signal)).rejects.toMatchObject({
      code: "CLUSTER_REFUSED",
      problems: [
        { message: expect.stringContaining("metadata.name") },
        { message: expect.stringContaining("data[a b]") },
      ],
    });
  });
});

describe("a cluster that is not there", () => {
  test("is named with its context and the cause, at once", async () => {
    const { connect } = await import("../../src/kubernetes/connect.ts");
    const { writeKubeconfig } = await import("../support/cluster.ts");
    const { mkdtemp } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const folder = await mkdtemp(`${tmpdir()}/cortex-test-`);
    await writeKubeconfig(`${folder}/config`, { server: "https://127.0.0.1:1", user: {} });
    await using client = await connect({ variables: { KUBECONFIG: `${folder}/config` }, home: folder }, signal);
    await expect(client.list(resource.pod, {}, signal)).rejects.toMatchObject({
      code: "CLUSTER_UNREACHABLE",
      message: expect.stringMatching(/https:\/\/127\.0\.0\.1:1 \(context test\): the connection was refused/),
    });
  });
});
