import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { serve } from "./serve.ts";
import { dialWebSocket, listenForWebSockets } from "./web-socket.ts";

const USAGE = `usage: main.ts                      dial back to TENSORWIRE_ADDR with TENSORWIRE_TOKEN
       main.ts --listen HOST:PORT   wait for the harness there
       main.ts --listen PATH        the same on a Unix socket
       main.ts --listen ws://HOST:PORT  the same by WebSocket; TENSORWIRE_ADDR may be a ws:// URL too
       main.ts --stdio              speak on stdin and stdout
`;

/** `HOST:PORT`, `[IPv6]:PORT`, or a path. */
function place(address: string): { host: string; port: number } | { path: string } {
  const match = /^(?:\[([^\]]+)\]|([^/:]+)):(\d+)$/.exec(address);
  return match === null ? { path: address } : { host: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}

/** A lost connection ends the loop of `serve` with an error: this is where it is told. */
async function speak(socket: Socket, token = ""): Promise<void> {
  socket.setNoDelay(true);
  try {
    await serve(socket, socket, token);
    socket.end();
  } catch (error) {
    process.stderr.write(`the link broke: ${error instanceof Error ? error.message : String(error)}\n`);
    socket.destroy();
    process.exitCode = 1;
  }
}

/** The reference as a program of its own. `words` are those of its command line. */
export async function program([way, address]: readonly string[]): Promise<void> {
  const { TENSORWIRE_ADDR, TENSORWIRE_TOKEN } = process.env;
  if (way === "--stdio") {
    await serve(process.stdin, process.stdout);
  } else if (way === "--listen" && address?.startsWith("ws://")) {
    process.stderr.write(`listening on ${listenForWebSockets(address)}\n`);
  } else if (way === "--listen" && address !== undefined) {
    const server = createServer((socket) => void speak(socket)).listen(place(address));
    await once(server, "listening");
    const at = server.address();
    const where = typeof at === "object" && at !== null ? `${at.address}:${at.port}` : at;
    process.stderr.write(`listening on ${where}\n`);
  } else if (way === undefined && TENSORWIRE_ADDR?.startsWith("ws://")) {
    await dialWebSocket(TENSORWIRE_ADDR, TENSORWIRE_TOKEN ?? "");
  } else if (way === undefined && TENSORWIRE_ADDR !== undefined) {
    const socket = connect(place(TENSORWIRE_ADDR));
    await once(socket, "connect");
    await speak(socket, TENSORWIRE_TOKEN);
  } else {
    process.stderr.write(USAGE);
    process.exit(64);
  }
}
