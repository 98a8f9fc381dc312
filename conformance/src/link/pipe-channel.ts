import type { Channel, ChannelEvents } from "./channel.ts";

/** A channel on a child's stdin and stdout. */
export class PipeChannel implements Channel {
  readonly #stdin: Bun.FileSink;
  #events: ChannelEvents | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    stdin: Bun.FileSink,
    stdout: ReadableStream<Uint8Array>,
    events: (channel: PipeChannel) => ChannelEvents,
  ) {
    this.#stdin = stdin;
    this.#events = events(this);
    this.#read(stdout).then(
      () => this.#end("the IUT closed its stdout"),
      (error: Error) => this.#end(`reading the IUT's stdout failed: ${error.message}`),
    );
  }

  write(bytes: Uint8Array): void {
    if (this.#events === undefined) return;
    const failed = (error: unknown) => this.#end(`writing to the IUT's stdin failed: ${(error as Error).message}`);
    try {
      this.#stdin.write(bytes);
      this.#last = Promise.resolve(this.#stdin.flush()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async flushed(): Promise<void> {
    await this.#last;
  }

  close(): void {
    // A child that has gone makes this fail, and there is nothing left to say to it.
    Promise.resolve(this.#last)
      .then(() => this.#stdin.end())
      .catch(() => {});
    this.#end("closed by the harness");
  }

  async #read(stdout: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stdout) this.#events?.data(chunk);
  }

  #end(reason: string): void {
    const events = this.#events;
    this.#events = undefined;
    events?.end(reason);
  }
}
