import { repositoryUrl } from "./installation.ts";

/** Stands for the owner of the repository until it has one; GitHub takes no `_` in a name, and npm no capitals. */
const placeholderOwner = "OWNER_TO_BE_SET";

/** What `repository` in package.json is until then, and what the sources of the installers name for good. */
export const placeholderRepository = `https://github.com/${placeholderOwner}/cortex`;

/** Where the releases of `repository` are: below it `latest/download/FILE` and `download/vVERSION/FILE`, as GitHub has them. */
export function releasesOf(repository: string): string {
  return `${repository}/releases`;
}

/** Whose `repository` is, which the last but one part of its address says. */
export function ownerOf(repository: string): string {
  return repository.split("/").at(-2)!;
}

/** The scope of the npm packages of `repository`: its owner. */
export function npmScopeOf(repository: string): string {
  const owner = ownerOf(repository);
  return `@${owner === placeholderOwner ? owner : owner.toLowerCase()}`;
}

/** Where this program looks for newer versions, unless a mirror is named. */
export const releasesUrl = releasesOf(repositoryUrl());
