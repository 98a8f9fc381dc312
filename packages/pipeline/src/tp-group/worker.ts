import { WireError } from "@tensorwire/framing";
import type { MessageLimits } from "@tensorwire/tensor-spec";
import { type TpMessage, TpSession } from "@tensorwire/tp-control";
import { type Clock, type Connection, checkCounts, checkDeadlines, systemClock } from "@tensorwire/transport";
import { messageOf, RankLostError } from "../stage-lost.ts";

export interface TpWorkerOptions {
  /** Rank of the leader, for reports. 0 unless told. */
  readonly leader?: number;
  /** For the leader to begin a message, in milliseconds. Above its deadline and heartbeat together. 60,000 unless told. */
  readonly silenceMs?: number;
  /** For a message to be whole, from its first byte, in milliseconds. 30,000 unless told. */
  readonly messageMs?: number;
  /** For a call to be done, in milliseconds. 60,000 unless told. */
  readonly callMs?: number;
  /** Bytes, and one chunk, that are read on while a call is at work. 16 MiB unless told, which is one call as large as they may be. */
  readonly maxAhead?: number;
  readonly limits?: Partial<MessageLimits>;
  readonly clock?: Clock;
  /** Told of each message in its turn, SHUTDOWN too, before anything is done about it. */
  readonly taken?: (message: TpMessage) => void;
}

const DEFAULT_MAX_AHEAD = 16 * 1024 * 1024;
/** A message without a payload has 40 bytes, and costs many times that here. */
const MAX_READY = 1024;

/** A message that waits for its turn, and how many bytes had come before the chunk that it ended in. */
interface Ready {
  readonly message: TpMessage;
  readonly before: number;
}

/**
 * Does a call. `signal` fires when SHUTDOWN came behind it, or the leader is lost: a call that waits for another rank must give up
 * then, one that only computes may finish.
 */
export type TpWork = (message: TpMessage, signal: AbortSignal) => void | Promise<void>;

/**
 * A worker of a tensor-parallel group: header, manifest, tensors, ready, as `TpSession` has it. It never writes. While a call is at work
 * it reads on, so that a leader that dies or ends the group is seen behind the calls and signs of life that it sent before. Memory is
 * bounded by one message and `maxAhead`, in no more than about a thousand messages: the rest is left to the connection, and so to the
 * leader. An end behind that is not seen before the call is done, a reset is.
 *
 * ```
 * header --INFER--> manifest --> tensors --> ready --> work --+
 *   ^ `silenceMs`   `messageMs`                     `callMs`  |
 *   +---------------------------------------------------------+
 * ```
 */
export class TpWorker {
  readonly #connection: Connection;
  readonly #options: TpWorkerOptions;
  readonly #clock: Clock;
  readonly #session: TpSession;
  readonly #ready: Ready[] = [];
  /** The one read that waits: a call that ends before it leaves it to the next. */
  #reading: Promise<void> | null = null;
  /** Bytes that came, and how many of them had come before the message taken last was whole. */
  #received = 0;
  #passed = 0;
  /** Nothing more comes than what the connection holds already. */
  #over = false;
  /** Looks at what came, for the call at work. */
  #look: (() => void) | null = null;
  #fault: unknown = null;
  /** The leader has ended, behind SHUTDOWN. */
  #gone = false;
  /** When the message that is being received began, or the last call ended: while that was at work nobody may have read. */
  #began = 0;
  #call: bigint | null = null;

  /** @throws WireError refusal `state` for a wait that is no deadline, or a `maxAhead` that is no count. */
  constructor(connection: Connection, options: TpWorkerOptions = {}) {
    const { silenceMs, messageMs, callMs, maxAhead = DEFAULT_MAX_AHEAD } = options;
    checkDeadlines({ silenceMs, messageMs, callMs });
    checkCounts({ maxAhead });
    this.#connection = connection;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#session = new TpSession(options.limits);
    void connection.closed.then(() => {
      this.#over = true;
      this.#look?.();
    });
  }

  /** Repeated messages that were dropped. */
  get duplicates(): number {
    return this.#session.duplicates;
  }

  /**
   * Serves until SHUTDOWN. Ends the connection either way.
   *
   * @throws RankLostError that names the leader: gone, silent past a deadline, or out of contract. r[tp-session.eof]
   * @throws WireError `transport.deadline` when `work` is not done in time.
   * @throws what `work` throws.
   */
  async run(work: TpWork): Promise<void> {
    try {
      for (;;) {
        const message = await this.#next();
        this.#call = message.header.call_id;
        this.#options.taken?.(message);
        if (message.header.action === "SHUTDOWN") break;
        await this.#do(message, work);
      }
      await this.#finish();
    } catch (error) {
      this.#connection.abort(messageOf(error), error);
      throw error;
    }
  }

