import type { Corpus } from "../corpus/types.ts";
import type { WireScenario } from "../corpus/wire-file.ts";
import type { CaseDeadline } from "../deadlines.ts";
import { notApplicable } from "../hello.ts";
import type { Outcome } from "../verdict.ts";
import { runLevel2 } from "../wire/level2.ts";
import { checkRuntime, type RuntimeFacts } from "../wire/runtime.ts";
import { LastingLink, type ProberOptions } from "./prober.ts";

/** Puts single scenarios to an IUT as a run does, on a link of its own. */
export class WireProber {
  readonly #link: LastingLink;
  readonly #deadline: CaseDeadline;
  readonly #corpus: Corpus;
  #runtime: RuntimeFacts | undefined;

  /** `corpus`: where the cases are that a scenario names. */
  constructor(options: ProberOptions, corpus: Corpus) {
    this.#link = new LastingLink(options);
    this.#deadline = options.deadline;
    this.#corpus = corpus;
  }

  /** What came of it, as in a run. Nothing when the IUT cannot be reached any more. Throws `CorpusDefect` as the loader does. */
  async put(profile: string, scenario: WireScenario): Promise<readonly Outcome[]> {
    const session = await this.#link.session();
    if (session === undefined) return [];
    this.#runtime ??= await checkRuntime();
    const { hello } = session;
    const outcomes: Outcome[] = [];
    const file = { profile, about: scenario.why, scenarios: [scenario] };
    const left = await runLevel2([session], {
      corpus: { ...this.#corpus, wire: [file] },
      hello,
      filter: () => true,
      profile: () => true,
      notApplicable: (about) => notApplicable(about, hello),
      runtime: this.#runtime,
      deadline: this.#deadline.base,
      reopen: async () => undefined,
      settle: (outcome) => outcomes.push(outcome),
      left: () => {},
    });
    if (left.length === 0) this.#link.lost();
    return outcomes;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
