import type { Aws } from "../../aws/aws.ts";
import type { Variables } from "../../packages/find-python.ts";
import type { Repository } from "../reference.ts";
import type { Login } from "./docker-config.ts";

const host =
  /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/** @returns account and region of a registry of Amazon's ECR; undefined for another one */
export function ecrRegistry(registry: string): { readonly account: string; readonly region: string } | undefined {
  const [, account, region] = host.exec(registry) ?? [];
  return account === undefined || region === undefined ? undefined : { account, region };
}

/** @returns a login that AWS gives out to whoever this machine is to it, good for twelve hours. @throws NOT_AUTHORISED, AWS_FAILED */
export async function ecrLogin(registry: string, variables: Variables, signal: AbortSignal): Promise<Login> {
  const { account, region } = ecrRegistry(registry)!;
  await using aws = await connectTo(region, variables);
  const { authorizationData } = await (await aws.ecr()).getAuthorizationToken({ registryIds: [account] }, signal);
  const token = authorizationData?.[0]?.authorizationToken ?? "";
  const [username = "", ...rest] = Buffer.from(token, "base64").toString("utf8").split(":");
  return { source: "AWS", password: { username, password: rest.join(":") } };
}

/** Makes a repository; that somebody else made it meanwhile is fine. @throws NOT_AUTHORISED, NO_CAPACITY, AWS_FAILED */
export async function makeEcrRepository(
  { registry, name }: Repository,
  variables: Variables,
  signal: AbortSignal,
): Promise<void> {
  const { account, region } = ecrRegistry(registry)!;
  await using aws = await connectTo(region, variables);
  try {
    await (await aws.ecr()).createRepository({ registryId: account, repositoryName: name }, signal);
  } catch (error) {
    const { awsErrorName } = await import("../../aws/refusal.ts");
    if (awsErrorName(error) !== "RepositoryAlreadyExistsException") throw error;
  }
}

async function connectTo(region: string, variables: Variables): Promise<Aws> {
  const [{ connectAws }, { systemClock }] = await Promise.all([
    import("../../aws/connect-aws.ts"),
    import("../../platform/system-clock.ts"),
  ]);
  return connectAws({ region, variables, clock: systemClock });
}
