/** Asks until there is no next page. @param next of a page: where the next one begins; undefined or empty after the last */
export async function allPages<Page>(
  ask: (token: string | undefined) => Promise<Page>,
  next: (page: Page) => string | undefined,
): Promise<readonly Page[]> {
  const pages: Page[] = [];
  let token: string | undefined;
  do {
    const page = await ask(token);
    pages.push(page);
    token = next(page) || undefined;
  } while (token !== undefined);
  return pages;
}

/** `allPages` of the services that call it `NextToken`. */
export function pagesByToken<Page extends { readonly NextToken?: string | undefined }>(
  ask: (token: string | undefined) => Promise<Page>,
): Promise<readonly Page[]> {
  return allPages(ask, ({ NextToken }) => NextToken);
}

/** @returns `all` in parts of at most `size`, for calls that take no more at a time */
export function partsOf<T>(all: readonly T[], size: number): readonly T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < all.length; from += size) parts.push(all.slice(from, from + size));
  return parts;
}
