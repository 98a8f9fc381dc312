import type { Case } from "../corpus/types.ts";
import type { CaseDeadline } from "../deadlines.ts";
import { type Difference, judgeCase } from "../judge.ts";
import type { Way } from "../link/ways.ts";
import type { Event, Events, Welcome } from "../protocol.ts";
import { blame, Session } from "../session.ts";
import type { Verdict } from "../verdict.ts";

/** How a case came out, as far as a smaller one must come out the same. */
export interface Probed {
  readonly verdict: Verdict;
  readonly actual?: Events;
  readonly difference?: Difference;
}

export interface ProberOptions {
  readonly way: Way;
  readonly welcome: Welcome;
  readonly startDeadline: number;
  readonly deadline: CaseDeadline;
  readonly log: (line: string) => void;
}

/** A link to an IUT, which is opened again when it is lost. */
export class LastingLink {
  readonly #options: ProberOptions;
  #session: Session | undefined;
  #opened = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Undefined when the IUT cannot be reached any more. */
  async session(): Promise<Session | undefined> {
    const { way, welcome, startDeadline, log } = this.#options;
    try {
      this.#session ??= await Session.open(way, welcome, { deadline: startDeadline, number: ++this.#opened, log });
    } catch (error) {
      if (blame(error) === undefined) throw error;
    }
    return this.#session;
  }

  /** The session has ended by itself. */
  lost(): void {
    this.#session = undefined;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.lost();
    await session?.close();
  }
}

/** Puts single cases to an IUT, on a link of its own. */
export class Prober {
  readonly #link: LastingLink;
  readonly #deadline: CaseDeadline;

  constructor(options: ProberOptions) {
    this.#link = new LastingLink(options);
    this.#deadline = options.deadline;
  }

  /** Undefined when the IUT cannot be reached any more. */
  async put(about: Case): Promise<Probed | undefined> {
    const session = await this.#link.session();
    if (session === undefined) return undefined;
    const { id, profile, role, limits, steps } = about;
    try {
      const deadline = this.#deadline.of(about);
      const answer = await session.ask({ id, profile, role, limits, steps }, { deadline });
      if (answer.op === "declined") return { verdict: "declined" };
      if (answer.op === "errored") return { verdict: "fail" };
      const difference = judgeCase(about, answer.steps, session.hello.error_granularity);
      return difference === null ? { verdict: "pass" } : { verdict: "fail", actual: answer.steps, difference };
    } catch (error) {
      const verdict = blame(error);
      if (verdict === undefined) throw error;
      await this.close();
      return { verdict };
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

/** What must stay the same while a case gets smaller: the verdict, and which event came in the place of which. */
export function signatureOf({ verdict, actual, difference }: Probed, { expected }: Pick<Case, "expected">): string {
  if (difference === undefined) return verdict;
  const { step, index, problem } = difference;
  const late = problem.includes("reported late") ? " late" : "";
  return `${verdict}: ${kindOf(expected[step]?.[index])} → ${kindOf(actual?.[step]?.[index])}${late}`;
}

function kindOf(event: Event | undefined): string {
  if (event === undefined) return "nothing";
  return event.event === "error" ? `error ${event.class ?? ""}`.trim() : event.event;
}
