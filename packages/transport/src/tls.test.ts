import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import tls from "node:tls";
import { type CertificateRequest, TestAuthority, validFor } from "./certificates.ts";
import { connect } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { fulfilment, readBytes, rejection, text, until } from "./pairs.ts";
import type { TlsOptions } from "./tls-files.ts";
import { TlsSet } from "./tls-set.ts";

const DAY_MS = 86_400_000;
const OVER = { from: new Date(Date.now() - 30 * DAY_MS), to: new Date(Date.now() - DAY_MS) };

interface Serving extends AsyncDisposable {
  readonly listener: Listener;
  readonly port: number;
  readonly taken: readonly Connection[];
  readonly refusals: readonly string[];
}

/** A listener that greets whoever gets in. */
async function serve(files: TlsOptions, options: Partial<ListenOptions> = {}): Promise<Serving> {
  const taken: Connection[] = [];
  const refusals: string[] = [];
  const onConnection = (connection: Connection) => {
    taken.push(connection);
    return connection.write([text("welcome")]);
  };
  const onRefused = ({ message }: Error) => refusals.push(message);
  const listener = await listen(undefined, { tls: files, onConnection, onRefused, ...options });
  const port = listener.address.kind === "tcp" ? listener.address.port : 0;
  const dispose = async () => {
    listener.stop();
    for (const connection of listener.connections) connection.abort("the test is over");
  };
  return { listener, port, taken, refusals, [Symbol.asyncDispose]: dispose };
}

function pems({ ca, cert, key }: TlsOptions) {
  return { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
}

/** A client by other code than ours, which shows what it is told to show. Resolves with what it got, once it got something or was dropped. */
function foreignClient(port: number, options: tls.ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const got: Buffer[] = [];
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ...options });
  socket.on("data", (bytes: Buffer) => {
    got.push(bytes);
    socket.destroy();
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(Buffer.concat(got)));
  socket.on("end", () => socket.destroy());
  return promise;
}

async function greeted(port: number, files: TlsOptions): Promise<void> {
  const connection = await connect(`tcp://127.0.0.1:${port}`, { tls: files });
  expect((await readBytes(connection, 7)).toString()).toBe("welcome");
  connection.abort("the test has seen enough");
}

describe("r[link.tls.mutual] r[link.tls.before-any-byte] a client gets in with a certificate that is good, and gets nothing otherwise", () => {
  const issued = (request: Partial<CertificateRequest>) => async (set: TlsSet) =>
    pems(await set.issue({ name: "stranger", ...request }));
  const strangers: Record<string, [(set: TlsSet) => Promise<tls.ConnectionOptions>, string]> = {
    "no certificate": [
      async (set) => ({ ca: readFileSync(set.node.ca) }),
      "transport.reset] tcp://127.0.0.1:PORT: it has shown no certificate",
    ],
    "a certificate of another authority": [
      async (set) =>
        pems(await set.issue({ name: "stranger" }, await TestAuthority.create("the wrong one", validFor(1)))),
      "transport.refused] tcp://127.0.0.1:PORT: expected a certificate that an authority in CA vouches for, CN=stranger is issued by CN=the wrong one",
    ],
    "one of an authority with the right name and another key": [
      async (set) =>
        pems(await set.issue({ name: "stranger" }, await TestAuthority.create("the right authority", validFor(1)))),
      "vouches for, CN=stranger is issued by CN=the right authority",
    ],
    "one that is over": [issued({ validity: OVER }), "tcp://127.0.0.1:PORT: its certificate CN=stranger expired "],
    "one for servers only": [
      issued({ usage: "server" }),
      "its certificate CN=stranger is not for a TLS client (extended key usage)",
    ],
    "r[link.tls.version] TLS 1.2 and a good certificate": [
      async (set) => ({ ...pems(set.node), maxVersion: "TLSv1.2" }),
      "it does not speak TLS 1.3",
    ],
  };
  test.each(Object.entries(strangers))("%s", async (_, [options, words]) => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    expect(await foreignClient(serving.port, await options(set))).toHaveLength(0);
    expect(serving.taken).toHaveLength(0);
    expect(serving.listener.refused).toBe(1);
    expect(
      serving.refusals
        .join()
        .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:PORT")
        .replace(set.node.ca, "CA"),
    ).toContain(words);
    await greeted(serving.port, set.node);
    expect(serving.listener.refused).toBe(1);
  });

  test("a good one for clients only is enough for a client", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    await greeted(serving.port, await set.issue({ name: "client", usage: "client" }));
    expect(serving.refusals).toEqual([]);
  });

  test("code other than ours with a good one gets what ours gets", async () => {
    using set = await TlsSet.create();
    const onConnection = async (connection: Connection) => {
      await connection.write([text("welcome")]);
      await connection.end();
    };
    await using serving = await serve(set.node, { onConnection });
    expect((await foreignClient(serving.port, pems(set.node))).toString()).toBe("welcome");
  });

  test("one that was not accepted learns it from the first read, with a hint", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    const files = await set.issue({ name: "stranger" }, await TestAuthority.create("the wrong one", validFor(1)));
    const error = await connect(`tcp://127.0.0.1:${serving.port}`, { tls: files }).then(
      (connection) => rejection(connection.read()),
      (error: unknown) => error,
    );
    expect(error).toMatchObject({ code: "transport.reset" });
    expect((error as Error).message).toContain(`it may not have accepted the certificate in ${files.cert}`);
  });
});

