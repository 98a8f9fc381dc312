/** The prefix profiles, as rule ids name them. */
const PREFIXES = ["len32", "len64", "len56", "grpc"] as const;

/** The rule that every prefix profile has, under each of its ids. */
export function everyPrefix(rule: string): string[] {
  return PREFIXES.map((prefix) => `${prefix}.${rule}`);
}
