import { UsageError } from "../options.ts";
import { readHello } from "../schema.ts";
import { parseAddress } from "./address.ts";
import { type Channel, type ChannelEvents, type SocketChannel, socketHandlers } from "./channel.ts";
import { LineLink, type Link, LinkError } from "./link.ts";
import type { Child } from "./process.ts";
import { Recorder } from "./recorder.ts";
import type { Opened, OpenOptions } from "./ways.ts";
import { isWebSocket, listenForWebSockets } from "./web-socket.ts";

/** What an IUT that dials back is told. */
export type Invitation = Readonly<Record<"TENSORWIRE_ADDR" | "TENSORWIRE_TOKEN", string>>;

/** Closes a link that never came to a welcome. */
export const abandon = (link: Link) => link.close();

/** One listener, one token, one link: nobody but the process that got the token becomes the IUT. r[iut.launch.token] */
export async function dialledBack(
  listen: string,
  options: OpenOptions,
  start: (invitation: Invitation) => Child | undefined,
): Promise<Opened> {
  const token = crypto.randomUUID();
  const arrived = Promise.withResolvers<Opened>();
  const strangers = new Set<LineLink>();
  let refused = "";
  const refuse = (why: string) => {
    refused = `; a connection was refused: ${why}`;
  };
  const arrive = (channel: Channel, known: boolean): ChannelEvents => {
    const link = new LineLink(new Recorder(options.tap));
    const events = link.attach(channel);
    strangers.add(link);
    greet(link, known).catch(arrived.reject);
    return events;
  };
  const { address, stop } = listening(listen, { token, arrive, refuse });

  async function greet(link: LineLink, known: boolean): Promise<void> {
    let message: unknown;
    try {
      message = await link.receive(options.deadline);
      const theirs = (message as { token?: unknown } | null)?.token;
      if (theirs !== token && !(known && theirs === "")) {
        throw new LinkError("line", `the token of hello is ${JSON.stringify(theirs)}`);
      }
    } catch (error) {
      // Whoever else dials this port does not end the wait for the IUT.
      refuse((error as Error).message);
      strangers.delete(link);
      return abandon(link);
    }
    arrived.resolve({ link, hello: readHello(message) });
  }

  const child = start({ TENSORWIRE_ADDR: address, TENSORWIRE_TOKEN: token });
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
    stop();
    for (const stranger of strangers) await abandon(stranger);
  }
}

interface Door {
  readonly token: string;
  readonly arrive: (channel: Channel, known: boolean) => ChannelEvents;
  readonly refuse: (why: string) => void;
}

/** Listens on `HOST:PORT`, or for WebSockets on `ws://HOST:PORT`; gives back what the IUT is to dial. */
function listening(listen: string, { token, arrive, refuse }: Door): { address: string; stop: () => void } {
  const place = parseAddress(listen.replace(/^ws:\/\/([^/]*)\/?$/i, "$1"));
  const usage = (why: string) => new UsageError(`cannot listen on ${listen}: ${why}`);
  if ("unix" in place) throw usage("it is not HOST:PORT or ws://HOST:PORT");
  const { hostname, port } = place;
  const at = (taken: number) => `${hostname.includes(":") ? `[${hostname}]` : hostname}:${taken}`;
  try {
    if (isWebSocket(listen)) {
      const listener = listenForWebSockets({ hostname, port, token }, arrive, refuse);
      return { address: `ws://${at(listener.port)}/`, stop: listener.stop };
    }
    const data = undefined;
    const socket = socketHandlers((channel) => arrive(channel, false));
    const listener = Bun.listen<SocketChannel | undefined>({ hostname, port, data, socket });
    return { address: at(listener.port), stop: () => listener.stop(false) };
  } catch (error) {
    throw usage((error as Error).message);
  }
}
