import { expect, test } from "vitest";
import { type Finding, findingsOf, throwFindings } from "../../../src/cluster/preflight/findings.ts";
import { CortexError } from "../../../src/core/errors.ts";

const quota: Finding = { code: "NO_CAPACITY", message: "VPCs: 5 of 5 are in use", hint: "ask AWS for 6" };
const right: Finding = { code: "NOT_AUTHORISED", message: "ada may not ec2:CreateVpc" };

function thrown(findings: readonly Finding[]): unknown {
  try {
    throwFindings(findings, "cortex in us-east-1");
    return undefined;
  } catch (error) {
    return error;
  }
}

test("nothing found is nothing thrown", () => {
  expect(thrown([])).toBeUndefined();
});

test("one reason is told as it is", () => {
  expect(thrown([quota])).toMatchObject({
    code: "NO_CAPACITY",
    message: quota.message,
    hint: quota.hint,
    problems: [],
  });
});

test("several are told together, and what decides most gives the exit status", () => {
  const error = thrown([quota, right]) as CortexError;
  expect(error).toMatchObject({
    code: "NOT_AUTHORISED",
    message: "2 things stand against cluster cortex in us-east-1",
  });
  expect(error.problems.map(({ message }) => message)).toEqual([quota.message, right.message]);
});

test("reasons that were thrown can be told together with others", () => {
  expect(findingsOf(thrown([quota]))).toEqual([quota]);
  expect(findingsOf(thrown([quota, right]))?.map(({ message }) => message)).toEqual([quota.message, right.message]);
  expect(findingsOf(new Error("a bug"))).toBeUndefined();
  expect(findingsOf(new CortexError("TIMED_OUT", "no answer"))).toBeUndefined();
});
