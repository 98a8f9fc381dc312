import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

export const LIMIT = 1024;

/** An echo endpoint of `len32` that is right: what the others differ from in one point. */
export class Echo {
  rest = Buffer.alloc(0);
  constructor(readonly socket: Socket) {}

  data(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 4) {
      const length = this.rest.readUInt32BE(0);
      if (length > LIMIT) {
        this.refuse();
        return;
      }
      if (this.rest.length < 4 + length) return;
      this.echo(this.rest.subarray(0, 4 + length));
      this.rest = this.rest.subarray(4 + length);
    }
  }

  echo(frame: Buffer): void {
    this.socket.write(frame);
  }

  refuse(): void {
    this.socket.removeAllListeners("data").resume().end();
  }

  end(): void {
    this.socket.end();
  }
}

export async function serve(Kind: typeof Echo): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const echo = new Kind(socket);
    socket.on("data", (chunk: Buffer) => echo.data(chunk));
    socket.on("end", () => echo.end());
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { server, port };
}
