import { hostname as ownName } from "node:os";
import { UsageError } from "../options.ts";
import type { Hello } from "../protocol.ts";
import { readHello } from "../schema.ts";
import { type ChannelEvents, type SocketChannel, socketHandlers } from "./channel.ts";
import { type InProcessIut, InProcessLink } from "./in-process.ts";
import { LineLink, type Link, LinkError } from "./link.ts";
import { PipeChannel } from "./pipe-channel.ts";
import { Child } from "./process.ts";
import { Recorder, type Tap } from "./recorder.ts";

/** The five ways in, and what has no link. r[iut.ways] */
export type Way =
  | { readonly kind: "launch"; readonly command: string }
  /**
   * `listen`: where to wait for the IUT, `HOST:PORT`; default a free port of loopback. The link has no TLS: who starts a run decides by
   * `insecure` whether other machines may reach it, and the command that repeats the run says so too.
   */
  | { readonly kind: "attach"; readonly listen?: string; readonly insecure?: boolean }
  | { readonly kind: "connect"; readonly address: string }
  | { readonly kind: "stdio"; readonly command: string }
  | { readonly kind: "in-process"; readonly iut: InProcessIut }
  /** Level 0: an endpoint that echoes every message, without adapter or link. `maxFrameLength`: its limit, where it is told. */
  | { readonly kind: "wire"; readonly address: string; readonly profile: string; readonly maxFrameLength?: number }
  /** No IUT: the answers of a recorded run. */
  | { readonly kind: "replay"; readonly open: () => Opened; readonly name: string; readonly command: string };

export interface OpenOptions {
  /** Milliseconds until hello must be there. */
  readonly deadline: number;
  /** 1, 2, …: for the marks of what a process prints. */
  readonly number: number;
  /** For people: what a process printed, and under attach what to start. */
  readonly log: (line: string) => void;
  /** Hears everything that happens on this link. */
  readonly tap?: Tap;
}

export interface Opened {
  readonly link: Link;
  readonly hello: Hello;
}

/** Opens one link and reads its hello. Throws `LinkError` or `ShapeError`, with everything it started ended again. */
export async function openLink(way: Way, options: OpenOptions): Promise<Opened> {
  switch (way.kind) {
    case "in-process":
      return inProcess(way.iut, options);
    case "wire":
      throw new LinkError("closed", "an echo endpoint has no control link");
    case "replay":
      return way.open();
    case "launch":
      return dialledBack("127.0.0.1:0", options, (env) => {
        return new Child(way.command, { env, mark: `[iut ${options.number}] `, log: options.log, stdio: false });
      });
    case "attach":
      return dialledBack(way.listen ?? "127.0.0.1:0", options, ({ TENSORWIRE_ADDR, TENSORWIRE_TOKEN }) => {
        const address = TENSORWIRE_ADDR.replace(EVERY_INTERFACE, `${ownName()}:`);
        options.log(`start the IUT with TENSORWIRE_ADDR=${address} TENSORWIRE_TOKEN=${TENSORWIRE_TOKEN}`);
        return undefined;
      });
    case "connect":
      return opened(await dial(way.address, options), "", options);
    case "stdio":
      return overPipes(way.command, options);
  }
}

function inProcess(iut: InProcessIut, { tap }: OpenOptions): Opened {
  const link = new InProcessLink(iut, tap);
  if (tap !== undefined) link.record.received(JSON.stringify(iut.hello));
  return { link, hello: readHello(iut.hello) };
}

async function opened(link: LineLink, token: string, { deadline }: OpenOptions): Promise<Opened> {
  try {
    const hello = readHello(await link.receive(deadline));
    if (hello.token !== token) throw new LinkError("line", `hello has the token ${JSON.stringify(hello.token)}`);
    return { link, hello };
  } catch (error) {
    await abandon(link);
    throw error;
  }
}

/** Closes a link that never came to a welcome. */
const abandon = (link: Link) => link.close();

async function overPipes(command: string, options: OpenOptions): Promise<Opened> {
  const child = new Child(command, { mark: `[iut ${options.number}] `, log: options.log, stdio: true });
  const link = new LineLink(new Recorder(options.tap), child);
  new PipeChannel(child.stdin, child.stdout, (channel) => link.attach(channel));
  return opened(link, "", options);
}

