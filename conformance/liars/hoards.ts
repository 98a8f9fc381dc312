import { connect } from "node:net";
import { LineReader } from "../src/link/line-reader.ts";
import { MOST_GROWTH } from "../src/probes/resident.ts";
import { HonestConnection, HonestWire, wireHello } from "./honest-wire.ts";

/**
 * `hoards.ts send` encodes all that it is to send at once, `hoards.ts pause` keeps room for all that may come. Neither says so: only the
 * system knows, so that they are processes of their own. `hoards.ts nothing` is honest.
 */
const [when] = process.argv.slice(2);
const kept: Buffer[] = [];
const hoard = () => void kept.push(Buffer.alloc(1.5 * MOST_GROWTH, 1));

class Hoarding extends HonestConnection {
  override send(payload: Buffer, count: number): void {
    if (when === "send" && count > 1000) hoard();
    super.send(payload, count);
  }
}

class Hoarder extends HonestWire {
  override connection(...given: ConstructorParameters<typeof HonestConnection>): HonestConnection {
    return new Hoarding(...given);
  }

  override async act(...given: Parameters<HonestWire["act"]>): Promise<void> {
    if (when === "pause" && given[1].op === "pause") hoard();
    await super.act(...given);
  }
}

const { TENSORWIRE_ADDR = "", TENSORWIRE_TOKEN = "" } = process.env;
const [host = "", port = ""] = TENSORWIRE_ADDR.split(":");
const socket = connect(Number(port), host);
const tell = (message: object) => socket.write(`${JSON.stringify(message)}\n`);
const hoarder = new Hoarder();
const reader = new LineReader();
tell({ ...wireHello, token: TENSORWIRE_TOKEN });
for await (const chunk of socket) {
  for (const line of reader.push(chunk as Uint8Array)) {
    const request = JSON.parse(line);
    if (request.op === "bye") process.exit(0);
    if (request.op !== "welcome") tell(await hoarder.handle(request));
  }
}
