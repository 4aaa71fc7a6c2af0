import { CreateVpcCommand, DescribeVpcsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { type Emulator, startEmulator } from "./emulator.ts";

function ec2Of({ endpoint, variables }: Emulator): EC2Client {
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_REGION = "" } = variables;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  return new EC2Client({ endpoint, region: AWS_REGION, credentials, maxAttempts: 1 });
}

test("two emulators are two accounts, empty at first", async () => {
  await using one = await startEmulator();
  await using other = await startEmulator();
  const client = ec2Of(one);
  await client.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
  expect(await one.inventory.names()).toEqual(["vpc vpc"]);
  expect(await other.inventory.names()).toEqual([]);
  expect(one.calls.counts()).toEqual({ "ec2:CreateVpc": 1 });
  client.destroy();
});

test("an answer that is lost leaves what was made", async () => {
  await using emulator = await startEmulator();
  const client = ec2Of(emulator);
  emulator.faults.add({ op: "ec2:CreateVpc", kind: "lostReply" });
  await expect(client.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).rejects.toThrow();
  expect((await client.send(new DescribeVpcsCommand({}))).Vpcs?.length).toBe(2);
  client.destroy();
});
