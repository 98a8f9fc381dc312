import { type Link, LinkError } from "../link/link.ts";
import { Recorder } from "../link/recorder.ts";
import type { Opened, Way } from "../link/ways.ts";
import type { CaseRequest, Hello } from "../protocol.ts";
import { readHello } from "../schema.ts";
import { type RecordedEvent, type Recording, RecordingError } from "./recording.ts";

type Failure = { readonly kind: string; readonly message: string };

/** A request with what came of it. */
interface Exchange {
  readonly seq: unknown;
  readonly answer: string | undefined;
  readonly failure: Failure | undefined;
  /** Its link's events, up to this one's end: for the last lines of a failure page. */
  readonly behind: readonly RecordedEvent[];
}

/** A recorded run in the place of an IUT. Answers are found by what was asked, whichever link carried them. */
export class Replay {
  readonly #recording: Recording;
  readonly #exchanges = new Map<string, Exchange[]>();
  readonly #hello: string | undefined;
  readonly #unopened: Failure | undefined;
  /** Ids of the cases that were put to the IUT. */
  readonly asked = new Set<string>();
  readonly links: number;

  constructor(recording: Recording) {
    this.#recording = recording;
    const byLink = Map.groupBy(recording.events, ({ link }) => link);
    this.links = byLink.size;
    for (const events of byLink.values()) this.#index(events);
    const first = byLink.get(1) ?? [];
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
    return { link: new ReplayLink(this.#recording.header.wire, this), hello: readHello(parse(this.#hello)) };
  }

  #index(events: readonly RecordedEvent[]): void {
    for (const [at, event] of events.entries()) {
      if (!("sent" in event)) continue;
      const request = parse(event.sent) as Partial<CaseRequest>;
      if (request.seq === undefined) continue;
      const rest = events.slice(at + 1);
      const next = rest.findIndex((other) => "sent" in other);
      const came = next === -1 ? rest : rest.slice(0, next);
      const received = came.find((other) => "received" in other);
      const failure = came.find((other) => "failed" in other);
      const exchange: Exchange = {
        seq: request.seq,
        answer: received !== undefined && "received" in received ? received.received : undefined,
        failure: failure !== undefined && "failed" in failure ? failure.failed : undefined,
        behind: events.slice(Math.max(0, at - 24), at + 1 + came.length),
      };
      const key = keyOf(request);
      const queue = this.#exchanges.get(key);
      if (queue === undefined) this.#exchanges.set(key, [exchange]);
      else queue.push(exchange);
      if (request.id !== undefined) this.asked.add(request.id);
    }
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
  record = new Recorder();

  constructor(wire: boolean, replay: Replay) {
    this.wire = wire;
    this.#replay = replay;
  }

  tell(): void {}

  ask(request: object): unknown {
    const { seq } = request as CaseRequest;
    const { seq: recorded, answer, failure, behind } = this.#replay.take(request as CaseRequest);
    this.record = new Recorder();
    for (const event of behind) {
      if ("sent" in event) this.record.sent(event.sent);
      else if ("received" in event) this.record.received(event.received);
    }
    if (failure !== undefined) throw linkError(failure);
    if (answer === undefined) throw new LinkError("closed", "the recording ends before the answer");
    const message = parse(answer) as { seq?: unknown } | null;
    if (typeof message !== "object" || message === null || typeof message.seq !== "number") return message;
    // r[iut.answer.seq]: a wrong one stays wrong by as much.
    return { ...message, seq: seq + (message.seq - Number(recorded)) };
  }

  async close(): Promise<void> {}
}

const keyOf = ({ op, id, profile }: Partial<CaseRequest>) => JSON.stringify([op, id, profile]);

const opOf = (line: string) => (parse(line) as { op?: unknown } | null)?.op;

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new RecordingError(`a recorded line is no JSON: ${(error as Error).message}`);
  }
}

function linkError({ kind, message }: Failure): LinkError {
  return new LinkError(kind === "deadline" || kind === "line" ? kind : "closed", message);
}
