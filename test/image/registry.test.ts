import { chmod, mkdir, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ImageEvent } from "../../src/image/image.ts";
import { openRegistries } from "../../src/image/registry/registries.ts";
import { readBlob, readManifest } from "../../src/image/registry/repository-client.ts";
import { uploadBlob } from "../../src/image/registry/upload.ts";
import { type Asked, digestOf, type RegistryOptions, type TestRegistry, testRegistry } from "./support/registry.ts";
import { buildAndPush, noAbort, putBase, type Scene, scene } from "./support/scene.ts";

const content = Buffer.alloc(3 << 20, "0123456789abcdef");
const secret = "s3cr3t/pass:word";

/** A registry with a base image in it, and a project. */
async function place(options: RegistryOptions = {}) {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await testRegistry({ password: secret, ...options }));
  const here = stack.use(await scene());
  await putBase(registry, "base", "1");
  const input = await here.input({ baseImage: `${registry.host}/base:1`, repository: `${registry.host}/team/iris` });
  return { registry, here, input, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function dockerConfig({ folder }: Scene, config: object): Promise<Record<string, string>> {
  await mkdir(join(folder, "docker"), { recursive: true });
  await writeFile(join(folder, "docker/config.json"), JSON.stringify(config));
  return { DOCKER_CONFIG: join(folder, "docker") };
}

const auth = (registry: TestRegistry, password = secret) => ({
  auths: { [registry.host]: { auth: Buffer.from(`anna:${password}`).toString("base64") } },
});

describe("a registry that asks who we are", () => {
  test.each(["basic", "bearer"] as const)("by %s is told what Docker's settings hold", async (login) => {
    await using at = await place({ login });
    const variables = await dockerConfig(at.here, auth(at.registry));
    const { image } = await buildAndPush(at.here.builder("home", variables), at.input);
    expect(at.registry.manifests.has(`team/iris:${image.reference.split("@")[1]}`)).toBe(true);
    const answered = at.registry.asked.filter(({ authorization }) => authorization === undefined);
    expect(answered.length).toBeLessThan(at.registry.asked.length / 2);
  });

  test("is told what a helper program says, which hears of the registry on its input", async () => {
    await using at = await place({ login: "basic" });
    const bin = join(at.here.folder, "bin");
    await mkdir(bin);
    const program = `#!/bin/sh\nread server; [ "$server" = "${at.registry.host}" ] && [ "$1" = get ] && [ "$#" = 1 ] || exit 3\necho '{"Username":"anna","Secret":"${secret}"}'\n`;
    await writeFile(join(bin, "docker-credential-test"), program);
    await chmod(join(bin, "docker-credential-test"), 0o755);
    const variables = {
      ...(await dockerConfig(at.here, { credHelpers: { [at.registry.host]: "test" } })),
      PATH: `${bin}:${process.env.PATH}`,
    };
    await buildAndPush(at.here.builder("home", variables), at.input);
  });

  test("takes an identity token in place of a password", async () => {
    await using at = await place({ login: "bearer" });
    const variables = await dockerConfig(at.here, { auths: { [at.registry.host]: { identitytoken: secret } } });
    await buildAndPush(at.here.builder("home", variables), at.input);
    expect(at.registry.asked.some(({ method, path }) => method === "POST" && path === "/token")).toBe(true);
  });

  test.each([
    [{}, "without a login"],
    [{ credsStore: "not-there" }, "docker-credential-not-there, which Docker's settings name, is not on the PATH"],
    [{ credsStore: "../evil" }, "is not one of a program"],
  ])("and is not told is named, with what there is: %j", async (config, message) => {
    await using at = await place({ login: "bearer" });
    const variables = await dockerConfig(at.here, config);
    const building = at.here.builder("home", variables).build(at.input, () => {}, noAbort);
    await expect(building).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(`docker login ${at.registry.host}`),
    });
  });

  test("and is told a wrong password is named, the password is not", async () => {
    await using at = await place({ login: "basic" });
    const variables = await dockerConfig(at.here, auth(at.registry, "wr0ng"));
    const failure = await at.here
      .builder("home", variables)
      .build(at.input, () => {}, noAbort)
      .catch((error) => error);
    expect(failure).toMatchObject({ code: "NOT_AUTHORISED", message: expect.stringContaining("as anna") });
    expect(JSON.stringify([failure, failure.message, failure.hint, String(failure.cause)])).not.toContain("wr0ng");
  });

  test("denies a push to whoever may only read", async () => {
    await using at = await place();
    at.registry.fault = (request, response) =>
      request.method === "POST" && refuse(response, 403, "DENIED", "requested access is denied");
    await expect(buildAndPush(at.here.builder(), at.input)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringMatching(/denies .* to push to .*team\/iris: requested access is denied/),
    });
  });

  test("gets a new token when the old one has expired", async () => {
    await using at = await place({ login: "bearer" });
    const variables = await dockerConfig(at.here, auth(at.registry));
    let refused = 0;
    at.registry.fault = (request, response, { path }) => {
      if (request.method !== "PUT" || !path.includes("uploads") || refused > 0) return false;
      refused += 1;
      request.resume();
      const header = `Bearer realm="http://${at.registry.host}/token",service="test"`;
      response.writeHead(401, { "www-authenticate": header, "content-length": "0" }).end();
      return true;
    };
    await buildAndPush(at.here.builder("home", variables), at.input);
    expect(refused).toBe(1);
  });
});

