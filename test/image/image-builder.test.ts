import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ImageEvent } from "../../src/image/image.ts";
import { makeWheel } from "../packages/make-wheel.ts";
import { inspect } from "./support/inspect.ts";
import { testRegistry } from "./support/registry.ts";
import { buildAndPush, file, handler, noAbort, putBase, putManifest, scene } from "./support/scene.ts";

const offline = "--no-index\n--find-links ./found\n";
const notices = (events: readonly ImageEvent[]) =>
  events.flatMap((one) => (one.type === "notice" ? [one.message] : []));

describe("an image", { timeout: 120_000 }, () => {
  test("is the base image, the packages, the runtime and the project, each in a layer, run as user 1000", async () => {
    await using registry = await testRegistry();
    await using here = await scene({
      "requirements.txt": `${offline}tiny\n`,
      "weights.bin": Buffer.alloc(11 << 20, 3),
      "sub/run.sh": "#!/bin/sh\n",
      ".env": "SECRET=hunter2\n",
    });
    await makeWheel(join(here.projectDir, "found"), "tiny", "1.0");
    await putBase(registry, "library/python", "3.11", { env: ["PYTHON_VERSION=3.11.4", "HOME=/root"] });
    const input = await here.input({
      baseImage: `${registry.host}/library/python:3.11`,
      repository: `${registry.host}/team/iris`,
    });
    const { image } = await buildAndPush(here.builder(), input);
    expect(image.pythonVersion).toBe("3.11");
    const { config, layers, manifest } = await inspect(registry, image.reference);
    const [, packages, runtime, weights, code] = layers;
    expect(layers).toHaveLength(5);
    expect([...packages!.keys()]).toEqual([
      "cortex/packages/tiny-1.0.dist-info/METADATA",
      "cortex/packages/tiny-1.0.dist-info/RECORD",
      "cortex/packages/tiny-1.0.dist-info/WHEEL",
      "cortex/packages/tiny.py",
    ]);
    expect([...runtime!.keys()]).toEqual(
      expect.arrayContaining([
        "cortex/runtime/launch.py",
        "cortex/runtime/cortex_runtime/__init__.py",
        "cortex/wheels/carried.py",
      ]),
    );
    expect([...weights!.keys()]).toEqual(["cortex/project/weights.bin"]);
    expect([...code!.keys()]).toContain("cortex/project/handler.py");
    expect(JSON.stringify([...layers.flatMap((layer) => [...layer])])).not.toContain("hunter2");
    expect(config.config).toEqual({
      User: "1000:1000",
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.11.4", "HOME=/tmp", "PYTHONUNBUFFERED=1"],
      Entrypoint: ["python3", "/cortex/runtime/launch.py"],
      Cmd: ["env:CORTEX_REPLICA"],
      WorkingDir: "/cortex/project",
    });
    expect(config.rootfs.diff_ids).toHaveLength(5);
    expect(manifest.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
  });

  test("has the same digest from another home, and another one for other code", async () => {
    await using registry = await testRegistry();
    await using here = await scene({ "requirements.txt": `${offline}tiny\n` });
    await makeWheel(join(here.projectDir, "found"), "tiny", "1.0");
    await putBase(registry, "python", "3.11");
    const image = { baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` };
    const input = await here.input(image);
    const build = (home: string) => here.builder(home).build(input, () => {}, noAbort);
    const [first, second] = [await build("one"), await build("two")];
    expect(second).toEqual(first);
    await here.write({ "handler.py": "class Handler: pass\n" });
    const other = await here.builder("one").build(await here.input(image), () => {}, noAbort);
    expect(other.reference).not.toBe(first.reference);
  });

  test("that differs in its code alone sends the code's layer and two documents", async () => {
    await using registry = await testRegistry();
    await using here = await scene({ "requirements.txt": `${offline}tiny\n`, "model.bin": Buffer.alloc(10 << 20, 1) });
    await makeWheel(join(here.projectDir, "found"), "tiny", "1.0", { "tiny.py": "x = 1\n".repeat(10_000) });
    await putBase(registry, "python", "3.11");
    const image = { baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` };
    await buildAndPush(here.builder(), await here.input(image));
    await here.write({ "handler.py": "class Handler: pass\n" });
    registry.asked.length = 0;
    const { events } = await buildAndPush(here.builder(), await here.input(image));
    expect(registry.received()).toBeLessThan(8 * 1024);
    expect(registry.asked.filter(({ path }) => path.includes("/python/")).map(({ method }) => method)).toEqual([
      "HEAD",
    ]);
    expect(events.filter(({ type }) => type === "step")).toEqual([{ type: "step", step: "packing" }]);
  });

  test("that is there already is asked about, and nothing is sent", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    await buildAndPush(here.builder(), input);
    registry.asked.length = 0;
    const { events } = await buildAndPush(here.builder(), input);
    expect(events).toEqual([]);
    expect(registry.received()).toBe(0);
    expect(new Set(registry.asked.map(({ method }) => method))).toEqual(new Set(["HEAD"]));
  });

  test("that many APIs want at once is built and pushed once, and all hear of it", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    const builder = here.builder();
    const done = await Promise.all(Array.from({ length: 50 }, () => buildAndPush(builder, { ...input })));
    expect(new Set(done.map(({ image }) => image.reference)).size).toBe(1);
    expect(done.every(({ events }) => events.some(({ type }) => type === "upload"))).toBe(true);
    expect(registry.asked.filter(({ path }) => path.includes("/python/manifests/3.11"))).toHaveLength(1);
    expect(registry.asked.filter(({ method }) => method === "PUT")).toHaveLength(4);
  });

  test("whose first builder is stopped is built by those who still want it", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    const builder = here.builder();
    const controller = new AbortController();
    const first = builder.build(input, () => {}, controller.signal).catch((error: Error) => error.message);
    const second = builder.build(input, () => {}, noAbort);
    controller.abort(new Error("enough"));
    expect(await first).toBe("enough");
    expect((await second).pythonVersion).toBe("3.11");
  });

  test("carries a large file in a layer of its own, which is not made or sent again", async () => {
    await using registry = await testRegistry();
    await using here = await scene({ "a.bin": Buffer.alloc(10 << 20, 1), "b.bin": Buffer.alloc(10 << 20, 2) });
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    const { image } = await buildAndPush(here.builder(), input);
    const { layers } = await inspect(registry, image.reference);
    expect(layers.slice(2).map((layer) => [...layer.keys()])).toEqual([
      ["cortex/project/a.bin"],
      ["cortex/project/b.bin"],
      ["cortex/project/handler.py"],
    ]);
  });

  test("is not made of a file that changed since the project was read", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    await writeFile(join(here.projectDir, "handler.py"), "class Handlex: ...\n");
    const building = here.builder().build(input, () => {}, noAbort);
    await expect(building).rejects.toMatchObject({
      code: "PROJECT_INVALID",
      message: expect.stringContaining("handler.py"),
    });
    expect(await readdir(join(here.folder, "home/images/blobs")).catch(() => [])).not.toContainEqual(
      expect.stringContaining("partial"),
    );
  });

  test("is made anew when its layer was removed from the disk, and its push says so", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "python", "3.11");
    const input = await here.input({ baseImage: `${registry.host}/python:3.11`, repository: `${registry.host}/iris` });
    const builder = here.builder();
    const image = await builder.build(input, () => {}, noAbort);
    await rm(join(here.folder, "home/images/blobs"), { recursive: true });
    await expect(builder.push(image, () => {}, noAbort)).rejects.toMatchObject({ code: "IMAGE_FAILED" });
    await buildAndPush(builder, input);
    await expect(here.builder("other").push(image, () => {}, noAbort)).rejects.toMatchObject({ code: "IMAGE_FAILED" });
  });
});

