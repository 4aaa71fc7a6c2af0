import type { Clock } from "../core/graph/resource.ts";
import type { AutoScaling } from "./services/auto-scaling.ts";
import type { Certificates } from "./services/certificates.ts";
import type { ClassicLoadBalancers } from "./services/classic-load-balancers.ts";
import type { Ec2 } from "./services/ec2.ts";
import type { Ecr } from "./services/ecr.ts";
import type { Eks } from "./services/eks.ts";
import type { Iam } from "./services/iam.ts";
import type { LoadBalancers } from "./services/load-balancers.ts";
import type { Logs } from "./services/logs.ts";
import type { Pricing } from "./services/pricing.ts";
import type { Quotas } from "./services/quotas.ts";
import type { S3 } from "./services/s3.ts";
import type { Sts } from "./services/sts.ts";

export interface AwsIdentity {
  readonly accountId: string;
  readonly arn: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
}

/**
 * One account and region of AWS. Each service is loaded when it is first asked for. Every call takes a signal, shares one limiter
 * with all others, is retried when throttled until its deadline, and fails with a CortexError that names the call and the way out
 * (NOT_AUTHORISED names the missing right, NO_CAPACITY the quota), or with `Uncertain` where it may have been done. What callers
 * decide by (NotFound, AlreadyExists, DependencyViolation …) keeps AWS's own name: see `awsErrorName`.
 */
export interface Aws extends AsyncDisposable {
  readonly region: string;
  readonly clock: Clock;
  /** Asked once. @throws NOT_AUTHORISED without usable credentials, saying where they were looked for */
  identity(signal: AbortSignal): Promise<AwsIdentity>;
  autoScaling(): Promise<AutoScaling>;
  certificates(): Promise<Certificates>;
  classicLoadBalancers(): Promise<ClassicLoadBalancers>;
  ec2(): Promise<Ec2>;
  ecr(): Promise<Ecr>;
  eks(): Promise<Eks>;
  iam(): Promise<Iam>;
  loadBalancers(): Promise<LoadBalancers>;
  logs(): Promise<Logs>;
  pricing(): Promise<Pricing>;
  quotas(): Promise<Quotas>;
  s3(): Promise<S3>;
  sts(): Promise<Sts>;
  /**
   * What an EKS cluster of this region knows this account by; signed here, nobody is asked. `expiresAt` in milliseconds since the
   * epoch, by this machine's clock. @throws NOT_AUTHORISED
   */
  clusterToken(cluster: string, signal: AbortSignal): Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** The same account in another region. */
  inRegion(region: string): Aws;
}
