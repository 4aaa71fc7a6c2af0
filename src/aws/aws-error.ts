import { CortexError } from "../core/errors.ts";
import { isKnownRegion } from "../spec/regions.ts";
import { awsErrorName, isUnresolved, isUntrusted, type Refusal } from "./refusal.ts";
import { noSuchRegion } from "./regions.ts";

/** One call, as errors tell of it. */
export interface Asked {
  /** IAM's name of it, `ec2:CreateVpc`. */
  readonly action: string;
  readonly region: string;
  /** Of what credentials were taken from, `profile work`; undefined: as the SDK looks for them. */
  readonly profile: string | undefined;
}

/** @returns what a user can do about a call that failed; `error` stays its cause. Pure. */
export function awsError(error: unknown, refusal: Refusal, asked: Asked): CortexError {
  const said = messageOf(error);
  switch (refusal) {
    case "denied":
      return denied(error, said, asked);
    case "unaccepted":
    case "skewed":
      return unaccepted(error, said, asked);
    case "missing":
      return withoutCredentials(error, said, asked);
    case "full":
      return full(error, said, asked);
    case "unsent":
    case "lost":
      return unreachable(error, said, asked);
    case "throttled":
      return new CortexError("TIMED_OUT", `AWS throttles ${asked.action} in ${asked.region}: ${said}`, {
        hint: "something else uses up the account's share of requests; run the same command again later, it goes on where it stopped",
        cause: error,
      });
    case "failing":
    case "busy":
    case "refused":
      return new CortexError("AWS_FAILED", `${asked.action} in ${asked.region}: ${said}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  const {
    name = "",
    message = "",
    code,
    $response,
  } = error as {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
    readonly $response?: { readonly statusCode?: number };
  };
  const text = message.replace(/\s*Encoded authorization failure message: \S+/, "").trim();
  if (text !== "" && text !== "UnknownError") return text.replace(/\.$/, "");
  return name.startsWith("Unknown") ? `HTTP status ${$response?.statusCode}` : name || String(code ?? error);
}

const refusedRight =
  /(?:User: (\S+) )?is not authorized to perform: (\S+?)(?: on resource: (\S+?))?(?: (?:because|with) (.*?))?\.?$/;

function denied(error: unknown, said: string, { action, region }: Asked): CortexError {
  const [, who, named = action, resource, why] = refusedRight.exec(said) ?? [];
  const place = resource === undefined || resource === "*" ? ` in ${region}` : ` on ${resource}`;
  const isNamed = refusedRight.test(said);
  const reason = isNamed ? (why ?? "").replace(/^an? /, "") : said;
  const isOrganisation = /service control policy|permissions boundary|resource control policy/.test(said);
  return new CortexError(
    "NOT_AUTHORISED",
    `${who ?? "whoever the AWS credentials belong to"} may not ${named}${place}${reason && `: ${reason}`}`,
    {
      hint: isOrganisation
        ? `ask whoever looks after the organisation's policies to allow ${named}`
        : `ask for the right ${named}; \`cortex cluster iam-policy\` prints all that a command needs`,
      cause: error,
    },
  );
}

function unaccepted(error: unknown, said: string, { profile, region }: Asked): CortexError {
  const name = awsErrorName(error) ?? "";
  const isExpired = /^(Expired|RequestExpired|TokenRefreshRequired)/.test(name) || /expired/i.test(said);
  const which = profile === undefined ? "" : ` of profile ${profile}`;
  if (!isExpired) {
    return new CortexError("NOT_AUTHORISED", `AWS does not accept the credentials${which}: ${said}`, {
      hint: `\`aws sts get-caller-identity\` shows who you are; is ${region} a region that the account has enabled?`,
      cause: error,
    });
  }
  return new CortexError("NOT_AUTHORISED", `the AWS credentials${which} have expired`, {
    hint: `log in again (${logIn(profile)}), and run the same command again: it goes on where it stopped`,
    cause: error,
  });
}

