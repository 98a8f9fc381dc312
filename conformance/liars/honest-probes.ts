import {
  type Answer,
  type BytesIn,
  type CaseRequest,
  type Event,
  type Hello,
  type Limits,
  PROBES,
  type Step,
} from "../src/protocol.ts";
import { honest, honestHello, shown } from "./honest.ts";

/** In what a liar of level 3 differs from the honest one. */
export type Bend =
  | "hands-out-chunks"
  | "hands-out-its-buffer"
  | "swaps-in-place"
  | "loses-the-rest"
  | "begins-again"
  | "jumps-the-queue"
  | "drops-on-cancel"
  | "doubles-on-cancel"
  | "never-fires"
  | "fires-early"
  | "waits-for-silence"
  | "writes-late"
  | "reserves"
  | "copies-all"
  | "shares-a-decoder"
  | "ends-with-another";

/** An IUT of `len32` with every probe, right but for `bend`: what the liars of level 3 lie about, written for reading. */
export function probed(bend?: Bend): { readonly hello: Hello; handle(request: CaseRequest): Answer } {
  return {
    hello: {
      ...honestHello,
      profiles: { len32: { roles: ["decode", "encode"], max_frame_length: "4294967295" } },
      capabilities: PROBES,
    },
    handle: (request) => (begins(request) ? play(request, bend) : honest(request)),
  };
}

const FIRST: ReadonlySet<string> = new Set(["poison", "quota", "cancel", "deadline", "memory", "on"]);
const begins = ({ op, steps }: CaseRequest) => op === "case" && FIRST.has(Object.keys(steps[0] ?? {})[0] ?? "");

function play({ seq, limits, steps }: CaseRequest, bend: Bend | undefined): Answer {
  const given: Given = { limits, bend, kept: [], chunks: [], deadline: Number.POSITIVE_INFINITY, quota: 0 };
  const connections = new Map([[0, new Connection(given)]]);
  let on = 0;
  const lists = steps.map((step): Event[] => {
    if ("on" in step) {
      on = step.on;
      if (!connections.has(on)) connections.set(on, new Connection(given));
      return [];
    }
    if ("deadline" in step) given.deadline = step.deadline;
    else if ("quota" in step) given.quota = step.quota;
    else if (!("reset" in step)) return connections.get(on)!.act(step);
    // What was said holds for a connection that has not begun yet.
    connections.set(on, new Connection(given));
    return [];
  });
  return { op: "result", seq, steps: lists };
}

interface Given {
  readonly limits: Limits;
  readonly bend: Bend | undefined;
  readonly kept: Uint8Array[];
  readonly chunks: Uint8Array[];
  deadline: number;
  quota: number;
  /** What the liars have once, and should have for each connection. */
  frames?: Frames;
  ended?: boolean;
}

class Connection {
  readonly #given: Given;
  readonly #frames: Frames;
  #now = 0;
  #until: number;
  #over = false;
  #room: number;
  #taken = 0;
  #waiting: { readonly bytes: Uint8Array; at: number }[] = [];

  constructor(given: Given) {
    this.#given = given;
    const own = new Frames(Number(given.limits.max_frame_length ?? 2 ** 32 - 1), given.bend);
    this.#frames = given.bend === "shares-a-decoder" ? (given.frames ?? own) : own;
    given.frames = this.#frames;
    given.ended = false;
    this.#until = given.deadline;
    this.#room = given.quota;
  }