  /** Behind SHUTDOWN comes the leader's end and nothing else. r[tp-session.shutdown.last] */
  async #finish(): Promise<void> {
    const { messageMs = 30_000 } = this.#options;
    // The worker has sent nothing: to end its direction never waits, and fails only where the leader is gone.
    this.#connection.end(messageMs).catch(() => {});
    while (this.#fault === null && !this.#gone) {
      await this.#within(this.#read(), messageMs, `no end behind SHUTDOWN in ${messageMs} ms`);
    }
    if (this.#fault !== null) throw this.#lost(this.#fault);
  }

  async #next(): Promise<TpMessage> {
    const { silenceMs = 60_000, messageMs = 30_000 } = this.#options;
    for (;;) {
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        this.#passed = ready.before;
        this.#settle();
        return ready.message;
      }
      if (this.#fault !== null) throw this.#lost(this.#fault);
      const late = this.#session.inside
        ? { ms: Math.max(0, this.#began + messageMs - this.#clock.now()), what: `no whole message in ${messageMs} ms` }
        : { ms: silenceMs, what: `no message in ${silenceMs} ms` };
      await this.#within(this.#read(), late.ms, late.what);
    }
  }

  async #do(message: TpMessage, work: TpWork): Promise<void> {
    const { callMs = 60_000 } = this.#options;
    const stop = new AbortController();
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const look = () => {
      if (this.#fault !== null) reject(this.#lost(this.#fault));
      if (this.#fault !== null || this.#session.closed) stop.abort();
      else if (this.#mayReadOn) void this.#read();
    };
    this.#look = look;
    look();
    try {
      const done = Promise.try(work, message, stop.signal);
      const what = `call ${message.header.call_id} not done in ${callMs} ms`;
      await this.#within(Promise.race([done, lost]), callMs, what, (why) => why);
    } finally {
      this.#look = null;
      this.#began = this.#clock.now();
      stop.abort();
      lost.catch(() => {});
    }
  }

  /** What the connection still holds when it is over is bounded by its own limits, and SHUTDOWN may be in it. */
  get #mayReadOn(): boolean {
    const { maxAhead = DEFAULT_MAX_AHEAD } = this.#options;
    return this.#over || (this.#received - this.#passed < maxAhead && this.#ready.length < MAX_READY);
  }

  /** Signs of life leave nothing behind, and the last one that waited takes what was counted with it. */
  #settle(): void {
    if (this.#ready.length === 0 && !this.#session.inside) this.#passed = this.#received;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#connection
      .read(Number.POSITIVE_INFINITY)
      .then(
        (chunk) => this.#take(chunk),
        (error: unknown) => this.#end(error),
      )
      .then(() => this.#look?.());
    return this.#reading;
  }

  #take(chunk: Uint8Array | null): void {
    this.#reading = null;
    if (chunk === null) {
      const message = `${this.#connection.peer} hung up without SHUTDOWN`;
      this.#end(this.#session.end() ?? new WireError({ code: "transport.closed", message, fault: "transport" }));
      return;
    }
    const inside = this.#session.inside;
    const { messages, error } = this.#session.push(chunk);
    if (!inside || messages.length > 0) this.#began = this.#clock.now();
    for (const message of messages) this.#ready.push({ message, before: this.#received });
    this.#received += chunk.length;
    this.#settle();
    if (error !== null) this.#end(error);
  }

  #end(why: unknown): void {
    this.#reading = null;
    // Behind SHUTDOWN the leader may end as it likes.
    this.#gone = this.#session.closed && this.#session.error === null;
    if (!this.#gone) this.#fault ??= why;
  }

  async #within<T>(
    promise: Promise<T>,
    ms: number,
    what: string,
    blame = (why: WireError): Error => this.#lost(why),
  ): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = this.#clock.setTimeout(
      () => reject(blame(new WireError({ code: "transport.deadline", message: what, fault: "transport" }))),
      ms,
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  #lost(why: unknown): RankLostError {
    const { leader = 0 } = this.#options;
    return new RankLostError(leader, this.#call === null ? [] : [this.#call], messageOf(why), { cause: why });
  }
}