describe("a base image", () => {
  const build = async (options: Parameters<typeof putBase>[3], architecture = "amd64") => {
    await using registry = await testRegistry();
    await using here = await scene();
    await putBase(registry, "base", "1", options);
    const image = { baseImage: `${registry.host}/base:1`, repository: `${registry.host}/iris`, architecture };
    return await here.builder().build(await here.input(image), () => {}, noAbort);
  };

  test("says its Python in a variable, or by its files", async () => {
    expect((await build({ env: ["PYTHON_VERSION=3.13.1"], python: "3.9" })).pythonVersion).toBe("3.13");
    expect((await build({ python: "3.10" })).pythonVersion).toBe("3.10");
    const local = await build({ entries: [file("usr/local/bin/python3.12", "x"), file("usr/local/bin/python", "x")] });
    expect(local.pythonVersion).toBe("3.12");
  });

  test("may be Alpine's, or carry Docker's media types", async () => {
    expect((await build({ libc: "musl" })).pythonVersion).toBe("3.11");
    expect((await build({ isDocker: true })).pythonVersion).toBe("3.11");
  });

  test.each([
    [{ python: "3.8" }, "has Python 3.8, 3.9 or later is needed"],
    [{ python: "x" }, "has no Python"],
    [{ architecture: "arm64" }, "is not made for linux/amd64, only for linux/arm64"],
  ])("that cannot be used is refused: %j", async (options, message) => {
    await expect(build(options)).rejects.toMatchObject({
      code: "IMAGE_FAILED",
      message: expect.stringContaining(message),
    });
  });

  test("that is an index is taken for the cluster's architecture", async () => {
    await using registry = await testRegistry();
    await using here = await scene();
    const digests = {
      amd64: await putBase(registry, "base", "amd64", { python: "3.11" }),
      arm64: await putBase(registry, "base", "arm64", { python: "3.12", architecture: "arm64" }),
    };
    const manifests = Object.entries(digests).map(([architecture, digest]) => ({
      ...{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 },
      platform: { os: "linux", architecture },
    }));
    const type = "application/vnd.oci.image.index.v1+json";
    putManifest(registry, "base", "1", type, { schemaVersion: 2, mediaType: type, manifests });
    const image = { baseImage: `${registry.host}/base:1`, repository: `${registry.host}/iris` };
    const on = async (architecture: string) =>
      here.builder().build(await here.input({ ...image, architecture }), () => {}, noAbort);
    expect((await on("arm64")).pythonVersion).toBe("3.12");
    expect((await on("amd64")).pythonVersion).toBe("3.11");
    await expect(on("s390x")).rejects.toMatchObject({
      message: expect.stringContaining("only for linux/amd64, linux/arm64"),
    });
  });

  test("is the one that was seen last when its registry is down, and that is said", async () => {
    const registry = await testRegistry();
    await using target = await testRegistry();
    await using here = await scene();
    await putBase(registry, "base", "1");
    const image = { baseImage: `${registry.host}/base:1`, repository: `${target.host}/iris` };
    const { image: first } = await buildAndPush(here.builder(), await here.input(image));
    await registry[Symbol.asyncDispose]();
    await here.write({ "handler.py": "class Handler: pass\n" });
    const { image: second, events } = await buildAndPush(here.builder(), await here.input(image));
    expect(second.reference).not.toBe(first.reference);
    expect(notices(events)).toEqual([
      expect.stringMatching(/^building on 127.*as it was last seen here.*nothing listens there/),
    ]);
  }, 60_000);

  test("comes to another repository of its registry by a word, to another registry in one stream", async () => {
    await using near = await testRegistry();
    await using far = await testRegistry();
    await using here = await scene();
    await putBase(near, "base", "1", { entries: [file("data", Buffer.alloc(3 << 20, "ab"))] });
    const send = async (repository: string) =>
      buildAndPush(here.builder(), await here.input({ baseImage: `${near.host}/base:1`, repository }));
    await send(`${near.host}/iris`);
    expect(near.asked.filter(({ path }) => path.includes("?mount=")).length).toBe(1);
    const [base] = near.manifests
      .get("base:1")!
      .body.toString()
      .match(/(?<="layers":\[\{"mediaType":"[^"]*","digest":")[^"]*/)!;
    expect(near.known.has(`iris@${base}`)).toBe(true);
    const { image } = await send(`${far.host}/iris`);
    expect((await inspect(far, image.reference)).layers[0]!.get("data")).toHaveLength(3 << 20);
  });

  test("is sent where the registry will not take it over", async () => {
    await using registry = await testRegistry({ canMount: false });
    await using here = await scene();
    await putBase(registry, "base", "1");
    const input = await here.input({ baseImage: `${registry.host}/base:1`, repository: `${registry.host}/iris` });
    const { image } = await buildAndPush(here.builder(), input);
    expect((await inspect(registry, image.reference)).layers).toHaveLength(3);
  });
});

describe("what would have to run code is refused with its line and the way out:", () => {
  test.each([
    ["-e .", "requirements.txt", "-e . is installed from its source"],
    [".", "requirements.txt", ". is a folder"],
    ["./lib", "requirements.txt", "./lib is a folder"],
    ["./lib.tar.gz", "requirements.txt", "./lib.tar.gz is source code"],
    ["git+https://github.com/a/b", "requirements.txt", "git+https://github.com/a/b is source code"],
    ["b @ git+https://github.com/a/b@main", "requirements.txt", "is source code"],
    ["https://example.com/a-1.0.tar.gz", "requirements.txt", "is source code"],
    ["--no-binary :all:\ntiny", "requirements.txt", "asks for a build from source"],
    ["echo", "dependencies.sh", "dependencies.sh would have to run inside of the image"],
    ["numpy", "conda-packages.txt", "conda-packages.txt would have to run inside of the image"],
  ])("%s", async (text, name, message) => {
    await using here = await scene({ [name]: `\n${text}\n` });
    const input = await here.input({ baseImage: "localhost:1/base", repository: "localhost:1/iris" });
    const failure = await here
      .builder()
      .build(input, () => {}, noAbort)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "NOT_SUPPORTED", message: expect.stringContaining(message) });
    expect(failure).toMatchObject({ hint: expect.stringContaining("handler.image") });
    if (name === "requirements.txt") expect(failure).toMatchObject({ at: { file: name, line: 2 } });
  });

  test("several at once", async () => {
    await using here = await scene({ "requirements.txt": "-e .\nnumpy\ngit+https://x/y\n" });
    const input = await here.input({ baseImage: "localhost:1/base", repository: "localhost:1/iris" });
    await expect(here.builder().build(input, () => {}, noAbort)).rejects.toMatchObject({ problems: [{}, {}] });
  });
});

test("a requirements file that is named and is not there", async () => {
  await using here = await scene();
  const named = { ...handler, dependencies: { ...handler.dependencies, pip: "more.txt" } };
  const input = {
    ...(await here.input({ baseImage: "localhost:1/base", repository: "localhost:1/iris" })),
    handler: named,
  };
  await expect(here.builder().build(input, () => {}, noAbort)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
});
