const ofBuckets: Readonly<Record<string, string>> = {
  tagging: "BucketTagging",
  publicAccessBlock: "PublicAccessBlock",
  policy: "BucketPolicy",
  encryption: "BucketEncryption",
  lifecycle: "BucketLifecycleConfiguration",
  versioning: "BucketVersioning",
  ownershipControls: "BucketOwnershipControls",
  location: "BucketLocation",
};
const verbs: Readonly<Record<string, string>> = {
  GET: "Get",
  PUT: "Put",
  DELETE: "Delete",
  HEAD: "Head",
  POST: "Post",
};

/** @returns the operation of a request to S3, whose name stands nowhere in it: `PutObject` */
export function s3Operation(method: string, path: string, query: URLSearchParams): string {
  const named = query.get("x-id");
  if (named) return named;
  const [bucket, ...rest] = path.slice(1).split("/");
  if (!bucket) return "ListBuckets";
  const verb = verbs[method] ?? method;
  if (rest.join("/") !== "") return query.has("uploads") ? "CreateMultipartUpload" : `${verb}Object`;
  const part = Object.keys(ofBuckets).find((name) => query.has(name));
  if (part !== undefined) return `${verb}${ofBuckets[part]}`;
  if (query.has("delete")) return "DeleteObjects";
  if (method === "GET") return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
  return method === "PUT" ? "CreateBucket" : `${verb}Bucket`;
}
