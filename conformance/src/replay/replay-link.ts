import { type Link, LinkError } from "../link/link.ts";
import { Recorder } from "../link/recorder.ts";
import type { Opened, Way } from "../link/ways.ts";
import type { CaseRequest, Granularity, Hello } from "../protocol.ts";
import { readAnswer, readHello } from "../schema.ts";
import { type RecordedEvent, type Recording, RecordingError } from "./recording.ts";

type Failure = { readonly kind: string; readonly message: string };

/** One link of the recorded run. */
interface RecordedLink {
  readonly events: RecordedEvent[];
  /** What it died of: the end of the request that had no answer then, or of the next one. */
  failure: Failure | undefined;
  /** The last request. */
  last: Exchange | undefined;
}

/** A request with what came of it. */
interface Exchange {
  readonly seq: unknown;
  readonly link: RecordedLink;
  /** The first line that came; it may be no answer. */
  answer: string | undefined;
  /** Where it was sent among its link's events, and where all that came of it ends. */
  readonly at: number;
  end: number;
}

/** Events of a link that stand before a request: for the last lines of a failure page. */
const BEHIND = 24;

/** A recorded run in the place of an IUT. Answers are found by what was asked, whichever link carried them. */
export class Replay {
  readonly #recording: Recording;
  readonly #exchanges = new Map<string, Exchange[]>();
  readonly #links = new Map<number, RecordedLink>();
  readonly #hello: string | undefined;
  readonly #unopened: Failure | undefined;
  /** Ids of the cases that were put to the IUT. */
  readonly asked = new Set<string>();
  readonly links: number;

  constructor(recording: Recording) {
    this.#recording = recording;
    for (const event of recording.events) this.#index(event);
    this.links = this.#links.size;
    const first = this.#links.get(1)?.events ?? [];
    const welcomed = first.findIndex((event) => "sent" in event && opOf(event.sent) === "welcome");
    const hello = first.findLast((event, at) => "received" in event && (welcomed === -1 || at < welcomed));
    this.#hello = hello !== undefined && "received" in hello ? hello.received : undefined;
    const failure = first.find((event) => "failed" in event);
    this.#unopened = welcomed === -1 && failure !== undefined && "failed" in failure ? failure.failed : undefined;
  }

  /** The way in that runs the harness against the recording. */
  get way(): Way {
    const { way, command } = this.#recording.header;
    return { kind: "replay", open: () => this.#open(), name: way, command };
  }

  /** Undefined where the IUT said none, or none that could be read. */
  get hello(): Hello | undefined {
    try {
      return this.#open().hello;
    } catch {
      return undefined;
    }
  }

  #open(): Opened {
    if (this.#unopened !== undefined && this.#unopened.kind !== "shape") throw linkError(this.#unopened);
    if (this.#hello === undefined) throw new LinkError("closed", "the recording ends before a hello");
    const hello = readHello(parse(this.#hello));
    return { link: new ReplayLink(this.#recording.header.wire, this, hello.error_granularity), hello };
  }

  /** In the order of the recording: of two requests for one case, on whichever links, the earlier is answered first. */
  #index(event: RecordedEvent): void {
    const link = this.#linkOf(event.link);
    const at = link.events.push(event) - 1;
    if ("failed" in event) link.failure ??= event.failed;
    if (!("sent" in event)) {
      if (link.last === undefined) return;
      link.last.end = at + 1;
      if ("received" in event) link.last.answer ??= event.received;
      return;
    }
    link.last = undefined;
    const request = parse(event.sent) as Partial<CaseRequest>;
    if (request.seq === undefined) return;
    link.last = { seq: request.seq, link, answer: undefined, at, end: at + 1 };
    const key = keyOf(request);
    const queue = this.#exchanges.get(key);
    if (queue === undefined) this.#exchanges.set(key, [link.last]);
    else queue.push(link.last);
    if (request.id !== undefined) this.asked.add(request.id);
  }

  #linkOf(number: number): RecordedLink {
    const known = this.#links.get(number);
    if (known !== undefined) return known;
    const link = { events: [], failure: undefined, last: undefined };
    this.#links.set(number, link);
    return link;
  }

  /** What came of the next request like this one. */
  take(request: Partial<CaseRequest>): Exchange {
    const exchange = this.#exchanges.get(keyOf(request))?.shift();
    if (exchange !== undefined) return exchange;
    throw new LinkError("closed", `the recording has no answer to ${request.id ?? request.op}`);
  }
}

class ReplayLink implements Link {
  readonly wire: boolean;
  readonly #replay: Replay;
  readonly #granularity: Granularity;
  record = new Recorder();

  constructor(wire: boolean, replay: Replay, granularity: Granularity) {
    this.wire = wire;
    this.#replay = replay;
    this.#granularity = granularity;
  }

  tell(): void {}

  ask(request: object): unknown {
    const { seq, profile = "", steps = [] } = request as Partial<CaseRequest>;
    const { seq: recorded, link, answer, at, end } = this.#replay.take(request as Partial<CaseRequest>);
    this.record = new Recorder();
    for (const event of link.events.slice(Math.max(0, at - BEHIND), end)) {
      if ("sent" in event) this.record.sent(event.sent);
      else if ("received" in event) this.record.received(event.received);
    }
    const message = answer === undefined ? undefined : jsonOf(answer);
    if (message === undefined) {
      throw linkError(link.failure ?? { kind: "closed", message: "the recording ends before the answer" });
    }
    // What is said of a wrong answer has its number in it: it is read by the number that it was recorded with.
    const context = { seq: Number(recorded), profile, steps: steps.length, granularity: this.#granularity };
    return { ...readAnswer(message, context), seq };
  }

  async close(): Promise<void> {}
}

const keyOf = ({ op, id, profile }: Partial<CaseRequest>) => JSON.stringify([op, id, profile]);

const opOf = (line: string) => (parse(line) as { op?: unknown } | null)?.op;

function parse(line: string): unknown {
  const value = jsonOf(line);
  if (value === undefined) throw new RecordingError(`a recorded line is no JSON: ${line.slice(0, 200)}`);
  return value;
}

/** Undefined where it is none: no JSON text stands for that. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function linkError({ kind, message }: Failure): LinkError {
  return new LinkError(kind === "deadline" || kind === "line" ? kind : "closed", message);
}
