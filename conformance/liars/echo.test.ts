import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runConformance } from "../src/run.ts";
import { Echo, LIMIT, serve } from "./echo.ts";
import { startEndpoint } from "./start-endpoint.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(60_000);

async function meet(Kind: typeof Echo, filter?: string, deadline?: number) {
  const { server, port } = await serve(Kind);
  const result = await meetAt(`127.0.0.1:${port}`, filter, deadline);
  server.close();
  return result;
}

async function meetAt(address: string, filter = "len32/*", deadline = 5000) {
  let printed = "";
  const result = await runConformance({
    way: { kind: "wire", address, profile: "len32", maxFrameLength: LIMIT },
    filter,
    caseDeadline: deadline,
    seed: "echo",
    log: () => {},
    print: (text) => {
      printed += text;
    },
  });
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
  class TakesLess extends Echo {
    override echo(frame: Buffer): void {
      if (frame.length > 4 + 255) this.refuse();
      else super.echo(frame);
    }
  }
  class Mute extends Echo {
    override data(): void {}
  }
  class ResetsAtOnce extends Echo {
    constructor(socket: Echo["socket"]) {
      super(socket);
      socket.resetAndDestroy();
    }
  }
  class ResetsForAnEnd extends Echo {
    override end(): void {
      this.socket.resetAndDestroy();
    }
  }
  class EchoesNothingButTheProbe extends Echo {
    static frames = 0;
    override echo(frame: Buffer): void {
      if (EchoesNothingButTheProbe.frames++ === 0 || frame.length !== 9) super.echo(frame);
      else this.socket.resetAndDestroy();
    }
  }

  interface Wrong {
    readonly name: string;
    readonly rule: string;
    readonly Kind: typeof Echo;
    readonly filter: string;
    readonly says: RegExp;
    /** Milliseconds: short, where it is silent. */
    readonly deadline?: number;
  }

  test.each<Wrong>([
    {
      name: "one read taken for one message",
      rule: "iut.echo.endpoint",
      Kind: ReadIsMessage,
      filter: "len32/two#cut=*",
      says: /echoed \d+ of \d+ bytes and closed/,
    },
    {
      name: "the refused frame echoed",
      rule: "iut.echo.endpoint",
      Kind: EchoesWhatItRefuses,
      filter: "len32/length-2-31*",
      says: /echoed \d+ bytes more than the/,
    },
    {
      name: "the connection left open",
      rule: "iut.echo.endpoint",
      Kind: StaysOpen,
      filter: "len32/length-2-31",
      says: /left its direction open/,
      deadline: 200,
    },
    {
      name: "a frame too many",
      rule: "iut.echo.endpoint",
      Kind: OneTooMany,
      filter: "len32/two*",
      says: /link-check\/len32\/frame/,
    },
    {
      name: "a cut frame echoed",
      rule: "iut.echo.endpoint",
      Kind: EchoesFragments,
      filter: "len32/two#eof=*",
      says: /link-check\/len32\/cut/,
    },
    {
      name: "a reset and nothing else",
      rule: "iut.echo.close",
      Kind: ResetsAtOnce,
      filter: "len32/two*",
      says: /link-check\/len32\/frame.*echoed 0 of \d+ bytes and reset/s,
    },
    {
      name: "a reset in the place of an end, with nothing lost",
      rule: "iut.echo.close",
      Kind: ResetsForAnEnd,
      filter: "len32/two*",
      says: /link-check\/len32\/frame/,
    },
    {
      name: "a reset that takes along what nobody refused",
      rule: "iut.echo.close",
      Kind: EchoesNothingButTheProbe,
      filter: "len32/hello#cut=*",
      says: /echoed 0 of 9 bytes and reset the connection/,
    },
    {
      name: "a limit below the one that was told",
      rule: "iut.echo.limit",
      Kind: TakesLess,
      filter: "len32/length-25*",
      says: /echoed \d+ of \d+ bytes and closed/,
    },
    {
      name: "no echo at all",
      rule: "iut.echo.endpoint",
      Kind: Mute,
      filter: "len32/two*",
      says: /link-check\/len32\/frame/,
    },
  ])("r[$rule]: $name", async ({ Kind, filter, says, deadline }) => {
    const { exitCode, printed } = await meet(Kind, filter, deadline);
    expect(printed).toMatch(says);
    expect(printed).toContain("timeline");
    expect(exitCode).toBe(1);
  });
});

describe("an endpoint that is lost in the middle is a failure of its own, and costs no outcome", () => {
  const verdicts = (report: Awaited<ReturnType<typeof meetAt>>["report"]) =>
    new Set(report?.outcomes.map(({ verdict }) => verdict));

  test("one that dies of a refusal crashes, and what is left is counted as not run", async () => {
    using endpoint = await startEndpoint("dies");
    const { exitCode, report } = await meetAt(endpoint.address);
    expect(verdicts(report)).toEqual(new Set(["pass", "crash", "not applicable"]));
    const crash = report?.outcomes.find(({ verdict }) => verdict === "crash");
    expect(crash?.text).toMatch(/lost in a batch of \d+ connections: canary: /);
    expect(report?.notRun.get("len32")).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  test("one that dies of the only refusal has not passed by closing the connection", async () => {
    using endpoint = await startEndpoint("dies");
    const { exitCode, report } = await meetAt(endpoint.address, "len32/length-2-31");
    expect(report?.outcomes.map(({ verdict }) => verdict)).toContain("crash");
    expect(report?.outcomes.map(({ verdict }) => verdict)).not.toContain("pass");
    expect(exitCode).toBe(1);
  });

  test("one that stalls times out", async () => {
    using endpoint = await startEndpoint("stalls");
    const { exitCode, report } = await meetAt(endpoint.address, "len32/*", 300);
    expect(verdicts(report)).toContain("timeout");
    expect(report?.notRun.get("len32")).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  test("one that floods is let go, and the others are judged", async () => {
    using endpoint = await startEndpoint("floods");
    const { exitCode, report } = await meetAt(endpoint.address, "len32/length-2-31*");
    const fails = report?.outcomes.filter(({ verdict }) => verdict === "fail") ?? [];
    expect(fails.length).toBeGreaterThan(0);
    for (const { text } of fails) expect(text).toMatch(/bytes came that nobody waits for/);
    expect(exitCode).toBe(1);
  });

  test("an endpoint that ends the idle connection beside the cases is not lost", async () => {
    class EndsTheCanary extends Echo {
      static opened = 0;
      readonly #first = EndsTheCanary.opened++ === 0;
      override echo(frame: Buffer): void {
        super.echo(frame);
        if (this.#first) this.socket.end();
      }
    }
    const { exitCode, report } = await meet(EndsTheCanary, "len32/two#cut=*");
    expect(verdicts(report)).toEqual(new Set(["pass"]));
    expect(exitCode).toBe(0);
  });
});
