import type { Corpus } from "../corpus/types.ts";
import type { WireScenario } from "../corpus/wire-file.ts";
import { notApplicable } from "../runner.ts";
import { blame, Session } from "../session.ts";
import type { Outcome } from "../verdict.ts";
import { runLevel2 } from "../wire/level2.ts";
import { checkRuntime, type RuntimeFacts } from "../wire/runtime.ts";
import type { ProberOptions } from "./prober.ts";

/** Puts single scenarios to an IUT as a run does, on a link of its own, which is opened again when it is lost. */
export class WireProber {
  readonly #options: ProberOptions;
  readonly #corpus: Corpus;
  #session: Session | undefined;
  #runtime: RuntimeFacts | undefined;
  #opened = 0;

  /** `corpus`: where the cases are that a scenario names. */
  constructor(options: ProberOptions, corpus: Corpus) {
    this.#options = options;
    this.#corpus = corpus;
  }

  /** What came of it, as in a run. Nothing when the IUT cannot be reached any more. Throws `CorpusDefect` as the loader does. */
  async put(profile: string, scenario: WireScenario): Promise<readonly Outcome[]> {
    try {
      this.#session ??= await this.#open();
    } catch (error) {
      if (blame(error) === undefined) throw error;
      return [];
    }
    this.#runtime ??= await checkRuntime();
    const { hello } = this.#session;
    const outcomes: Outcome[] = [];
    const file = { profile, about: scenario.why, scenarios: [scenario] };
    const left = await runLevel2([this.#session], {
      corpus: { ...this.#corpus, wire: [file] },
      hello,
      filter: () => true,
      profile: () => true,
      notApplicable: (about) => notApplicable(about, hello),
      runtime: this.#runtime,
      deadline: this.#options.caseDeadline,
      reopen: async () => undefined,
      settle: (outcome) => outcomes.push(outcome),
      left: () => {},
    });
    this.#session = left[0];
    return outcomes;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  #open(): Promise<Session> {
    const { way, welcome, startDeadline, log } = this.#options;
    return Session.open(way, welcome, { deadline: startDeadline, number: ++this.#opened, log });
  }
}