describe("r[link.tls.mutual] r[link.tls.name] r[link.tls.before-any-byte] a server is dialled with a certificate that is good, and told nothing otherwise", () => {
  const issued = (request: Partial<CertificateRequest>) => (set: TlsSet) => set.issue({ name: "server", ...request });
  const servers: Record<string, [(set: TlsSet) => Promise<TlsOptions>, string]> = {
    "of another authority": [
      async (set) => set.issue({ name: "server" }, await TestAuthority.create("the wrong one", validFor(1))),
      "expected a certificate that an authority in CA vouches for, CN=server is issued by CN=the wrong one",
    ],
    "that is over": [issued({ validity: OVER }), "its certificate CN=server expired "],
    "for clients only": [
      issued({ usage: "client" }),
      "its certificate CN=server is not for a TLS server (extended key usage)",
    ],
    "for another name": [
      issued({ hosts: ["elsewhere", "10.0.0.9"] }),
      "expected a certificate for 127.0.0.1, its certificate is for DNS:elsewhere, IP Address:10.0.0.9",
    ],
    "with the name as its subject only": [issued({ name: "127.0.0.1", hosts: ["elsewhere"] }), "is for DNS:elsewhere"],
  };
  test.each(Object.entries(servers))("%s", async (_, [files, words]) => {
    using set = await TlsSet.create();
    const got: Buffer[] = [];
    const server = tls.createServer({ ...pems(await files(set)), requestCert: true }, (socket) => {
      socket.on("data", (bytes: Buffer) => got.push(bytes));
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const error = await rejection(connect(`tcp://127.0.0.1:${port}`, { tls: set.node }));
    expect(error).toMatchObject({ code: "transport.refused", fault: "peer" });
    expect((error as Error).message.replace(set.node.ca, "CA")).toContain(`tcp://127.0.0.1:${port}: `);
    expect((error as Error).message.replace(set.node.ca, "CA")).toContain(words);
    expect(got).toEqual([]);
    server.close();
  });

  test("by a name of its own choice", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(await set.issue({ name: "server", hosts: ["stage-1.example"] }));
    const address = `tcp://127.0.0.1:${serving.port}`;
    expect(await rejection(connect(address, { tls: set.node }))).toMatchObject({ code: "transport.refused" });
    const connection = await fulfilment(connect(address, { tls: set.node, serverName: "stage-1.example" }));
    expect((await readBytes(connection, 7)).toString()).toBe("welcome");
    connection.abort("the test has seen enough");
  });

  test("by a name of its own choice, which the host that was dialled cannot stand in for", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    const options = { tls: set.node, serverName: "stage-1.example" };
    const error = await rejection(connect(`tcp://127.0.0.1:${serving.port}`, options));
    expect(error).toMatchObject({ code: "transport.refused", fault: "peer" });
    expect((error as Error).message).toContain("expected a certificate for stage-1.example");
  });

  test("by a name that no certificate and no handshake can carry: at once, and not at the deadline", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    const address = `tcp://127.0.0.1:${serving.port}`;
    const error = await rejection(connect(address, { tls: set.node, serverName: "a\0b", deadlineMs: Infinity }));
    expect(error).toMatchObject({ code: "transport.refused" });
    expect((error as Error).message).toStartWith(`[transport.refused] ${address} cannot be dialled: `);
    await until(() => serving.listener.refused === 1);
  });

  test("r[link.tls.version] that speaks TLS 1.2 only, or no TLS", async () => {
    using set = await TlsSet.create();
    const server = tls.createServer({ ...pems(set.node), maxVersion: "TLSv1.2" }, () => {});
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const old = await rejection(connect(`tcp://127.0.0.1:${port}`, { tls: set.node }));
    expect((old as Error).message).toBe(`[transport.reset] tcp://127.0.0.1:${port}: it does not speak TLS 1.3`);
    server.close();
    const greet = (connection: Connection) => connection.write([text("220 welcome, stranger\r\n")]);
    const plain = await listen(undefined, { onConnection: greet });
    const none = await rejection(connect(plain.address, { tls: set.node }));
    expect(none).toMatchObject({ code: "transport.reset", fault: "peer" });
    expect((none as Error).message).toEndWith("it does not speak TLS");
    plain.stop();
  });
});

