import { expect, test } from "vitest";
import { clusterTokens } from "../../src/aws/cluster-tokens.ts";
import { connect } from "../../src/kubernetes/connect.ts";
import { NoAnswer } from "../../src/kubernetes/transport.ts";
import { unreachable } from "../../src/kubernetes/unreachable.ts";
import { ec2Error, queryError, scriptedAws } from "../aws/support/scripted-aws.ts";
import { type ScriptedServer, scriptedServer } from "./support/scripted-server.ts";

const signal = new AbortController().signal;
const version = { gitVersion: "v1.34.1" };
const identity = {
  body: "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
};

const askVersion = async (server: ScriptedServer, tokens: ReturnType<typeof clusterTokens>) => {
  const known = {
    name: "models in eu-west-1",
    server: server.url,
    authorities: server.certificate,
    tokens,
    strangerHint: "let yourself in",
    silenceHint: "run it again",
  };
  await using client = await connect({ known, variables: {} }, signal);
  return await client.json({ method: "GET", path: "/version" }, signal);
};

test("a cluster that is known needs no kubeconfig: its server is shown a token, and AWS is not asked", async () => {
  await using aws = await scriptedAws(() => identity);
  await using server = await scriptedServer("https", (exchange) => exchange.json(200, version));
  const tokens = clusterTokens(aws.aws, "models");
  expect(await askVersion(server, tokens)).toEqual(version);
  await askVersion(server, tokens);
  const shown = server.requests.map(({ headers }) => String(headers.authorization));
  expect(shown[0]).toMatch(/^Bearer k8s-aws-v1\./);
  expect(shown[1]).toBe(shown[0]);
  expect(aws.asked).toEqual([]);
});

test("a token that is refused is made anew, after AWS was asked who this is", async () => {
  await using aws = await scriptedAws(() => identity);
  await using server = await scriptedServer("https", (exchange, index) =>
    index === 0 ? exchange.json(401, { kind: "Status", code: 401 }) : exchange.json(200, version),
  );
  expect(await askVersion(server, clusterTokens(aws.aws, "models"))).toEqual(version);
  expect(aws.asked.map(({ operation }) => operation)).toEqual(["GetCallerIdentity"]);
});

test.each(["ENOTFOUND", "ETIMEDOUT"])("a cluster whose server is silent (%s) says what helps", (code) => {
  const cause = Object.assign(new Error("no answer"), { code });
  const place = { context: "models in eu-west-1", server: new URL("https://models.invalid"), proxy: undefined };
  const silent = unreachable(new NoAnswer(cause, false), { ...place, silenceHint: "run it again" });
  expect(silent).toMatchObject({ code: "CLUSTER_UNREACHABLE", hint: "run it again" });
});

test("whom the cluster does not know is told how to be let in", async () => {
  await using aws = await scriptedAws(() => identity);
  await using server = await scriptedServer("https", (exchange) => exchange.json(401, { kind: "Status", code: 401 }));
  await expect(askVersion(server, clusterTokens(aws.aws, "models"))).rejects.toMatchObject({
    code: "NOT_AUTHORISED",
    message: expect.stringContaining("the cluster models in eu-west-1 does not accept the credentials"),
    hint: "let yourself in",
  });
});

test("credentials that have expired are told as such, not as the cluster's refusal", async () => {
  await using aws = await scriptedAws(() => queryError("ExpiredToken", "The security token is expired", 403));
  await using server = await scriptedServer("https", (exchange) => exchange.json(401, { kind: "Status", code: 401 }));
  await expect(askVersion(server, clusterTokens(aws.aws, "models"))).rejects.toMatchObject({
    code: "NOT_AUTHORISED",
    message: "the AWS credentials have expired",
    hint: expect.stringContaining("aws sso login"),
  });
});

test("a clock that is wrong costs one refusal, and then tokens carry AWS's time", async () => {
  const ahead = 3_600_000;
  const dates = { date: new Date(Date.now() + ahead).toUTCString() };
  await using aws = await scriptedAws(({ signedAt }) =>
    signedAt > Date.now() + ahead / 2
      ? { ...identity, headers: dates }
      : ec2Error("RequestExpired", "Request has expired.", 400, dates),
  );
  const dateOf = (header: string) => {
    const url = new URL(Buffer.from(header.split("k8s-aws-v1.")[1]!, "base64url").toString());
    const [, day, hour, minute] = /^(\d{8})T(\d\d)(\d\d)/.exec(url.searchParams.get("X-Amz-Date")!)!;
    return Date.UTC(+day!.slice(0, 4), +day!.slice(4, 6) - 1, +day!.slice(6), +hour!, +minute!);
  };
  await using server = await scriptedServer("https", (exchange) => {
    const isRight = dateOf(String(exchange.headers.authorization)) > Date.now() + ahead / 2;
    return isRight ? exchange.json(200, version) : exchange.json(401, { kind: "Status", code: 401 });
  });
  expect(await askVersion(server, clusterTokens(aws.aws, "models"))).toEqual(version);
  expect(server.requests).toHaveLength(2);
});
