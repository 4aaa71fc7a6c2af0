import { expect, test } from "vitest";
import { FirstCall } from "../../src/aws/first-call.ts";

test("a second service enters when the first call is sent, not before", async () => {
  const first = new FirstCall();
  const seen: string[] = [];
  const calling = first.open(async () => "sts").then(() => first.made());
  const second = first.open(async () => seen.push("ec2"));
  await calling;
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  expect(seen).toEqual([]);
  first.sent();
  await second;
  expect(seen).toEqual(["ec2"]);
});

test("a service that is opened and not called holds up nobody, nor does one that cannot be opened", async () => {
  const idle = new FirstCall();
  expect(await Promise.all([idle.open(async () => "sts"), idle.open(async () => "ec2")])).toEqual(["sts", "ec2"]);
  const broken = new FirstCall();
  const failed = broken.open(() => Promise.reject(new Error("it is gone")));
  await expect(Promise.all([failed, broken.open(async () => "ec2")])).rejects.toThrow("it is gone");
  expect(await broken.open(async () => "ec2")).toBe("ec2");
});
