import { type Connection, connect, type Listener as Door, listen } from "@tensorwire/transport";

/** Who sent something: the side that dialled the tap, or the one that the tap has dialled. */
export type Side = "dialler" | "listener";

/** Hears what goes over one connection. Nothing that it does or throws changes or holds up what is forwarded. */
export interface Ear {
  bytes(from: Side, chunk: Uint8Array): void;
  /** This side has ended its direction. */
  ended(from: Side): void;
  reset(by: Side): void;
  /** Nothing more will come, either way. */
  over(): void;
}

export interface ProxyOptions {
  readonly listen: string;
  readonly to: string;
  readonly insecure?: boolean;
  /** Connections that are taken; without it, as many as come. */
  readonly connections?: number;
  /** The address is bound, and no connection has been taken: what this throws is thrown, and nothing is listened on. */
  readonly listening: () => void;
  /** For each connection that stands on both sides. */
  readonly ear: (dialler: Connection, listener: Connection) => Ear;
  /** The other peer could not be reached: the connection was dropped. */
  readonly unreachable: (dialler: Connection, error: Error) => void;
  /** An ear has failed, or could not be made: nothing more is heard of its connection. */
  readonly failed: () => void;
}

export interface Forwarding {
  readonly address: Door["address"];
  /** Settles when the last of the connections that were to be taken is over, or after `stop()`. */
  readonly done: Promise<void>;
  /** Takes no more, and drops what stands. */
  stop(): void;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Forwards whatever comes, both ways. Throws for an address that cannot be listened on. */
export async function startForwarding({
  listen: at,
  to,
  insecure,
  connections = NEVER,
  ...rest
}: ProxyOptions): Promise<Forwarding> {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const protection = insecure === undefined ? {} : { insecure };
  const standing = new Set<Pair>();
  let taken = 0;
  let open = 0;
  let stopped = false;
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const door: Door = await listen(at, {
    ...protection,
    onConnection: async (dialler) => {
      await begun;
      // Those that came before the door was shut.
      if (stopped || taken === connections) return dialler.abort("no more connections are taken");
      taken++;
      open++;
      if (taken === connections) door.stop();
      try {
        const listener = await reach(dialler);
        if (listener !== undefined) await join(dialler, listener);
      } finally {
        open--;
        if (open === 0 && (stopped || taken === connections)) finish();
      }
    },
  });

  async function join(dialler: Connection, listener: Connection): Promise<void> {
    const pair = new Pair(
      dialler,
      listener,
      deaf(() => rest.ear(dialler, listener), rest.failed),
    );
    standing.add(pair);
    if (stopped) pair.drop();
    try {
      await pair.forward();
    } catch (error) {
      pair.drop();
      throw error;
    } finally {
      standing.delete(pair);
    }
  }

  async function reach(dialler: Connection): Promise<Connection | undefined> {
    try {
      return await connect(to, protection);
    } catch (error) {
      rest.unreachable(dialler, error as Error);
      dialler.abort("the other peer cannot be reached");
      return undefined;
    }
  }

  try {
    rest.listening();
  } catch (error) {
    stopped = true;
    door.stop();
    throw error;
  } finally {
    begin();
  }
  return {
    address: door.address,
    done,
    stop: () => {
      stopped = true;
      door.stop();
      for (const pair of standing) pair.drop();
      if (open === 0) finish();
    },
  };
}

/** A connection on both sides. */
class Pair {
  readonly #dialler: Connection;
  readonly #listener: Connection;
  readonly #ear: Ear;
  #dropped = false;

  constructor(dialler: Connection, listener: Connection, ear: Ear) {
    this.#dialler = dialler;
    this.#listener = listener;
    this.#ear = ear;
  }

  /** Until both directions are over. */
  async forward(): Promise<void> {
    await Promise.all([
      this.#pump(this.#dialler, this.#listener, "dialler"),
      this.#pump(this.#listener, this.#dialler, "listener"),
    ]);
    this.#ear.over();
  }

  /** Both sides see a reset. `by`: whose it was; undefined where it is the tap's own. */
  drop(by?: Side): void {
    if (this.#dropped) return;
    this.#dropped = true;
    if (by !== undefined) this.#ear.reset(by);
    this.#dialler.abort("the other peer has gone");
    this.#listener.abort("the other peer has gone");
  }

  /**
   * One direction: nothing is read before the last chunk has gone, so that a peer that takes no more holds the other one up as if they were
   * connected. The write is under way when the ear gets the bytes.
   */
  async #pump(from: Connection, to: Connection, side: Side): Promise<void> {
    let reading = true;
    let gone = false;
    // Who resets while nothing is read of it is told of here; else it is read to its end first.
    void from.closed.then(({ kind }) => {
      gone = kind === "failed";
      if (gone && !reading) this.drop(side);
    });
    const other: Side = side === "dialler" ? "listener" : "dialler";
    for (;;) {
      reading = true;
      const chunk = await from.read(NEVER).catch(() => undefined);
      if (chunk === undefined) return this.drop(side);
      reading = false;
      if (chunk === null) break;
      const sent = to.write([chunk], NEVER).then(
        () => true,
        () => false,
      );
      this.#ear.bytes(side, chunk);
      // What it had sent before its reset is handed over as far as it is taken at once.
      if (!(await (gone ? Promise.race([sent, turn()]) : sent))) return this.drop(gone ? side : other);
    }
    this.#ear.ended(side);
    await to.end(NEVER).catch(() => this.drop(other));
  }
}

const turn = () => new Promise<true>((resolve) => setImmediate(resolve, true));

/** An ear that breaks, or that cannot be made, is one that hears nothing more. */
function deaf(make: () => Ear, failed: () => void): Ear {
  let ear: Ear | undefined;
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      ear = undefined;
      process.stderr.write(`the tap failed, and forwards on: ${Bun.inspect(error)}\n`);
      failed();
    }
  };
  guarded(() => {
    ear = make();
  });
  return {
    bytes: (from, chunk) => guarded(() => ear?.bytes(from, chunk)),
    ended: (from) => guarded(() => ear?.ended(from)),
    reset: (by) => guarded(() => ear?.reset(by)),
    over: () => guarded(() => ear?.over()),
  };
}
