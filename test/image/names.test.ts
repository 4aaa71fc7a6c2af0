import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseReference, parseRepository, showReference } from "../../src/image/reference.ts";
import { parseChallenges } from "../../src/image/registry/challenge.ts";
import { ecrRegistry } from "../../src/image/registry/ecr.ts";
import { isPlainHttp } from "../../src/image/registry/registries.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("the name of an image", () => {
  test.each([
    ["python", "docker.io/library/python:latest"],
    ["python:3.12-slim", "docker.io/library/python:3.12-slim"],
    ["team/app", "docker.io/team/app:latest"],
    ["index.docker.io/team/app:1", "docker.io/team/app:1"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/team/app:1", "localhost:5000/team/app:1"],
    ["ghcr.io/team/app", "ghcr.io/team/app:latest"],
    [`ghcr.io/team/app@${digest}`, `ghcr.io/team/app@${digest}`],
    [`ghcr.io/team/app:1@${digest}`, `ghcr.io/team/app:1@${digest}`],
    ["[::1]:5000/app", "[::1]:5000/app:latest"],
    ["Registry.example.com/app", "registry.example.com/app:latest"],
  ])("%s is %s", (text, whole) => {
    expect(showReference(parseReference(text))).toBe(whole);
  });

  test.each([
    "",
    "Team/App",
    "ghcr.io/",
    "a b",
    "ghcr.io/app:-x",
    "ghcr.io/app@sha256:12",
    "https://ghcr.io/app",
    "a//b",
  ])("%j is none", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "IMAGE_FAILED" }));
  });

  test("of a repository has neither tag nor digest", () => {
    expect(parseRepository("localhost:5000/iris")).toEqual({ registry: "localhost:5000", name: "iris" });
    expect(() => parseRepository("localhost:5000/iris:1")).toThrow();
  });
});

describe("what a registry asks for", () => {
  test("is read with quotes, commas and several ways", () => {
    const header =
      'Bearer realm="https://auth.example/token",service="r, \\"x\\"",scope="repository:a:pull,push", Basic realm=plain';
    expect(parseChallenges(header)).toEqual([
      {
        scheme: "bearer",
        parameters: { realm: "https://auth.example/token", service: 'r, "x"', scope: "repository:a:pull,push" },
      },
      { scheme: "basic", parameters: { realm: "plain" } },
    ]);
    expect(parseChallenges("")).toEqual([]);
  });

  test("never takes for ever to read, whatever it is", () => {
    fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));
  });
});

test("Amazon's registries are known by their names", () => {
  expect(ecrRegistry("123456789012.dkr.ecr.eu-west-1.amazonaws.com")).toEqual({
    account: "123456789012",
    region: "eu-west-1",
  });
  expect(ecrRegistry("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")?.region).toBe("cn-north-1");
  expect(ecrRegistry("public.ecr.aws")).toBeUndefined();
  expect(ecrRegistry("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example")).toBeUndefined();
});

test("plain HTTP is spoken on this machine, and where the user says so", () => {
  const variables = { CORTEX_INSECURE_REGISTRIES: "10.0.0.7:5000, registry.lan" };
  const plain = ["localhost:5000", "127.0.0.1:1", "k3d.localhost:5000", "[::1]:5000", "10.0.0.7:5000", "registry.lan"];
  expect(plain.filter((one) => !isPlainHttp(one, variables))).toEqual([]);
  const secure = ["docker.io", "10.0.0.7", "10.0.0.8:5000", "localhost.example.com", "127.0.0.1.example.com"];
  expect(secure.filter((one) => isPlainHttp(one, variables))).toEqual([]);
});
