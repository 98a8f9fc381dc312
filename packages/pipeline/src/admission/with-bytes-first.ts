import { type CloseReason, type Connection, ConnectionOver } from "@tensorwire/transport";

/** The connection, with bytes that were read of it already and belong to who reads next. r[link.hello.behind] */
export function withBytesFirst(connection: Connection, bytes: Uint8Array): Connection {
  return bytes.length === 0 ? connection : new ConnectionWithBytes(connection, bytes);
}

class ConnectionWithBytes extends ConnectionOver {
  #bytes: Uint8Array | null;

  constructor(inner: Connection, bytes: Uint8Array) {
    super(inner);
    this.#bytes = bytes;
  }

  override async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const first = this.#bytes;
    this.#bytes = null;
    return first ?? super.read(deadlineMs);
  }

  override close(deadlineMs?: number): Promise<CloseReason> {
    this.#bytes = null;
    return super.close(deadlineMs);
  }

  override abort(why?: string, cause?: unknown): void {
    this.#bytes = null;
    super.abort(why, cause);
  }
}
