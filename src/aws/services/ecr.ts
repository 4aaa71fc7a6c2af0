import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetAuthorizationTokenCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
} from "@aws-sdk/client-ecr";
import { type Calls, read, repeatable } from "../service.ts";

export { ECRClient as Client } from "@aws-sdk/client-ecr";

export const ecrOperations = {
  getAuthorizationToken: read(GetAuthorizationTokenCommand),
  createRepository: repeatable(CreateRepositoryCommand),
  describeRepositories: read(DescribeRepositoriesCommand),
  listTagsForResource: read(ListTagsForResourceCommand),
  tagResource: repeatable(TagResourceCommand),
  deleteRepository: repeatable(DeleteRepositoryCommand),
} as const;

export type Ecr = Calls<typeof ecrOperations>;
