import type { Volume } from "@aws-sdk/client-ec2";
import type { Found } from "../../core/graph/resource.ts";
import type { ResourceContext } from "./context.ts";
import { type Around, kubernetesTag } from "./kubernetes-tags.ts";
import { ec2Pages } from "./pages.ts";
import { type RemovableKind, removableKind } from "./removable.ts";
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
      if (!(await around(signal)).areTagsOurs) return [];
      const ec2 = await aws.ec2();
      const Filters = [{ Name: `tag:${kubernetesTag(context)}`, Values: ["owned"] }];
      const ask = (page: object) => ec2.describeVolumes({ Filters, ...page }, signal);
      const all = await ec2Pages(ask, ({ Volumes }) => Volumes);
      return all.filter((volume) => !goesWithInstance(volume) && volume.State !== "deleted").map(found);
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

function goesWithInstance({ Attachments = [] }: Volume): boolean {
  return Attachments.some(({ DeleteOnTermination }) => DeleteOnTermination);
}

function found(state: Volume): Found<Volume> {
  const label = state.VolumeId ?? "";
  return { id: `volume/${label}`, label, state, status: state.State === "deleting" ? "removing" : "ready" };
}