describe("the login for a cluster's nodes", () => {
  test("is what Docker's settings hold, when nobody may read without", async () => {
    await using at = await place({ login: "bearer" });
    const builder = at.here.builder("home", await dockerConfig(at.here, auth(at.registry)));
    expect(await builder.pullCredentials(`${at.registry.host}/team/iris`, noAbort)).toEqual({
      registry: at.registry.host,
      username: "anna",
      password: secret,
    });
  });

  test.each([{ login: "bearer", isPublic: true }, { login: "basic", isPublic: true }, {}] as const)(
    "is none where anybody may read: %j",
    async (options) => {
      await using at = await place(options);
      const builder = at.here.builder("home", await dockerConfig(at.here, auth(at.registry)));
      expect(await builder.pullCredentials(`${at.registry.host}/team/iris`, noAbort)).toBeUndefined();
    },
  );

  test("is none where there is none, and for Amazon's registries", async () => {
    await using at = await place({ login: "bearer" });
    const builder = at.here.builder();
    expect(await builder.pullCredentials(`${at.registry.host}/team/iris`, noAbort)).toBeUndefined();
    expect(await builder.pullCredentials("123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris", noAbort)).toBeUndefined();
  });
});

describe("an upload", () => {
  async function send(registry: TestRegistry, progress: number[] = []): Promise<void> {
    const asking = openRegistries({}).to("push to", { registry: registry.host, name: "iris" });
    const upload = {
      digest: digestOf(content),
      bytes: content.length,
      open: (from: number) => pieces(content.subarray(from)),
      onProgress: (bytes: number) => progress.push(bytes),
    };
    await uploadBlob(asking, upload, undefined, noAbort);
    expect(registry.blobs.get(digestOf(content))?.equals(content)).toBe(true);
  }

  test("is one request, and its progress ends with its size", async () => {
    await using registry = await testRegistry();
    const progress: number[] = [];
    await send(registry, progress);
    expect(registry.asked.map(({ method }) => method)).toEqual(["POST", "PUT"]);
    expect(progress.at(-1)).toBe(content.length);
  });

  test("that is cut goes on where the registry has it", async () => {
    await using registry = await testRegistry({ keepsParts: true });
    cut(registry, 1);
    await send(registry);
    const methods = registry.asked.map(({ method }) => method);
    expect(methods).toEqual(["POST", "PUT", "GET", "PATCH", "PUT"]);
    expect(registry.received()).toBeLessThan(content.length * 1.5);
  });

  test("that is cut starts again where the registry has forgotten it", async () => {
    await using registry = await testRegistry();
    cut(registry, 2);
    await send(registry);
    expect(registry.asked.filter(({ method }) => method === "POST")).toHaveLength(3);
  });

  test("that a proxy finds too large goes in pieces", async () => {
    await using registry = await testRegistry();
    registry.fault = (request, response) => {
      if (request.method !== "PUT" || Number(request.headers["content-length"]) === 0) return false;
      response.writeHead(413, { connection: "close", "content-length": "0" }).end();
      return true;
    };
    await send(registry);
    expect(registry.asked.map(({ method }) => method)).toEqual(["POST", "PUT", "POST", "PATCH", "PUT"]);
  });

  test.each([500, 502, 503, 429])("is tried again after %i", async (status) => {
    await using registry = await testRegistry();
    let left = 2;
    registry.fault = (request, response) => {
      if (left === 0) return false;
      left -= 1;
      request.resume();
      return refuse(response, status, "UNKNOWN", "later");
    };
    await send(registry);
  });

  test.each([
    [507, ""],
    [500, "write /var/lib/registry/x: no space left on device"],
  ])("to a registry whose disk is full fails at once: %i %s", async (status, detail) => {
    await using registry = await testRegistry();
    registry.fault = (request, response) => {
      request.resume();
      return request.method === "PUT" && refuse(response, status, "UNKNOWN", "unknown error", detail);
    };
    await expect(send(registry)).rejects.toMatchObject({
      code: "REGISTRY_FAILED",
      message: expect.stringContaining("has no space left"),
    });
    expect(registry.asked).toHaveLength(2);
  });

  test("whose content is damaged is refused", async () => {
    await using registry = await testRegistry();
    const asking = openRegistries({}).to("push to", { registry: registry.host, name: "iris" });
    const upload = {
      digest: digestOf(content),
      bytes: 3,
      open: () => pieces(Buffer.from("abc")),
      onProgress: () => {},
    };
    await expect(uploadBlob(asking, upload, undefined, noAbort)).rejects.toMatchObject({ code: "IMAGE_FAILED" });
  });

  test("ends at once when it is aborted", async () => {
    await using registry = await testRegistry();
    registry.fault = (request) => request.method === "PUT";
    const asking = openRegistries({}).to("push to", { registry: registry.host, name: "iris" });
    const controller = new AbortController();
    const upload = {
      digest: digestOf(content),
      bytes: content.length,
      open: () => pieces(content),
      onProgress: () => controller.abort(new Error("enough")),
    };
    await expect(uploadBlob(asking, upload, undefined, controller.signal)).rejects.toThrow("enough");
  });
});

