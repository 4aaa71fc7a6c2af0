import { type BucketKind, bucketKind } from "./bucket.ts";
import type { ResourceContext } from "./context.ts";
import { type InternetGatewayKind, internetGatewayKind } from "./internet-gateway.ts";
import { type LogGroupKind, logGroupKind } from "./log-group.ts";
import { type NatAddressKind, type NatGatewayKind, natAddressKind, natGatewayKind } from "./nat.ts";
import { shared } from "./pages.ts";
import { type RepositoryKind, repositoryKind } from "./repository.ts";
import { type RouteTableKind, routeTableKind } from "./route-table.ts";
import { type S3EndpointKind, s3EndpointKind } from "./s3-endpoint.ts";
import { type SubnetKind, subnetKind } from "./subnet.ts";
import { listVpcs, type VpcKind, vpcKind } from "./vpc.ts";

/** The kinds of a cluster's network, and of what it stores. Their values are a list of kinds. */
export interface NetworkKinds {
  readonly vpc: VpcKind;
  readonly subnet: SubnetKind;
  readonly internetGateway: InternetGatewayKind;
  readonly natAddress: NatAddressKind;
  readonly natGateway: NatGatewayKind;
  readonly routeTable: RouteTableKind;
  readonly s3Endpoint: S3EndpointKind;
  readonly bucket: BucketKind;
  readonly repository: RepositoryKind;
  readonly logGroup: LogGroupKind;
}

export function networkKinds(context: ResourceContext): NetworkKinds {
  const vpc = vpcKind(
    context,
    shared((signal) => listVpcs(context, signal)),
  );
  const subnet = subnetKind(context, vpc);
  const internetGateway = internetGatewayKind(context, vpc);
  const natAddress = natAddressKind(context);
  const natGateway = natGatewayKind(context, { subnet, natAddress });
  const routeTable = routeTableKind(context, { vpc, subnet, internetGateway, natGateway });
  return {
    vpc,
    subnet,
    internetGateway,
    natAddress,
    natGateway,
    routeTable,
    s3Endpoint: s3EndpointKind(context, { vpc, routeTable }),
    bucket: bucketKind(context),
    repository: repositoryKind(context),
    logGroup: logGroupKind(context),
  };
}
