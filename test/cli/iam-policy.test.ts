import { expect, test } from "vitest";
import { runCommand } from "./support/run-command.ts";

interface Policy {
  readonly Version: string;
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string | readonly string[] }[];
}

async function policyOf(...args: string[]): Promise<Policy> {
  const { stdout, status } = await runCommand(["cluster", "iam-policy", ...args]);
  expect(status).toBe(0);
  return JSON.parse(stdout) as Policy;
}

const actionsOf = ({ Statement }: Policy) => Statement.flatMap(({ Action }) => Action);

test("iam-policy prints what all of `cortex cluster` needs", async () => {
  const policy = await policyOf();
  expect(policy.Version).toBe("2012-10-17");
  expect(actionsOf(policy)).toEqual(
    expect.arrayContaining(["ec2:CreateVpc", "eks:DeleteCluster", "logs:GetLogEvents"]),
  );
});

test("iam-policy of a command has no more than that needs", async () => {
  const actions = actionsOf(await policyOf("info"));
  expect(actions).toContain("eks:DescribeCluster");
  expect(actions.filter((action) => /:(Create|Delete|Put|Update)/.test(action))).toEqual([]);
});

test("iam-policy of one cluster names it", async () => {
  const policy = await policyOf("up", "-n", "models", "-r", "eu-west-1", "--account", "123456789012");
  expect(JSON.stringify(policy.Statement)).toContain("arn:aws:iam::123456789012:role/models-*");
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
