import type { Case } from "./corpus/types.ts";
import { sameJson } from "./judge.ts";
import type { Hello, Json } from "./protocol.ts";
import { shown } from "./schema.ts";

/** What hello says, held against what a case needs and against what another link of the run says. */

/** What hello does not declare of what a case needs. */
export function undeclared(
  { profile, role, requires = [] }: Pick<Case, "profile" | "role" | "requires">,
  hello: Hello,
): string | undefined {
  const declared = Object.hasOwn(hello.profiles, profile) ? hello.profiles[profile] : undefined;
  if (declared === undefined) return "profile not declared";
  if (!declared.roles.includes(role)) return `role ${role} not declared`;
  const lacking = requires.find((capability) => !hello.capabilities.includes(capability));
  return lacking && `capability ${lacking} not declared`;
}

/** Why a case is not for this IUT, by what hello says. r[iut.limits.declared] */
export function notApplicable(
  about: Pick<Case, "profile" | "role" | "limits" | "requires">,
  hello: Hello,
): string | undefined {
  const lack = undeclared(about, hello);
  if (lack !== undefined) return lack;
  const declared = hello.profiles[about.profile] as unknown as Readonly<Record<string, string | undefined>>;
  for (const [name, limit] of Object.entries(about.limits)) {
    const most = declared[name];
    if (most !== undefined && BigInt(limit) > BigInt(most)) return `${name} ${limit} is above the declared ${most}`;
  }
  return undefined;
}

/** What a hello says otherwise than the first of the run: every case is judged, and every report written, by the first. */
export function otherHello(first: Hello, hello: Hello): string | undefined {
  const said = (given: Hello, name: keyof Hello) => sorted(given[name] as Json);
  const name = (Object.keys({ ...first, ...hello }) as (keyof Hello)[])
    .filter((each) => each !== "token")
    .find((each) => !sameJson(said(first, each), said(hello, each)));
  return name && `hello: ${name} must be that of the first link, ${shown(first[name])}; it is ${shown(hello[name])}`;
}

/** The lists of a hello are sets: some languages write theirs in another order in each process. */
function sorted(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return [...value].sort();
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sorted(inner)]));
}
