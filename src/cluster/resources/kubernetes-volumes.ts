import type { Volume } from "@aws-sdk/client-ec2";
import type { Found } from "../../core/graph/resource.ts";
import { clusterTag, type ResourceContext } from "./context.ts";
import { type Around, kubernetesTag } from "./kubernetes-tags.ts";
import { namedControlPlane } from "./owner.ts";
import { ec2Pages } from "./pages.ts";
import { type RemovableKind, removableKind } from "./removable.ts";
import { tagsFrom } from "./tags.ts";
import { removeWhenFree } from "./wait.ts";

/** Disks of persistent volumes. Those of instances go with them. */
export function volumeKind(context: ResourceContext, around: Around): RemovableKind<Volume> {
  const { aws } = context;
  return removableKind({
    name: "volume",
    title: "volume",
    needs: [],
    removeMs: 3_000,
    async list(signal) {
      const [all, { areTagsOurs, since }] = await Promise.all([readVolumes(context, signal), around(signal)]);
      if (!areTagsOurs) return [];
      return all.filter((volume) => isOurs(volume, context, since)).map(found);
    },
    async remove({ VolumeId = "" }, waiting, signal) {
      const ec2 = await aws.ec2();
      const removal = {
        what: `volume ${VolumeId}`,
        gone: ["InvalidVolume.NotFound"],
        busy: ["VolumeInUse", "IncorrectState"],
        remove: () => ec2.deleteVolume({ VolumeId }, signal),
        release: async () => {
          const { Volumes } = await ec2.describeVolumes(
            { Filters: [{ Name: "volume-id", Values: [VolumeId] }] },
            signal,
          );
          const instances = Volumes?.[0]?.Attachments?.map(({ InstanceId }) => `instance ${InstanceId}`) ?? [];
          return { names: instances.join(", ") };
        },
      };
      await removeWhenFree(removal, waiting, signal);
    },
  });
}

/**
 * Disks that bear the cluster's name and of which nobody knows whether they are its own: another cluster of that name may have left
 * them, one of somebody else or one before this. Empty while there is one of somebody else, whose they are then.
 */
export async function strangeVolumes(context: ResourceContext, signal: AbortSignal): Promise<readonly Volume[]> {
  const [all, { owner, createdAt }] = await Promise.all([
    readVolumes(context, signal),
    namedControlPlane(context, signal),
  ]);
  if (owner === "theirs") return [];
  return all.filter((volume) => !isOurs(volume, context, owner === "ours" ? createdAt : undefined));
}

async function readVolumes(context: ResourceContext, signal: AbortSignal): Promise<readonly Volume[]> {
  const ec2 = await context.aws.ec2();
  const Filters = [{ Name: `tag:${kubernetesTag(context)}`, Values: ["owned"] }];
  const all = await ec2Pages(
    (page) => ec2.describeVolumes({ Filters, ...page }, signal),
    ({ Volumes }) => Volumes,
  );
  return all.filter((volume) => !goesWithInstance(volume) && volume.State !== "deleted");
}

/** Those of before the add-on marked them are ours when they were made while the name was that of our cluster. */
function isOurs({ Tags, CreateTime }: Volume, { clusterName }: ResourceContext, since: number | undefined): boolean {
  const owner = tagsFrom(Tags)[clusterTag];
  if (owner !== undefined) return owner === clusterName;
  return since !== undefined && CreateTime !== undefined && CreateTime.getTime() >= since;
}

function goesWithInstance({ Attachments = [] }: Volume): boolean {
  return Attachments.some(({ DeleteOnTermination }) => DeleteOnTermination);
}

function found(state: Volume): Found<Volume> {
  const label = state.VolumeId ?? "";
  return { id: `volume/${label}`, label, state, status: state.State === "deleting" ? "removing" : "ready" };
}
