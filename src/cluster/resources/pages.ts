import { allPages, pagesByToken } from "../pages.ts";

/** Everything of a list that comes in pages: see `allPages`. */
export async function allItems<Page, Item>(
  ask: (token: string | undefined) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
  next: (page: Page) => string | undefined,
): Promise<Item[]> {
  return (await allPages(ask, next)).flatMap((page) => items(page) ?? []);
}

/** The same, of pages as EC2 counts them. */
export async function ec2Pages<Page extends { readonly NextToken?: string | undefined }, Item>(
  ask: (page: { readonly NextToken?: string }) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const pages = await pagesByToken((token) => ask(token === undefined ? {} : { NextToken: token }));
  return pages.flatMap((page) => items(page) ?? []);
}

/** Lets those who ask while an answer is on its way have that one. Nothing is kept after it came. */
export function shared<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let running: { readonly answer: Promise<T>; readonly signal: AbortSignal } | undefined;
  return (signal) => {
    // Whoever asked may be stopped alone: then the answer never comes.
    if (running?.signal === signal) return running.answer;
    const answer = ask(signal);
    const mine = { answer, signal };
    running = mine;
    const forget = () => {
      if (running === mine) running = undefined;
    };
    answer.then(forget, forget);
    return answer;
  };
}
