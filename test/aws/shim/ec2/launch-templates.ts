import { DescribeLaunchTemplateVersionsCommand, type ResponseLaunchTemplateData } from "@aws-sdk/client-ec2";
import type { LaunchTemplateSpecification } from "@aws-sdk/client-eks";
import type { Moto } from "../moto-clients.ts";

export type LaunchTemplateData = ResponseLaunchTemplateData;

export interface LaunchTemplate {
  /** As EKS tells it: id, name and a version in figures. */
  readonly specification: Required<LaunchTemplateSpecification>;
  readonly data: LaunchTemplateData;
}

/** @returns one version of a template; undefined when there is none such */
export async function readLaunchTemplate(
  { ec2 }: Moto,
  { id, name, version }: LaunchTemplateSpecification,
): Promise<LaunchTemplate | undefined> {
  const which = id === undefined ? { LaunchTemplateName: name } : { LaunchTemplateId: id };
  const command = new DescribeLaunchTemplateVersionsCommand({ ...which, Versions: [version ?? "$Default"] });
  const found = await ec2.send(command).catch(() => undefined);
  const one = found?.LaunchTemplateVersions?.[0];
  if (one === undefined) return undefined;
  const specification = {
    id: one.LaunchTemplateId!,
    name: one.LaunchTemplateName!,
    version: String(one.VersionNumber),
  };
  return { specification, data: one.LaunchTemplateData ?? {} };
}