function withoutCredentials(error: unknown, said: string, { profile }: Asked): CortexError {
  const { cause } = error as Error;
  if (cause instanceof CortexError) return cause;
  const needsCode = /multi-factor|MFA/.test(said);
  if (needsCode) {
    return new CortexError("NOT_AUTHORISED", `AWS asks for a code of a second factor: ${said}`, {
      hint: "run this on a terminal, where it is asked for, or set credentials of a session that has begun",
      cause: error,
    });
  }
  if (/expired|invalid.*SSO|SSO.*invalid|token.*not found/i.test(said)) {
    return new CortexError("NOT_AUTHORISED", `the AWS login has ended: ${said}`, {
      hint: `log in again (${logIn(profile)}), and run the same command again: it goes on where it stopped`,
      cause: error,
    });
  }
  const isSso = /\bSSO\b/.test(said);
  const where = profile === undefined ? "in AWS_ACCESS_KEY_ID, the default profile, or this machine's role" : undefined;
  return new CortexError(
    "NOT_AUTHORISED",
    where === undefined ? `profile ${profile} gives no AWS credentials: ${said}` : `no AWS credentials: none ${where}`,
    {
      hint:
        profile === undefined
          ? "log in to AWS (`aws sso login`, `aws configure`), or choose a profile with AWS_PROFILE"
          : isSso
            ? `log in with \`${logIn(profile)}\``
            : `\`aws configure list-profiles\` lists the profiles there are; \`aws sts get-caller-identity --profile ${profile}\` tries this one`,
      cause: error,
    },
  );
}

function logIn(profile: string | undefined): string {
  return profile === undefined ? "aws sso login" : `aws sso login --profile ${profile}`;
}

/** Quotas by AWS's name for their being reached: as Service Quotas calls them, and their code there. */
const quotas: readonly (readonly [RegExp, string])[] = [
  [/^VpcLimitExceeded/, "VPCs per Region (vpc, L-F678F1CE)"],
  [/^AddressLimitExceeded/, "EC2-VPC Elastic IPs (ec2, L-0263D0A3)"],
  [/^InternetGatewayLimitExceeded/, "Internet gateways per Region (vpc, L-A4707A72)"],
  [/^NatGatewayLimitExceeded/, "NAT gateways per Availability Zone (vpc, L-FE5A380F)"],
  [/^SubnetLimitExceeded/, "Subnets per VPC (vpc, L-407747CB)"],
  [/^RouteTableLimitExceeded/, "Route tables per VPC (vpc, L-589F43AA)"],
  [/^SecurityGroupLimitExceeded/, "VPC security groups per Region (vpc, L-E79EC296)"],
  [/^VpcEndpointLimitExceeded/, "Gateway VPC endpoints per Region (vpc, L-1B52E74A)"],
  [/^VcpuLimitExceeded|^InstanceLimitExceeded/, "Running On-Demand instances of the family (ec2, in vCPUs)"],
  [/^MaxSpotInstanceCountExceeded/, "All Spot Instance Requests of the family (ec2, in vCPUs)"],
  [/^TooManyBuckets/, "General purpose buckets (s3, L-DC2B2D3D)"],
];

function full(error: unknown, said: string, { action, region }: Asked): CortexError {
  const name = awsErrorName(error) ?? "";
  const [, quota] = quotas.find(([pattern]) => pattern.test(name)) ?? [];
  const isCapacity = /^Insufficient/.test(name);
  const hint = isCapacity
    ? "AWS has none to give there now: name other instance types or zones, or try later"
    : `ask for more of ${quota === undefined ? "it" : `"${quota}"`} under Service Quotas in ${region}, or remove what is not used`;
  return new CortexError("NO_CAPACITY", `${action} in ${region}: ${said}`, { hint, cause: error });
}

function unreachable(error: unknown, said: string, { action, region }: Asked): CortexError {
  if (isUntrusted(error)) {
    return new CortexError("AWS_FAILED", `the certificate of AWS in ${region} is not trusted: ${said}`, {
      hint: "a proxy that looks into connections has its own authority: name its file in AWS_CA_BUNDLE",
      cause: error,
    });
  }
  if (isUnresolved(error) && !isKnownRegion(region)) return noSuchRegion(region, error);
  const isNameless = /ENOTFOUND|EAI_AGAIN/.test((error as { code?: string }).code ?? said);
  const hint = isNameless
    ? `is ${region} a region, and is there a network? A proxy is taken from HTTPS_PROXY`
    : "check the network; a proxy is taken from HTTPS_PROXY. Then run the same command again: it goes on where it stopped";
  return new CortexError("AWS_FAILED", `AWS cannot be reached for ${action} in ${region}: ${said}`, {
    hint,
    cause: error,
  });
}
