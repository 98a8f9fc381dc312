import {
  CaptureFile,
  type Conversation,
  DEFAULT_CORPUS,
  DEFAULT_SPEC,
  PORT_OF,
  type Refusals,
  refusalsOf,
} from "@tensorwire/conformance";
import type { WireError } from "@tensorwire/framing";
import { handleCase } from "@tensorwire/iut-ts";
import { type Connection, formatAddress } from "@tensorwire/transport";
import { CallLint } from "./calls.ts";
import { HandshakeLint } from "./handshake.ts";
import type { Heard, Listener, TapLimits } from "./listener.ts";
import { listenerFor, type TapProfile } from "./listeners.ts";
import { type Ear, type Side, startForwarding } from "./proxy.ts";
import type { Counts, Told } from "./report.ts";

export interface TapOptions {
  /** `tcp://HOST:PORT` or `unix:/PATH`. */
  readonly listen: string;
  readonly to: string;
  readonly insecure?: boolean;
  /** What the side that dials sends, and what comes back. */
  readonly profile: TapProfile;
  readonly reply: TapProfile;
  /** Each direction begins with a Hello. */
  readonly handshake?: boolean;
  readonly limits?: TapLimits;
  readonly connections?: number;
  /** A pcapng file. */
  readonly capture?: string;
  /** Which rules a refusal is of. Default: as the corpus says, which takes a while to read. */
  readonly refusals?: Refusals;
  /** Hears everything, as it happens. */
  readonly tell: (told: Told) => void;
}

export interface Tap {
  readonly address: string;
  /** The end, with what was seen. */
  readonly done: Promise<Omit<Counts, "unsaid">>;
  stop(): void;
}

/** Stands between two peers, forwards what they send, and says what it is and which rules it breaks. */
export async function startTap(options: TapOptions): Promise<Tap> {
  const { capture, tell, to, profile, reply } = options;
  // All that takes time is done before there is traffic.
  const { refusals = refusalsFor([profile, reply]) } = options;
  const about =
    "Two peers, seen by tensorwire tap. Addresses and sequence numbers are made up; the comments have the real ones.";
  const counts = { connections: 0, messages: 0, violations: 0, unreachable: 0, failed: 0 };
  const count: TapOptions["tell"] = (told) => {
    if (told.type === "message") counts.messages++;
    if (told.type === "violation") counts.violations++;
    tell(told);
  };
  let file: CaptureFile | undefined;
  const proxy = await startForwarding({
    ...options,
    // A file that is there is not emptied for a tap that cannot listen.
    listening: () => {
      if (capture === undefined) return;
      file = new CaptureFile(capture, about, {
        failed: ({ message }) => {
          counts.failed++;
          process.stderr.write(`${capture} could not be written on, and ends here: ${message}\n`);
        },
      });
    },
    ear: (dialler, listener) => {
      const connection = ++counts.connections;
      return new TapEar({ dialler, listener, connection, refusals, file, options: { ...options, tell: count } });
    },
    unreachable: ({ peer }, { message }) => {
      counts.unreachable++;
      tell({ type: "unreachable", dialler: peer, text: message });
    },
    failed: () => {
      counts.failed++;
    },
  });
  const address = formatAddress(proxy.address);
  tell({ type: "listening", at: address, to });
  const done = proxy.done.then(() => {
    file?.close();
    return counts;
  });
  return { address, done, stop: proxy.stop };
}

/** The table of rules for these profiles, by the words of the decoders that follow them. */
export function refusalsFor(profiles: readonly TapProfile[]): Refusals {
  return refusalsOf({ corpus: DEFAULT_CORPUS, spec: DEFAULT_SPEC, profiles, answer: handleCase });
}

interface TapEarOptions {
  readonly dialler: Connection;
  readonly listener: Connection;
  readonly connection: number;
  readonly refusals: Refusals;
  readonly file: CaptureFile | undefined;
  readonly options: TapOptions;
}

/** One direction of a connection while it is followed. */
interface Followed {
  readonly listener: Listener;
  readonly profile: TapProfile;
  bytes: number;
  messages: number;
  /** False once something was refused, or the direction is over. */
  decodes: boolean;
  over: boolean;
}

