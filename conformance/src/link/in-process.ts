import type { Answer, CaseRequest, Hello } from "../protocol.ts";
import { type AskOptions, type Link, LinkError, late } from "./link.ts";
import { Recorder, type Tap } from "./recorder.ts";

/** An IUT in this process: the same objects, without the lines. */
export interface InProcessIut {
  readonly hello: Hello;
  /** A request other than a case has an `op` that is not "case", and must be declined. */
  handle(request: CaseRequest): Answer | Promise<Answer>;
}

export class InProcessLink implements Link {
  readonly wire = false;
  readonly record: Recorder;
  readonly #iut: InProcessIut;

  constructor(iut: InProcessIut, tap?: Tap) {
    this.#iut = iut;
    this.record = new Recorder(tap);
  }

  tell(message: object): void {
    if (this.record.tapped) this.record.sent(JSON.stringify(message));
  }

  /** A handler that answers at once costs no promise and no timer: nothing could interrupt it anyway. */
  ask(request: object, { deadline }: AskOptions): unknown {
    if (!this.record.tapped) return this.#ask(request, deadline);
    this.record.sent(JSON.stringify(request));
    return this.#recorded(() => this.#ask(request, deadline));
  }

  async close(): Promise<void> {}

  async #recorded(ask: () => unknown): Promise<unknown> {
    try {
      const answer = await ask();
      this.record.received(JSON.stringify(answer));
      return answer;
    } catch (error) {
      if (error instanceof LinkError) this.record.failed(error);
      throw error;
    }
  }

  #ask(request: object, deadline: number): unknown {
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.#iut.handle(request as CaseRequest);
    } catch (error) {
      throw crash(error);
    }
    return answer instanceof Promise ? inTime(answer, deadline) : answer;
  }
}

const crash = (error: unknown) =>
  new LinkError("closed", `the handler threw: ${error instanceof Error ? (error.stack ?? error.message) : error}`);

async function inTime(answer: Promise<Answer>, deadline: number): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late(deadline)), deadline);
  try {
    return await Promise.race([answer, promise]);
  } catch (error) {
    throw error instanceof LinkError ? error : crash(error);
  } finally {
    clearTimeout(timer);
  }
}
