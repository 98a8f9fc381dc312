import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { honest, honestHello } from "../../liars/honest.ts";
import type { ConformanceOptions } from "../options.ts";
import { LINE_LIMIT } from "../protocol.ts";
import { SAMPLE } from "../report/testing.ts";
import { runConformance } from "../run.ts";

// The harness has deadlines of its own; this one catches a hang of the harness.
setDefaultTimeout(60_000);

/** What an IUT does with its WebSocket when it has one, and with what comes. */
interface Iut {
  readonly opened?: (socket: WebSocket) => void;
  readonly message?: (socket: WebSocket, line: string) => void;
}

const say = (socket: WebSocket, message: object) => socket.send(JSON.stringify(message));
const answer = (socket: WebSocket, line: string) => {
  const request = JSON.parse(line);
  if (request.op === "bye") socket.close();
  else if (request.op !== "welcome") say(socket, honest(request));
};
const isCase = (line: string) => line.includes('"id":"len32/');
const HONEST: Iut = { opened: (socket) => say(socket, honestHello), message: answer };
/** Honest until the first case. */
const then = (act: (socket: WebSocket) => void): Iut => ({
  ...HONEST,
  message: (socket, line) => (isCase(line) ? act(socket) : answer(socket, line)),
});

const same = { corpus: SAMPLE, seed: "5eed", caseDeadline: 20_000, print: () => {} } satisfies ConformanceOptions;

/** A run that waits by WebSocket, and an IUT that dials what it prints; `urlOf` makes the URL of address and token. */
async function attached(
  { opened, message }: Iut,
  options: ConformanceOptions = {},
  urlOf: (address: string, token: string) => string | Promise<string> = (address, token) => `${address}?token=${token}`,
) {
  const dial = (url: string) => {
    const socket = new WebSocket(url);
    socket.onopen = () => opened?.(socket);
    socket.onmessage = ({ data }) => message?.(socket, data);
    socket.onclose = ({ code, reason }) => closed.resolve({ code, reason });
  };
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const { exitCode, report } = await runConformance({
    ...same,
    way: { kind: "attach", listen: "ws://127.0.0.1:0" },
    startDeadline: 20_000,
    ...options,
    log: (line) => {
      const told = /TENSORWIRE_ADDR=(ws:\S+) TENSORWIRE_TOKEN=([^;]+); a page dials (\S+)$/.exec(line);
      if (told === null) return;
      const [, address = "", token = "", page] = told;
      expect(page).toBe(`${address}?token=${token}`);
      Promise.resolve(urlOf(address, token)).then(dial, closed.reject);
    },
  });
  return { exitCode, report, closed: await closed.promise };
}

/** The same IUT as a server, which the harness dials. */
async function connected({ opened, message }: Iut) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, listener) => (listener.upgrade(request) ? undefined : new Response()),
    websocket: {
      maxPayloadLength: 2 * LINE_LIMIT,
      open: (socket) => opened?.(socket as unknown as WebSocket),
      message: (socket, frame) => message?.(socket as unknown as WebSocket, String(frame)),
    },
  });
  const address = `ws://127.0.0.1:${server.port}/a/path`;
  const { exitCode, report } = await runConformance({ ...same, way: { kind: "connect", address }, log: () => {} });
  await server.stop(true);
  return { exitCode, report };
}

describe("r[iut.ways.web-socket]: an honest IUT passes by WebSocket", () => {
  test("that it opens, with the token in the URL, and one link is recorded as any other", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
    const [record, json, again] = ["link", "json", "again"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const { exitCode, report, closed } = await attached(HONEST, { record, json });
    expect(exitCode).toBe(0);
    expect(report?.way).toBe("attached, over a WebSocket");
    expect(closed.code).toBe(1000);
    await runConformance({ corpus: SAMPLE, print: same.print, replay: record, json: again, log: () => {} });
    expect(JSON.parse(readFileSync(again, "utf8"))).toEqual(JSON.parse(readFileSync(json, "utf8")));
  });

  test("that it opens, with the token in hello", async () => {
    let given = "";
    const iut = { ...HONEST, opened: (socket: WebSocket) => say(socket, { ...honestHello, token: given }) };
    const { exitCode } = await attached(iut, {}, (address, token) => {
      given = token;
      return address;
    });
    expect(exitCode).toBe(0);
  });

  test("that the harness opens", async () => {
    const { exitCode, report } = await connected(HONEST);
    expect(exitCode).toBe(0);
    expect(report?.way).toStartWith("connected to ws://127.0.0.1:");
  });
});

