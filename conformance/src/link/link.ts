import type { Channel, ChannelEvents } from "./channel.ts";
import { LineError, LineReader } from "./line-reader.ts";
import type { Recorder } from "./recorder.ts";
import { within } from "./within.ts";

/**
 * A link that gave no answer. `closed`: the IUT went away (a crash, if a case was under way). `deadline`: it was silent for too
 * long. `line`: what came is no line of the protocol. The link is dead in each case.
 */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly kind: "closed" | "deadline" | "line";

  constructor(kind: LinkError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export const late = (deadline: number) =>
  new LinkError("deadline", `no answer within ${(deadline / 1000).toFixed(1)} s, the deadline`);

export interface AskOptions {
  /** Milliseconds until the answer must be there. */
  readonly deadline: number;
  /** Cut the request into this many writes, with a turn of the event loop between them. Default 1. */
  readonly segments?: number;
}

/** One control link in lock-step: a request, then its answer. r[iut.link.lock-step] */
export interface Link {
  /** False in process, where there are no lines to cut. */
  readonly wire: boolean;
  /** Of the process that was started for this link, on systems that have groups. */
  readonly group?: number | undefined;
  readonly record: Recorder;
  /** Sends what has no answer: welcome and bye. */
  tell(message: object): void;
  /** The parsed answer, not yet checked. Throws `LinkError`, at once or as a rejection. */
  ask(request: object, options: AskOptions): unknown | Promise<unknown>;
  /** Ends the link and whatever was started for it. */
  close(): Promise<void>;
}

/** What stands behind a link, for its end: how the process fared, and how to end it. */
export interface Behind {
  /** One sentence on how the process ended, if there is one and it has. */
  epitaph(): Promise<string | undefined>;
  /** The process group of what was started. */
  readonly group?: number;
  /** Ends what was started: `kill` at once, otherwise after a grace in which it may leave by itself. */
  end(kill: boolean): Promise<void>;
}

const NOTHING: Behind = { epitaph: async () => undefined, end: async () => {} };

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: LinkError) => void;
  readonly deadline: number;
  until: number;
}

/** How often a link looks at its deadline: one timer for a link, not one for a case. */
const WATCH_MS = 25;
/** How long an IUT may take to read what it was sent, bye at the end. */
const FLUSH_MS = 2000;

/** A link over bytes: newline-delimited JSON on any channel. */
export class LineLink implements Link {
  readonly wire = true;
  readonly record: Recorder;
  readonly #reader = new LineReader();
  readonly #encoder = new TextEncoder();
  #channel: Channel | undefined;
  #behind: Behind;
  #waiting: Waiting | undefined;
  #early: string[] = [];
  #failure: LinkError | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  /** When the deadline was last looked at. */
  #looked = performance.now();

  constructor(record: Recorder, behind: Behind = NOTHING) {
    this.record = record;
    this.#behind = behind;
  }

  get group(): number | undefined {
    return this.#behind.group;
  }

  /** Gives the link its channel; the events go to the channel's maker. */
  attach(channel: Channel): ChannelEvents {
    this.#channel = channel;
    this.#looked = performance.now();
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    return {
      data: (chunk) => this.#data(chunk),
      end: (reason) => this.#ended(reason),
      broken: (reason) => this.#settle(new LinkError("line", reason)),
    };
  }

  /** From here on the link answers for this process. */
  stands(behind: Behind): void {
    this.#behind = behind;
  }

  tell(message: object): void {
    const line = JSON.stringify(message);
    this.record.sent(line);
    this.#channel?.write(this.#encoder.encode(`${line}\n`));
  }

  async ask(request: object, { deadline, segments = 1 }: AskOptions): Promise<unknown> {
    // r[iut.answer.one]
    const stray = this.#early[0];
    if (stray !== undefined) {
      // What this request came to, on a recording too. r[iut.record.complete]
      this.tell(request);
      throw this.#fail(new LinkError("line", `a line came that nobody had asked for: ${stray.slice(0, 200)}`));
    }
    if (segments === 1) this.tell(request);
    else await this.#tellInSegments(request, segments, deadline);
    return this.receive(deadline);
  }

