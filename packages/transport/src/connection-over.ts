import type { CloseReason, Connection, ConnectionCounters } from "./connection.ts";

/** A connection over another one: passes everything through. A subclass overrides what it is about. */
export class ConnectionOver implements Connection {
  protected readonly inner: Connection;

  constructor(inner: Connection) {
    this.inner = inner;
  }

  get local(): string {
    return this.inner.local;
  }

  get peer(): string {
    return this.inner.peer;
  }

  get counters(): ConnectionCounters {
    return this.inner.counters;
  }

  get closed(): Promise<CloseReason> {
    return this.inner.closed;
  }

  read(deadlineMs?: number): Promise<Uint8Array | null> {
    return this.inner.read(deadlineMs);
  }

  write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    return this.inner.write(parts, deadlineMs);
  }

  end(deadlineMs?: number): Promise<void> {
    return this.inner.end(deadlineMs);
  }

  close(deadlineMs?: number): Promise<CloseReason> {
    return this.inner.close(deadlineMs);
  }

  abort(why?: string, cause?: unknown): void {
    this.inner.abort(why, cause);
  }
}