test("r[iut.link.line-limit]: a frame is taken that is as long as a line may be without its LF", async () => {
  const long: Iut = {
    ...HONEST,
    opened: (socket) => socket.send(JSON.stringify(honestHello).padEnd(LINE_LIMIT - 1)),
  };
  expect([(await attached(long)).exitCode, (await connected(long)).exitCode]).toEqual([0, 0]);
});

describe("r[iut.ways.web-socket]: what is no message is told, by either way", () => {
  const wrong = [
    ["a binary frame", (socket: WebSocket) => socket.send(new Uint8Array(3)), /a binary frame of 3 bytes came/, 1003],
    ["a frame of two lines", (socket: WebSocket) => socket.send("{}\n{}"), /a text frame has a line feed in it/, 1003],
    [
      "a frame over the limit",
      (socket: WebSocket) => socket.send(" ".repeat(LINE_LIMIT)),
      /longer than 83886\d\d bytes/,
      0,
    ],
    ["a frame that is no JSON", (socket: WebSocket) => socket.send("hello"), /a line is no JSON: "hello"/, 1000],
  ] as const;
  for (const [name, act, says, code] of wrong) {
    test(`${name} is an adapter error`, async () => {
      const runs = [await attached(then(act)), await connected(then(act))];
      for (const { exitCode, report } of runs) {
        const broken = report?.outcomes.find(({ verdict }) => verdict === "adapter error");
        expect(broken?.text).toMatch(says);
        expect(exitCode).toBe(3);
      }
      if (code !== 0) expect(runs[0]).toMatchObject({ closed: { code } });
    });
  }

  test("a close frame is the end of the link, and its code is told", async () => {
    const close = then((socket) => socket.close(4007, "out of memory"));
    for (const { report } of [await attached(close, {}), await connected(close)]) {
      const crash = report?.outcomes.find(({ verdict }) => verdict === "crash");
      expect(crash?.text).toBe('the IUT closed the WebSocket, with code 4007: "out of memory"');
    }
  });

  test("a connection that is lost has no code", async () => {
    const { report } = await attached(then((socket) => socket.terminate()));
    const crash = report?.outcomes.find(({ verdict }) => verdict === "crash");
    expect(crash?.text).toBe("the IUT closed the WebSocket, without a close frame (1006)");
  });
});

describe("r[iut.launch.token]: who has not the token is refused, and the run waits on for who has", () => {
  /** What a GET of it is answered with. By a socket: what speaks HTTP by itself may ask the proxy of the environment. */
  async function statusOf({ hostname, port, host, pathname, search }: URL): Promise<number> {
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += chunk;
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
  }

  /** The status of what a page gets that asks for `query`; then the IUT dials as it should. */
  const asked = (query: string, status: number[]) => async (address: string, token: string) => {
    status.push(await statusOf(new URL(address + query)));
    return `${address}?token=${token}`;
  };

  test.each([
    ["another one in the URL", "?token=guessed", 403],
    ["a page in the place of a WebSocket", "", 426],
  ])("%s", async (_, query, refused) => {
    const status: number[] = [];
    const { exitCode } = await attached(HONEST, {}, asked(query, status));
    expect([status, exitCode]).toEqual([[refused], 0]);
  });

  test("none at all", async () => {
    const { exitCode } = await attached(HONEST, {}, async (address, token) => {
      const stranger = new WebSocket(address);
      const closed = new Promise((resolve) => stranger.addEventListener("close", resolve));
      stranger.onopen = () => say(stranger, honestHello);
      await closed;
      return `${address}?token=${token}`;
    });
    expect(exitCode).toBe(0);
  });
});

describe("a WebSocket that does not come about is exit 3, and named", () => {
  test("nobody listens", async () => {
    const way = { kind: "connect", address: "ws://127.0.0.1:1/" } as const;
    const { exitCode, report } = await runConformance({ ...same, way, log: () => {} });
    expect(exitCode).toBe(3);
    expect(report?.trouble).toContain("cannot connect to ws://127.0.0.1:1/");
  });

  test("who listens never answers", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const way = { kind: "connect", address: `ws://127.0.0.1:${port}/` } as const;
    const { exitCode, report } = await runConformance({ ...same, way, startDeadline: 300, log: () => {} });
    expect(exitCode).toBe(3);
    expect(report?.trouble).toContain("did not take the connection in time");
    server.close();
  });

  test("no place to listen at", async () => {
    const said: string[] = [];
    const way = { kind: "attach", listen: "ws://nonsense" } as const;
    const { exitCode } = await runConformance({ ...same, way, log: (line) => said.push(line) });
    expect(exitCode).toBe(64);
    expect(said.join()).toContain("it is not HOST:PORT or ws://HOST:PORT");
  });
});