describe("a blob", () => {
  async function read(registry: TestRegistry): Promise<Buffer> {
    const asking = openRegistries({}).to("pull from", { registry: registry.host, name: "base" });
    const chunks: Buffer[] = [];
    for await (const chunk of readBlob(asking, digestOf(content), 0, noAbort)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  async function withBlob(options: RegistryOptions = {}): Promise<TestRegistry> {
    const registry = await testRegistry(options);
    registry.blobs.set(digestOf(content), content);
    registry.known.add(`base@${digestOf(content)}`);
    return registry;
  }

  test("whose connection is cut is read on from there", async () => {
    await using registry = await withBlob();
    let cuts = 2;
    registry.fault = (request, response) => {
      if (request.headers.range?.startsWith("bytes=2")) return false;
      if (cuts === 0) return false;
      cuts -= 1;
      const from = Number(/\d+/.exec(request.headers.range ?? "0")![0]);
      response.writeHead(from > 0 ? 206 : 200, { "content-length": String(content.length - from) });
      response.write(content.subarray(from, from + 1_000_000), () => response.destroy());
      return true;
    };
    expect((await read(registry)).equals(content)).toBe(true);
  });

  test("is followed to where it is stored, without what lets us in", async () => {
    await using storage = await testRegistry();
    await using registry = await withBlob({ login: "basic" });
    storage.fault = (_, response) => {
      response.writeHead(200, { "content-length": String(content.length) }).end(content);
      return true;
    };
    registry.fault = (request, response, { path }) => {
      if (request.headers.authorization === undefined || !path.includes("/blobs/")) return false;
      response.writeHead(307, { location: `http://${storage.host}/stored`, "content-length": "0" }).end();
      return true;
    };
    await using here = await scene();
    const variables = await dockerConfig(here, auth(registry, "secret"));
    const asking = openRegistries(variables).to("pull from", { registry: registry.host, name: "base" });
    const chunks: Buffer[] = [];
    for await (const chunk of readBlob(asking, digestOf(content), 0, noAbort)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(storage.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});

test("a manifest that is not what its digest says is refused", async () => {
  await using registry = await testRegistry();
  const digest = digestOf(Buffer.from("{}"));
  registry.manifests.set(`base:${digest}`, { type: "application/json", body: Buffer.from('{"x":1}') });
  const asking = openRegistries({}).to("pull from", { registry: registry.host, name: "base" });
  await expect(readManifest(asking, digest, noAbort)).rejects.toMatchObject({ code: "REGISTRY_FAILED" });
});

test("a registry that does not speak TLS is told from one that is down", async () => {
  await using registry = await testRegistry();
  const name = registry.host.replace("127.0.0.1", "127.0.0.1.nip.invalid");
  const asking = openRegistries({}).to("pull from", { registry: name, name: "base" });
  await expect(readManifest(asking, "1", noAbort)).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be reached/),
  });
}, 60_000);

test("progress of a push never shrinks and ends with the sum of what was missing, also after cuts", async () => {
  await using at = await place({ keepsParts: true });
  await at.here.write({
    "model.bin": Buffer.from(Array.from({ length: 12 << 20 }, (_, index) => (index * index) >> 3)),
  });
  const input = { ...at.input, project: await at.here.project() };
  cut(at.registry, 2);
  const { events } = await buildAndPush(at.here.builder(), input);
  const uploads = events.filter((one): one is Extract<ImageEvent, { type: "upload" }> => one.type === "upload");
  const sent = uploads.map(({ sentBytes }) => sentBytes);
  expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  expect(uploads.at(-1)!.sentBytes).toBe(uploads.at(-1)!.totalBytes);
  expect(new Set(uploads.map(({ totalBytes }) => totalBytes)).size).toBe(1);
});

test("two pushes of the same image at once both end well", async () => {
  await using at = await place();
  const builders = [at.here.builder("one"), at.here.builder("two")];
  const done = await Promise.all(builders.map((builder) => buildAndPush(builder, at.input)));
  expect(done[0]!.image).toEqual(done[1]!.image);
});

/** Cuts the connection in the middle of the first `times` large uploads. */
function cut(registry: TestRegistry, times: number): void {
  let left = times;
  registry.fault = (request, _, asked) => {
    const isLarge = Number(request.headers["content-length"]) > 1_100_000;
    if (left > 0 && isLarge && asked.path.includes("uploads")) {
      left -= 1;
      doomed.add(asked);
    }
    return false;
  };
  const doomed = new Set<Asked>();
  registry.cutAfter = (asked) => (doomed.has(asked) ? 1_000_000 : undefined);
}

function refuse(response: ServerResponse, status: number, code: string, message: string, detail = ""): true {
  const body = JSON.stringify({ errors: [{ code, message, detail }] });
  response.writeHead(status, { "content-type": "application/json", "content-length": String(body.length) }).end(body);
  return true;
}

async function* pieces(all: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < all.length; at += 65_536) yield all.subarray(at, at + 65_536);
}
