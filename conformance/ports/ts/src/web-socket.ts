import { Conversation } from "./serve.ts";

/** Dials the harness; resolves when the link is over. r[iut.ways.web-socket] */
export function dialWebSocket(url: string, token: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  const conversation = new Conversation();
  socket.onopen = () => socket.send(conversation.hello(token));
  socket.onmessage = ({ data }: MessageEvent<string>) => void speak(conversation, socket, data).catch(reject);
  socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
  socket.onclose = () => {
    conversation.end();
    resolve();
  };
  return promise;
}

/** Waits for the harness on `ws://HOST:PORT`; gives back where that is. */
export function listenForWebSockets(url: string): string {
  const { hostname, port } = new URL(url);
  const server = Bun.serve<Conversation>({
    hostname,
    port: Number(port),
    fetch: (request, listener) =>
      listener.upgrade(request, { data: new Conversation() }) ? undefined : new Response(null, { status: 426 }),
    websocket: {
      idleTimeout: 0,
      open: (socket) => void socket.send(socket.data.hello("")),
      message: (socket, frame) => void speak(socket.data, socket, String(frame)),
      close: ({ data }) => data.end(),
    },
  });
  return `ws://${server.hostname}:${server.port}/`;
}

interface Frames {
  send(text: string): unknown;
  close(): void;
}

async function speak(conversation: Conversation, socket: Frames, line: string): Promise<void> {
  const said = await conversation.answer(line);
  if (said === "bye") socket.close();
  else if (said !== undefined) socket.send(said);
}
