import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
  ListTagsForResourceCommand,
  PutRetentionPolicyCommand,
  TagResourceCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { type Calls, read, repeatable } from "../service.ts";

export { CloudWatchLogsClient as Client } from "@aws-sdk/client-cloudwatch-logs";

export const logsOperations = {
  createLogGroup: repeatable(CreateLogGroupCommand),
  describeLogGroups: read(DescribeLogGroupsCommand),
  listTagsForResource: read(ListTagsForResourceCommand),
  tagResource: repeatable(TagResourceCommand),
  putRetentionPolicy: repeatable(PutRetentionPolicyCommand),
  deleteLogGroup: repeatable(DeleteLogGroupCommand),
  getLogEvents: read(GetLogEventsCommand),
  describeLogStreams: read(DescribeLogStreamsCommand),
} as const;

export type Logs = Calls<typeof logsOperations>;
