import type { Readable, Writable } from "node:stream";
import { LineReader } from "@tensorwire/conformance/line-reader";
import type { CaseRequest } from "@tensorwire/conformance/protocol";
import { answer } from "./answer.ts";
import { hello } from "./hello.ts";
import { isWireRequest, WireAdapter } from "./wire.ts";

/** Speaks the IUT protocol on a pair of byte streams until the harness says bye or hangs up. */
export async function serve(input: Readable, output: Writable, token = ""): Promise<void> {
  const send = (message: object) => void output.write(`${JSON.stringify(message)}\n`);
  const reader = new LineReader();
  const wire = new WireAdapter();
  send(hello(token));
  try {
    // The streams are the caller's to close.
    for await (const chunk of input.iterator({ destroyOnReturn: false })) {
      for (const line of reader.push(chunk as Uint8Array)) {
        const message = JSON.parse(line) as { readonly op: string };
        if (message.op === "bye") return;
        if (message.op === "welcome") continue;
        send(await (isWireRequest(message) ? wire.handle(message) : answer(message as CaseRequest)));
      }
    }
  } finally {
    wire.clear();
  }
}
