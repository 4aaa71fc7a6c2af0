import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { ecrLogin, makeEcrRepository } from "../../src/image/registry/ecr.ts";
import { noAbort } from "./support/scene.ts";

const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/** Answers as AWS does; @returns what it was asked, as "OPERATION BODY" */
async function amazon(answer: (operation: string) => { status?: number; body: object }) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const operation = String(request.headers["x-amz-target"]).split(".")[1]!;
    asked.push(`${operation} ${body}`);
    const { status = 200, body: reply } = answer(operation);
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(reply));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const variables = {
    AWS_ENDPOINT_URL_ECR: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  return { asked, variables, [Symbol.asyncDispose]: () => new Promise<void>((closed) => server.close(() => closed())) };
}

test("AWS gives out a login for its registry", async () => {
  const authorizationToken = Buffer.from("AWS:pass:word").toString("base64");
  await using at = await amazon(() => ({ body: { authorizationData: [{ authorizationToken }] } }));
  const login = await ecrLogin(registry, at.variables, noAbort);
  expect(login).toEqual({ source: "AWS", password: { username: "AWS", password: "pass:word" } });
  expect(at.asked).toEqual(['GetAuthorizationToken {"registryIds":["123456789012"]}']);
});

test("a missing right is named", async () => {
  const body = { __type: "AccessDeniedException", message: "no identity-based policy allows it" };
  await using at = await amazon(() => ({ status: 400, body }));
  await expect(ecrLogin(registry, at.variables, noAbort)).rejects.toMatchObject({
    code: "NOT_AUTHORISED",
    message: expect.stringContaining(
      "may not ecr:GetAuthorizationToken in eu-west-1: no identity-based policy allows it",
    ),
    hint: expect.stringContaining("ask for the right ecr:GetAuthorizationToken"),
  });
});

test("a repository is made; that it is there already is fine", async () => {
  let times = 0;
  await using at = await amazon(() => {
    times += 1;
    const there = { __type: "RepositoryAlreadyExistsException", message: "exists" };
    return times === 1 ? { body: { repository: {} } } : { status: 400, body: there };
  });
  await makeEcrRepository({ registry, name: "team/iris" }, at.variables, noAbort);
  await makeEcrRepository({ registry, name: "team/iris" }, at.variables, noAbort);
  expect(at.asked[1]).toBe('CreateRepository {"repositoryName":"team/iris","registryId":"123456789012"}');
});
