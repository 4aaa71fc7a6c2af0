import { ACMClient } from "@aws-sdk/client-acm";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECRClient } from "@aws-sdk/client-ecr";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";

/** Clients that talk to moto directly, in one account and region. */
export interface Moto extends Disposable {
  readonly acm: ACMClient;
  readonly ec2: EC2Client;
  readonly ecr: ECRClient;
  readonly elb: ElasticLoadBalancingClient;
  readonly elbv2: ElasticLoadBalancingV2Client;
  readonly iam: IAMClient;
  readonly logs: CloudWatchLogsClient;
  readonly s3: S3Client;
}

/** moto's own way to tell accounts apart. */
export const accountHeader = "x-moto-account-id";

interface HasHeaders {
  readonly headers: Record<string, string>;
}

export function connectMoto(endpoint: string, account: string, region: string): Moto {
  const credentials = { accessKeyId: "moto", secretAccessKey: "moto" };
  const settings = { endpoint, region, credentials, maxAttempts: 1 };
  const all = {
    acm: new ACMClient(settings),
    ec2: new EC2Client(settings),
    ecr: new ECRClient(settings),
    elb: new ElasticLoadBalancingClient(settings),
    elbv2: new ElasticLoadBalancingV2Client(settings),
    iam: new IAMClient(settings),
    logs: new CloudWatchLogsClient(settings),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
  };
  for (const client of Object.values(all)) inAccount(client, account);
  return {
    ...all,
    [Symbol.dispose]: () => {
      for (const client of Object.values(all)) client.destroy();
    },
  };
}

type Step = (given: { request: unknown }) => Promise<unknown>;
interface HasSteps {
  readonly middlewareStack: {
    add(step: (next: Step) => Step, options: { readonly step: "build"; readonly name: string }): void;
  };
}

function inAccount(client: unknown, account: string): void {
  const { middlewareStack } = client as HasSteps;
  const addHeader = (next: Step) => (given: Parameters<Step>[0]) => {
    (given.request as HasHeaders).headers[accountHeader] = account;
    return next(given);
  };
  middlewareStack.add(addHeader, { step: "build", name: "account" });
}
