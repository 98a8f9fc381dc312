/**
 * What a connection needs from the thing below it: a socket of Bun, plain or with TLS, or one end of a memory pair. All
 * calls are immediate; none of them calls back into `LinkEvents` before it has returned, and after the end all are harmless.
 */
export interface Link {
  readonly local: string;
  readonly peer: string;
  /** The largest chunk that `LinkEvents.onData` is ever given, in bytes. */
  readonly maxChunk: number;
  /** How many of the bytes were taken: fewer than `length` means full until `onDrain`, -1 that the link is gone. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Ends this direction after what was taken. */
  shutdown(): void;
  /** Ends both at once, with a reset where there is one. */
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** What the link reports. `onClose` comes last and once; after `terminate()` all reports are ignored. */
export interface LinkEvents {
  /** The chunk belongs to the receiver from now on. */
  onData(chunk: Uint8Array): void;
  onDrain(): void;
  /** The peer ended its direction. */
  onEnd(): void;
  onClose(error?: Error): void;
}
