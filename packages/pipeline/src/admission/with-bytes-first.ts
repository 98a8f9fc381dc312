import type { CloseReason, Connection, ConnectionCounters } from "@tensorwire/transport";

/** The connection, with bytes that were read of it already and belong to who reads next. r[link.hello.behind] */
export function withBytesFirst(connection: Connection, bytes: Uint8Array): Connection {
  return bytes.length === 0 ? connection : new ConnectionWithBytes(connection, bytes);
}

class ConnectionWithBytes implements Connection {
  readonly #inner: Connection;
  #bytes: Uint8Array | null;

  constructor(inner: Connection, bytes: Uint8Array) {
    this.#inner = inner;
    this.#bytes = bytes;
  }

  get local(): string {
    return this.#inner.local;
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get counters(): ConnectionCounters {
    return this.#inner.counters;
  }

  get closed(): Promise<CloseReason> {
    return this.#inner.closed;
  }

  async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const first = this.#bytes;
    this.#bytes = null;
    return first ?? this.#inner.read(deadlineMs);
  }

  write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    return this.#inner.write(parts, deadlineMs);
  }

  end(deadlineMs?: number): Promise<void> {
    return this.#inner.end(deadlineMs);
  }

  close(deadlineMs?: number): Promise<CloseReason> {
    this.#bytes = null;
    return this.#inner.close(deadlineMs);
  }

  abort(why?: string, cause?: unknown): void {
    this.#bytes = null;
    this.#inner.abort(why, cause);
  }
}
