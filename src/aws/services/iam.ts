import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { type Calls, read, repeatable } from "../service.ts";

export { IAMClient as Client } from "@aws-sdk/client-iam";

export const iamOperations = {
  createRole: repeatable(CreateRoleCommand),
  getRole: read(GetRoleCommand),
  tagRole: repeatable(TagRoleCommand),
  updateAssumeRolePolicy: repeatable(UpdateAssumeRolePolicyCommand),
  attachRolePolicy: repeatable(AttachRolePolicyCommand),
  detachRolePolicy: repeatable(DetachRolePolicyCommand),
  listAttachedRolePolicies: read(ListAttachedRolePoliciesCommand),
  putRolePolicy: repeatable(PutRolePolicyCommand),
  getRolePolicy: read(GetRolePolicyCommand),
  listRolePolicies: read(ListRolePoliciesCommand),
  deleteRolePolicy: repeatable(DeleteRolePolicyCommand),
  deleteRole: repeatable(DeleteRoleCommand),
  deleteRolePermissionsBoundary: repeatable(DeleteRolePermissionsBoundaryCommand),
  putRolePermissionsBoundary: repeatable(PutRolePermissionsBoundaryCommand),
  getPolicy: read(GetPolicyCommand),
  simulatePrincipalPolicy: read(SimulatePrincipalPolicyCommand),
} as const;

export type Iam = Calls<typeof iamOperations>;
