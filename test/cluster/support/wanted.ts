import type { Aws } from "../../../src/aws/aws.ts";
import type { Facts } from "../../../src/cluster/facts.ts";
import { eksKinds } from "../../../src/cluster/resources/eks-kinds.ts";
import { networkKinds } from "../../../src/cluster/resources/network-kinds.ts";
import { wantedEks } from "../../../src/cluster/wanted-eks.ts";
import { wantedNetwork } from "../../../src/cluster/wanted-network.ts";
import { parseCluster } from "../../../src/spec/parse-cluster.ts";
import { instanceTypes } from "../eks-samples.ts";

const identity = { accountId: "123456789012", arn: "arn:aws:iam::123456789012:user/somebody", partition: "aws" };
const zones = ["a", "b"].map((letter, index) => ({ name: `us-east-1${letter}`, id: `use1-az${index + 1}` }));
const facts: Facts = { identity, region: "us-east-1", zones, instanceTypes, kubernetesVersion: "1.34" };

/** @param text of cluster.yaml, without name and region @returns all that such a cluster consists of in AWS, which is not asked */
export async function wantedFor(text: string) {
  const { cluster } = await parseCluster({
    file: "cluster.yaml",
    text: `cluster_name: some\nregion: us-east-1\n${text}`,
    variables: {},
  });
  const context = { aws: { region: "us-east-1" } as Aws, identity, clusterName: "some", tags: cluster.tags };
  const network = networkKinds(context);
  const kinds = eksKinds(context, network);
  const plan = wantedNetwork(cluster, facts, network);
  const all = [...plan.wanted, ...wantedEks({ cluster, facts, kinds, network: plan })];
  return { cluster, all, kinds: [...Object.values(network), ...Object.values(kinds)] };
}
