// The shim: what the harness asks over the WebSocket, put to the codec of len64.js.
const codec = globalThis.len64;
const MOST = 67108864n;
const STEPS = { decode: ["feed", "feed_fill", "eof", "reset"], encode: ["encode", "reset"] };
const HELLO = {
  op: "hello",
  protocol: 1,
  token: "", // It stands in the URL.
  iut: { name: "tensorwire-browser", version: "1", language: "javascript" },
  profiles: { len64: { roles: ["decode", "encode"], max_frame_length: String(MOST) } },
  capabilities: [],
  error_granularity: "class",
};

const fromHex = (hex) => Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.substr(2 * i, 2), 16));
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Hex up to 4,096 bytes, length and digest above. */
async function shown(bytes) {
  if (bytes.length <= 4096) return toHex(bytes);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return { length: bytes.length, sha256: toHex(new Uint8Array(digest)) };
}

const declined = (reason) => ({ op: "declined", reason });

async function answer({ op, profile, role, limits, steps }) {
  if (op !== "case") return declined("operation");
  if (profile !== "len64") return declined("profile");
  if (!Object.hasOwn(STEPS, role)) return declined("role");
  const { max_frame_length = String(MOST), ...unknown } = limits;
  if (Object.keys(unknown).length > 0 || BigInt(max_frame_length) > MOST) return declined("limit");
  const known = (step) => Object.keys(step).length === 1 && STEPS[role].includes(Object.keys(step)[0]);
  if (!steps.every(known)) return declined("step");
  const limit = BigInt(max_frame_length);
  let decoder = new codec.Decoder(limit);
  let told = false;
  const lists = [];
  for (const step of steps) {
    const events = [];
    let payloads = [];
    if ("reset" in step) {
      decoder = new codec.Decoder(limit);
      told = false;
    } else if ("feed" in step) payloads = decoder.push(fromHex(step.feed));
    else if ("feed_fill" in step)
      payloads = decoder.push(new Uint8Array(step.feed_fill.count).fill(step.feed_fill.byte));
    else if ("encode" in step) events.push(await encoded(step.encode.payload, limit));
    else if (!told && decoder.end()) events.push({ event: "end" });
    for (const payload of payloads) events.push({ event: "message", value: { payload: await shown(payload) } });
    if (decoder.error && !told) {
      const { class: word, at } = decoder.error;
      events.push({ event: "error", class: word, at: String(at), fatal: true });
      told = true;
    }
    lists.push(events);
  }
  return { op: "result", steps: lists };
}

async function encoded(payload, limit) {
  const { byte, count } = payload.fill ?? { count: payload.length / 2 };
  if (BigInt(count) > limit) return { event: "error", class: "oversize.declared", at: "0", fatal: false };
  const frame = codec.encode(payload.fill ? new Uint8Array(count).fill(byte) : fromHex(payload));
  const bytes = await shown(frame);
  return { event: "bytes", ...(typeof bytes === "string" ? { hex: bytes } : bytes) };
}

// A page has document and location, a worker location alone; Node, Deno and Bun have process.
const say = (text) => {
  if (globalThis.document) document.querySelector("output").textContent = text;
  else console.log(text);
};
const url = globalThis.process?.argv[2] ?? new URLSearchParams(globalThis.location?.search).get("link");
if (url === null) say("Add ?link= and the URL that the harness prints, percent-encoded.");
else {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify(HELLO));
  socket.onmessage = async ({ data }) => {
    const request = JSON.parse(data);
    if (request.op === "bye") return socket.close();
    if (request.op === "welcome") return say("The harness asks.");
    const said = await answer(request).catch((error) => ({ op: "errored", text: String(error.stack ?? error) }));
    socket.send(JSON.stringify({ ...said, seq: request.seq }));
  };
  socket.onclose = ({ code, reason }) => say(`The link is over: ${[code, reason].filter(Boolean).join(", ")}.`);
}
