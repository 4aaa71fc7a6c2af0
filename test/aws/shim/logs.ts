import { DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { Refused } from "./reply.ts";
import type { Handlers } from "./world.ts";

/** CloudWatch Logs: moto remembers the tags of groups that are gone. */
export const logsHandlers: Handlers = {
  ListTagsForResource: async ({ request, moto, forward }) => {
    const name =
      String(request.json.resourceArn ?? "")
        .split(":log-group:")[1]
        ?.replace(/:\*$/, "") ?? "";
    const { logGroups = [] } = await moto.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }));
    if (logGroups.some(({ logGroupName }) => logGroupName === name)) return forward();
    throw new Refused("ResourceNotFoundException", "The specified log group does not exist.");
  },
};