  /** The next line, parsed. For hello, and behind every request. */
  async receive(deadline: number): Promise<unknown> {
    if (this.#failure !== undefined && this.#early.length === 0) throw this.#failure;
    const line = this.#early.shift() ?? (await this.#nextLine(deadline));
    this.record.received(line);
    try {
      return JSON.parse(line);
    } catch {
      throw this.#fail(new LinkError("line", `a line is no JSON: ${JSON.stringify(line.slice(0, 200))}`));
    }
  }

  async close(): Promise<void> {
    const failed = this.#failure !== undefined;
    if (!failed) this.tell({ op: "bye" });
    clearInterval(this.#watch);
    this.#failure ??= new LinkError("closed", "closed by the harness");
    // One that reads no more has not read bye either, and is not waited for.
    const kill = failed || !(await this.#flushed(FLUSH_MS));
    this.#channel?.close();
    await this.#behind.end(kill);
  }

  /** False when the IUT has not read everything in time. */
  async #flushed(ms: number): Promise<boolean> {
    const flushed = async () => {
      await this.#channel?.flushed();
      return true;
    };
    return (await within(ms, flushed())) === true;
  }

  #nextLine(deadline: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting = { resolve, reject, deadline, until: performance.now() + deadline };
    return promise;
  }

  /** Cuts a line where a careless reader would trip: right behind its start, in the middle, and before its LF. */
  async #tellInSegments(request: object, segments: number, deadline: number): Promise<void> {
    const line = JSON.stringify(request);
    this.record.sent(line);
    const bytes = this.#encoder.encode(`${line}\n`);
    const cuts = Array.from({ length: segments - 1 }, (_, i) => Math.floor(((i + 1) * bytes.length) / segments));
    let from = 0;
    for (const to of [1, ...cuts, bytes.length - 1, bytes.length]) {
      if (to <= from) continue;
      this.#channel?.write(bytes.slice(from, to));
      if (!(await this.#flushed(deadline))) throw this.#fail(late(deadline));
      await new Promise((turn) => setImmediate(turn));
      from = to;
    }
  }

  #data(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    let lines: string[];
    try {
      lines = this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#settle(new LinkError("line", error.message));
      return;
    }
    for (const line of lines) {
      const waiting = this.#waiting;
      if (waiting === undefined) {
        if (this.#early.length === 0) this.#early.push(line);
        continue;
      }
      this.#waiting = undefined;
      waiting.resolve(line);
    }
  }

  #ended(reason: string): void {
    const cut = this.#reader.held > 0 ? `, ${this.#reader.held} bytes into a line` : "";
    // The process may need a moment to be gone; its end says more than that of the connection.
    const behind = this.#behind;
    const settle = (last: string | undefined) =>
      this.#settle(new LinkError("closed", last === undefined ? `${reason}${cut}` : `${reason}${cut}; ${last}`));
    behind.epitaph().then(settle, () => settle(undefined));
  }

  #look(): void {
    const now = performance.now();
    const behind = now - this.#looked - WATCH_MS;
    this.#looked = now;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    // A harness that was at work could neither send nor read: that time is not the IUT's.
    waiting.until += Math.max(0, behind);
    if (now < waiting.until) return;
    this.#settle(late(waiting.deadline));
  }

  /** Ends the wait that is under way, if there is one, and the link. */
  #settle(error: LinkError): void {
    const failure = this.#fail(error);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(failure);
  }

  #fail(error: LinkError): LinkError {
    clearInterval(this.#watch);
    if (this.#failure === undefined) this.record.failed(error);
    this.#failure ??= error;
    return this.#failure;
  }
}
