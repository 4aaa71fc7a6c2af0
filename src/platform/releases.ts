/**
 * Where releases are: below it `latest/download/FILE` and `download/vVERSION/FILE`, as GitHub has them. `repository` in
 * package.json says the same; its owner is a placeholder that nobody can register, until the project has one.
 */
export const releasesUrl = "https://github.com/OWNER_TO_BE_SET/cortex/releases";

/** The scope of the npm packages, likewise a placeholder. */
export const npmScope = "@owner_to_be_set";
