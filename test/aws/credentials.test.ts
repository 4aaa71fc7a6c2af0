import { describe, expect, test } from "vitest";
import { type AwsCredentials, credentialSource, readCredentials } from "../../src/aws/credentials.ts";
import { temporaryFolder } from "../project/folder.ts";
import { virtualClock } from "./support/scripted-aws.ts";

const minutes = 60_000;
const signal = new AbortController().signal;

/** Gives out `a`, `b`, `c` …, each of which lasts an hour. */
function hourly(clock = virtualClock()) {
  let reads = 0;
  const read = async (): Promise<AwsCredentials> => {
    reads += 1;
    const accessKeyId = String.fromCharCode(96 + reads);
    return { accessKeyId, secretAccessKey: "x", expiration: new Date(clock.now() + 60 * minutes) };
  };
  return { clock, source: credentialSource(read, clock), reads: () => reads };
}

describe("credentials", () => {
  test("are read once, by however many they are wanted", async () => {
    const { source, reads } = hourly();
    const all = await Promise.all([source.current(), source.current(), source.current()]);
    expect(all.map(({ accessKeyId }) => accessKeyId)).toEqual(["a", "a", "a"]);
    expect(reads()).toBe(1);
  });

  test("are replaced a while before they end", async () => {
    const { clock, source } = hourly();
    await source.current();
    await clock.sleep(56 * minutes, signal);
    expect((await source.current()).accessKeyId).toBe("b");
  });

  test("are used to their end when there are no others", async () => {
    const clock = virtualClock();
    let isGone = false;
    const source = credentialSource(async () => {
      if (isGone) throw new Error("logged out");
      return { accessKeyId: "a", secretAccessKey: "x", expiration: new Date(clock.now() + 60 * minutes) };
    }, clock);
    await source.current();
    isGone = true;
    await clock.sleep(58 * minutes, signal);
    expect((await source.current()).accessKeyId).toBe("a");
    await clock.sleep(3 * minutes, signal);
    await expect(source.current()).rejects.toThrow("logged out");
  });

  test("that were refused are asked for anew, unless somebody has done so meanwhile", async () => {
    const { source, reads } = hourly();
    const old = await source.current();
    expect(await Promise.all([source.renew(old), source.renew(old)])).toEqual([true, true]);
    expect(await source.renew(old)).toBe(true);
    expect(reads()).toBe(2);
  });

  test("that stay the same are no new ones", async () => {
    const source = credentialSource(async () => ({ accessKeyId: "a", secretAccessKey: "x" }), virtualClock());
    expect(await source.renew(await source.current())).toBe(false);
  });
});

describe("where credentials are looked for", () => {
  const base = { region: "eu-west-1", clock: virtualClock(), askForCode: undefined, endpoint: undefined };

  test("keys in the variables come before a profile that is named there", async () => {
    const variables = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key", AWS_PROFILE: "nobody" };
    expect(await readCredentials({ ...base, variables, profile: undefined })).toEqual({
      accessKeyId: "id",
      secretAccessKey: "key",
    });
  });

  test("a profile that is asked for comes before all", async () => {
    await using folder = await temporaryFolder({
      credentials: "[work]\naws_access_key_id=w\naws_secret_access_key=x\n",
      config: "",
    });
    const variables = {
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "key",
      AWS_SHARED_CREDENTIALS_FILE: `${folder.path}/credentials`,
      AWS_CONFIG_FILE: `${folder.path}/config`,
    };
    expect(await readCredentials({ ...base, variables, profile: "work" })).toMatchObject({ accessKeyId: "w" });
  });

  test("a program that gives them out is run", async () => {
    const given = JSON.stringify({ Version: 1, AccessKeyId: "p", SecretAccessKey: "x" });
    await using folder = await temporaryFolder({ "give.sh": `echo '${given}'\n` });
    await folder.write({ config: `[profile program]\ncredential_process = sh ${folder.path}/give.sh\n` });
    const variables = { AWS_CONFIG_FILE: `${folder.path}/config`, AWS_SHARED_CREDENTIALS_FILE: "/nonexistent" };
    expect(await readCredentials({ ...base, variables, profile: "program" })).toMatchObject({ accessKeyId: "p" });
  });

  test.for([
    ["nobody", "Could not resolve credentials using profile: [nobody]"],
    ["lost", "absent"],
    ["failing", "no such vault"],
  ] as const)("why profile %s gives none is told", async ([profile, reason]) => {
    await using folder = await temporaryFolder({
      config:
        "[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = absent\n" +
        "[profile failing]\ncredential_process = sh -c 'echo no such vault >&2; exit 1'\n",
    });
    const variables = { AWS_CONFIG_FILE: `${folder.path}/config`, AWS_SHARED_CREDENTIALS_FILE: "/nonexistent" };
    const endpoint = "http://127.0.0.1:1";
    await expect(readCredentials({ ...base, endpoint, variables, profile })).rejects.toThrow(reason);
  });

  test("the code of a second factor is asked for", async () => {
    await using folder = await temporaryFolder({
      config:
        "[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ada\n",
      credentials: "[base]\naws_access_key_id=b\naws_secret_access_key=x\n",
    });
    const variables = {
      AWS_CONFIG_FILE: `${folder.path}/config`,
      AWS_SHARED_CREDENTIALS_FILE: `${folder.path}/credentials`,
    };
    const asked: string[] = [];
    const askForCode = async (serial: string) => {
      asked.push(serial);
      throw new Error("nobody there");
    };
    await expect(readCredentials({ ...base, variables, profile: "mfa", askForCode })).rejects.toThrow();
    expect(asked).toEqual(["arn:aws:iam::123456789012:mfa/ada"]);
  });
});