/** Follows a connection, both ways. */
class TapEar implements Ear {
  readonly #connection: number;
  readonly #refusals: Refusals;
  readonly #tell: TapOptions["tell"];
  readonly #sides: Readonly<Record<Side, Followed>>;
  readonly #conversation: Conversation | undefined;

  constructor({ dialler, listener, connection, refusals, file, options }: TapEarOptions) {
    this.#connection = connection;
    this.#refusals = refusals;
    this.#tell = options.tell;
    const { profile, reply, limits = {}, handshake } = options;
    const lint = handshake === true ? new HandshakeLint() : undefined;
    const paired = profile === "pp-session" && reply === "pp-result";
    const calls = paired ? new CallLint((error, rules) => this.#broken("listener", error, rules, false)) : undefined;
    const follow = (side: Side, spoken: TapProfile): Followed => {
      const protocol = listenerFor(spoken, limits, calls);
      const followed = { profile: spoken, bytes: 0, messages: 0, decodes: true, over: false };
      const listener = lint?.listener(side, protocol, (error, rules) => this.#broken(side, error, rules, false));
      return { ...followed, listener: listener ?? protocol };
    };
    this.#sides = { dialler: follow("dialler", profile), listener: follow("listener", reply) };
    const ends = { dialler: dialler.peer, listener: listener.peer };
    this.#conversation = file?.connection([JSON.stringify({ ...ends, profile, reply })], PORT_OF[profile]);
    this.#tell({ type: "opened", connection, ...ends });
  }

  bytes(from: Side, chunk: Uint8Array): void {
    const side = this.#sides[from];
    side.bytes += chunk.length;
    this.#conversation?.bytes(from, chunk);
    this.#conversation?.readAll(from === "dialler" ? "listener" : "dialler");
    if (side.decodes) this.#heard(from, side.listener.push(chunk));
  }

  ended(from: Side): void {
    const side = this.#sides[from];
    this.#conversation?.end(from);
    const error = side.decodes ? side.listener.end() : null;
    if (error !== null) this.#refused(from, error);
    this.#over(from, "end");
  }

  /** Of a stream that was cut off by a reset no rule says anything: it has no end. */
  reset(by: Side): void {
    this.#conversation?.reset(by);
    this.#over(by, "reset");
  }

  over(): void {
    // Nothing is held for a file that is written on.
    for (const side of Object.values(this.#sides)) side.decodes = false;
  }

  #heard(from: Side, { passed, error }: Heard): void {
    const connection = this.#connection;
    for (const { from: at, to, kind, about, dropped } of passed) {
      this.#sides[from].messages++;
      this.#tell({ type: "message", connection, from, at, bytes: to - at, kind, about, ...(dropped && { dropped }) });
    }
    if (error !== null) this.#refused(from, error);
  }

  #refused(from: Side, error: WireError): void {
    const side = this.#sides[from];
    side.decodes = false;
    const { code, message } = error;
    const rules = side.listener.rulesOf?.(error) ?? this.#refusals.rulesOf(side.profile, code, message);
    this.#broken(from, error, rules, true);
  }

  #broken(from: Side, { code, offset, message }: WireError, rules: readonly string[], ends: boolean): void {
    const connection = this.#connection;
    const text = message.replace(`[${code}] `, "");
    const violation = { type: "violation", connection, from, at: offset, class: code, rules, text, ends } as const;
    this.#conversation?.say(from, [JSON.stringify({ violation: { at: offset, class: code, rules, text } })]);
    this.#tell(violation);
  }

  #over(from: Side, how: "end" | "reset"): void {
    const side = this.#sides[from];
    if (side.over) return;
    side.over = true;
    const { bytes, messages, decodes, listener } = side;
    const remark = decodes && how === "end" ? listener.remark : undefined;
    side.decodes = false;
    const connection = this.#connection;
    this.#tell({ type: "ended", connection, from, how, bytes, messages, ...(remark !== undefined && { remark }) });
  }
}
