import { autoScalingHandlers } from "./auto-scaling.ts";
import { ec2Handler } from "./ec2/handlers.ts";
import { eksHandlers } from "./eks/handlers.ts";
import { iamHandlers } from "./iam.ts";
import { stsHandlers } from "./identity.ts";
import { classicLoadBalancerHandlers, loadBalancerHandlers } from "./load-balancers.ts";
import { logsHandlers } from "./logs.ts";
import { pricingHandlers } from "./pricing.ts";
import { quotaHandlers } from "./quotas.ts";
import { ecrHandlers } from "./registry.ts";
import { Refused } from "./reply.ts";
import type { AwsRequest } from "./request.ts";
import { s3Handlers } from "./storage.ts";
import type { Handler, Handlers } from "./world.ts";

const services: Readonly<Record<string, Handlers>> = {
  ecr: ecrHandlers,
  elb: classicLoadBalancerHandlers,
  elbv2: loadBalancerHandlers,
  iam: iamHandlers,
  logs: logsHandlers,
  s3: s3Handlers,
  sts: stsHandlers,
};
/** moto has no part in these. */
const whole: Readonly<Record<string, Handlers>> = {
  autoscaling: autoScalingHandlers,
  eks: eksHandlers,
  pricing: pricingHandlers,
  servicequotas: quotaHandlers,
};

export function handlerOf({ service, operation }: AwsRequest): Handler {
  if (service === "ec2") return ec2Handler(operation);
  const mine = whole[service];
  if (mine !== undefined) return mine[operation] ?? (() => missing(service, operation));
  return services[service]?.[operation] ?? (({ forward }) => forward());
}

export function missing(service: string, operation: string, why = ""): never {
  throw new Refused("NotEmulated", `the emulator has no ${service}:${operation} ${why}`, 501);
}
