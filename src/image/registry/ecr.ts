import { CortexError } from "../../core/errors.ts";
import type { Repository } from "../reference.ts";
import type { Login } from "./docker-config.ts";

const host =
  /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/** @returns account and region of a registry of Amazon's ECR; undefined for another one */
export function ecrRegistry(registry: string): { readonly account: string; readonly region: string } | undefined {
  const [, account, region] = host.exec(registry) ?? [];
  return account === undefined || region === undefined ? undefined : { account, region };
}

/** @returns a login that AWS gives out to whoever this machine is to it, good for twelve hours. @throws NOT_AUTHORISED */
export async function ecrLogin(registry: string, signal: AbortSignal): Promise<Login> {
  const { account, region } = ecrRegistry(registry)!;
  const { ECRClient, GetAuthorizationTokenCommand } = await import("@aws-sdk/client-ecr");
  const client = new ECRClient({ region });
  try {
    const command = new GetAuthorizationTokenCommand({ registryIds: [account] });
    const { authorizationData } = await client.send(command, { abortSignal: signal });
    const token = authorizationData?.[0]?.authorizationToken ?? "";
    const [username = "", ...rest] = Buffer.from(token, "base64").toString("utf8").split(":");
    return { source: "AWS", password: { username, password: rest.join(":") } };
  } catch (error) {
    throw awsFailure(error, `no login for ${registry}`, "ecr:GetAuthorizationToken", signal);
  } finally {
    client.destroy();
  }
}

/** Makes a repository; that somebody else made it meanwhile is fine. @throws NOT_AUTHORISED, REGISTRY_FAILED */
export async function makeEcrRepository({ registry, name }: Repository, signal: AbortSignal): Promise<void> {
  const { account, region } = ecrRegistry(registry)!;
  const { ECRClient, CreateRepositoryCommand } = await import("@aws-sdk/client-ecr");
  const client = new ECRClient({ region });
  try {
    await client.send(new CreateRepositoryCommand({ registryId: account, repositoryName: name }), {
      abortSignal: signal,
    });
  } catch (error) {
    if ((error as Error).name === "RepositoryAlreadyExistsException") return;
    throw awsFailure(error, `cannot make the repository ${name} in ${registry}`, "ecr:CreateRepository", signal);
  } finally {
    client.destroy();
  }
}

function awsFailure(error: unknown, what: string, right: string, signal: AbortSignal): unknown {
  signal.throwIfAborted();
  const { name, message } = error as Error;
  if (
    /AccessDenied|UnrecognizedClient|ExpiredToken|InvalidSignature|CredentialsProvider|InvalidClientTokenId/.test(name)
  ) {
    const isNobody = name === "CredentialsProviderError";
    return new CortexError("NOT_AUTHORISED", `${what}: ${isNobody ? "AWS does not know who asks" : message}`, {
      hint: isNobody
        ? "log in to AWS (aws sso login, AWS_PROFILE), or use docker login"
        : `the right ${right} is needed`,
      cause: error,
    });
  }
  return new CortexError("REGISTRY_FAILED", `${what}: ${message}`, { cause: error });
}
