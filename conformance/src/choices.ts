import type { Case } from "./corpus/types.ts";
import { judge } from "./judge.ts";
import type { Events, Granularity } from "./protocol.ts";
import type { Outcome } from "./verdict.ts";

/** What stands behind the id of a vector whose cases, each right by itself, contradict each other. */
export const CHOICE = "#choice";

/** Cases that are named for each outcome. */
const NAMED = 3;

/** What a right answer to one case allows: 0 is the expectation, others are the alternatives, from 1. */
interface Taken {
  readonly id: string;
  readonly fits: readonly number[];
}

/**
 * Where the specification leaves a choice, it leaves it to the implementation and not to the reads: one stream has one outcome, however it is
 * cut. Right answers to the cases of a vector are held against each other. r[iut.judge.coherent]
 */
export class Choices {
  readonly #taken = new Map<string, { readonly about: Case; readonly cases: Taken[] }>();

  /** A case that was answered right. */
  note(about: Case, actual: Events, granularity: Granularity): void {
    const { id, vector, expected, alternatives = [] } = about;
    if (alternatives.length === 0) return;
    const outcomes = [expected, ...alternatives.map((other) => other.expected)];
    const fits = outcomes.flatMap((events, i) => (judge(events, actual, granularity) === null ? [i] : []));
    const known = this.#taken.get(vector);
    if (known === undefined) this.#taken.set(vector, { about, cases: [{ id, fits }] });
    else known.cases.push({ id, fits });
  }

  /** A failure for each vector with more than one outcome. */
  mixed(): Outcome[] {
    const found: Outcome[] = [];
    for (const [vector, { about, cases }] of [...this.#taken].sort(([a], [b]) => compare(a, b))) {
      const some = [0, ...(about.alternatives ?? []).map((_, i) => i + 1)].some((choice) =>
        cases.every(({ fits }) => fits.includes(choice)),
      );
      if (some) continue;
      const { profile, level } = about;
      found.push({
        id: `${vector}${CHOICE}`,
        profile,
        verdict: level === "must" ? "fail" : "warn",
        text: `one stream, and an outcome that depends on the reads: ${describe(about, cases)}. The specification leaves the choice to an implementation, for all reads alike`,
      });
    }
    return found;
  }
}

function describe({ alternatives = [] }: Case, cases: readonly Taken[]): string {
  const groups = new Map<number, string[]>();
  for (const { id, fits } of cases) {
    const [choice = 0] = fits;
    groups.set(choice, [...(groups.get(choice) ?? []), id]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([choice, ids]) => {
      const count = ids.length === 1 ? "1 case takes" : `${ids.length} cases take`;
      const named = ids.sort(compare).slice(0, NAMED).join(", ");
      const what = choice === 0 ? "what is expected" : `the alternative "${alternatives[choice - 1]?.reason}"`;
      return `${count} ${what} (${named}${ids.length > NAMED ? ", …" : ""})`;
    })
    .join(", ");
}

/** By number where there are numbers, whichever link was first. */
const compare = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });
