import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../project/folder.ts";
import { runCommand } from "./support/run-command.ts";

interface Policy {
  readonly Version: string;
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string | readonly string[] }[];
}

async function statementsOf(...args: string[]): Promise<Policy["Statement"]> {
  const { stdout, status } = await runCommand(["cluster", "iam-policy", ...args]);
  expect(status).toBe(0);
  return [JSON.parse(stdout) as Policy | readonly Policy[]].flat().flatMap(({ Statement }) => Statement);
}

const actionsOf = (statements: Policy["Statement"]) => statements.flatMap(({ Action }) => Action);

test("iam-policy prints what all of `cortex cluster` needs, as several policies where one is too long for AWS", async () => {
  expect(actionsOf(await statementsOf())).toEqual(
    expect.arrayContaining(["ec2:CreateVpc", "eks:DeleteCluster", "logs:GetLogEvents"]),
  );
  const { stdout, stderr } = await runCommand(["cluster", "iam-policy"]);
  expect(stderr).toContain("these are 2 policies");
  const second = await runCommand(["cluster", "iam-policy", "--part", "2"]);
  expect(JSON.parse(second.stdout)).toEqual((JSON.parse(stdout) as readonly Policy[])[1]);
  expect(await runCommand(["cluster", "iam-policy", "--part", "3"])).toMatchObject({ status: 2 });
});

test("iam-policy of a command has no more than that needs", async () => {
  const actions = actionsOf(await statementsOf("info"));
  expect(actions).toContain("eks:DescribeCluster");
  expect(actions.filter((action) => /:(Create|Delete|Put|Update)/.test(action))).toEqual([]);
});

test("iam-policy of one cluster names it", async () => {
  const statements = await statementsOf("up", "-n", "models", "-r", "eu-west-1", "--account", "123456789012");
  expect(JSON.stringify(statements)).toMatch(/"arn:aws:iam::123456789012:role\/models-nodes-[0-9a-f]{6}"/);
});

test("iam-policy of a cluster.yaml has its policies and its boundary", async () => {
  const [policy, boundary] = ["arn:aws:iam::aws:policy/AmazonBedrockFullAccess", "arn:aws:iam::123456789012:policy/b"];
  const rights = `iam_policy_arns: [${policy}]\niam_permissions_boundary_arn: ${boundary}\n`;
  const file = `cluster_name: models\nregion: eu-west-1\nnode_groups: [{name: a, instance_type: m5.large}]\n${rights}`;
  await using folder = await temporaryFolder({ "cluster.yaml": file });
  const text = JSON.stringify(await statementsOf("up", "-c", join(folder.path, "cluster.yaml")));
  for (const part of [policy, boundary, "role/models-nodes-"]) expect(text).toContain(part);
  expect(text).not.toContain("AmazonS3FullAccess");
  const mixed = await runCommand(["cluster", "iam-policy", "-c", "cluster.yaml", "-n", "models"]);
  expect(mixed).toMatchObject({ status: 2, stderr: expect.stringContaining("no place beside it") });
});

test("iam-policy of what is no command says which there are", async () => {
  const { status, stderr } = await runCommand(["cluster", "iam-policy", "fly"]);
  expect(status).toBe(2);
  expect(stderr).toContain('there is no command "fly"');
  expect(stderr).toContain("commands are up,");
  expect((await runCommand(["cluster", "iam-policy", "info", "dwon"])).stderr).toContain("did you mean down?");
});

test("iam-policy of what is no account is refused", async () => {
  const { status, stderr } = await runCommand(["cluster", "iam-policy", "--account", "12"]);
  expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining("12 digits") });
});