// Outside of the rules: the page of coverage counts their tests, and must not hang on what a machine has.
const ipv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
if (!ipv6) console.warn("skipped: TLS over IPv6, since this machine has no ::1");
test.if(ipv6)("TLS over IPv6", async () => {
  using set = await TlsSet.create();
  const listener = await listen("tcp://[::1]:0", {
    tls: set.node,
    onConnection: (each) => each.write([text("six")]),
  });
  const connection = await connect(listener.address, { tls: set.node });
  expect((await readBytes(connection, 3)).toString()).toBe("six");
  connection.abort("the test has seen enough");
  listener.stop();
});

test("r[link.tls.mutual] an authority of the system vouches for nobody, neither who dials nor who listens", async () => {
  using set = await TlsSet.create();
  const system = await TestAuthority.create("one of the system", validFor(1));
  const files = await set.issue({ name: "stranger" }, system);
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, system.cert]);
  try {
    await using listening = await serve(set.node);
    expect(await foreignClient(listening.port, pems(files))).toHaveLength(0);
    expect(listening.taken).toHaveLength(0);
    await using other = await serve(files);
    const error = await rejection(connect(`tcp://127.0.0.1:${other.port}`, { tls: set.node }));
    expect(error).toMatchObject({ code: "transport.refused", fault: "peer" });
  } finally {
    tls.setDefaultCACertificates(before);
  }
});

describe("r[link.tls.non-loopback] what leaves the machine", () => {
  test("may be bound with TLS", async () => {
    using set = await TlsSet.create();
    await using serving = await serve(set.node);
    const listener = await listen("tcp://0.0.0.0:0", { tls: set.node, onConnection: () => {} });
    listener.stop();
    expect(serving.listener.address).toMatchObject({ host: "127.0.0.1" });
  });

  test("is not dialled without TLS, and the error says what would do", async () => {
    const error = await rejection(connect("tcp://192.0.2.1:7000"));
    expect(error).toMatchObject({ code: "transport.refused", fault: "caller" });
    expect((error as Error).message).toBe(
      "[transport.refused] tcp://192.0.2.1:7000 is on another machine, and nothing would protect what travels: " +
        "give it certificates (tls; --tls-ca and so on), dial a loopback address, or allow it (insecure; --insecure)",
    );
  });

  test("is dialled with insecure: true", async () => {
    // Nobody is there, or no network: what matters is that it was tried.
    const error = await rejection(connect("tcp://192.0.2.1:7000", { insecure: true, deadlineMs: 1 }));
    expect(error).toMatchObject({ fault: "transport" });
  });

  test("is not a Unix socket, which takes no TLS", async () => {
    using set = await TlsSet.create();
    const error = await rejection(connect("unix:/no/such/file", { tls: set.node }));
    expect((error as Error).message).toContain("does not leave this machine: TLS is for tcp:// addresses");
  });
});