/** `HOST:PORT`, `[IPv6]:PORT`, or the path of a Unix socket. */
export function parseAddress(address: string): { hostname: string; port: number } | { unix: string } {
  const match = /^(?:\[([^\]]+)\]|([^/:]+)):(\d+)$/.exec(address);
  if (match === null) return { unix: address };
  return { hostname: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}

async function dial(address: string, { deadline, tap }: OpenOptions): Promise<LineLink> {
  const link = new LineLink(new Recorder(tap));
  // A connection that comes when nobody waits for it any more is closed again.
  let givenUp = false;
  const handlers = socketHandlers((channel: SocketChannel): ChannelEvents => {
    if (givenUp) queueMicrotask(() => channel.close());
    return givenUp ? { data: () => {}, end: () => {} } : link.attach(channel);
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    reject,
    deadline,
    new LinkError("deadline", `${address} did not take the connection in time`),
  );
  try {
    const dialled = Bun.connect<SocketChannel | undefined>({
      ...parseAddress(address),
      data: undefined,
      socket: { ...handlers, connectError: () => {} },
    } as Parameters<typeof Bun.connect<SocketChannel | undefined>>[0]);
    await Promise.race([dialled, late]);
    return link;
  } catch (error) {
    givenUp = true;
    if (error instanceof LinkError) throw error;
    throw new LinkError("closed", `cannot connect to ${address}: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Nobody can dial these; whoever listens there can be dialled by the name of its machine. */
const EVERY_INTERFACE = /^(?:0\.0\.0\.0|\[::\]):/;

/** One listener, one token, one link: nobody but the process that got the token becomes the IUT. r[iut.launch.token] */
async function dialledBack(
  listen: string,
  options: OpenOptions,
  start: (env: { TENSORWIRE_ADDR: string; TENSORWIRE_TOKEN: string }) => Child | undefined,
): Promise<Opened> {
  const place = parseAddress(listen);
  if ("unix" in place) throw new UsageError(`cannot listen on ${listen}: it is not HOST:PORT`);
  const { hostname, port } = place;
  const token = crypto.randomUUID();
  const arrived = Promise.withResolvers<Opened>();
  const strangers = new Set<LineLink>();
  let refused = "";
  const listener = listening(listen, {
    hostname,
    port,
    data: undefined,
    socket: socketHandlers((channel) => {
      const link = new LineLink(new Recorder(options.tap));
      const events = link.attach(channel);
      strangers.add(link);
      greet(link).catch(arrived.reject);
      return events;
    }),
  });

  async function greet(link: LineLink): Promise<void> {
    let message: unknown;
    try {
      message = await link.receive(options.deadline);
      const theirs = (message as { token?: unknown } | null)?.token;
      if (theirs !== token) throw new LinkError("line", `the token of hello is ${JSON.stringify(theirs)}`);
    } catch (error) {
      // Whoever else dials this port does not end the wait for the IUT.
      refused = `; a connection was refused: ${(error as Error).message}`;
      strangers.delete(link);
      return abandon(link);
    }
    arrived.resolve({ link, hello: readHello(message) });
  }

  const child = start({
    TENSORWIRE_ADDR: `${hostname.includes(":") ? `[${hostname}]` : hostname}:${listener.port}`,
    TENSORWIRE_TOKEN: token,
  });
  const timer = setTimeout(
    () => arrived.reject(new LinkError("deadline", `no hello within ${options.deadline / 1000} s${refused}`)),
    options.deadline,
  );
  child?.ended().then((how) => arrived.reject(new LinkError("closed", `${how} before it said hello${refused}`)));
  try {
    const result = await arrived.promise;
    const link = result.link as LineLink;
    strangers.delete(link);
    if (child !== undefined) link.stands(child);
    return result;
  } catch (error) {
    await child?.end(true);
    throw error;
  } finally {
    clearTimeout(timer);
    listener.stop(false);
    for (const stranger of strangers) await abandon(stranger);
  }
}

function listening(listen: string, options: Bun.TCPSocketListenOptions<SocketChannel | undefined>) {
  try {
    return Bun.listen<SocketChannel | undefined>(options);
  } catch (error) {
    throw new UsageError(`cannot listen on ${listen}: ${(error as Error).message}`);
  }
}
