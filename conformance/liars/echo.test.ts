import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { runConformance } from "../src/run.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(60_000);

const LIMIT = 1024;

/** An echo endpoint of `len32` that is right: what the others differ from in one point. */
class Echo {
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

async function meet(Kind: typeof Echo, filter = "len32/*", deadline = 5000) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const echo = new Kind(socket);
    socket.on("data", (chunk: Buffer) => echo.data(chunk));
    socket.on("end", () => echo.end());
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  let printed = "";
  const result = await runConformance({
    way: { kind: "wire", address: `127.0.0.1:${port}`, profile: "len32", maxFrameLength: LIMIT },
    filter,
    caseDeadline: deadline,
    seed: "echo",
    log: () => {},
    print: (text) => {
      printed += text;
    },
  });
  server.close();
  return { ...result, printed };
}

describe("level 0, against an endpoint without an adapter", () => {
  test("r[iut.echo.endpoint] r[iut.echo.unproven]: a right one passes, and the report says what it could not show", async () => {
    const { exitCode, report, printed } = await meet(Echo);
    const failed = report?.outcomes.filter(({ verdict }) => verdict !== "pass" && verdict !== "not applicable");
    expect(failed?.map(({ id, text }) => `${id}: ${text}`)).toEqual([]);
    expect(report?.outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(1000);
    expect(printed).toMatch(/\d+ cuts went out as writes of their own, .* could not be proven/);
    expect(printed).toMatch(/not observable at level 0: /);
    expect(exitCode).toBe(0);
  });

  test("r[iut.echo.observable]: what does not pass over a wire is not applicable, with the reason", async () => {
    const { report } = await meet(Echo, "len32/*hello*");
    const reasons = new Set(report?.outcomes.flatMap(({ text }) => (text === undefined ? [] : [text])));
    expect([...reasons].sort()).toEqual([
      "not observable at level 0: a step of it has no form on one connection",
      "not observable at level 0: an empty read is nothing on a wire",
      "not observable at level 0: what an encoder is asked for does not pass over the wire",
    ]);
  });

  test("r[iut.echo.close]: a refusal by a reset is as good as one by an end", async () => {
    class Resets extends Echo {
      override refuse(): void {
        this.socket.resetAndDestroy();
      }
    }
    const { exitCode, printed } = await meet(Resets, "len32/length-2-31*");
    expect(printed).toMatch(/by a reset [1-9]\d* times/);
    expect(exitCode).toBe(0);
  });

  test("nobody listens: exit 3, with the address", async () => {
    const way = { kind: "wire", address: "127.0.0.1:1", profile: "len32" } as const;
    const { exitCode, report } = await runConformance({ way, log: () => {}, print: () => {} });
    expect(exitCode).toBe(3);
    expect(report?.trouble).toContain("127.0.0.1:1");
  });
});

describe("an endpoint that is wrong is found out", () => {
  class ReadIsMessage extends Echo {
    override data(chunk: Buffer): void {
      this.rest = Buffer.alloc(0);
      super.data(chunk);
    }
  }
  class EchoesWhatItRefuses extends Echo {
    override refuse(): void {
      this.socket.write(this.rest);
      super.refuse();
    }
  }
  class StaysOpen extends Echo {
    override refuse(): void {}
  }
  class OneTooMany extends Echo {
    override echo(frame: Buffer): void {
      super.echo(frame);
      if (frame.length > 8) super.echo(Buffer.alloc(4));
    }
  }
  class EchoesFragments extends Echo {
    override end(): void {
      this.socket.end(this.rest);
    }
  }
  class Mute extends Echo {
    override data(): void {}
  }

  interface Wrong {
    readonly name: string;
    readonly Kind: typeof Echo;
    readonly filter: string;
    readonly says: RegExp;
    /** Milliseconds: short, where it is silent. */
    readonly deadline?: number;
  }

  test.each<Wrong>([
    {
      name: "one read taken for one message",
      Kind: ReadIsMessage,
      filter: "len32/two#cut=*",
      says: /echoed \d+ of \d+ bytes and closed/,
    },
    {
      name: "the refused frame echoed",
      Kind: EchoesWhatItRefuses,
      filter: "len32/length-2-31*",
      says: /echoed \d+ bytes more than the/,
    },
    {
      name: "the connection left open",
      Kind: StaysOpen,
      filter: "len32/length-2-31",
      says: /left its direction open/,
      deadline: 200,
    },
    { name: "a frame too many", Kind: OneTooMany, filter: "len32/two*", says: /link-check\/len32\/frame/ },
    { name: "a cut frame echoed", Kind: EchoesFragments, filter: "len32/two#eof=*", says: /link-check\/len32\/cut/ },
    { name: "no echo at all", Kind: Mute, filter: "len32/two*", says: /link-check\/len32\/frame/ },
  ])("$name", async ({ Kind, filter, says, deadline }) => {
    const { exitCode, printed } = await meet(Kind, filter, deadline);
    expect(printed).toMatch(says);
    expect(printed).toContain("timeline");
    expect(exitCode).toBe(1);
  });
});
