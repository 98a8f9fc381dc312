import { hostname as ownName } from "node:os";
import type { Hello } from "../protocol.ts";
import { readHello } from "../schema.ts";
import { parseAddress } from "./address.ts";
import { type Channel, type ChannelEvents, type SocketChannel, socketHandlers } from "./channel.ts";
import { abandon, dialledBack, type Invitation } from "./dial-back.ts";
import { type InProcessIut, InProcessLink } from "./in-process.ts";
import { LineLink, type Link, LinkError } from "./link.ts";
import { PipeChannel } from "./pipe-channel.ts";
import { Child } from "./process.ts";
import { Recorder, type Tap } from "./recorder.ts";
import { dialWebSocket, isWebSocket } from "./web-socket.ts";

/** The ways in, and what has no link. r[iut.ways] */
export type Way =
  | { readonly kind: "launch"; readonly command: string }
  /**
   * `listen`: where to wait for the IUT, `HOST:PORT`, or `ws://HOST:PORT` for one that dials by WebSocket; default a free port of loopback. The link has no TLS: who starts a run decides by
   * `insecure` whether other machines may reach it, and the command that repeats the run says so too.
   */
  | { readonly kind: "attach"; readonly listen?: string; readonly insecure?: boolean }
  /** `HOST:PORT`, the path of a Unix socket, or the URL of a WebSocket. */
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
      return dialledBack(way.listen ?? "127.0.0.1:0", options, (invitation) => {
        options.log(invite(invitation));
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

/** What the user is told to start, and what a page is to dial, which has no environment. */
function invite({ TENSORWIRE_ADDR, TENSORWIRE_TOKEN }: Invitation): string {
  const address = TENSORWIRE_ADDR.replace(EVERY_INTERFACE, (_, before: string) => `${before}${ownName()}:`);
  const page = isWebSocket(address) ? `; a page dials ${address}?token=${TENSORWIRE_TOKEN}` : "";
  return `start the IUT with TENSORWIRE_ADDR=${address} TENSORWIRE_TOKEN=${TENSORWIRE_TOKEN}${page}`;
}

async function overPipes(command: string, options: OpenOptions): Promise<Opened> {
  const child = new Child(command, { mark: `[iut ${options.number}] `, log: options.log, stdio: true });
  const link = new LineLink(new Recorder(options.tap), child);
  new PipeChannel(child.stdin, child.stdout, (channel) => link.attach(channel));
  return opened(link, "", options);
}

async function dial(address: string, { deadline, tap }: OpenOptions): Promise<LineLink> {
  const link = new LineLink(new Recorder(tap));
  // A connection that comes when nobody waits for it any more is closed again.
  let givenUp = false;
  const events = (channel: Channel): ChannelEvents => {
    if (givenUp) queueMicrotask(() => channel.close());
    return givenUp ? { data: () => {}, end: () => {}, broken: () => {} } : link.attach(channel);
  };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    reject,
    deadline,
    new LinkError("deadline", `${address} did not take the connection in time`),
  );
  try {
    await (isWebSocket(address) ? dialWebSocket(address, events, late) : dialSocket(address, events, late));
    return link;
  } catch (error) {
    givenUp = true;
    if (error instanceof LinkError) throw error;
    throw new LinkError("closed", `cannot connect to ${address}: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

async function dialSocket(
  address: string,
  events: (channel: SocketChannel) => ChannelEvents,
  late: Promise<never>,
): Promise<void> {
  const dialled = Bun.connect<SocketChannel | undefined>({
    ...parseAddress(address),
    data: undefined,
    socket: { ...socketHandlers(events), connectError: () => {} },
  } as Parameters<typeof Bun.connect<SocketChannel | undefined>>[0]);
  await Promise.race([dialled, late]);
}

/** Nobody can dial these; whoever listens there can be dialled by the name of its machine. */
const EVERY_INTERFACE = /(^|\/)(?:0\.0\.0\.0|\[::\]):/;
