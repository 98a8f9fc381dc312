import type { Readable, Writable } from "node:stream";
import { LineReader } from "@tensorwire/conformance/line-reader";
import type { CaseRequest } from "@tensorwire/conformance/protocol";
import { answer } from "./answer.ts";
import { hello } from "./hello.ts";
import { isWireRequest, WireAdapter } from "./wire.ts";

/** The adapter's side of one link, whatever carries its lines. */
export class Conversation {
  readonly #wire = new WireAdapter();

  hello(token: string): string {
    return JSON.stringify(hello(token));
  }

  /** The answer to a line; undefined where there is none to give, and "bye" where the link is over. */
  async answer(line: string): Promise<string | undefined> {
    const message = JSON.parse(line) as { readonly op: string };
    if (message.op === "bye") return "bye";
    if (message.op === "welcome") return undefined;
    return JSON.stringify(await (isWireRequest(message) ? this.#wire.handle(message) : answer(message as CaseRequest)));
  }

  end(): void {
    this.#wire.clear();
  }
}

/** Speaks the IUT protocol on a pair of byte streams until the harness says bye or hangs up. */
export async function serve(input: Readable, output: Writable, token = ""): Promise<void> {
  const reader = new LineReader();
  const conversation = new Conversation();
  const send = (line: string) => void output.write(`${line}\n`);
  send(conversation.hello(token));
  try {
    // The streams are the caller's to close.
    for await (const chunk of input.iterator({ destroyOnReturn: false })) {
      for (const line of reader.push(chunk as Uint8Array)) {
        const said = await conversation.answer(line);
        if (said === "bye") return;
        if (said !== undefined) send(said);
      }
    }
  } finally {
    conversation.end();
  }
}
