/** Goes from one to a smaller one as long as one of its candidates passes. With a key, what was tried once is not tried again. */
export async function smallest<T>(
  first: T,
  candidates: (of: T) => Iterable<T>,
  test: (candidate: T) => Promise<boolean>,
  key?: (candidate: T) => string,
): Promise<T> {
  const tried = new Set<string>();
  const isNew = (candidate: T) => key === undefined || tried.size < tried.add(key(candidate)).size;
  let best = first;
  for (let next: T | undefined = first; next !== undefined; next = await firstOf(candidates(best))) best = next;
  return best;

  async function firstOf(list: Iterable<T>): Promise<T | undefined> {
    for (const candidate of list) if (isNew(candidate) && (await test(candidate))) return candidate;
    return undefined;
  }
}