  act(step: Step): Event[] {
    const { bend, kept, chunks, quota } = this.#given;
    if ("feed" in step) return this.#read(Buffer.from(step.feed, "hex"));
    if ("feed_fill" in step) return this.#read(Buffer.alloc(step.feed_fill.count, step.feed_fill.byte));
    if ("trickle" in step) {
      const { byte, count } = step.trickle;
      return Array.from({ length: count }, () => this.#read(Uint8Array.of(byte))).flat();
    }
    if ("recall" in step) return [told(Buffer.concat(chunks)), ...kept.map(message)];
    if ("memory" in step) {
      const { held, copied } = this.#frames;
      return [{ event: "memory", held: String(held), copied: String(copied) }];
    }
    if ("cancel" in step && bend === "drops-on-cancel") this.#frames.forget();
    if ("cancel" in step && bend === "doubles-on-cancel") this.#frames.repeat();
    if ("advance" in step) return this.#advance(step.advance);
    if ("encode" in step) return this.#send(built((step.encode as { payload: BytesIn }).payload));
    if ("drain" in step) {
      this.#room = quota;
      return this.#write();
    }
    return "eof" in step ? this.#end() : [];
  }

  #read(chunk: Uint8Array): Event[] {
    if (this.#over || this.#given.ended) return [];
    const { kept, chunks, bend, deadline } = this.#given;
    const messages = this.#frames.push(chunk);
    chunks.push(new Uint8Array(chunk));
    kept.push(...messages);
    const events = [...messages.map(message), ...this.#refusal()];
    if (messages.length > 0 || bend === "waits-for-silence") this.#until = this.#now + deadline;
    chunk.fill(0xa5);
    return events;
  }

  #refusal(): Event[] {
    const { error } = this.#frames;
    if (error === undefined) return [];
    this.#over = true;
    return [{ event: "error", ...error, fatal: true }];
  }

  #end(): Event[] {
    if (this.#over) return [];
    this.#over = true;
    this.#given.ended = this.#given.bend === "ends-with-another";
    this.#frames.end();
    return this.#frames.error === undefined ? [{ event: "end" }] : this.#refusal();
  }

  #advance(ms: number): Event[] {
    const { bend, quota } = this.#given;
    this.#now += ms;
    const waits = quota === 0 || this.#waiting.length > 0;
    const due = this.#now + (bend === "fires-early" ? 1 : 0) >= this.#until;
    if (this.#over || !waits || !due || bend === "never-fires") return [];
    this.#over = true;
    if (bend !== "writes-late") this.#waiting = [];
    return [{ event: "expired", at: String(quota === 0 ? this.#frames.total : this.#taken) }];
  }

  #send(payload: Uint8Array): Event[] {
    const bytes = Buffer.alloc(4 + payload.length);
    bytes.writeUInt32BE(payload.length);
    bytes.set(payload, 4);
    const place = this.#given.bend === "jumps-the-queue" ? 0 : this.#waiting.length;
    this.#waiting.splice(place, 0, { bytes, at: 0 });
    return this.#write();
  }

  #write(): Event[] {
    const { bend } = this.#given;
    const out: Uint8Array[] = [];
    for (let job = this.#waiting[0]; job !== undefined && this.#room > 0; job = this.#waiting[0]) {
      const part = job.bytes.subarray(job.at, job.at + this.#room);
      out.push(part);
      this.#room -= part.length;
      job.at += part.length;
      const short = job.at < job.bytes.length;
      if (!short || bend === "loses-the-rest") this.#waiting.shift();
      else if (bend === "begins-again") job.at = job.at === part.length && out.length === 1 ? 0 : job.at;
    }
    const taken = Buffer.concat(out);
    this.#taken += taken.length;
    return taken.length === 0 ? [] : [told(taken)];
  }
}

/** A decoder that gathers everything in one buffer, which doubles. */
class Frames {
  readonly #limit: number;
  readonly #bend: Bend | undefined;
  #buffer = new Uint8Array(64);
  #have = 0;
  #start = 0;
  #reserved = 0;
  copied = 0;
  total = 0;
  error: { class: string; at: string } | undefined;

  constructor(limit: number, bend: Bend | undefined) {
    this.#limit = limit;
    this.#bend = bend;
  }

  get held(): number {
    return this.#buffer.length + this.#reserved;
  }

  push(chunk: Uint8Array): Uint8Array[] {
    this.#gather(chunk);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (this.error === undefined && this.#have - at >= 4) {
      const length = new DataView(this.#buffer.buffer).getUint32(at);
      if (length > this.#limit) this.#fail("oversize.declared", this.#start + at + 4);
      else if (this.#bend === "reserves") this.#reserved = length;
      if (this.error !== undefined || this.#have - at < 4 + length) break;
      messages.push(this.#hand(chunk, at + 4, at + 4 + length));
      at += 4 + length;
    }
    if (this.#bend === "swaps-in-place") chunk.subarray(0, 4).reverse();
    if (at > 0) this.#drop(at);
    return messages;
  }

  end(): void {
    if (this.error === undefined && this.#have > 0)
      this.#fail(this.#have < 4 ? "eof.in-prefix" : "eof.in-body", this.total);
  }

  forget(): void {
    this.#have = 0;
  }

  repeat(): void {
    if (this.#have > 0) this.#gather(this.#buffer.slice(this.#have - 1, this.#have));
  }

  #gather(chunk: Uint8Array): void {
    const all = this.#have + chunk.length;
    if (all > this.#buffer.length || this.#bend === "copies-all") {
      const grown = new Uint8Array(this.#bend === "copies-all" ? all : Math.max(all, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.#have));
      this.#buffer = grown;
      this.copied += this.#have;
    }
    this.#buffer.set(chunk, this.#have);
    this.copied += chunk.length;
    this.total += chunk.length;
    this.#have = all;
  }

  #hand(chunk: Uint8Array, from: number, to: number): Uint8Array {
    const before = this.#have - chunk.length;
    if (this.#bend === "hands-out-chunks" && from >= before) return chunk.subarray(from - before, to - before);
    return this.#bend === "hands-out-its-buffer" ? this.#buffer.subarray(from, to) : this.#buffer.slice(from, to);
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#have);
    this.#have -= count;
    this.#start += count;
  }

  #fail(word: string, at: number): void {
    this.error = { class: word, at: String(at) };
  }
}

const message = (payload: Uint8Array): Event => ({ event: "message", value: { payload: shown(payload) } });

const built = (bytes: BytesIn) =>
  typeof bytes === "string" ? Buffer.from(bytes, "hex") : Buffer.alloc(bytes.fill.count, bytes.fill.byte);

function told(bytes: Uint8Array): Event {
  const form = shown(bytes);
  return typeof form === "string" ? { event: "bytes", hex: form } : { event: "bytes", ...form };
}
