import { type Connection, connect, formatAddress, type Listener, listen } from "@tensorwire/transport";

export interface Trouble {
  /** `slow` passes on at most this many bytes in each turn of a timer; the others begin at `at` and last. */
  readonly act: "reset" | "silence" | "slow" | "none";
  /** Bytes of the direction `down` (from who connects to who listens) after which it begins. */
  readonly at: number;
}

/** A connection between two ranks that passes through this process, which can cut it, or fall silent without a word to anyone. */
export class LinkProxy {
  readonly address: string;
  /** When the trouble began; null before. */
  began: number | null = null;
  readonly #listener: Listener;
  readonly #open: Set<Connection>;

  private constructor(listener: Listener, open: Set<Connection>) {
    this.#listener = listener;
    this.#open = open;
    this.address = formatAddress(listener.address);
  }

  static async start(target: string, trouble: Trouble, onBegin: () => void = () => {}): Promise<LinkProxy> {
    const open = new Set<Connection>();
    const listener = await listen(undefined, {
      onConnection: async (near) => {
        const far = await connect(target, { limits: { deadlineMs: Number.POSITIVE_INFINITY } });
        for (const one of [near, far]) open.add(one);
        const begin = () => {
          proxy.began ??= performance.now();
          onBegin();
          if (trouble.act === "reset") proxy.#abort();
        };
        void pump(near, far, trouble, begin);
        void pump(far, near, { ...trouble, at: Number.POSITIVE_INFINITY }, begin, () => proxy.began !== null);
      },
      limits: { deadlineMs: Number.POSITIVE_INFINITY },
    });
    const proxy: LinkProxy = new LinkProxy(listener, open);
    return proxy;
  }

  close(): void {
    this.#listener.stop();
    this.#abort();
  }

  #abort(): void {
    for (const connection of this.#open) connection.abort("the proxy cuts");
  }
}

const SLOW_BYTES = 4096;

async function pump(
  from: Connection,
  to: Connection,
  { act, at }: Trouble,
  begin: () => void,
  silent: () => boolean = () => false,
): Promise<void> {
  let passed = 0;
  try {
    for (let chunk = await from.read(); chunk !== null; chunk = await from.read()) {
      if (act === "silence" && silent()) return;
      if (act === "slow") {
        for (let i = 0; i < chunk.length; i += SLOW_BYTES) {
          await to.write([chunk.subarray(i, i + SLOW_BYTES)]);
          await Bun.sleep(1);
        }
        continue;
      }
      const left = at - passed;
      if (act !== "none" && chunk.length >= left) {
        if (left > 0) await to.write([chunk.subarray(0, left)]);
        return begin();
      }
      passed += chunk.length;
      await to.write([chunk]);
    }
    if (act === "silence" && silent()) return;
    await to.end();
  } catch {
    // One side was cut: so is the other.
    if (!(act === "silence" && silent())) to.abort("the other side of the proxy was cut");
  }
}
