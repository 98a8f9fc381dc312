import { Echo, serve } from "./echo.ts";

/** `endpoint.ts NAME`: an echo endpoint that is a process of its own, since it takes more with it than one connection. Prints its port. */
const FLOOD = Buffer.alloc(1 << 20, 0x78);
/** A flood that nobody stops has an end too. */
const MOST = 512;

class Dies extends Echo {
  override refuse(): void {
    process.exit(7);
  }
}

/** From a refusal on no connection gets anything any more. */
class Stalls extends Echo {
  static stalled = false;
  override data(chunk: Buffer): void {
    if (!Stalls.stalled) super.data(chunk);
  }
  override refuse(): void {
    Stalls.stalled = true;
  }
  override end(): void {
    if (!Stalls.stalled) super.end();
  }
}

class Floods extends Echo {
  override refuse(): void {
    let left = MOST;
    const more = () => {
      while (left-- > 0 && this.socket.write(FLOOD));
    };
    this.socket.removeAllListeners("data").resume().on("drain", more);
    more();
  }
}

class FloodsAtOnce extends Floods {
  constructor(socket: Echo["socket"]) {
    super(socket);
    this.refuse();
  }
}

const KINDS: Readonly<Record<string, typeof Echo>> = {
  dies: Dies,
  stalls: Stalls,
  floods: Floods,
  "floods-at-once": FloodsAtOnce,
};

const Kind = KINDS[process.argv[2] ?? ""];
if (Kind === undefined) throw new Error(`no endpoint is named ${process.argv[2]}`);
const { port } = await serve(Kind);
console.log(port);
