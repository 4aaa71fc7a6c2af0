import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { type Calls, once, read, repeatable } from "../service.ts";

export { S3Client as Client } from "@aws-sdk/client-s3";

export const s3Operations = {
  createBucket: repeatable(CreateBucketCommand),
  getBucketTagging: read(GetBucketTaggingCommand),
  putBucketTagging: repeatable(PutBucketTaggingCommand),
  getPublicAccessBlock: read(GetPublicAccessBlockCommand),
  putPublicAccessBlock: repeatable(PutPublicAccessBlockCommand),
  listBuckets: read(ListBucketsCommand),
  listObjectsV2: read(ListObjectsV2Command),
  getObject: read(GetObjectCommand),
  putObject: once(PutObjectCommand),
  deleteObject: repeatable(DeleteObjectCommand),
  deleteObjects: repeatable(DeleteObjectsCommand),
  deleteBucket: repeatable(DeleteBucketCommand),
} as const;

export type S3 = Calls<typeof s3Operations>;
