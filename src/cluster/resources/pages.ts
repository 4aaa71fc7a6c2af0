/**
 * Everything of a list that comes in pages.
 * @param ask gets the token of a page, undefined for the first
 * @param next the token of the next page; empty or undefined: there is none
 */
export async function allPages<Page, Item>(
  ask: (token: string | undefined) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
  next: (page: Page) => string | undefined,
): Promise<Item[]> {
  const all: Item[] = [];
  for (let token: string | undefined; ; ) {
    const page = await ask(token);
    all.push(...(items(page) ?? []));
    token = next(page);
    if (!token) return all;
  }
}

/** Pages as EC2 counts them. */
export function ec2Pages<Page extends { readonly NextToken?: string | undefined }, Item>(
  ask: (page: { readonly NextToken?: string }) => Promise<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  return allPages(
    (token) => ask(token === undefined ? {} : { NextToken: token }),
    items,
    (page) => page.NextToken,
  );
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
