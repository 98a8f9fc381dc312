import { type AskOptions, type Link, LinkError } from "./link/link.ts";
import { type OpenOptions, openLink, type Way } from "./link/ways.ts";
import type { Answer, CaseRequest, Hello, Welcome } from "./protocol.ts";
import { readAnswer, ShapeError } from "./schema.ts";

/** A link past hello and welcome: requests get their `seq` here, and answers are checked here. */
export class Session {
  readonly hello: Hello;
  readonly link: Link;
  #seq = 0;

  private constructor(link: Link, hello: Hello) {
    this.link = link;
    this.hello = hello;
  }

  static async open(way: Way, welcome: Welcome, options: OpenOptions): Promise<Session> {
    const { link, hello } = await openLink(way, options);
    link.tell(welcome);
    return new Session(link, hello);
  }

  /** One case, one answer. Throws `LinkError` (the link is dead) or `ShapeError` (see its `inStep`). */
  ask(request: Omit<CaseRequest, "op" | "seq">, options: AskOptions): Answer | Promise<Answer> {
    const seq = this.#seq++;
    const context = {
      seq,
      profile: request.profile,
      steps: request.steps.length,
      granularity: this.hello.error_granularity,
    };
    const answer = this.link.ask({ op: "case", seq, ...request }, options);
    if (answer instanceof Promise) return answer.then((message) => readAnswer(message, context));
    return readAnswer(answer, context);
  }

  /** A request with an `op` that version 1 does not have. */
  async askUnknown(op: string, options: AskOptions): Promise<Answer> {
    const seq = this.#seq++;
    const answer = await this.link.ask({ op, seq }, options);
    return readAnswer(answer, { seq, profile: "", steps: 0, granularity: this.hello.error_granularity });
  }

  /** Any other request: the answer as it came, which the caller checks. */
  request(request: { readonly op: string }, options: AskOptions): { readonly seq: number; readonly answer: unknown } {
    const seq = this.#seq++;
    return { seq, answer: this.link.ask({ ...request, seq }, options) };
  }

  close(): Promise<void> {
    return this.link.close();
  }
}

/** Whose fault a failed request is, in the words of the verdicts. */
export function blame(error: unknown): "crash" | "timeout" | "adapter error" | undefined {
  if (error instanceof ShapeError) return "adapter error";
  if (!(error instanceof LinkError)) return undefined;
  return ({ closed: "crash", deadline: "timeout", line: "adapter error" } as const)[error.kind];
}
