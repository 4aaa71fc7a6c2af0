import { describe, expect, test } from "vitest";
import { type CallRules, sendUntilAnswered } from "../../src/aws/call.ts";
import { callLimiter } from "../../src/aws/limiter.ts";
import { inUsableRegion } from "../../src/aws/regions.ts";
import type { CortexError } from "../../src/core/errors.ts";
import { queryError, scriptedAws, virtualClock } from "./support/scripted-aws.ts";

const { signal } = new AbortController();

/** Asks a region whose name leads nowhere. @returns what is told, after how many tries and milliseconds */
async function askNowhere(region: string, code: string, hasAnswered: boolean) {
  const clock = virtualClock();
  const startedAt = clock.now();
  let tries = 0;
  const rules: CallRules = {
    clock,
    hasAnswered,
    random: () => 0.5,
    limiter: callLimiter({ clock, random: () => 0.5, most: 1 }),
    credentials: { current: async () => ({ accessKeyId: "A", secretAccessKey: "s" }), renew: async () => false },
    retryForMs: 5 * 60_000,
  };
  const send = async () => {
    tries += 1;
    throw Object.assign(new Error(`getaddrinfo ${code} sts.${region}.amazonaws.com`), { code, syscall: "getaddrinfo" });
  };
  const asked = { action: "sts:GetCallerIdentity", region, profile: undefined };
  const error = await sendUntilAnswered({ asked, effect: "read", lane: "x", send }, rules, signal).catch(
    (reason: CortexError) => reason,
  );
  return { error: error as CortexError, tries, tookMs: clock.now() - startedAt };
}

describe("a region that there is not", () => {
  test("is told at once, with the one that was meant, also when another has answered", async () => {
    for (const hasAnswered of [false, true]) {
      const { error, tries, tookMs } = await askNowhere("us-east-9", "ENOTFOUND", hasAnswered);
      expect(error).toMatchObject({
        code: "SPEC_INVALID",
        message: "region: AWS has no region us-east-9",
        hint: "did you mean us-east-1?",
      });
      expect([tries, tookMs]).toEqual([1, 0]);
    }
  });

  test("is not what a network that fails for a moment is taken for", async () => {
    const { error, tries, tookMs } = await askNowhere("us-east-1", "ENOTFOUND", true);
    expect(error.code).toBe("AWS_FAILED");
    expect(tries).toBeGreaterThan(10);
    expect(tookMs).toBeGreaterThan(4 * 60_000);
  });
});

describe("a region that does not know the caller", () => {
  const regions = (status: string) =>
    `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>
       <item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>
       <item><regionName>af-south-1</regionName><optInStatus>${status}</optInStatus></item>
     </regionInfo></DescribeRegionsResponse>`;

  async function refusedIn(region: string, status: string) {
    await using cloud = await scriptedAws(({ operation }) =>
      operation === "DescribeRegions"
        ? { body: regions(status) }
        : queryError("InvalidClientTokenId", "The security token included in the request is invalid", 403),
    );
    const aws = cloud.aws.inRegion(region);
    const error = await inUsableRegion(aws, aws.identity(signal), signal).catch((reason: unknown) => reason);
    return { error, asked: cloud.asked.map(({ operation }) => operation) };
  }

  test("is one that the account has not enabled", async () => {
    const { error, asked } = await refusedIn("af-south-1", "not-opted-in");
    expect(error).toMatchObject({
      code: "SPEC_INVALID",
      message: "region: the account has not enabled af-south-1",
      hint: expect.stringContaining("aws account enable-region --region-name af-south-1"),
    });
    expect(asked).toEqual(["GetCallerIdentity", "DescribeRegions"]);
  });

  test("is one that there is not", async () => {
    expect((await refusedIn("af-south-2", "opted-in")).error).toMatchObject({
      message: "region: AWS has no region af-south-2",
    });
  });

  test("leaves it to the credentials where the region is one of the account's", async () => {
    expect((await refusedIn("af-south-1", "opted-in")).error).toMatchObject({ code: "NOT_AUTHORISED" });
    expect((await refusedIn("us-east-1", "opted-in")).asked).toEqual(["GetCallerIdentity"]);
  });
});
