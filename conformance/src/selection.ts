import { globMatcher } from "./glob.ts";

/** By case id; a vector's id selects its sweeps too. */
export function idFilter(pattern: string | undefined): (id: string) => boolean {
  if (pattern === undefined) return () => true;
  const matches = globMatcher(pattern);
  return (id) => matches(id) || matches(id.split("#", 1)[0] ?? id);
}

export function profileFilter(profiles: readonly string[] | undefined): (profile: string) => boolean {
  if (profiles === undefined) return () => true;
  const wanted = new Set(profiles);
  return (profile) => wanted.has(profile);
}
