import { connect, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { LineReader } from "../src/link/line-reader.ts";
import type { CaseRequest } from "../src/protocol.ts";
import type { Liar, Lie } from "./gallery.ts";
import { honestHello } from "./honest.ts";
import { LIARS } from "./index.ts";

/** `main.ts NAME`: one liar of the gallery as a process, over TCP or, for those of stdio, over pipes. */
const liar = LIARS.find(({ name }) => name === process.argv[2]);
if (liar === undefined) throw new Error(`no liar is named ${process.argv[2]}`);

async function live({ hello, answer, reads }: Liar, input: Readable, output: Writable, token: string): Promise<void> {
  const tell = (lie: Lie) => {
    if (lie === "exit") process.exit(7);
    if (lie === "close") (output as Socket).destroy();
    if (typeof lie === "string") return;
    // latin1: a liar says bytes, and not all of them are UTF-8.
    if ("raw" in lie) output.write(lie.raw as string, "latin1");
    else output.write(`${JSON.stringify(lie)}\n`);
  };
  const { token: theirs, ...rest } = (typeof hello === "object" ? hello : honestHello) as typeof honestHello;
  if (typeof hello === "string" || "raw" in rest) tell(hello as Lie);
  else tell({ ...rest, token: theirs === "" ? token : theirs });
  const reader = new LineReader();
  for await (const chunk of input) {
    const whole = reader.push(chunk as Uint8Array);
    for (const line of reads?.((chunk as Buffer).toString(), whole) ?? whole) {
      const request = JSON.parse(line) as CaseRequest | { op: "welcome" | "bye" };
      if (request.op === "bye") process.exit(0);
      if (request.op === "welcome") continue;
      tell(answer(request as CaseRequest));
    }
  }
}

if (liar.way === "stdio") {
  await live(liar, process.stdin, process.stdout, "");
} else {
  const { TENSORWIRE_ADDR = "", TENSORWIRE_TOKEN = "" } = process.env;
  const [host = "", port = ""] = TENSORWIRE_ADDR.split(":");
  const socket = connect(Number(port), host);
  // A liar that has hung up needs no reason.
  socket.on("error", () => {});
  await live(liar, socket, socket, TENSORWIRE_TOKEN);
}
