/**
 * The patterns of `--filter` and of baselines: `*` is any run of characters, `/` and `#` included, `?` is one; all else
 * stands for itself, since the ids of cases hold brackets and signs.
 */
export function globMatcher(pattern: string): (id: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  const expression = new RegExp(`^${source}$`, "s");
  return (id) => expression.test(id);
}
